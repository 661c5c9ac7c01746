package server_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/identity/oidctest"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/server"
)

// named has the window use the archive's name, which passkeys need.
func (w *window) named(r *running) *window {
	w.t.Helper()
	_, port, err := net.SplitHostPort(r.https)
	if err != nil {
		w.t.Fatal(err)
	}
	w.root = "https://localhost:" + port
	return w
}

// authenticator gives the window a passkey device that always verifies its person.
func (w *window) authenticator() webauthn.AuthenticatorID {
	w.t.Helper()
	command(w, webauthn.Enable, webauthn.EnableParams{})
	a, err := chromedp.Call(w.ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{
		Options: &webauthn.VirtualAuthenticatorOptions{Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true}})
	if err != nil {
		w.t.Fatal(err)
	}
	return a.AuthenticatorID
}

// click presses a button as a person does, by its form's action.
func (w *window) click(selector string) {
	w.t.Helper()
	w.until(selector, "document.querySelector("+strconv.Quote(selector)+")")
	if err := chromedp.Do(w.ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		w.t.Fatalf("click %s: %v", selector, err)
	}
}

// both keeps pictures of the page in both languages and colours.
func (w *window) both(name string) {
	w.t.Helper()
	w.look(1000, 900, "light")
	w.keep(name + "-light")
	w.look(420, 860, "dark")
	w.keep(name + "-narrow-dark")
	w.look(1000, 900, "light")
}

func (w *window) signOut() {
	w.t.Helper()
	w.run(`document.querySelector('form[action="/logout"]').submit()`)
	w.until("the sign-in", `location.pathname === "/login" && document.getElementById("name")`)
}

// A person adds a passkey, signs in with it and no password, and is refused when
// the authenticator does not verify the person, or the passkey is removed.
func TestBrowserPasskey(t *testing.T) {
	r := start(t)
	r.person(t, "erika", policy.Radiologist)
	w := r.window(t).named(r)
	key := w.authenticator()
	w.open("/login")
	w.both("signin-passkey")
	w.signIn("erika")
	w.open("/account")
	w.typed(`form[data-passkey=create] input[name=name]`, "blue key")
	w.click(`form[data-passkey=create] button`)
	w.until("the recovery codes", `document.querySelectorAll(".codes li").length === 10`)
	w.both("recovery")
	recovery := js[string](w, `document.querySelector(".codes code").textContent`)
	w.open("/account")
	w.until("the passkey", `document.querySelector('input[name=name][value="blue key"]')`)
	w.both("account-passkey")
	w.signOut()

	w.click(`form[data-passkey=get] button`)
	w.until("the menu", "document.querySelector('nav.menu')")
	if n := len(r.records(t, audit.Login)); n < 2 {
		t.Errorf("%d sign-ins in the trail", n)
	}
	w.signOut()

	// The password alone is not enough any more; a recovery code stands in, once.
	w.typed("#name", "erika")
	w.typed("#password", goodPassword+"\r")
	w.until("the second step", `location.pathname === "/login/code"`)
	w.typed("#code", recovery+"\r")
	w.until("the menu", "document.querySelector('nav.menu')")
	w.signOut()
	w.typed("#name", "erika")
	w.typed("#password", goodPassword+"\r")
	w.until("the second step", `location.pathname === "/login/code"`)
	w.typed("#code", recovery+"\r")
	w.until("a refusal", `location.pathname === "/login/code" && document.getElementById("error")`)
	w.both("code-recovery")

	w.open("/login")
	no := webauthn.SetUserVerifiedParams{AuthenticatorID: key, IsUserVerified: false}
	command(w, webauthn.SetUserVerified, no)
	w.click(`form[data-passkey=get] button`)
	w.until("the failure is said", `(p => p && !p.hidden)(document.querySelector("form[data-passkey=get] [role=alert]"))`)
	w.clean()
}

// codeOf returns the one-time code (RFC 6238) of the secret that a page shows.
func codeOf(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	binary.Write(mac, binary.BigEndian, uint64(at.Unix()/30))
	sum := mac.Sum(nil)
	n := binary.BigEndian.Uint32(sum[sum[19]&0xf:]) & 0x7fffffff
	return fmt.Sprintf("%06d", n%1_000_000)
}

// An authenticator app is set up from its picture's text and asked for at the
// next sign-in; the code that was used is refused; who must have an app is led
// through setting it up.
func TestBrowserAuthenticatorApp(t *testing.T) {
	r := start(t)
	r.person(t, "erika", policy.Radiologist)
	w := r.window(t)
	w.open("/login")
	w.signIn("erika")
	w.open("/account")
	w.click(`form[action="/account/app/begin"] button`)
	w.until("the picture", `document.querySelector(".qr svg")`)
	w.both("enrol")
	secret := js[string](w, `document.querySelector(".secret").textContent`)
	used := codeOf(t, secret, time.Now())
	w.typed("#code", used+"\r")
	w.until("the recovery codes", `document.querySelectorAll(".codes li").length === 10`)
	w.open("/account")
	w.both("account-app")
	w.signOut()
	w.typed("#name", "erika")
	w.typed("#password", goodPassword+"\r")
	w.until("the second step", `location.pathname === "/login/code"`)
	w.typed("#code", used+"\r")
	w.until("the used code is refused", `document.getElementById("error")`)
	w.both("code-app")
	w.typed("#code", codeOf(t, secret, time.Now().Add(30*time.Second))+"\r")
	w.until("the menu", "document.querySelector('nav.menu')")
	w.clean()
}

func TestBrowserSecondFactorRequired(t *testing.T) {
	r := startIn(t, t.TempDir(), func(c *server.Config) { c.SignIn.SecondFactor = "required" })
	r.person(t, "erika", policy.Radiologist)
	w := r.window(t)
	w.open("/login")
	w.typed("#name", "erika")
	w.typed("#password", goodPassword+"\r")
	w.until("the picture", `location.pathname === "/login/setup" && document.querySelector(".qr svg")`)
	w.open("/")
	w.until("still not signed in", `location.pathname === "/login"`)
	w.open("/login/setup")
	secret := js[string](w, `document.querySelector(".secret").textContent`)
	w.typed("#code", codeOf(t, secret, time.Now())+"\r")
	w.until("the recovery codes", `document.querySelectorAll(".codes li").length === 10`)
	w.click(".gate a.main")
	w.until("the menu", "document.querySelector('nav.menu')")
	w.clean()
}

// A person signs in at the provider of the house, and a link with somebody
// else's answer signs nobody in.
func TestBrowserProvider(t *testing.T) {
	p := oidctest.Start(t)
	p.SetClaims(oidctest.AnnaID, map[string]any{"groups": []any{"readers"}})
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(oidctest.ClientSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := startIn(t, t.TempDir(), func(c *server.Config) {
		withOIDC(p)(c)
		c.HTTPS, c.OIDC.ClientSecretFile = address, secret
	})
	w := r.window(t).named(r)
	p.AllowRedirect(w.root + "/login/provider/back")
	w.open("/login?next=%2Faccount")
	w.click(`a[href^='/login/provider']`)
	w.until("the provider", `document.getElementById("provider-sign-in")`)
	w.typed("#username", oidctest.Anna)
	w.typed("#password", oidctest.Password+"\r")
	w.until("the account", `location.pathname === "/account" && document.body.textContent.includes("`+oidctest.Anna+`")`)
	if !slices.ContainsFunc(r.records(t, audit.UserSecurity), func(e audit.Event) bool {
		return slices.Contains(e.Details, audit.Detail{Name: "what", Value: "added as radiologist by the provider"})
	}) {
		t.Error("the trail does not say that the provider made an account")
	}
	w.run(`const f = document.querySelector('form[action="/preferences"]'); f.querySelector('[value=de]').click()`)
	w.until("German", `document.documentElement.lang === "de"`)
	w.both("account-provider")
	w.signOut()
	w.both("signin-provider")

	begun := r.surfer(t)
	answer, _ := begun.do("GET", "/login/provider", nil)
	back := p.SignIn(t, answer.Header.Get("Location"), oidctest.Anna)
	w.open(back.RequestURI())
	w.until("a refusal", `document.getElementById("error") && document.getElementById("password")`)
	p.SetClaims(oidctest.AnnaID, nil)
	w.open("/login")
	w.click(`a[href^='/login/provider']`)
	w.until("the provider", `document.getElementById("provider-sign-in")`)
	w.typed("#username", oidctest.Anna)
	w.typed("#password", oidctest.Password+"\r")
	w.until("a refusal in German", `location.hostname === "localhost" && document.getElementById("error") && document.documentElement.lang === "de"`)
	w.both("signin-provider-refused")
	if strings.Contains(r.log.String(), "code=") {
		t.Error("a code of the provider is in the log")
	}
}
