package survey_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/survey"
)

// listen serves every connection with f.
func listen(t testing.TB, f func(net.Conn)) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); f(c) }()
		}
	}()
	return ln.Addr().(*net.TCPAddr).Port
}

// Hosts that are no archive are told apart from one, in bounded time.
func TestOddHosts(t *testing.T) {
	everything := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "<html><title>Welcome</title>a page for everything</html>")
	}))
	t.Cleanup(everything.Close)
	endless := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := make([]byte, 1<<16)
		for {
			if _, err := w.Write(b); err != nil {
				return
			}
		}
	})
	flood := httptest.NewServer(endless)
	t.Cleanup(flood.Close)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closedPort := closed.Addr().(*net.TCPAddr).Port
	closed.Close()
	for name, c := range map[string]struct {
		port int
		want survey.State
	}{
		"closed":      {closedPort, survey.Closed},
		"tarpit":      {listen(t, func(c net.Conn) { time.Sleep(20 * time.Second) }), survey.NotDICOM},
		"reset":       {listen(t, func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }), survey.NotDICOM},
		"garbage":     {listen(t, func(c net.Conn) { c.Write([]byte("\x00\xffgarbage, and more of it\r\n")); io.Copy(io.Discard, c) }), survey.NotDICOM},
		"huge length": {listen(t, func(c net.Conn) { c.Write([]byte{2, 0, 0xff, 0xff, 0xff, 0xff, 0, 1}); io.Copy(io.Discard, c) }), survey.NotDICOM},
		"slow bytes": {listen(t, func(c net.Conn) {
			for range 40 {
				time.Sleep(100 * time.Millisecond)
				if _, err := c.Write([]byte{2}); err != nil {
					return
				}
			}
		}), survey.NotDICOM},
		"page for everything": {everything.Listener.Addr().(*net.TCPAddr).Port, survey.NotDICOM},
		"endless page":        {flood.Listener.Addr().(*net.TCPAddr).Port, survey.NotDICOM},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			r := lookAt(t, survey.Prober{Guard: loopback(t, "sample"), Timeout: 500 * time.Millisecond, Limit: 4 * time.Second}, c.port)
			if r.State != c.want || r.Severity != 0 {
				t.Errorf("%s (%v), want %s", r.State, r.Severity, c.want)
			}
			if took := time.Since(began); took > 8*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// A viewer that opens without a login, one that wants one, and a redirect, which
// is never followed.
func TestPages(t *testing.T) {
	page := func(status int, location, body string) int {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/" {
				http.NotFound(w, r)
				return
			}
			if location != "" {
				w.Header().Set("Location", location)
			}
			w.WriteHeader(status)
			io.WriteString(w, body)
		}))
		t.Cleanup(s.Close)
		return s.Listener.Addr().(*net.TCPAddr).Port
	}
	followed := make(chan struct{}, 1)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed <- struct{}{} }))
	defer elsewhere.Close()
	guard := loopback(t, "no")
	for _, c := range []struct {
		port int
		want survey.State
	}{
		{page(200, "", "<title>OHIF Viewer</title>"), survey.WebOpen},
		{page(200, "", `<title>MedDream</title><input type="password">`), survey.Refused},
		{page(302, elsewhere.URL+"/login?for=oviyam", ""), survey.Refused},
		{page(302, elsewhere.URL, ""), survey.NotDICOM},
	} {
		if r := lookAt(t, survey.Prober{Guard: guard, Timeout: 300 * time.Millisecond}, c.port); r.State != c.want {
			t.Errorf("%s, want %s: %+v", r.State, c.want, r.Web)
		}
	}
	for name, c := range map[string]struct {
		pages map[string]int // statuses; of others the first page's
		spa   bool
		want  survey.State
		why   string
	}{
		"viewer, single-page, data behind a login": {map[string]int{"/dicom-web/studies": 401}, true, survey.Refused, "DXA007"},
		"viewer, single-page, data open":           {map[string]int{"/dicom-web/studies": 204}, true, survey.WebOpen, "DXA002"},
		"viewer, a page of its own":                {map[string]int{"/dicom-web/studies": 401}, false, survey.WebOpen, "DXA003"},
		"WADO-URI":                                 {map[string]int{"/": 404, "/wado": 400}, false, survey.Undecided, "DXA017"},
		"WADO-URI behind a login":                  {map[string]int{"/": 404, "/dcm4chee-arc/aets/DCM4CHEE/wado": 401}, false, survey.Refused, "DXA007"},
		"everything is a bad request":              {map[string]int{"/": 400, "/wado": 400}, true, survey.NotDICOM, ""},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			status, known := c.pages[r.URL.Path]
			switch {
			case !known && (c.spa || r.URL.Path == "/"):
				status = max(c.pages["/"], 200)
			case !known:
				status = 404
			}
			if r.URL.Path == "/wado" && (r.URL.Query().Get("requestType") == "WADO" || r.URL.Query().Has("objectUID")) {
				t.Error("an object was asked for by WADO-URI")
			}
			w.WriteHeader(status)
			if status == 200 {
				io.WriteString(w, "<title>OHIF Viewer</title>")
			}
		}))
		t.Cleanup(s.Close)
		r := lookAt(t, survey.Prober{Guard: guard, Timeout: 300 * time.Millisecond}, s.Listener.Addr().(*net.TCPAddr).Port)
		found := c.why == ""
		for _, f := range r.Findings {
			found = found || f.ID == c.why
		}
		if r.State != c.want || !found {
			t.Errorf("%s: %s %v, want %s %s: %+v", name, r.State, r.Findings, c.want, c.why, r.Web)
		}
	}
	select {
	case <-followed:
		t.Error("a redirect was followed")
	default:
	}
}
