package server_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
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
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/server"
)

// asker searches until its association breaks, each time for a patient that
// nobody else asks for, and remembers which searches were answered.
type asker struct {
	mu       sync.Mutex
	answered []string
}

func (a *asker) run(t *testing.T, r *running, d *device, seed string) {
	client, err := r.associate(t, d, ul.RequestOptions{Contexts: []ul.ProposedContext{{
		AbstractSyntax: dict.UIDStudyRootQueryRetrieveInformationModelFind, TransferSyntaxes: []dicom.UID{encoding.ExplicitLE.UID}}}})
	if err != nil {
		return // killed before
	}
	for i := 0; ; i++ {
		id := fmt.Sprintf("ASK-%s-%d", seed, i)
		keys := new(dicom.DataSet)
		keys.PutString(dict.QueryRetrieveLevel, dicom.VRCS, "STUDY")
		keys.PutString(dict.PatientID, dicom.VRLO, id)
		for _, err := range client.Find(context.Background(), dimse.QueryRequest{SOPClass: dict.UIDStudyRootQueryRetrieveInformationModelFind, Identifier: keys}) {
			if err != nil {
				return
			}
		}
		a.mu.Lock()
		a.answered = append(a.answered, id)
		a.mu.Unlock()
	}
}

// TestKillLeavesNoAnswerWithoutItsRecord kills the archive (kill -9) at random
// moments under load: every store and every search that was answered is in the
// trail, the trail is whole, and it is what the last checkpoint says.
// TRESOR_KILLS is how often.
func TestKillLeavesNoAnswerWithoutItsRecord(t *testing.T) {
	kills := 5
	if v := os.Getenv("TRESOR_KILLS"); v != "" {
		kills = atoi(t, v)
	} else if testing.Short() {
		kills = 2
	}
	dir := t.TempDir()
	first := startIn(t, dir, nil)
	d := first.enrol(t, "ct1", "CT1", "echo,store,find,get", nil)
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	s := &sender{acked: map[dicom.UID][]byte{}, underway: map[dicom.UID][]byte{}}
	a := new(asker)
	for i := range kills {
		r, cmd := spawn(t, dir)
		var wg sync.WaitGroup
		for n := range 3 {
			wg.Go(func() { s.run(t, r, d, uint64(1000+i*10+n)) })
			wg.Go(func() { a.run(t, r, d, fmt.Sprint(i, n)) })
		}
		time.Sleep(time.Duration(50+rand.IntN(400)) * time.Millisecond)
		cmd.Process.Signal(syscall.SIGKILL)
		cmd.Wait()
		wg.Wait()
		if t.Failed() {
			t.FailNow()
		}
	}
	stored, asked := map[dicom.UID]bool{}, map[string]bool{}
	for r, err := range server.SearchTrail(t.Context(), dir, audit.Filter{Codes: []audit.Code{audit.InstancesTransferred, audit.Query}}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, uid := range r.Event.Instances {
			stored[uid] = true
		}
		if _, rest, ok := strings.Cut(string(r.Event.Query), "ASK-"); ok {
			asked["ASK-"+strings.TrimRight(rest, " \x00")] = true
		}
	}
	for uid := range s.acked {
		if !stored[uid] {
			t.Errorf("%s was acknowledged and is not in the trail", uid)
		}
	}
	for _, id := range a.answered {
		if !asked[id] {
			t.Errorf("%s was answered and is not in the trail", id)
		}
	}
	if report, err := server.VerifyTrail(t.Context(), dir, server.Against{}); err != nil || !report.OK() || report.Checkpoint == 0 {
		t.Errorf("trail: %+v, %v", report, err)
	}
	t.Logf("%d kills, %d stores acknowledged, %d searches answered", kills, len(s.acked), len(a.answered))
}
