package server_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/server"
	"github.com/tresor-pacs/tresor/internal/web"
)

const goodPassword = "correct horse battery"

// person makes an account with a password.
func (r *running) person(t testing.TB, name string, role policy.Role) {
	t.Helper()
	r.administer(t, func(a *server.Admin) error {
		return a.Accounts.AddUser(t.Context(), identity.User{Name: name, Role: role}, goodPassword)
	})
}

// surfer is a browser that keeps cookies and follows no redirect.
func (r *running) surfer(t testing.TB) *browser {
	b := r.browser(t, "")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b.client.Jar = jar
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return b
}

// post sends a form as a page of ours does.
func (b *browser) post(path string, headers []string, fields ...string) (*http.Response, []byte) {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	headers = append([]string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"}, headers...)
	return b.do("POST", path, strings.NewReader(form.Encode()), headers...)
}

// signIn signs in and returns where that led.
func (b *browser) signIn(name, next string) (status int, to string) {
	b.t.Helper()
	a, _ := b.post("/login", nil, "name", name, "password", goodPassword, "next", next)
	return a.StatusCode, a.Header.Get("Location")
}

func (b *browser) session() string {
	root, err := url.Parse(b.root)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(root) {
		if c.Name == web.SessionCookie {
			return c.Value
		}
	}
	return ""
}

func TestSignInLetsIntoPagesAndDICOMweb(t *testing.T) {
	r := start(t)
	r.person(t, "erika", policy.Radiologist)
	b := r.surfer(t)
	if a, _ := b.do("GET", "/", nil); a.StatusCode != 303 || a.Header.Get("Location") != "/login" {
		t.Errorf("a stranger: %d %s", a.StatusCode, a.Header.Get("Location"))
	}
	a, page := b.do("GET", "/login", nil)
	if a.StatusCode != 200 || !bytes.Contains(page, []byte(`name="password"`)) {
		t.Fatalf("%d %s", a.StatusCode, page)
	}
	a, _ = b.post("/login", nil, "name", "erika", "password", goodPassword)
	if a.StatusCode != 303 || a.Header.Get("Location") != "/" {
		t.Fatalf("%d %s", a.StatusCode, a.Header.Get("Location"))
	}
	for _, c := range a.Cookies() {
		if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || !strings.HasPrefix(c.Name, "__Host-") {
			t.Errorf("%+v", c)
		}
	}
	if a, page := b.do("GET", "/", nil); a.StatusCode != 200 || !bytes.Contains(page, []byte("erika")) {
		t.Errorf("%d %s", a.StatusCode, page)
	}
	if a, _ := b.do("GET", "/dicom-web/studies", nil); a.StatusCode != 204 {
		t.Errorf("DICOMweb with the cookie: %d", a.StatusCode)
	}
	if a, _ := b.post("/logout", nil); a.StatusCode != 303 || b.session() != "" {
		t.Errorf("%d, cookie %q", a.StatusCode, b.session())
	}
	if a, _ := b.do("GET", "/dicom-web/studies", nil); a.StatusCode != 401 {
		t.Errorf("DICOMweb after signing out: %d", a.StatusCode)
	}
	var said []audit.Code
	for _, code := range []audit.Code{audit.Login, audit.Logout} {
		for _, e := range r.records(t, code) {
			if e.Principal == "erika" && e.Outcome == audit.Success && strings.HasPrefix(e.Association, "session ") {
				said = append(said, code)
			}
		}
	}
	if len(said) != 2 {
		t.Errorf("the trail has %v", said)
	}
}

func TestSessionIsNewAtEachSignIn(t *testing.T) {
	r := start(t)
	r.person(t, "erika", policy.Radiologist)
	b := r.surfer(t)
	root, _ := url.Parse(b.root)
	planted := strings.Repeat("A", 43)
	b.client.Jar.SetCookies(root, []*http.Cookie{{Name: web.SessionCookie, Value: planted, Path: "/", Secure: true}})
	b.signIn("erika", "")
	first := b.session()
	b.signIn("erika", "")
	second := b.session()
	if first == planted || second == first || first == "" || second == "" {
		t.Fatalf("%q %q", first, second)
	}
	for _, old := range []string{planted, first} {
		a, _ := r.browser(t, "").do("GET", "/dicom-web/studies", nil, "Cookie", web.SessionCookie+"="+old)
		if a.StatusCode != 401 {
			t.Errorf("an old secret: %d", a.StatusCode)
		}
	}
}

// TestUnsafeRequestsOfOtherSitesAreRefused sends what a page of another site
// could make a browser send.
func TestUnsafeRequestsOfOtherSitesAreRefused(t *testing.T) {
	r := start(t)
	r.person(t, "erika", policy.Radiologist)
	b := r.surfer(t)
	b.signIn("erika", "")
	for _, h := range [][]string{
		nil,
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site", "Origin", b.root},
		{"Sec-Fetch-Site", "none"},
		{"Origin", "https://evil.example"},
		{"Origin", "null"},
		{"Origin", strings.Replace(b.root, "https", "http", 1)},
	} {
		for _, path := range []string{"/dicom-web/studies", "/logout", "/preferences", "/login", "/setup/x"} {
			a, _ := b.do("POST", path, strings.NewReader("x"), h...)
			if a.StatusCode != 403 {
				t.Errorf("%s with %v: %d", path, h, a.StatusCode)
			}
		}
	}
	if a, _ := b.do("POST", "/dicom-web/studies", strings.NewReader("x"), "Origin", b.root); a.StatusCode != 400 {
		t.Errorf("a page of ours stores: %d", a.StatusCode)
	}
	if a, _ := b.do("GET", "/", nil); a.StatusCode != 200 {
		t.Errorf("the session is gone: %d", a.StatusCode)
	}
}

func TestSignInReturnsToThePageOfOursAlone(t *testing.T) {
	r := start(t)
	r.person(t, "erika", policy.Radiologist)
	a, _ := r.surfer(t).do("GET", "/viewer?StudyInstanceUIDs=1.2.3", nil)
	if to := a.Header.Get("Location"); a.StatusCode != 303 && a.StatusCode != 404 || to != "" && to != "/login?next=%2Fviewer%3FStudyInstanceUIDs%3D1.2.3" {
		t.Errorf("%d %s", a.StatusCode, to)
	}
	for next, want := range map[string]string{
		"/viewer?StudyInstanceUIDs=1.2.3": "/viewer?StudyInstanceUIDs=1.2.3", "//evil.example": "/",
	} {
		if status, to := r.surfer(t).signIn("erika", next); status != 303 || to != want {
			t.Errorf("%q leads to %d %q", next, status, to)
		}
	}
}

func TestGuessingIsSlowedAndWrittenDown(t *testing.T) {
	r := start(t)
	r.person(t, "erika", policy.Radiologist)
	known := r.surfer(t)
	known.signIn("erika", "")
	guesser := r.surfer(t)
	// All at once: one after the other a slow machine would give the guesser the
	// time that earns new attempts.
	var guesses sync.WaitGroup
	var mu sync.Mutex
	statuses := map[int]int{}
	for range 40 {
		guesses.Go(func() {
			a, page := guesser.post("/login", nil, "name", "erika", "password", "wrong")
			mu.Lock()
			defer mu.Unlock()
			statuses[a.StatusCode]++
			if bytes.Contains(page, []byte("wrong\"")) {
				t.Error("the page shows the password again")
			}
		})
	}
	guesses.Wait()
	if statuses[401] == 0 || statuses[429] == 0 || statuses[401]+statuses[429] != 40 {
		t.Error(statuses)
	}
	if status, _ := known.signIn("erika", ""); status != 303 {
		t.Errorf("the user's own browser is locked out: %d", status)
	}
	r.awaitRecord(t, audit.Login, identity.ErrSignIn.Error())
	guesser.post("/login", nil, "name", "hunter2-typed-as-name", "password", "x")
	for _, e := range r.records(t, audit.Login) {
		if strings.Contains(e.Principal, "hunter2") {
			t.Error("what was typed as a name is in the trail")
		}
	}
}

func TestSessionEndsWithTheAccount(t *testing.T) {
	r := start(t)
	for name, change := range map[string]func(*server.Admin) error{
		"password": func(a *server.Admin) error { return a.Accounts.SetPassword(t.Context(), "password", "another horse") },
		"disabled": func(a *server.Admin) error { return a.Accounts.SetDisabled(t.Context(), "disabled", true) },
		"role": func(a *server.Admin) error {
			return a.Accounts.UpdateUser(t.Context(), "role", func(u *identity.User) error { u.Role = policy.Auditor; return nil })
		},
		"signout": func(a *server.Admin) error { return a.Accounts.EndSessions(t.Context(), "signout") },
	} {
		r.person(t, name, policy.Radiologist)
		b := r.surfer(t)
		b.signIn(name, "")
		if a, _ := b.do("GET", "/", nil); a.StatusCode != 200 {
			t.Fatal(name, a.StatusCode)
		}
		r.administer(t, change)
		r.within(t, time.Second, func() bool { a, _ := b.do("GET", "/", nil); return a.StatusCode == 303 })
	}
}

func TestFirstStartPrintsALinkThatMakesTheAdministratorOnce(t *testing.T) {
	r := start(t)
	var link string
	for line := range strings.Lines(r.said()) {
		if _, path, ok := strings.Cut(line, "/setup/"); ok {
			link = "/setup/" + strings.TrimSpace(path)
		}
	}
	if link == "" {
		t.Fatalf("no link in %q", r.said())
	}
	b := r.surfer(t)
	if a, page := b.do("GET", link, nil); a.StatusCode != 200 || !bytes.Contains(page, []byte(`name="again"`)) {
		t.Fatalf("%d %s", a.StatusCode, page)
	}
	if a, _ := b.post(link, nil, "name", "admin", "password", goodPassword, "again", "something else"); a.StatusCode != 422 {
		t.Error(a.StatusCode)
	}
	if a, _ := b.post(link, nil, "name", "admin", "password", goodPassword, "again", goodPassword); a.StatusCode != 303 || b.session() == "" {
		t.Fatal(a.StatusCode)
	}
	if a, _ := b.do("GET", "/dicom-web/studies", nil); a.StatusCode != 403 {
		t.Errorf("an administrator sees studies: %d", a.StatusCode)
	}
	for _, path := range []string{link, "/setup/" + strings.Repeat("A", 43)} {
		if a, _ := r.surfer(t).do("GET", path, nil); a.StatusCode != 404 {
			t.Errorf("%s is good: %d", path, a.StatusCode)
		}
	}
	files, err := filepath.Glob(filepath.Join(r.dir, "identity", "*"))
	if err = errors.Join(err, r.stop()); err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	again := startIn(t, r.dir, nil)
	if strings.Contains(again.said(), "/setup/") {
		t.Error("a second start prints a link")
	}
}
