package dimse

import (
	"bytes"
	"context"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/peers"
)

var update = flag.Bool("update", false, "record the conversations with DCMTK and Orthanc anew")

// flow is what one side said until the other one spoke.
type flow struct {
	ours bool
	data []byte
}

// tape is a transport connection that remembers what passes.
type tape struct {
	net.Conn
	mu    sync.Mutex
	flows []flow
}

func (r *tape) note(ours bool, b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.flows); n == 0 || r.flows[n-1].ours != ours {
		r.flows = append(r.flows, flow{ours: ours})
	}
	last := &r.flows[len(r.flows)-1]
	last.data = append(last.data, b...)
}

func (r *tape) Read(b []byte) (int, error) {
	n, err := r.Conn.Read(b)
	if n > 0 {
		r.note(false, b[:n])
	}
	return n, err
}

func (r *tape) Write(b []byte) (int, error) {
	r.note(true, b)
	return r.Conn.Write(b)
}

func tapeName(name string) string { return filepath.Join("testdata", "recorded", name+".txt") }

// save writes a conversation: "> " lines are ours, "< " lines the peer's.
func (r *tape) save(t *testing.T, name string) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: a conversation with a real peer. go test -run Recorded -update records it anew.\n", name)
	for i, f := range r.flows {
		fmt.Fprintf(&b, "# flow %d, %d bytes\n", i+1, len(f.data))
		for rest := f.data; len(rest) > 0; {
			n := min(len(rest), 32)
			fmt.Fprintf(&b, "%s %s\n", pick(f.ours, ">", "<"), hex.EncodeToString(rest[:n]))
			rest = rest[n:]
		}
	}
	if err := os.MkdirAll(filepath.Dir(tapeName(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(tapeName(name), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func loadTape(t *testing.T, name string) []flow {
	t.Helper()
	b, err := os.ReadFile(tapeName(name))
	if err != nil {
		t.Fatal(err)
	}
	var r tape
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		data, err := hex.DecodeString(strings.TrimSpace(line[2:]))
		if err != nil {
			t.Fatal(err)
		}
		r.note(line[0] == '>', data)
	}
	return r.flows
}

// replay plays the peer's part over conn and compares what we say.
func replay(conn net.Conn, flows []flow) error {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	for i, f := range flows {
		if !f.ours {
			if _, err := conn.Write(f.data); err != nil {
				return fmt.Errorf("flow %d: %w", i+1, err)
			}
			continue
		}
		got := make([]byte, len(f.data))
		n, err := io.ReadFull(conn, got)
		if !bytes.Equal(got[:n], f.data) {
			at := 0
			for at < n && got[at] == f.data[at] {
				at++
			}
			return fmt.Errorf("flow %d: we say something else from byte %d on:\n got %x\nwant %x", i+1, at, got[at:n], f.data[at:])
		}
		if err != nil {
			return fmt.Errorf("flow %d: %w", i+1, err)
		}
	}
	return nil
}

// heldArchive is a memoryArchive with one small slice in it.
func heldArchive(t *testing.T) *memoryArchive {
	t.Helper()
	uid, data, _, err := slice(1, 8)
	if err != nil {
		t.Fatal(err)
	}
	return &memoryArchive{instances: []held{{ct, uid, explicit, data}}}
}

// tool lets a client of DCMTK talk to us.
func tool(name string, args ...string) func(*testing.T, string) {
	return func(t *testing.T, addr string) {
		host, port := hostPort(t, addr)
		args := append([]string{"-aec", "PACS"}, args...)
		if name == "getscu" {
			args = append(args, "-od", t.TempDir())
		}
		args = append(args, host, port)
		if name == "storescu" {
			args = append(args, writeSlices(t, 1, 8)...)
		}
		run(t, dcmtk(t, name, args...))
	}
}

// orthanc lets an Orthanc, which knows us as "us", do something.
func orthanc(act func(*testing.T, *peers.API) error) func(*testing.T, string) {
	return func(t *testing.T, addr string) {
		_, port := hostPort(t, addr)
		number, err := strconv.Atoi(port)
		if err != nil {
			t.Fatal(err)
		}
		api := peers.Run(t, peers.Orthanc{}).API()
		if err := api.Know("us", peers.Modality{AET: "PACS", Port: number}); err != nil {
			t.Fatal(err)
		}
		if err := act(t, api); err != nil {
			t.Fatal(err)
		}
	}
}

func orthancStores(t *testing.T, api *peers.API) error {
	file, err := os.ReadFile(writeSlices(t, 1, 8)[0])
	if err != nil {
		return err
	}
	id, err := api.Upload(file)
	if err != nil {
		return err
	}
	if failed, err := api.Store("us", id); failed > 0 || err != nil {
		return fmt.Errorf("%d failed: %w", failed, err)
	}
	return nil
}

func orthancFinds(_ *testing.T, api *peers.API) error {
	_, answers, err := api.Query("us", "Study", map[string]string{"PatientID": "", "StudyInstanceUID": ""})
	if err == nil && len(answers) != 1 {
		err = fmt.Errorf("%d answers", len(answers))
	}
	return err
}

// TestRecordedClients: clients of DCMTK and Orthanc, and our server.
func TestRecordedClients(t *testing.T) {
	study := []string{"-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID", "-k", "PatientID"}
	for name, talk := range map[string]func(t *testing.T, addr string){
		"echoscu":        tool("echoscu"),
		"storescu":       tool("storescu"),
		"findscu":        tool("findscu", study...),
		"getscu":         tool("getscu", study...),
		"orthanc-echoes": orthanc(func(_ *testing.T, api *peers.API) error { return api.Echo("us") }),
		"orthanc-stores": orthanc(orthancStores),
		"orthanc-finds":  orthanc(orthancFinds),
	} {
		t.Run(name, func(t *testing.T) {
			route := heldArchive(t).routes().route
			if *update {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				served := make(chan error, 1)
				r := new(tape)
				go func() {
					if r.Conn, err = l.Accept(); err == nil {
						err = serveConn(r, route)
					}
					served <- err
				}()
				talk(t, l.Addr().String())
				if err := <-served; err != nil {
					t.Fatal(err)
				}
				r.save(t, name)
			}
			ours, theirs := net.Pipe()
			replayed := make(chan error, 1)
			go func() { replayed <- replay(theirs, loadTape(t, name)) }()
			if err := serveConn(ours, route); err != nil {
				t.Error(err)
			}
			if err := <-replayed; err != nil {
				t.Error(err)
			}
		})
	}
}

func serveConn(conn net.Conn, route Route) error {
	ctx := context.Background()
	a, err := ul.Accept(ctx, conn, ul.AcceptOptions{Negotiate: acceptAs("PACS")})
	if err != nil {
		return err
	}
	return Serve(ctx, a, route, ServeOptions{Logger: quiet()})
}

// TestRecordedServers: our client and servers of DCMTK, and Orthanc.
func TestRecordedServers(t *testing.T) {
	for name, c := range map[string]struct {
		start func(*testing.T) string
		talk  func(context.Context, *testing.T, *Client)
	}{
		"storescp": {
			func(t *testing.T) string {
				port := freePort(t)
				return start(t, dcmtk(t, "storescp", "-od", t.TempDir(), port), port)
			},
			func(ctx context.Context, t *testing.T, c *Client) {
				if status, err := c.Echo(ctx); err != nil || status != StatusSuccess {
					t.Errorf("echo: %v, %v", status, err)
				}
				storeSlices(t, c, 1, 8)
			},
		},
		"dcmqrscp": {
			func(t *testing.T) string { return startQRSCP(t, "127.0.0.1:104") },
			func(ctx context.Context, t *testing.T, c *Client) {
				storeSlices(t, c, 1, 8)
				queryAndGet(ctx, t, c)
			},
		},
		"orthanc": {
			func(t *testing.T) string {
				modality := peers.Modality{AET: "TRESOR", Port: 104} // C-FIND and C-GET only for whom it knows
				return peers.Run(t, peers.Orthanc{AET: "PACS", Knows: map[string]peers.Modality{"us": modality}}).Address()
			},
			func(ctx context.Context, t *testing.T, c *Client) {
				if status, err := c.Echo(ctx); err != nil || status != StatusSuccess {
					t.Errorf("echo: %v, %v", status, err)
				}
				storeSlices(t, c, 1, 8)
				queryAndGet(ctx, t, c)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if *update {
				conn, err := net.Dial("tcp", c.start(t))
				if err != nil {
					t.Fatal(err)
				}
				r := &tape{Conn: conn}
				converseAs(t, r, c.talk)
				r.save(t, name)
			}
			ours, theirs := net.Pipe()
			replayed := make(chan error, 1)
			go func() { replayed <- replay(theirs, loadTape(t, name)) }()
			converseAs(t, ours, c.talk)
			if err := <-replayed; err != nil {
				t.Error(err)
			}
		})
	}
}

func converseAs(t *testing.T, conn net.Conn, talk func(context.Context, *testing.T, *Client)) {
	t.Helper()
	a, err := ul.Request(t.Context(), conn, ul.RequestOptions{Called: "PACS", Calling: "TRESOR",
		Contexts: contexts(dict.UIDVerification, ct, studyFind, studyGet),
		Roles:    []ul.RoleSelection{{SOPClass: ct, SCU: true, SCP: true}}})
	if err != nil {
		t.Fatal(err)
	}
	c := NewClient(a, ClientOptions{})
	talk(t.Context(), t, c)
	closeClient(t, c)
}

func queryAndGet(ctx context.Context, t *testing.T, c *Client) {
	q := withID("")
	q.PutUID(dict.StudyInstanceUID, "2.25.1234567890")
	var ids []string
	for ds, err := range c.Find(ctx, QueryRequest{SOPClass: studyFind, Identifier: q}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, ds.String(dict.PatientID))
	}
	if fmt.Sprint(ids) != "[INVENTED-1]" {
		t.Errorf("found %v", ids)
	}
	got := new(memoryArchive)
	r, err := c.Get(ctx, QueryRequest{SOPClass: studyGet, Identifier: q}, HandlerFunc(got.store))
	if err != nil || r.Status != StatusSuccess || len(got.all()) != 1 || got.all()[0].instance != dicom.UID("2.25.1234567890.1") {
		t.Errorf("get: %+v, %v, %d instances", r, err, len(got.all()))
	}
}
