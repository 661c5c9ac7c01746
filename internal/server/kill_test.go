package server_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/server"
)

// serveVariable makes the test program an archive, so that it can be killed.
const serveVariable = "TRESOR_TEST_SERVE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(serveVariable); dir != "" {
		c := server.DefaultConfig()
		c.DICOM, c.HTTPS = "127.0.0.1:0", "127.0.0.1:0"
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		if err := server.Run(ctx, dir, c, "test", os.Stdout, os.Stderr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// spawn starts an archive in a process of its own.
func spawn(t *testing.T, dir string) (*running, *exec.Cmd) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveVariable+"="+dir)
	r := &running{dir: dir, log: &safeBuffer{}}
	cmd.Stderr = r.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the archive does not start: %v\n%s", err, r.log)
	}
	for word := range strings.FieldsSeq(line) {
		if a, ok := strings.CutPrefix(word, "dicom="); ok {
			r.dicom = a
		}
	}
	return r, cmd
}

// sender sends small instances until its association breaks, and remembers what
// was acknowledged and what was under way.
type sender struct {
	mu       sync.Mutex
	acked    map[dicom.UID][]byte
	underway map[dicom.UID][]byte
}

func (s *sender) run(t *testing.T, r *running, d *device, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	client, err := r.associate(t, d, ul.RequestOptions{Contexts: []ul.ProposedContext{{
		AbstractSyntax: dict.UIDSecondaryCaptureImageStorage, TransferSyntaxes: []dicom.UID{encoding.ExplicitLE.UID}}}})
	if err != nil {
		return // killed before
	}
	for {
		uid := dicom.NewUID()
		b := crashInstance(t, uid, dicom.UID(fmt.Sprintf("2.25.%d", random.IntN(5)+1)), random)
		s.mu.Lock()
		s.underway[uid] = b
		s.mu.Unlock()
		result, err := client.Store(context.Background(), dimse.StoreRequest{SOPClass: dict.UIDSecondaryCaptureImageStorage,
			SOPInstance: uid, TransferSyntax: encoding.ExplicitLE.UID, DataSet: bytes.NewReader(b)})
		if err != nil {
			return
		}
		if result.Status != dimse.StatusSuccess {
			t.Errorf("refused: %v\n%s", result.Status, r.log)
			return
		}
		s.mu.Lock()
		s.acked[uid] = b
		delete(s.underway, uid)
		s.mu.Unlock()
	}
}

// crashInstance makes an instance: mostly small, now and then one that is too
// large to share a file with others.
func crashInstance(t *testing.T, uid, study dicom.UID, random *rand.Rand) []byte {
	ds := new(dicom.DataSet)
	ds.PutUID(dict.SOPClassUID, dict.UIDSecondaryCaptureImageStorage)
	ds.PutUID(dict.SOPInstanceUID, uid)
	ds.PutString(dict.PatientID, dicom.VRLO, "4711")
	ds.PutUID(dict.StudyInstanceUID, study)
	ds.PutUID(dict.SeriesInstanceUID, study+".1")
	n := 2 * (random.IntN(20_000) + 1)
	if random.IntN(20) == 0 {
		n = 3 << 20
	}
	pixels := make([]byte, n)
	for i := range pixels {
		pixels[i] = byte(random.Uint32())
	}
	ds.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROB, Data: pixels})
	b, err := encoding.Append(nil, encoding.ExplicitLE, ds)
	if err != nil {
		t.Error(err)
	}
	return b
}

// TestKill kills the archive at random moments while devices send, starts it
// again, and looks: everything acknowledged is there bit for bit, nothing is
// there in part, and nobody had to repair anything. TRESOR_KILLS is how often.
func TestKill(t *testing.T) {
	kills := 12
	if v := os.Getenv("TRESOR_KILLS"); v != "" {
		kills = atoi(t, v)
	} else if testing.Short() {
		kills = 3
	}
	dir := t.TempDir()
	first := startIn(t, dir, nil)
	d := first.enrol(t, "ct1", "CT1", "echo,store,find,get", nil)
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	s := &sender{acked: map[dicom.UID][]byte{}, underway: map[dicom.UID][]byte{}}
	checked := map[dicom.UID]bool{}
	for i := range kills {
		r, cmd := spawn(t, dir)
		s.check(t, r, d, checked)
		var wg sync.WaitGroup
		for n := range 4 {
			wg.Go(func() { s.run(t, r, d, uint64(i*10+n)) })
		}
		time.Sleep(time.Duration(50+rand.IntN(400)) * time.Millisecond)
		cmd.Process.Signal(syscall.SIGKILL)
		cmd.Wait()
		wg.Wait()
		if t.Failed() {
			t.Fatalf("after %d kills", i+1)
		}
	}
	r, cmd := spawn(t, dir)
	s.check(t, r, d, checked)
	cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("SIGTERM does not end it well: %v\n%s", err, r.log)
	}
	v, err := server.VerifyData(t.Context(), dir, func(d archive.Difference) { t.Errorf("%+v", d) }, nil)
	if err != nil || v.Objects != v.Instances {
		t.Errorf("%+v, %v", v, err)
	}
	if report, err := server.VerifyTrail(t.Context(), dir, server.Against{}); err != nil || !report.OK() {
		t.Errorf("trail: %+v, %v", report, err)
	}
	t.Logf("%d kills, %d instances acknowledged, %d in the archive", kills, len(s.acked), v.Instances)
}

// check fetches what was acknowledged since the last check, and what was under
// way: that is there whole or not at all.
func (s *sender) check(t *testing.T, r *running, d *device, checked map[dicom.UID]bool) {
	t.Helper()
	for uid, b := range s.acked {
		if checked[uid] {
			continue
		}
		checked[uid] = true
		back, err := r.fetch(t, d, corpusFile{class: dict.UIDSecondaryCaptureImageStorage, instance: uid, syntax: encoding.ExplicitLE.UID})
		if err != nil || !bytes.Equal(back, b) {
			t.Errorf("%s was acknowledged: %d bytes back of %d, %v", uid, len(back), len(b), err)
		}
	}
	for uid, b := range s.underway {
		back, err := r.fetch(t, d, corpusFile{class: dict.UIDSecondaryCaptureImageStorage, instance: uid, syntax: encoding.ExplicitLE.UID})
		var status dimse.Status
		if err != nil && !errors.As(err, &status) || len(back) > 0 && !bytes.Equal(back, b) {
			t.Errorf("%s was under way: %d bytes back of %d, %v", uid, len(back), len(b), err)
		}
	}
	clear(s.underway)
}
