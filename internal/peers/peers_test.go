package peers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sample makes a small object with DCMTK's dump2dcm: what is tested here is
// others' programs with others' files.
func sample(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	dump, file := filepath.Join(dir, "dump"), filepath.Join(dir, "a.dcm")
	text := `(0008,0016) UI =SecondaryCaptureImageStorage
(0008,0018) UI [2.25.1]
(0008,0020) DA [20240102]
(0008,0050) SH [A1]
(0008,0060) CS [OT]
(0010,0010) PN [Invented^Ida]
(0010,0020) LO [P1]
(0020,000d) UI [2.25.2]
(0020,000e) UI [2.25.3]
(0020,0010) SH [1]
(0020,0011) IS [1]
(0020,0013) IS [1]
`
	if err := os.WriteFile(dump, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := Tool(t, "dump2dcm", dump, file); r.Code != 0 {
		t.Fatalf("dump2dcm: %s", r.Output)
	}
	return file
}

// identities returns certificates of a server and a client.
func identities(t *testing.T) (server, client TLS) {
	t.Helper()
	a, err := NewAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if server, err = a.Issue("server"); err != nil {
		t.Fatal(err)
	}
	if client, err = a.Issue("client"); err != nil {
		t.Fatal(err)
	}
	return server, client
}

// port is the port as an argument.
func port(p *Peer) string { return strings.TrimPrefix(p.Address(), "127.0.0.1:") }

func mustStore(t *testing.T, p *Peer, file string, options ...string) {
	t.Helper()
	args := append([]string{"-d", "-aec", p.AET, "-R"}, options...)
	r := Tool(t, "storescu", append(args, "127.0.0.1", port(p), file)...)
	if s := r.Statuses(); r.Code != 0 || len(s) == 0 || s[len(s)-1] != 0 {
		t.Fatalf("storescu to %s: status %d, DIMSE statuses %x\n%s", p.Name, r.Code, s, r.Output)
	}
}

func TestStorescp(t *testing.T) {
	p := Run(t, Storescp{})
	mustStore(t, p, sample(t))
	if n := len(p.Files()); n != 1 {
		t.Errorf("%d files, not 1", n)
	}
}

func TestStorescpTLS(t *testing.T) {
	server, client := identities(t)
	p := Run(t, Storescp{TLS: &server})
	mustStore(t, p, sample(t), client.DCMTK()...)
	if r := Tool(t, "echoscu", "127.0.0.1", port(p)); r.Code == 0 {
		t.Error("a plain client was answered")
	}
}

func TestDcmqrscpBehindStunnel(t *testing.T) {
	server, client := identities(t)
	Need(t, "storescp", "stunnel4", "getscu", "movescu", "dcmqrscp")
	sink := Run(t, Storescp{AET: "SINK"})
	archive := Run(t, Dcmqrscp{Knows: []Modality{{AET: "SINK", Port: sink.Port}}})
	outside := Run(t, Stunnel{TLS: server, To: archive.Port})
	outside.AET = archive.AET
	mustStore(t, outside, sample(t), client.DCMTK()...)

	inside := Run(t, Stunnel{TLS: client, Client: true, To: outside.Port})
	dir := t.TempDir()
	key := []string{"-S", "-aec", archive.AET, "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=2.25.2"}
	r := Tool(t, "getscu", append(append([]string{}, key...), "+B", "-od", dir, "127.0.0.1", port(inside))...)
	if files, _ := os.ReadDir(dir); r.Code != 0 || len(files) != 1 {
		t.Errorf("getscu: status %d, %d files\n%s", r.Code, len(files), r.Output)
	}
	r = Tool(t, "movescu", append(append([]string{}, key...), "-aet", "SINK", "-aem", "SINK", "127.0.0.1", port(inside))...)
	if r.Code != 0 || len(sink.Files()) != 1 {
		t.Errorf("movescu: status %d, %d files\n%s", r.Code, len(sink.Files()), r.Output)
	}
}

func TestOrthanc(t *testing.T) {
	server, client := identities(t)
	for _, tls := range []bool{false, true} {
		name, s, options := "plain", Orthanc{}, []string(nil)
		if tls {
			name, s.TLS, options = "TLS", &server, client.DCMTK()
		}
		t.Run(name, func(t *testing.T) {
			Need(t, "storescu")
			sink := Storescp{AET: "SINK"}
			if tls {
				sink.TLS = &client
			}
			other := Run(t, sink)
			s.Knows = map[string]Modality{"sink": {AET: "SINK", Port: other.Port, TLS: tls}}
			p := Run(t, s)
			mustStore(t, p, sample(t), options...)
			api := p.API()
			if err := api.WaitInstances(1, 5*time.Second); err != nil {
				t.Fatal(err)
			}
			if err := api.Echo("sink"); err != nil {
				t.Error(err)
			}
			list, err := api.Instances()
			if err != nil {
				t.Fatal(err)
			}
			if failed, err := api.Store("sink", list...); err != nil || failed != 0 || len(other.Files()) != 1 {
				t.Errorf("store: %d failed, %d files, %v", failed, len(other.Files()), err)
			}
			if file, err := api.File(list[0]); err != nil || len(file) < 132 {
				t.Errorf("file: %d bytes, %v", len(file), err)
			}
		})
	}
}

// Orthanc as querier, with itself as the archive that it asks.
func TestOrthancQuery(t *testing.T) {
	Need(t, "storescu")
	p := Run(t, Orthanc{})
	mustStore(t, p, sample(t))
	api := p.API()
	if err := api.Know("self", Modality{AET: p.AET, Port: p.Port}); err != nil {
		t.Fatal(err)
	}
	_, answers, err := api.Query("self", "Study", map[string]string{"PatientID": "P1", "StudyInstanceUID": ""})
	if err != nil || len(answers) != 1 || answers[0]["StudyInstanceUID"] != "2.25.2" {
		t.Errorf("answers %v, %v", answers, err)
	}
}

func TestUsage(t *testing.T) {
	if _, err := os.Stat("/proc/self/smaps_rollup"); err != nil {
		t.Skip("skipped: needs Linux")
	}
	u, err := UsageOf(os.Getpid())
	if err != nil || u.Now == 0 || u.Peak == 0 || u.Open == 0 {
		t.Errorf("%+v, %v", u, err)
	}
}

func TestMissing(t *testing.T) {
	if m := Missing("no-such-tool", "another"); len(m) != 1 || m[0] != "dcmtk" {
		t.Errorf("missing: %v", m)
	}
}

func TestStripComments(t *testing.T) {
	got := string(stripComments([]byte(`{"a": "x // \" y", /* c */ "b": 1 // d
}`)))
	if want := "{\"a\": \"x // \\\" y\",  \"b\": 1 \n}"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}

func TestStatuses(t *testing.T) {
	r := Result{Output: "D: DIMSE Status                  : 0x0000: Success\nD: DIMSE Status : 0xa801: Refused\n"}
	if s := r.Statuses(); len(s) != 2 || s[1] != 0xA801 {
		t.Errorf("%x", s)
	}
}
