package survey_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/peers"
	"github.com/tresor-pacs/tresor/internal/survey"
	"github.com/tresor-pacs/tresor/internal/survey/scope"
	"github.com/tresor-pacs/tresor/internal/synth"
)

// laboratory has the servers of ../shared/survey/lab_results.json by the names
// that they have there. Each is looked at up to L4.
var laboratory = map[string]func(testing.TB) (p survey.Prober, port int){
	"Orthanc default config": func(t testing.TB) (survey.Prober, int) {
		return survey.Prober{}, peers.Run(t, orthanc(map[string]any{
			"DicomAlwaysAllowFind": false, "DicomAlwaysAllowMove": false, "DicomAlwaysAllowGet": false})).Port
	},
	"Orthanc DicomAlwaysAllowFind": func(t testing.TB) (survey.Prober, int) {
		return survey.Prober{}, peers.Run(t, orthanc(nil)).Port
	},
	"Orthanc strict, wrong called AE": func(t testing.TB) (survey.Prober, int) {
		return survey.Prober{}, peers.Run(t, orthanc(strictly)).Port
	},
	"Orthanc strict, right called AE, unknown caller": func(t testing.TB) (survey.Prober, int) {
		return survey.Prober{Called: "ORTHANC"}, peers.Run(t, orthanc(strictly)).Port
	},
	"DCMTK storescp": func(t testing.TB) (survey.Prober, int) {
		return survey.Prober{}, peers.Run(t, peers.Storescp{}).Port
	},
	"DCMTK dcmqrscp, unknown called AE": func(t testing.TB) (survey.Prober, int) {
		return survey.Prober{}, peers.Run(t, peers.Dcmqrscp{}).Port
	},
	"DCMTK dcmqrscp, open AE": func(t testing.TB) (survey.Prober, int) {
		return survey.Prober{Called: "QRSCP"}, peers.Run(t, peers.Dcmqrscp{}).Port
	},
	"DCMTK dcmqrscp, right called AE, caller not listed": func(t testing.TB) (survey.Prober, int) {
		return survey.Prober{Called: "QRSCP"}, peers.Run(t, peers.Dcmqrscp{Closed: true, Knows: []peers.Modality{{AET: "OTHER", Port: 1}}}).Port
	},
}

func orthanc(extra map[string]any) peers.Orthanc { return peers.Orthanc{Extra: extra} }

// strictly answers nobody whom it does not know.
var strictly = map[string]any{"DicomCheckCalledAet": true, "DicomAlwaysAllowEcho": false, "DicomAlwaysAllowStore": false,
	"DicomAlwaysAllowFind": false, "DicomAlwaysAllowMove": false, "DicomAlwaysAllowGet": false}

// labResult is what was measured once.
type labResult struct {
	Server    string         `json:"server"`
	Answer    string         `json:"answer"`
	Accepted  []string       `json:"accepted"`
	Refused   map[string]int `json:"refused"`
	Impl      string         `json:"impl"`
	Echo      string         `json:"echo"`
	ZeroMatch string         `json:"zero_match_find"`
}

var labContexts = map[string]string{"Verification": "verification", "SR FIND": "study-find", "FIND": "study-find", "SR MOVE": "study-move",
	"MOVE": "study-move", "SR GET": "study-get", "GET": "study-get", "CT Storage": "storage", "MWL": "worklist-find"}

// TestLaboratory reproduces the associations of lab_results.json.
func TestLaboratory(t *testing.T) {
	b, err := os.ReadFile("../../../shared/survey/lab_results.json")
	if err != nil {
		t.Skip("../shared/survey/lab_results.json is absent")
	}
	var lab struct{ Association []labResult }
	if err := json.Unmarshal(b, &lab); err != nil {
		t.Fatal(err)
	}
	for _, want := range lab.Association {
		t.Run(strings.ReplaceAll(want.Server, ",", ""), func(t *testing.T) {
			start := laboratory[want.Server]
			if start == nil {
				t.Fatal("the laboratory has no such server")
			}
			p, port := start(t)
			p.Guard, p.Level = loopback(t, "no"), scope.L4
			want.compare(t, lookAt(t, p, port))
		})
	}
}

func (want labResult) compare(t *testing.T, r *survey.Result) {
	t.Helper()
	a := r.Association
	if a == nil {
		t.Fatalf("no association: %+v", r)
	}
	if code, rejected := strings.CutPrefix(want.Answer, "RJ "); rejected {
		code, _, _ = strings.Cut(code, " ")
		if a.Answer != "rejected" || a.Reject != code || r.State != survey.Refused {
			t.Errorf("%s %s, want a rejection %s", a.Answer, a.Reject, code)
		}
		return
	}
	if a.Answer != "accepted" {
		t.Errorf("%s, want acceptance", a.Answer)
	}
	for _, name := range want.Accepted {
		if c := labContexts[name]; c != "" && a.Contexts[c] != "accepted" {
			t.Errorf("%s: %s", name, a.Contexts[c])
		}
	}
	for names, result := range want.Refused {
		for name := range strings.SplitSeq(names, "/") {
			if got := a.Contexts[labContexts[name]]; got != fmt.Sprintf("refused (%d)", result) {
				t.Errorf("%s: %q, want refused (%d)", name, got, result)
			}
		}
	}
	if uid, name, ok := strings.Cut(want.Impl, " / "); ok && (a.Implementation != uid || a.VersionName != name) {
		t.Logf("%s %s here, %s there", a.Implementation, a.VersionName, want.Impl) // another version is installed
	}
	if want.Echo != "" && r.Echo != want.Echo {
		t.Errorf("echo %s, want %s", r.Echo, want.Echo)
	}
	if status, _, _ := strings.Cut(want.ZeroMatch, " ("); want.ZeroMatch != "" && (r.Query == nil || !strings.HasPrefix(status, r.Query.Status)) {
		t.Errorf("query %+v, want %s", r.Query, want.ZeroMatch)
	}
}

// Three ways to one number: Orthanc's counters, DICOMweb by offsets, and DICOM
// by dates; none of them reads who it is. The laboratory had 300 studies and
// needed 19 requests by offset, which TRESOR_LONG=1 repeats: each costs Orthanc
// a second.
func TestSizeOfOrthanc(t *testing.T) {
	studies, requests := 20, int64(11)
	if os.Getenv("TRESOR_LONG") != "" {
		studies, requests = 300, 19
	}
	peer := peers.Run(t, peers.Orthanc{DICOMweb: true})
	g := synth.New(1)
	for n := range studies {
		for object := range g.Objects(synth.Options{Number: n, Patient: n, Count: 1, Rows: 8, Columns: 8}) {
			var file bytes.Buffer
			if err := object.Write(&file, encoding.ExplicitLE); err != nil {
				t.Fatal(err)
			}
			if _, err := peer.API().Upload(file.Bytes()); err != nil {
				t.Fatal(err)
			}
		}
	}
	guard := loopback(t, "exact")
	counters := lookAt(t, survey.Prober{Guard: guard}, peer.HTTP)
	expect(t, counters, survey.WebOpen, 9.2, "DXA002", "DXA007")
	dates := lookAt(t, survey.Prober{Guard: guard, Timeout: 20 * time.Second}, peer.Port)
	expect(t, dates, survey.Queryable, 9, "DXA001", "DXA005", "DXA006")
	to, err := url.Parse(fmt.Sprintf("http://127.0.0.1:%d", peer.HTTP))
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	proxy := httputil.NewSingleHostReverseProxy(to)
	webOnly := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/dicom-web/") {
			http.NotFound(w, r)
			return
		}
		if r.URL.Query().Has("offset") {
			asked.Add(1)
		}
		proxy.ServeHTTP(w, r)
	}))
	defer webOnly.Close()
	offsets := lookAt(t, survey.Prober{Guard: guard, Timeout: 3 * time.Second}, webOnly.Listener.Addr().(*net.TCPAddr).Port)
	expect(t, offsets, survey.WebOpen, 9.2, "DXA002")
	if asked.Load() != requests {
		t.Errorf("%d requests by offset, want %d", asked.Load(), requests)
	}
	for method, r := range map[string]*survey.Result{"counters": counters, "dates": dates, "offsets": offsets} {
		if r.Studies == nil || *r.Studies != int64(studies) || r.Size == nil || r.Size.Method != method || !r.Size.Exact {
			t.Errorf("%s: %v studies, %+v", method, r.Studies, r.Size)
		}
	}
}

// With TLS that anybody may open, and with TLS that wants a certificate.
func TestTLS(t *testing.T) {
	peers.Need(t, "storescp", "dcmqrscp", "stunnel4")
	ca, err := peers.NewAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	files, err := ca.Issue("server")
	if err != nil {
		t.Fatal(err)
	}
	qr := peers.Run(t, peers.Dcmqrscp{AET: "ANY-SCP"})
	closed := peers.Run(t, peers.Dcmqrscp{})
	notRequired := map[string]any{"DicomTlsRemoteCertificateRequired": false, "DicomAlwaysAllowFind": false}
	for _, c := range []struct {
		name  string
		start func(testing.TB) int
		want  survey.State
		sev   float64
	}{
		{"storescp, mutual", func(t testing.TB) int { return peers.Run(t, peers.Storescp{TLS: &files}).Port }, survey.MutualTLS, 1},
		{"storescp, anybody", func(t testing.TB) int {
			return peers.Run(t, peers.Storescp{TLS: &files, Args: []string{"-ic"}}).Port
		}, survey.Stores, 5.5},
		{"dcmqrscp, mutual", func(t testing.TB) int { return peers.Run(t, peers.Stunnel{TLS: files, To: qr.Port}).Port }, survey.MutualTLS, 1},
		{"dcmqrscp, anybody", func(t testing.TB) int {
			return peers.Run(t, peers.Stunnel{TLS: files, To: qr.Port, Anybody: true}).Port
		}, survey.Queryable, 8.3},
		{"dcmqrscp, closed", func(t testing.TB) int {
			return peers.Run(t, peers.Stunnel{TLS: files, To: closed.Port, Anybody: true}).Port
		}, survey.Refused, 2},
		{"Orthanc, mutual", func(t testing.TB) int { return peers.Run(t, peers.Orthanc{TLS: &files}).Port }, survey.MutualTLS, 1},
		{"Orthanc, anybody", func(t testing.TB) int {
			return peers.Run(t, peers.Orthanc{TLS: &files, Extra: notRequired}).Port
		}, survey.Stores, 5.8},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := lookAt(t, survey.Prober{Guard: loopback(t, "no")}, c.start(t))
			expect(t, r, c.want, c.sev)
			if r.TLS == nil || r.TLS.ClientCertEnforced != (c.want == survey.MutualTLS) || r.TLS.Version == "" || r.TLS.NotAfter.IsZero() {
				t.Errorf("TLS %+v", r.TLS)
			}
		})
	}
}

// Orthanc's pages behind a login, and a viewer that speaks HTTP only.
func TestOrthancWithLogin(t *testing.T) {
	peer := peers.Run(t, orthanc(map[string]any{"AuthenticationEnabled": true, "RegisteredUsers": map[string]string{"somebody": "something"}}))
	r := lookAt(t, survey.Prober{Guard: loopback(t, "no")}, peer.HTTP)
	if r.State != survey.Refused && r.State != survey.NotDICOM || r.Studies != nil {
		t.Errorf("%s: %+v", r.State, r.Web)
	}
}
