package identity

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/identity/oidctest"
	"github.com/tresor-pacs/tresor/internal/policy"
)

const testRedirect = "https://pacs.example/login/oidc/back"

func withProvider(t *testing.T) (*oidctest.Provider, *Accounts, *OIDC) {
	t.Helper()
	p := oidctest.Start(t)
	p.AllowRedirect(testRedirect)
	a := openAccounts(t, t.TempDir(), Options{})
	o, err := NewOIDC(a, testOIDC(p.Issuer))
	if err != nil {
		t.Fatal(err)
	}
	return p, a, o
}

func testOIDC(issuer string) OIDCOptions {
	return OIDCOptions{Issuer: issuer, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret,
		RedirectURL: testRedirect, RoleClaim: "groups", Audience: "tresor-api",
		Roles: map[string]policy.Role{"readers": policy.Radiologist, "admins": policy.Administrator, "chiefs": policy.Radiologist}}
}

func groups(names ...any) map[string]any { return map[string]any{"groups": names} }

// signInThere signs Anna in and returns what the provider sent the browser back with.
func signInThere(t *testing.T, p *oidctest.Provider, o *OIDC) (ticket string, back url.Values) {
	t.Helper()
	ticket, address, err := o.Begin(t.Context(), "here")
	if err != nil {
		t.Fatal(err)
	}
	u := p.SignIn(t, address, oidctest.Anna)
	if !strings.HasPrefix(u.String(), testRedirect+"?") {
		t.Fatalf("sent back to %s", u)
	}
	return ticket, u.Query()
}

func TestOIDCSignIn(t *testing.T) {
	p, a, o := withProvider(t)
	p.SetClaims(oidctest.AnnaID, groups("staff", "readers", "chiefs"))
	ticket, back := signInThere(t, p, o)
	u, err := o.Finish(t.Context(), ticket, back)
	if err != nil {
		t.Fatal(err)
	}
	if u.Name != oidctest.Anna || u.Role != policy.Radiologist || u.Password != "" || *u.External != (External{p.Issuer, oidctest.AnnaID}) {
		t.Errorf("%+v", u)
	}
	if _, err := a.SignIn(t.Context(), u.Name, ""); !errors.Is(err, ErrSignIn) {
		t.Errorf("without a password: %v", err)
	}
	if _, err := o.Finish(t.Context(), ticket, back); !errors.Is(err, ErrOIDC) {
		t.Errorf("the same answer again: %v", err)
	}
	// The next time the claims give another role: the account takes it on, and
	// what was bound to the old one ends.
	sessions := NewSessions(a, SessionOptions{})
	secret, _, err := sessions.Begin(u.Name, "oidc", "here")
	if err != nil {
		t.Fatal(err)
	}
	p.SetClaims(oidctest.AnnaID, groups("admins"))
	ticket, back = signInThere(t, p, o)
	if u, err = o.Finish(t.Context(), ticket, back); err != nil || u.Role != policy.Administrator || len(a.Users()) != 1 {
		t.Errorf("%+v, %v", u, err)
	}
	if _, _, err := sessions.Authenticate(secret, true); err == nil {
		t.Error("a session of the old role goes on")
	}
}

func TestOIDCRoles(t *testing.T) {
	p, a, o := withProvider(t)
	for name, claims := range map[string]map[string]any{
		"no claim":      nil,
		"unknown group": groups("staff"),
		"two roles":     groups("readers", "admins"),
		"no list":       {"groups": map[string]any{"readers": true}},
		"other case":    groups("Readers"),
	} {
		p.SetClaims(oidctest.AnnaID, claims)
		ticket, back := signInThere(t, p, o)
		if u, err := o.Finish(t.Context(), ticket, back); !errors.Is(err, ErrOIDC) {
			t.Errorf("%s: %+v, %v", name, u, err)
		}
	}
	if list := a.Users(); len(list) != 0 {
		t.Errorf("somebody without a role has an account: %+v", list)
	}
	o.o.RoleClaim = "realm_access.roles"
	p.SetClaims(oidctest.AnnaID, map[string]any{"realm_access": map[string]any{"roles": []any{"readers"}}})
	ticket, back := signInThere(t, p, o)
	if u, err := o.Finish(t.Context(), ticket, back); err != nil || u.Role != policy.Radiologist {
		t.Errorf("a claim within a claim: %+v, %v", u, err)
	}
}

func TestOIDCAnswersOfOthers(t *testing.T) {
	p, _, o := withProvider(t)
	p.SetClaims(oidctest.AnnaID, groups("readers"))
	for name, spoil := range map[string]func(back url.Values){
		"another state":    func(v url.Values) { v.Set("state", "x") },
		"no state":         func(v url.Values) { v.Del("state") },
		"another provider": func(v url.Values) { v.Set("iss", "https://evil.example") },
		"another code":     func(v url.Values) { v.Set("code", "x") },
		"no code":          func(v url.Values) { v.Del("code") },
		"an error":         func(v url.Values) { v.Set("error", "access_denied") },
	} {
		ticket, back := signInThere(t, p, o)
		spoil(back)
		if u, err := o.Finish(t.Context(), ticket, back); !errors.Is(err, ErrOIDC) {
			t.Errorf("%s: %+v, %v", name, u, err)
		}
	}
	// An answer that belongs to another browser's request: its code comes with
	// another verifier (PKCE) and nonce, even where the state were known.
	_, stolen := signInThere(t, p, o)
	ticket, mine := signInThere(t, p, o)
	mine.Set("code", stolen.Get("code"))
	if u, err := o.Finish(t.Context(), ticket, mine); !errors.Is(err, ErrOIDC) {
		t.Errorf("another's code: %+v, %v", u, err)
	}
	if _, err := o.Finish(t.Context(), "", mine); !errors.Is(err, ErrOIDC) {
		t.Errorf("without a ticket: %v", err)
	}
}

func TestOIDCAccounts(t *testing.T) {
	p, a, o := withProvider(t)
	p.SetClaims(oidctest.AnnaID, groups("readers"))
	if err := a.AddUser(t.Context(), User{Name: oidctest.Anna, Role: policy.Administrator}, "correct horse"); err != nil {
		t.Fatal(err)
	}
	ticket, back := signInThere(t, p, o)
	if u, err := o.Finish(t.Context(), ticket, back); !errors.Is(err, errNameTaken) {
		t.Errorf("took over a local account: %+v, %v", u, err)
	}
	o.o.NameClaim = "sub"
	ticket, back = signInThere(t, p, o)
	u, err := o.Finish(t.Context(), ticket, back)
	if err != nil || u.Name != oidctest.AnnaID {
		t.Fatalf("%+v, %v", u, err)
	}
	if err := a.SetDisabled(t.Context(), u.Name, true); err != nil {
		t.Fatal(err)
	}
	ticket, back = signInThere(t, p, o)
	if u, err := o.Finish(t.Context(), ticket, back); !errors.Is(err, errDisabled) || u.Name != "" {
		t.Errorf("a disabled user: %+v, %v", u, err)
	}
}

// What the provider changes here is in the trail first, or does not happen.
func TestOIDCIsWrittenDown(t *testing.T) {
	p, a, o := withProvider(t)
	var noted []string
	failing := errors.New("the trail cannot be written")
	o.o.Note = func(_ context.Context, user, what string) error {
		if noted = append(noted, user+": "+what); len(noted) == 1 {
			return failing
		}
		return nil
	}
	for _, group := range []string{"readers", "readers", "readers", "admins"} {
		p.SetClaims(oidctest.AnnaID, groups(group))
		ticket, back := signInThere(t, p, o)
		_, err := o.Finish(t.Context(), ticket, back)
		if first := len(a.Users()) == 0; first != errors.Is(err, failing) {
			t.Errorf("%d users, %v", len(a.Users()), err)
		}
	}
	want := []string{oidctest.Anna + ": added as radiologist by the provider", oidctest.Anna + ": added as radiologist by the provider",
		oidctest.Anna + ": role administrator from the provider"}
	if !slices.Equal(noted, want) {
		t.Errorf("%q", noted)
	}
}

func TestOIDCWithoutProvider(t *testing.T) {
	p, _, o := withProvider(t)
	c := &clock{time.Now()}
	o.o.Now = c.now
	p.SetDown(true)
	if _, _, err := o.Begin(t.Context(), "here"); !errors.Is(err, ErrOIDC) {
		t.Errorf("%v", err)
	}
	asked := p.Requests("/.well-known/openid-configuration")
	for range 20 {
		if _, _, err := o.Begin(t.Context(), "here"); !errors.Is(err, ErrOIDC) {
			t.Errorf("%v", err)
		}
	}
	if n := p.Requests("/.well-known/openid-configuration"); n != asked {
		t.Errorf("asked %d times more in one go", n-asked)
	}
	p.SetDown(false)
	c.Time = c.Add(discoverAgain)
	if _, _, err := o.Begin(t.Context(), "here"); err != nil {
		t.Errorf("after it is back: %v", err)
	}
}

func TestOIDCOptions(t *testing.T) {
	good := testOIDC("https://id.example")
	if err := good.check(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*OIDCOptions){
		"no issuer":         func(o *OIDCOptions) { o.Issuer = "" },
		"plain issuer":      func(o *OIDCOptions) { o.Issuer = "http://id.example" },
		"issuer with query": func(o *OIDCOptions) { o.Issuer = "https://id.example?x=1" },
		"no client":         func(o *OIDCOptions) { o.ClientID = "" },
		"no way back":       func(o *OIDCOptions) { o.RedirectURL = "" },
		"no role claim":     func(o *OIDCOptions) { o.RoleClaim = "" },
		"no roles":          func(o *OIDCOptions) { o.Roles = nil },
		"no such role":      func(o *OIDCOptions) { o.Roles = map[string]policy.Role{"a": "root"} },
		"audience":          func(o *OIDCOptions) { o.Audience = o.ClientID },
	} {
		o := good
		spoil(&o)
		if _, err := NewOIDC(nil, o); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestClaimsName(t *testing.T) {
	for give, want := range map[string]string{"anna": "anna", "anna@clinic.example": "anna_clinic.example", "Änne Ö": "nne__",
		"": "the-subject", "../x": "x", strings.Repeat("a", 100): strings.Repeat("a", maxName)} {
		c := claims{Subject: "the-subject", all: map[string]any{"preferred_username": give}}
		if got := c.name("preferred_username"); got != want {
			t.Errorf("%q: %q, want %q", give, got, want)
		}
	}
}
