package viewer_test

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/dicomweb"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/store/storetest"
	"github.com/tresor-pacs/tresor/internal/synth"
	"github.com/tresor-pacs/tresor/internal/web/viewer"
)

// notes is a trail in memory.
type notes struct {
	mu     sync.Mutex
	events []audit.Event
}

func (n *notes) Append(_ context.Context, e audit.Event) (uint64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.events = append(n.events, e)
	return uint64(len(n.events)), nil
}

// site is an archive in memory with DICOMweb, the viewer and a sign-in over
// HTTPS, as internal/server has them.
type site struct {
	t       testing.TB
	url     string
	archive *archive.Archive
	asked   requests
	out     atomic.Bool // the session has ended: cookies count no longer
	// outAfterPage ends the session once the page itself has been answered.
	outAfterPage atomic.Bool
}

// requests remembers what was asked for.
type requests struct {
	mu   sync.Mutex
	list []request
}

type request struct {
	method, path string
	status       int
}

func (r *requests) add(method, path string, status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, request{method, path, status})
}

// count counts the requests whose method and path begin so and had the status.
func (r *requests) count(method, prefix string, status int) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, q := range r.list {
		if q.method == method && strings.HasPrefix(q.path, prefix) && q.status == status {
			n++
		}
	}
	return n
}

// bad lists what was not answered well.
func (r *requests) bad() (list []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, q := range r.list {
		if q.status >= 400 {
			list = append(list, fmt.Sprint(q.method, " ", q.path, " ", q.status))
		}
	}
	return list
}

const sessionCookie = "__Host-test"

var radiologist = policy.Principal{Kind: policy.User, Name: "erika", Rights: policy.RightsOf(policy.Radiologist, policy.Scope{})}

// newSite returns a site of its own. It skips the test if there is no viewer.
func newSite(t testing.TB) *site {
	t.Helper()
	view, err := viewer.New(viewer.Config{DICOMweb: "/dicom-web", Home: "/", SignIn: "/login"})
	if err != nil {
		t.Fatal(err)
	}
	if !view.Packed() {
		t.Skip("the viewer is not packed into this build: make viewer")
	}
	limits := encoding.DefaultLimits()
	a, err := archive.Open(t.Context(), archive.Config{Catalog: storetest.NewCatalog(), Vault: storetest.NewVault(), Trail: &notes{}, Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, archive: a}
	web := dicomweb.New(dicomweb.Config{Prefix: "/dicom-web", Limits: limits, Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := &answer{ResponseWriter: w, status: http.StatusOK}
		s.serve(seen, r, view, web)
		s.asked.add(r.Method, r.URL.RequestURI(), seen.status)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

type answer struct {
	http.ResponseWriter
	status int
}

func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

func (s *site) serve(w http.ResponseWriter, r *http.Request, view http.Handler, web *dicomweb.Service) {
	path := r.URL.Path
	cookie, err := r.Cookie(sessionCookie)
	known := err == nil && cookie.Value == "erika" && !s.out.Load()
	switch {
	case path == "/login":
		s.signIn(w, r)
	case !known && strings.HasPrefix(path, "/dicom-web/"):
		w.WriteHeader(http.StatusUnauthorized)
	case !known && strings.HasPrefix(path, viewer.Path+"/") && s.outAfterPage.Load():
		view.ServeHTTP(w, r) // as from the browser's cache
	case !known:
		http.Redirect(w, r, "/login?next="+strings.ReplaceAll(r.URL.RequestURI(), "&", "%26"), http.StatusSeeOther)
	case strings.HasPrefix(path, "/dicom-web/"):
		web.Serve(w, r, s.archive.As(radiologist))
	case strings.HasPrefix(path, viewer.Path):
		view.ServeHTTP(w, r)
		if path == viewer.Path && s.outAfterPage.Load() {
			s.out.Store(true)
		}
	case path == "/":
		io.WriteString(w, "<!doctype html><title>list</title>the study list")
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// signIn is a page with a button; it leads to where the query says.
func (s *site) signIn(w http.ResponseWriter, r *http.Request) {
	next := r.URL.Query().Get("next")
	if r.Method != http.MethodPost {
		fmt.Fprintf(w, `<!doctype html><title>sign in</title><form method="post" action="/login?next=%s"><button id="go">go</button></form>`,
			html.EscapeString(strings.NewReplacer("&", "%26", "+", "%2B").Replace(next)))
		return
	}
	s.out.Store(false)
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: "erika", Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// store puts an instance into the archive, as a device would.
func (s *site) store(syntax encoding.TransferSyntax, ds *dicom.DataSet) {
	s.t.Helper()
	b, err := encoding.Append(nil, syntax, ds)
	if err != nil {
		s.t.Fatal(err)
	}
	s.storeBytes(syntax.UID, b)
}

func (s *site) storeBytes(syntax dicom.UID, data []byte) {
	s.t.Helper()
	device := policy.Principal{Kind: policy.Device, Name: "ct1", Rights: policy.DeviceRights}
	if _, err := s.archive.As(device).Store(s.t.Context(), archive.Incoming{TransferSyntax: syntax, DataSet: bytes.NewReader(data)}); err != nil {
		s.t.Fatal(err)
	}
}

// study stores a synthetic study and returns its instances.
func (s *site) study(o synth.Options) []*dicom.DataSet {
	s.t.Helper()
	var all []*dicom.DataSet
	for ds := range synth.New(1).Study(o) {
		s.store(encoding.ExplicitLE, ds)
		all = append(all, ds)
	}
	if len(all) == 0 {
		s.t.Fatal("the study is empty")
	}
	return all
}

// address returns where the viewer shows the studies.
func (s *site) address(studies ...dicom.UID) string {
	list := make([]string, len(studies))
	for i, u := range studies {
		list[i] = string(u)
	}
	return s.url + "/viewer?StudyInstanceUIDs=" + strings.Join(list, ",")
}

func studyOf(ds *dicom.DataSet) dicom.UID { return ds.UID(dict.StudyInstanceUID) }
