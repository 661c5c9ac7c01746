package identity

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/policy"
)

func TestFirstAdministratorByLinkOnce(t *testing.T) {
	a := openAccounts(t, t.TempDir(), Options{})
	replaced, ok, err := a.InviteFirst(t.Context())
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	secret, _, err := a.InviteFirst(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.RedeemPassword(t.Context(), replaced, "admin", "correct horse"); !errors.Is(err, ErrNoInvitation) {
		t.Error("a link that was replaced is good:", err)
	}
	if kept, _ := json.Marshal(a.current.Load().accounts); bytes.Contains(kept, []byte(secret)) {
		t.Error("the secret of a link is kept")
	}
	for name, password := range map[string]string{"admin": "short", "not a name/": "correct horse"} {
		if _, err := a.RedeemPassword(t.Context(), secret, name, password); err == nil || len(a.Users()) > 0 {
			t.Errorf("%q: %v", name, err)
		}
	}
	u, err := a.RedeemPassword(t.Context(), secret, "admin", "correct horse")
	if err != nil || u.Role != policy.Administrator || u.Password != "" {
		t.Fatalf("%+v %v", u, err)
	}
	if _, err := a.SignIn(t.Context(), "admin", "correct horse"); err != nil {
		t.Error(err)
	}
	if _, err := a.RedeemPassword(t.Context(), secret, "second", "correct horse"); !errors.Is(err, ErrNoInvitation) {
		t.Error("the link is good twice:", err)
	}
	if _, ok, err := a.InviteFirst(t.Context()); ok || err != nil {
		t.Error("a first administrator is invited beside users", err)
	}
}

func TestFirstLinkEndsWithTheFirstUser(t *testing.T) {
	a := openAccounts(t, t.TempDir(), Options{})
	secret, _, err := a.InviteFirst(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.AddUser(t.Context(), User{Name: "erika", Role: policy.Radiologist}, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := a.RedeemPassword(t.Context(), secret, "admin", "correct horse"); !errors.Is(err, ErrNoInvitation) {
		t.Error("a stranger with an old link becomes administrator:", err)
	}
}

func TestInvitationOfAUser(t *testing.T) {
	c := &clock{time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	a := openAccounts(t, t.TempDir(), Options{Now: c.now})
	if err := a.AddUser(t.Context(), User{Name: "erika", Role: policy.Radiologist}, ""); err != nil {
		t.Fatal(err)
	}
	invite := func() string {
		t.Helper()
		secret, _, err := a.Invite(t.Context(), "erika")
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	good := func(secret string) bool { _, err := a.Invitation(secret); return err == nil }

	voids := map[string]func() error{
		"another link": func() error { invite(); return nil },
		"a password":   func() error { return a.SetPassword(t.Context(), "erika", "correct horse") },
		"disabled and back": func() error {
			return errors.Join(a.SetDisabled(t.Context(), "erika", true), a.SetDisabled(t.Context(), "erika", false))
		},
		"its end": func() error { c.Time = c.Add(invitationValidity + time.Second); return nil },
	}
	for name, void := range voids {
		secret := invite()
		if !good(secret) {
			t.Error(name, "a new link is not good")
		}
		if err := void(); err != nil {
			t.Fatal(err)
		}
		if good(secret) {
			t.Errorf("%s does not void a link", name)
		}
	}
	secret := invite()
	u, err := a.RedeemPassword(t.Context(), secret, "somebody-else", "another horse")
	if err != nil || u.Name != "erika" || u.Role != policy.Radiologist {
		t.Fatalf("%+v %v", u, err)
	}
	if _, err := a.RedeemPassword(t.Context(), secret, "erika", "a third horse"); !errors.Is(err, ErrNoInvitation) {
		t.Error("a link is good twice:", err)
	}
	if _, _, err := a.Invite(t.Context(), "nobody"); !errors.Is(err, ErrNoUser) {
		t.Error(err)
	}
}

func TestGuardSlowsGuessingAndLocksNobodyOut(t *testing.T) {
	c := &clock{time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	a := openAccounts(t, t.TempDir(), Options{Now: c.now})
	g := a.NewGuard()
	mark := g.Mark("erika")
	tries := func(source func(int) string) (admitted int) {
		for i := range 500 {
			if _, err := g.Admit(source(i), "erika", ""); err == nil {
				admitted++
			} else if !errors.Is(err, ErrTooManyFailures) {
				t.Fatal(err)
			}
		}
		return admitted
	}
	if n := tries(func(int) string { return "192.0.2.1" }); n != sourceBurst {
		t.Errorf("one address guesses %d times", n)
	}
	if n := tries(func(i int) string { return string(rune(i + 0x100)) }); n != personBurst-sourceBurst {
		t.Errorf("many addresses guess %d times", n)
	}
	if _, err := g.Admit("192.0.2.9", "max", ""); err != nil {
		t.Error("another account suffers:", err)
	}
	for i := range 3 * browserBurst {
		attempt, err := g.Admit("192.0.2.1", "erika", mark)
		if err != nil {
			t.Fatal("the user's own browser is locked out:", i, err)
		}
		attempt.Succeeded()
	}
	for _, bad := range []string{g.Mark("max"), mark + "A", mark[1:], "\n" + mark} {
		if _, err := g.Admit("192.0.2.1", "erika", bad); err == nil {
			t.Errorf("%q passes for the user's browser", bad)
		}
	}
	guessed := 0
	for range 100 {
		if _, err := g.Admit("192.0.2.1", "erika", mark); err == nil {
			guessed++
		}
	}
	if guessed != browserBurst {
		t.Errorf("a stolen mark guesses %d times", guessed)
	}
}
