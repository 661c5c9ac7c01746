package server_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/server"
	"github.com/tresor-pacs/tresor/internal/web"
)

// withApp sets up an authenticator app for a user and returns its secret and the
// recovery codes. The code of now is used up.
func (r *running) withApp(t *testing.T, name string) (secret string, recovery []string) {
	t.Helper()
	r.administer(t, func(a *server.Admin) error {
		e, err := a.Accounts.BeginTOTP(t.Context(), "Tresor", name)
		if err != nil {
			return err
		}
		secret = e.Secret
		recovery, err = a.Accounts.ConfirmTOTP(t.Context(), name, codeOf(t, secret, time.Now()))
		return err
	})
	return secret, recovery
}

// step signs in with the password and returns the ticket of the second step.
func (b *browser) step(name string) string {
	b.t.Helper()
	if status, to := b.signIn(name, "/"); status != 303 || to != "/login/code" {
		b.t.Fatalf("%d, %s", status, to)
	}
	return b.cookie("__Host-tresor-step")
}

func (b *browser) cookie(name string) string {
	b.t.Helper()
	req, err := http.NewRequest("GET", b.root+"/", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(req.URL) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// A right password is not a session where there is a second factor; the code
// makes one, with a new secret, and a code is good once.
func TestSecondFactorOverHTTP(t *testing.T) {
	r := start(t)
	r.person(t, "erika", policy.Radiologist)
	_, recovery := r.withApp(t, "erika")
	b := r.surfer(t)
	ticket := b.step("erika")
	if b.cookie(web.SessionCookie) != "" {
		t.Error("a session after the password alone")
	}
	if a, _ := b.do("GET", "/", nil); a.StatusCode != 303 {
		t.Errorf("the start page after the password alone: %d", a.StatusCode)
	}
	if a, _ := b.post("/login/code", nil, "code", recovery[0]); a.StatusCode != 303 || a.Header.Get("Location") != "/" {
		t.Fatalf("%d, %s", a.StatusCode, a.Header.Get("Location"))
	}
	if b.cookie(web.SessionCookie) == "" || b.cookie(web.SessionCookie) == ticket || b.cookie("__Host-tresor-step") != "" {
		t.Error("the session must be a new secret, and the step over")
	}
	// Whoever knows the ticket gets nothing of the session that it became.
	thief := r.surfer(t)
	a, _ := thief.post("/login/code", []string{"Cookie", "__Host-tresor-step=" + ticket}, "code", recovery[1])
	if a.StatusCode != 303 || a.Header.Get("Location") != "/login" {
		t.Errorf("a ticket is good twice: %d, %s", a.StatusCode, a.Header.Get("Location"))
	}
	other := r.surfer(t)
	other.step("erika")
	if a, _ := other.post("/login/code", nil, "code", recovery[0]); a.Header.Get("Location") != "/login/code" || other.cookie(web.SessionCookie) != "" {
		t.Errorf("a recovery code is good twice: %s", a.Header.Get("Location"))
	}
	for range 4 {
		a, _ = other.post("/login/code", nil, "code", "000000")
	}
	if a.Header.Get("Location") != "/login" {
		t.Errorf("after five wrong codes: %s", a.Header.Get("Location"))
	}
	found := 0
	for _, e := range r.records(t, audit.Login) {
		if e.Outcome == audit.SeriousFailure && slices.Contains(e.Details, audit.Detail{Name: "user", Value: "erika"}) {
			found++
		}
	}
	if found != 5 {
		t.Errorf("%d wrong codes in the trail", found)
	}
}

// A thief of the password who tries codes has to wait, and the user at a browser
// of before has not.
func TestSecondFactorGuessingDoesNotLockOut(t *testing.T) {
	r := start(t)
	r.person(t, "erika", policy.Radiologist)
	_, recovery := r.withApp(t, "erika")
	known := r.surfer(t)
	known.step("erika")
	if a, _ := known.post("/login/code", nil, "code", recovery[0]); a.Header.Get("Location") != "/" {
		t.Fatal("the user cannot sign in")
	}
	thief, waits := r.surfer(t), false
	for range 4 {
		thief.step("erika")
		for range 4 {
			a, _ := thief.post("/login/code", nil, "code", "000000")
			waits = waits || a.StatusCode == http.StatusTooManyRequests
		}
	}
	if !waits {
		t.Error("16 guesses in one go")
	}
	known.post("/logout", nil)
	known.step("erika")
	if a, _ := known.post("/login/code", nil, "code", recovery[1]); a.Header.Get("Location") != "/" {
		t.Errorf("the user is locked out: %d", a.StatusCode)
	}
}

// A link with which somebody chooses a password anew does not get around the
// second factor.
func TestSetUpLinkDoesNotPassTheSecondFactor(t *testing.T) {
	r := start(t)
	r.person(t, "erika", policy.Radiologist)
	r.withApp(t, "erika")
	var secret string
	r.administer(t, func(a *server.Admin) (err error) {
		secret, _, err = a.Accounts.Invite(t.Context(), "erika")
		return err
	})
	b := r.surfer(t)
	a, _ := b.post("/setup/"+secret, nil, "password", goodPassword, "again", goodPassword)
	if a.StatusCode != 303 || a.Header.Get("Location") != "/login/code" || b.cookie(web.SessionCookie) != "" {
		t.Errorf("%d, %s", a.StatusCode, a.Header.Get("Location"))
	}
}

// An account page is that of whoever is signed in with a browser.
func TestAccountIsOnesOwn(t *testing.T) {
	r := start(t)
	r.person(t, "erika", policy.Radiologist)
	r.person(t, "otto", policy.Radiologist)
	var token string
	r.administer(t, func(a *server.Admin) error {
		secret, k, err := a.Accounts.CreateToken(t.Context(), "otto", 0)
		token = secret + " " + k.ID
		return err
	})
	secret, id, _ := strings.Cut(token, " ")
	otto, erika := r.surfer(t), r.surfer(t)
	otto.signIn("otto", "/")
	erika.signIn("erika", "/")
	_, page := otto.do("GET", "/account", nil)
	if !strings.Contains(string(page), "/account/tokens/"+id+"/revoke") {
		t.Error("the user's token is not there")
	}
	other := r.surfer(t)
	other.signIn("otto", "/")
	_, page = other.do("GET", "/account", nil)
	session := regexp.MustCompile(`/account/sessions/[0-9a-f]+/end`).FindString(string(page))
	if session == "" {
		t.Fatalf("the other session is not there:\n%s", page)
	}
	for _, path := range []string{"/account/tokens/" + id + "/revoke", session} {
		if a, _ := erika.post(path, nil); a.StatusCode != 404 {
			t.Errorf("another's %s: %d", path, a.StatusCode)
		}
		if a, _ := other.post(path, nil); a.StatusCode != 303 {
			t.Errorf("one's own %s: %d", path, a.StatusCode)
		}
	}
	if a, _ := otto.do("GET", "/account", nil); a.StatusCode == 200 {
		t.Error("the session that was ended goes on")
	}
	r.administer(t, func(a *server.Admin) error {
		var err error
		secret, _, err = a.Accounts.CreateToken(t.Context(), "erika", 0)
		return err
	})
	program := r.browser(t, secret)
	for _, route := range web.Routes() {
		if strings.HasPrefix(route.Path, "/account") {
			path := strings.ReplaceAll(route.Path, "{id}", "x")
			if a, _ := program.do(route.Method, path, strings.NewReader("code=1"), "Content-Type", "application/x-www-form-urlencoded"); a.StatusCode != 403 {
				t.Errorf("a bearer token at %s %s: %d", route.Method, path, a.StatusCode)
			}
		}
	}
}

// No page of another site can do anything in the name of who is signed in.
func TestEveryActOfThePagesRefusesOtherSites(t *testing.T) {
	r := start(t)
	r.person(t, "erika", policy.Radiologist)
	b := r.surfer(t)
	b.signIn("erika", "/")
	tried := 0
	for _, route := range web.Routes() {
		if route.Method == http.MethodGet {
			continue
		}
		path := strings.NewReplacer("{id}", "x", "{token}", "x", "{study}", "1.2").Replace(route.Path)
		for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example", "Sec-Fetch-Site", ""}} {
			a, _ := b.post(path, headers)
			if a.StatusCode != 403 {
				t.Errorf("%s %s with %v: %d", route.Method, path, headers, a.StatusCode)
			}
		}
		tried++
	}
	if tried < 15 {
		t.Errorf("only %d acts were tried", tried)
	}
}
