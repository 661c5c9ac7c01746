package dimse

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/ul"
)

// dcmtk returns a command of DCMTK, or skips the test. Without TCP_NODELAY its
// clients wait on Nagle's algorithm.
func dcmtk(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("SKIPPED: %s of DCMTK is not installed (Debian package dcmtk)", name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "TCP_NODELAY=1")
	return cmd
}

func run(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(cmd.Path), err, out)
	}
	return string(out)
}

// hostPort returns the address in the two words that DCMTK takes.
func hostPort(t *testing.T, addr string) (host, port string) {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

// writeSlices writes invented slices as files and returns their names.
func writeSlices(t *testing.T, n, side int) []string {
	t.Helper()
	dir := t.TempDir()
	var names []string
	for i := range n {
		_, _, file, err := slice(i+1, side)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, fmt.Sprintf("%d.dcm", i+1))
		if err := os.WriteFile(name, file, 0o600); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// TestDCMTKClients lets the clients of DCMTK do everything with our server.
func TestDCMTKClients(t *testing.T) {
	const instances, side = 4, 300
	back := freePort(t)
	m := &memoryArchive{moveTo: net.JoinHostPort("127.0.0.1", back)}
	s := startSCP(t, m.routes().route, ServeOptions{})
	host, port := hostPort(t, s.addr)

	run(t, dcmtk(t, "echoscu", "-aec", "PACS", "--repeat", "3", host, port))

	run(t, dcmtk(t, "storescu", append([]string{"-aec", "PACS", "-pdu", "131072", host, port}, writeSlices(t, instances, side)...)...))
	for i, h := range m.all() {
		uid, want, _, _ := slice(i+1, side)
		if h.instance != uid || h.ts != explicit || !bytes.Equal(h.data, want) {
			t.Errorf("instance %d came as %s in %s with %d bytes, sent %d", i, h.instance, h.ts, len(h.data), len(want))
		}
	}

	out := run(t, dcmtk(t, "findscu", "-v", "-S", "-aec", "PACS", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID", "-k", "PatientID", host, port))
	for i := range instances {
		if !strings.Contains(out, fmt.Sprintf("[P%d", i)) {
			t.Errorf("findscu did not see match %d:\n%s", i, out)
		}
	}
	run(t, dcmtk(t, "findscu", "-S", "-aec", "PACS", "--cancel", "1", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID", host, port))

	dir := t.TempDir()
	run(t, dcmtk(t, "getscu", "-S", "+B", "-aec", "PACS", "-od", dir, "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=2.25.1234567890", host, port))
	checkFiles(t, dir, instances, side)

	movescu := dcmtk(t, "movescu", "-S", "+B", "-aec", "PACS", "-aem", "MOVESCU", "+P", back, "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=2.25.1234567890", host, port)
	movescu.Dir = t.TempDir() // its -od does not hold with +B
	run(t, movescu)
	checkFiles(t, movescu.Dir, instances, side)
	for _, err := range s.ended(t, 6) {
		if err != nil {
			t.Errorf("an association ended with %v", err)
		}
	}
}

// checkFiles compares what a client wrote: bit for bit, after the File Meta
// Information.
func checkFiles(t *testing.T, dir string, instances, side int) {
	t.Helper()
	found := make(map[int]bool)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for i := 1; i <= instances; i++ {
			if _, want, _, _ := slice(i, side); bytes.HasSuffix(b, want) {
				found[i] = true
			}
		}
	}
	if len(found) != instances {
		t.Errorf("%d files, %d of %d instances bit for bit", len(entries), len(found), instances)
	}
}

// start starts a server of DCMTK and waits until it takes connections.
func start(t *testing.T, cmd *exec.Cmd, port string) (addr string) {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s:\n%s", filepath.Base(cmd.Path), out.String())
		}
	})
	addr = net.JoinHostPort("127.0.0.1", port)
	for range 200 {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			return addr
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("%s does not listen", filepath.Base(cmd.Path))
	return ""
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port := hostPort(t, l.Addr().String())
	return port
}

// TestStoreSCP: our client and storescp.
func TestStoreSCP(t *testing.T) {
	const instances, side = 3, 300
	dir, port := t.TempDir(), freePort(t)
	addr := start(t, dcmtk(t, "storescp", "+B", "-pdu", "131072", "-od", dir, port), port)
	c, err := Dial(t.Context(), addr, DialOptions{RequestOptions: ul.RequestOptions{
		Called: "STORESCP", Calling: "TRESOR", Contexts: contexts(dict.UIDVerification, ct)}})
	if err != nil {
		t.Fatal(err)
	}
	if status, err := c.Echo(t.Context()); err != nil || status != StatusSuccess {
		t.Errorf("echo: %v, %v", status, err)
	}
	storeSlices(t, c, instances, side)
	closeClient(t, c)
	checkFiles(t, dir, instances, side)
}

func storeSlices(t *testing.T, c *Client, instances, side int) {
	t.Helper()
	for i := range instances {
		uid, data, _, _ := slice(i+1, side)
		r, err := c.Store(t.Context(), held{ct, uid, explicit, data}.request())
		if err != nil || r.Status != StatusSuccess {
			t.Fatalf("store: %+v, %v", r, err)
		}
	}
}

// startQRSCP starts dcmqrscp, which knows one destination: WORKSTATION.
func startQRSCP(t *testing.T, destination string) (addr string) {
	t.Helper()
	dir, port := t.TempDir(), freePort(t)
	_, to := hostPort(t, destination)
	config := fmt.Sprintf(`NetworkTCPPort = %s
MaxPDUSize = 131072
MaxAssociations = 8
HostTable BEGIN
workstation = (WORKSTATION, 127.0.0.1, %s)
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
PACS %s RW (100, 1024mb) ANY
AETable END
`, port, to, dir)
	name := filepath.Join(t.TempDir(), "dcmqrscp.cfg")
	if err := os.WriteFile(name, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return start(t, dcmtk(t, "dcmqrscp", "-s", "-c", name), port)
}

// TestQRSCP: our client and dcmqrscp. It is single-threaded here, so that the
// C-MOVE comes to us while it answers us.
func TestQRSCP(t *testing.T) {
	const instances, side = 3, 100
	received := new(memoryArchive)
	workstation := startSCPNamed(t, received.routes().route, "WORKSTATION")
	addr := startQRSCP(t, workstation.addr)
	c, err := Dial(t.Context(), addr, DialOptions{RequestOptions: ul.RequestOptions{Called: "PACS", Calling: "WORKSTATION",
		Contexts: contexts(dict.UIDVerification, ct, studyFind, studyGet, studyMove),
		Roles:    []ul.RoleSelection{{SOPClass: ct, SCU: true, SCP: true}}}})
	if err != nil {
		t.Fatal(err)
	}
	storeSlices(t, c, instances, side)
	q := new(dicom.DataSet)
	q.PutString(dict.QueryRetrieveLevel, dicom.VRCS, "STUDY")
	q.PutString(dict.PatientID, dicom.VRLO, "")
	q.PutUID(dict.StudyInstanceUID, "2.25.1234567890")
	n := 0
	for ds, err := range c.Find(t.Context(), QueryRequest{SOPClass: studyFind, Identifier: q}) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; ds.String(dict.PatientID) != "INVENTED-1" {
			t.Errorf("match: %q", ds.String(dict.PatientID))
		}
	}
	if n != 1 {
		t.Errorf("%d matches", n)
	}
	got := new(memoryArchive)
	r, err := c.Get(t.Context(), QueryRequest{SOPClass: studyGet, Identifier: q}, HandlerFunc(got.store))
	if err != nil || r.Status != StatusSuccess || r.SubOps == nil || r.SubOps.Completed != instances {
		t.Errorf("get: %+v, %v", r, err)
	}
	r, err = c.Move(t.Context(), QueryRequest{SOPClass: studyMove, Identifier: q, Destination: "WORKSTATION"})
	if err != nil || r.Status != StatusSuccess {
		t.Errorf("move: %+v, %v", r, err)
	}
	for name, m := range map[string]*memoryArchive{"get": got, "move": received} {
		if len(m.all()) != instances {
			t.Errorf("%s: %d instances", name, len(m.all()))
		}
		for i, h := range m.all() {
			if h.ts != explicit || len(h.data) < 2*side*side {
				t.Errorf("%s: instance %d in %s, %d bytes", name, i, h.ts, len(h.data))
			}
		}
	}
	r, err = c.Move(t.Context(), QueryRequest{SOPClass: studyMove, Identifier: q, Destination: "NOWHERE"})
	if err != nil || r.Status != StatusMoveDestinationUnknown {
		t.Errorf("move to nowhere: %+v, %v", r, err)
	}
	closeClient(t, c)
}
