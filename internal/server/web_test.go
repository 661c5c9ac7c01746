package server_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/dicomweb"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/server"
	"github.com/tresor-pacs/tresor/internal/synth"
)

// browser is an HTTPS client of a running archive.
type browser struct {
	t      testing.TB
	client *http.Client
	root   string
	token  string
}

func (r *running) browser(t testing.TB, token string) *browser {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &browser{t, &http.Client{Transport: transport}, "https://" + r.https, token}
}

func (b *browser) do(method, path string, body io.Reader, headers ...string) (*http.Response, []byte) {
	b.t.Helper()
	req, err := http.NewRequest(method, b.root+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	if b.token != "" {
		req.Header.Set("Authorization", "Bearer "+b.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	answer, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	all, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer, all
}

// user makes an account with a token, as `tresor user add` and `tresor token
// create` do, and waits until the running archive knows it.
func (r *running) user(t testing.TB, name string, role policy.Role) (secret, id string) {
	t.Helper()
	var token identity.Token
	r.administer(t, func(a *server.Admin) (err error) {
		if err = a.Accounts.AddUser(t.Context(), identity.User{Name: name, Role: role}, ""); err == nil {
			secret, token, err = a.Accounts.CreateToken(t.Context(), name, time.Hour)
		}
		return err
	})
	b := r.browser(t, secret)
	r.within(t, time.Second, func() bool {
		a, _ := b.do("GET", "/dicom-web/studies?limit=0", nil)
		return a.StatusCode != 401 && a.StatusCode != 429
	})
	return secret, token.ID
}

func (r *running) administer(t testing.TB, f func(*server.Admin) error) {
	t.Helper()
	a, err := server.OpenAdmin(r.dir, server.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := f(a); err != nil {
		t.Fatal(err)
	}
	a.Settle() // as the command line does: asking too early counts as a wrong token
}

func (r *running) within(t testing.TB, d time.Duration, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(d); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not within", d)
		}
	}
}

// TestEveryRouteAnswersAStrangerWith401 asks all that DICOMweb has, and what it
// has not, without a token and with wrong ones.
func TestEveryRouteAnswersAStrangerWith401(t *testing.T) {
	r := start(t)
	r.surveyed(t) // which shows no token either
	fill := strings.NewReplacer("{study}", "1.2.3", "{series}", "1.2.3.1", "{instance}", "1.2.3.1.1", "{frames}", "1", "{offset}", "0", "{length}", "1", "{transaction}", "2.25.1")
	paths := []string{"/dicom-web", "/dicom-web/", "/dicom-web/nothing", "/dicom-web/studies/../x", "/dicom-web/studies?PatientID=1", "/dicom-web//studies"}
	for _, route := range dicomweb.Routes() {
		paths = append(paths, "/dicom-web"+fill.Replace(route.Pattern))
	}
	stranger := r.browser(t, "")
	for _, path := range paths {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"} {
			a, body := stranger.do(method, path, nil)
			if a.StatusCode != 401 || !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Bearer") || method != "HEAD" && string(body) != "refused\n" {
				t.Errorf("%s %s: %d %q", method, path, a.StatusCode, body)
			}
			for _, h := range []string{"Strict-Transport-Security", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Content-Security-Policy", "Cache-Control"} {
				if a.Header.Get(h) == "" {
					t.Errorf("%s %s: no %s", method, path, h)
				}
			}
		}
	}
	r.awaitRecord(t, audit.Login, "no token")
}

// TestWrongTokensWaitAndGoodOnesDoNot guesses tokens from the address that a
// user comes from too.
func TestWrongTokensWaitAndGoodOnesDoNot(t *testing.T) {
	r := start(t)
	secret, _ := r.user(t, "erika", policy.Radiologist)
	wrong, good := r.browser(t, secret[:len(secret)-1]+"x"), r.browser(t, secret)
	var statuses []int
	for range 40 {
		a, _ := wrong.do("GET", "/dicom-web/studies", nil)
		statuses = append(statuses, a.StatusCode)
		if a.StatusCode == 429 && a.Header.Get("Retry-After") == "" {
			t.Error("429 without Retry-After")
		}
	}
	if statuses[0] != 401 || statuses[39] != 429 {
		t.Error(statuses)
	}
	if a, _ := good.do("GET", "/dicom-web/studies", nil); a.StatusCode != 204 {
		t.Errorf("a good token is locked out: %d", a.StatusCode)
	}
	r.awaitRecord(t, audit.Login, "token is not known")
}

// TestTokenEndsWithinASecond revokes a token, and disables a user.
func TestTokenEndsWithinASecond(t *testing.T) {
	r := start(t)
	one, id := r.user(t, "erika", policy.Radiologist)
	two, _ := r.user(t, "max", policy.Technologist)
	r.administer(t, func(a *server.Admin) error { return a.Accounts.RevokeToken(t.Context(), id) })
	r.administer(t, func(a *server.Admin) error { return a.Accounts.SetDisabled(t.Context(), "max", true) })
	for _, secret := range []string{one, two} {
		b := r.browser(t, secret)
		r.within(t, time.Second, func() bool { a, _ := b.do("GET", "/dicom-web/studies", nil); return a.StatusCode == 401 })
	}
	r.awaitRecord(t, audit.Login, "revoked")
}

// TestWebGoesTheWholeWay stores a study over HTTPS, finds it, reads its metadata
// and frames, and fetches it back, as what each role may do.
func TestWebGoesTheWholeWay(t *testing.T) {
	r := start(t)
	secret, _ := r.user(t, "erika", policy.Radiologist)
	b := r.browser(t, secret)
	list := samples(t, encoding.ExplicitLE, synth.Options{Count: 3, Rows: 32, Columns: 32})
	var body bytes.Buffer
	for _, s := range list {
		body.WriteString("--B\r\nContent-Type: application/dicom\r\n\r\n")
		head, err := encoding.AppendMeta(nil, encoding.NewMeta(s.Header.UID(dict.SOPClassUID), s.Instance, s.syntax.UID))
		if err != nil {
			t.Fatal(err)
		}
		body.Write(head)
		body.Write(s.data)
		body.WriteString("\r\n")
	}
	body.WriteString("--B--\r\n")
	a, answer := b.do("POST", "/dicom-web/studies", &body, "Content-Type", `multipart/related; type="application/dicom"; boundary=B`)
	if a.StatusCode != 200 || a.ProtoMajor != 2 {
		t.Fatalf("%s %s", a.Proto, answer)
	}
	h := list[0].Header
	study, series := string(h.UID(dict.StudyInstanceUID)), string(h.UID(dict.SeriesInstanceUID))
	a, answer = b.do("GET", "/dicom-web/studies?PatientID="+h.String(dict.PatientID), nil)
	if a.StatusCode != 200 || !bytes.Contains(answer, []byte(study)) {
		t.Fatalf("%d %s", a.StatusCode, answer)
	}
	path := "/dicom-web/studies/" + study + "/series/" + series
	a, answer = b.do("GET", path+"/metadata", nil)
	got, err := encoding.ParseJSONArray(answer, encoding.JSONOptions{})
	if err != nil || len(got) != 3 || a.Header.Get("Content-Type") != "application/dicom+json" {
		t.Fatalf("%d %v", a.StatusCode, err)
	}
	a, answer = b.do("GET", path+"/instances/"+string(list[1].Instance)+"/frames/1", nil, "Accept", "application/octet-stream")
	if a.StatusCode != 200 || len(answer) != 32*32*2 || !bytes.Contains(list[1].data, answer) {
		t.Errorf("%d, %d bytes", a.StatusCode, len(answer))
	}
	a, answer = b.do("GET", path+"/instances/"+string(list[1].Instance), nil, "Accept", "application/dicom")
	if a.StatusCode != 200 || !bytes.HasSuffix(answer, list[1].data) {
		t.Errorf("%d, %d bytes", a.StatusCode, len(answer))
	}
	if name := h.String(dict.PatientName); strings.Contains(r.log.String(), name) || strings.Contains(r.log.String(), h.String(dict.PatientID)) {
		t.Error("the patient is in the log")
	}
	for role, want := range map[policy.Role][]int{policy.Administrator: {403, 403}, policy.Auditor: {403, 403}, policy.Referrer: {403, 403}, policy.Technologist: {200, 200}} {
		secret, _ := r.user(t, string(role), role)
		other := r.browser(t, secret)
		find, _ := other.do("GET", "/dicom-web/studies", nil)
		get, _ := other.do("GET", path+"/metadata", nil)
		if got := []int{find.StatusCode, get.StatusCode}; !slices.Equal(got, want) {
			t.Errorf("%s: %v, not %v", role, got, want)
		}
	}
}
