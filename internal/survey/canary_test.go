package survey_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/survey"
	"github.com/tresor-pacs/tresor/internal/survey/inventory"
	"github.com/tresor-pacs/tresor/internal/survey/report"
	"github.com/tresor-pacs/tresor/internal/survey/scope"
	"github.com/tresor-pacs/tresor/internal/survey/target"
)

const token = "CANARYTOKEN"

// archive is a server that accepts everything and notes what it was asked. Every
// value of its answers carries the token.
type archive struct {
	port    int
	mu      sync.Mutex
	asked   []dimse.CommandField
	levels  map[string]bool
	calling []string
	perDay  func(from, to string) int // matches of a query by dates
	rude    bool                      // answers a match to any query
	errs    []error                   // why associations ended, if not by release
}

func startArchive(t testing.TB, a *archive) *archive {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a.port = ln.Addr().(*net.TCPAddr).Port
	a.levels = map[string]bool{}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go a.serve(ctx, conn)
		}
	}()
	return a
}

func (a *archive) serve(ctx context.Context, conn net.Conn) {
	as, err := ul.Accept(ctx, conn, ul.AcceptOptions{Options: ul.Options{ARTIM: time.Second},
		Negotiate: func(_ context.Context, n *ul.Negotiation) error {
			for _, c := range n.Request.Contexts {
				n.Accept(c.ID, c.TransferSyntaxes[0])
			}
			a.mu.Lock()
			a.calling = append(a.calling, n.Request.Calling+" "+n.Request.User.ImplementationVersion+" "+fmt.Sprint(len(n.Request.Contexts)))
			a.mu.Unlock()
			return nil
		}})
	if err != nil {
		return
	}
	err = dimse.Serve(ctx, as, func(f dimse.CommandField, _ ul.PresentationContext) dimse.Handler {
		a.mu.Lock()
		a.asked = append(a.asked, f)
		a.mu.Unlock()
		switch f {
		case dimse.CEchoRQ:
			return dimse.HandlerFunc(func(context.Context, dimse.ResponseWriter, *dimse.Request) error { return nil })
		case dimse.CFindRQ:
			return dimse.HandlerFunc(a.find)
		}
		return nil
	}, dimse.ServeOptions{})
	a.mu.Lock()
	a.errs = append(a.errs, err)
	a.mu.Unlock()
}

func (a *archive) find(_ context.Context, rw dimse.ResponseWriter, req *dimse.Request) error {
	keys, err := req.ReadDataSet(1 << 16)
	if err != nil {
		return err
	}
	a.mu.Lock()
	a.levels[keys.String(dict.QueryRetrieveLevel)] = true
	a.mu.Unlock()
	n := 0
	if from, to, ok := strings.Cut(keys.String(dict.StudyDate), "-"); ok {
		n = a.perDay(from, to)
	} else if a.rude {
		n = 3
	}
	for range n {
		match := &dicom.DataSet{}
		match.PutString(dict.PatientName, dicom.VRPN, token+"^"+token)
		match.PutString(dict.PatientID, dicom.VRLO, token)
		match.PutString(dict.StudyDescription, dicom.VRLO, token)
		match.PutString(dict.StudyInstanceUID, dicom.VRUI, "1.2.3."+token)
		item := &dicom.DataSet{}
		item.PutString(dict.CodeMeaning, dicom.VRLO, token)
		match.PutItems(dict.ProcedureCodeSequence, item)
		match.PutString(dict.NumberOfStudyRelatedInstances, dicom.VRIS, "7")
		if err := rw.Pending(dimse.StatusPending, match, nil); err != nil {
			return err
		}
	}
	return rw.Respond(dimse.Response{Status: dimse.StatusSuccess, Comment: token})
}

// between has one study on the first of each month from 2010 to 2019.
func between(from, to string) int {
	n := 0
	for y := 2010; y < 2020; y++ {
		for m := 1; m <= 12; m++ {
			if day := fmt.Sprintf("%04d%02d01", y, m); day >= from && day <= to {
				n++
			}
		}
	}
	return n
}

// TestCanary climbs the whole ladder on servers whose every value carries a
// token, and looks for it in everything that comes out.
func TestCanary(t *testing.T) {
	dicomServer := startArchive(t, &archive{perDay: between})
	rude := startArchive(t, &archive{perDay: between, rude: true})
	web := httptest.NewServer(canaryWeb(137))
	defer web.Close()
	webPort := web.Listener.Addr().(*net.TCPAddr).Port

	guard := loopback(t, "sample")
	plan, err := (&survey.Planner{Guard: guard}).Plan(t.Context(), []target.Target{
		at(t, dicomServer.port), at(t, rude.port), at(t, webPort)})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	path := filepath.Join(dir, "state")
	state, err := survey.OpenState(path)
	if err != nil {
		t.Fatal(err)
	}
	found := map[int]*survey.Result{}
	run := survey.Run{Plan: plan, State: state, Rates: survey.DefaultRates,
		Prober: survey.Prober{Guard: guard, Level: scope.L5, Timeout: time.Second, Agent: survey.Agent("https://example.org", "x@example.org")},
		Found:  func(e *survey.Envelope) error { found[e.Port] = e.Data.DICOM.Result; return nil }}
	if err := run.Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := state.Close(); err != nil {
		t.Fatal(err)
	}

	r := found[dicomServer.port]
	if r.State != survey.Queryable || r.Studies == nil || *r.Studies != 120 || r.Images == nil || *r.Images != 840 || !r.Size.Exact || r.Rung != scope.L5 {
		t.Errorf("archive: %s, studies %v, images %v, size %+v", r.State, r.Studies, r.Images, r.Size)
	}
	if r := found[rude.port]; r.State != survey.Queryable || r.Studies != nil {
		t.Errorf("rude archive: %+v", r)
	}
	if r := found[webPort]; r.State != survey.WebOpen || r.Studies == nil || *r.Studies != 137 {
		t.Errorf("web: %s %+v %+v", r.State, r.Studies, r.Web)
	}
	checkAsked(t, dicomServer, rude)
	searchToken(t, dir, path)
}

// checkAsked makes sure of what was sent: never anything but C-ECHO and C-FIND
// at the study level, with our name, in at most six contexts, released.
func checkAsked(t *testing.T, list ...*archive) {
	t.Helper()
	for _, a := range list {
		a.mu.Lock()
		defer a.mu.Unlock()
		for _, f := range a.asked {
			if f != dimse.CEchoRQ && f != dimse.CFindRQ {
				t.Errorf("%s was sent", f)
			}
		}
		for level := range a.levels {
			if level != "STUDY" {
				t.Errorf("a query at level %q was sent", level)
			}
		}
		if len(a.calling) != 1 || a.calling[0] != "TRESORSURVEY TRESOR_SURVEY_1 6" {
			t.Errorf("associations of %v", a.calling)
		}
		if !a.rude && (len(a.errs) != 1 || a.errs[0] != nil) {
			t.Errorf("the association was not released: %v", a.errs)
		}
	}
}

func searchToken(t *testing.T, dir, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := report.Read(f)
	if err != nil || len(s.Systems) != 3 {
		t.Fatalf("%d systems, %v", len(s.Systems), err)
	}
	var out bytes.Buffer
	for _, err := range []error{report.HTML(&out, s, report.Options{Before: s, Made: time.Now()}), report.CSV(&out, s),
		report.SARIF(&out, s, nil), json.NewEncoder(&out).Encode(s)} {
		if err != nil {
			t.Error(err)
		}
	}
	papers(t, dir, s)
	db, err := inventory.Open(filepath.Join(dir, "inventory.db"))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := db.Add(s.Systems); n != 3 || err != nil {
		t.Errorf("inventory: %d, %v", n, err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			b, _ := os.ReadFile(p)
			out.Write(b)
		}
		return nil
	})
	// The token may stand in base64 of bytes too; the raw answers have none.
	if i := bytes.Index(bytes.ToUpper(out.Bytes()), []byte(token)); i >= 0 {
		t.Errorf("the token came out: %.200q", out.Bytes()[max(0, i-80):])
	}
}

func at(t testing.TB, port int) target.Target {
	t.Helper()
	x, err := target.Parse(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port)).String())
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// canaryWeb is a DICOMweb server with n studies.
func canaryWeb(n int) http.Handler {
	study := `{"00100010":{"vr":"PN","Value":[{"Alphabetic":"` + token + `"}]}}`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-"+token, token)
		w.Header().Set("Server", token)
		if r.Method != http.MethodGet || r.URL.Path != "/dicom-web/studies" {
			http.Error(w, token, http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/dicom+json")
		q := r.URL.Query()
		var offset int
		fmt.Sscan(q.Get("offset"), &offset)
		if q.Get("StudyInstanceUID") != "" || offset >= n {
			io.WriteString(w, "[]")
			return
		}
		io.WriteString(w, "["+study+"]")
	})
}
