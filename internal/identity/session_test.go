package identity

import (
	"errors"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/policy"
)

// clock is a time that stands still.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

func signedIn(t *testing.T) (*Accounts, *Sessions, *clock) {
	t.Helper()
	c := &clock{time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	a := openAccounts(t, t.TempDir(), Options{Now: c.now})
	if err := a.AddUser(t.Context(), User{Name: "erika", Role: policy.Radiologist}, "correct horse"); err != nil {
		t.Fatal(err)
	}
	return a, NewSessions(a, SessionOptions{Now: c.now}), c
}

func begin(t *testing.T, s *Sessions) string {
	t.Helper()
	secret, _, err := s.Begin("erika", "password", "192.0.2.1:1000")
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// refusal returns why a session is refused.
func refusal(s *Sessions, secret string) Reason {
	p, _, err := s.Authenticate(secret, true)
	var auth *AuthError
	if errors.As(err, &auth) {
		if p.Kind != "" || p.Name != "" || len(p.Rights) > 0 {
			return "refused, and yet somebody"
		}
		return auth.Reason
	}
	return ""
}

func TestSessionActsForItsUser(t *testing.T) {
	_, s, _ := signedIn(t)
	secret := begin(t, s)
	p, on, err := s.Authenticate(secret, true)
	if err != nil || p.Kind != policy.User || p.Name != "erika" || !p.Has(policy.Find) || on.User != "erika" || on.How != "password" {
		t.Errorf("%+v %+v %v", p, on, err)
	}
	if other := begin(t, s); other == secret {
		t.Error("two sessions have one secret")
	}
	if got := refusal(s, ""); got != NoSession {
		t.Error(got)
	}
	if got := refusal(s, secret+"x"); got != UnknownSession {
		t.Error(got)
	}
	if len(s.List()) != 2 || s.List()[0].ID == "" {
		t.Errorf("%+v", s.List())
	}
	if _, was := s.End(secret); !was || refusal(s, secret) != UnknownSession {
		t.Error("a session goes on after its end")
	}
	if _, was := s.EndID(s.List()[0].ID); !was || len(s.List()) != 0 {
		t.Error("a session cannot be ended by its ID")
	}
}

func TestSessionEndsByItself(t *testing.T) {
	_, s, c := signedIn(t)
	idle := begin(t, s)
	c.Time = c.Add(sessionIdle - time.Second)
	if got := refusal(s, idle); got != "" {
		t.Error(got)
	}
	c.Time = c.Add(sessionIdle - time.Second)
	if _, _, err := s.Authenticate(idle, false); err != nil {
		t.Error("use did not move the time-out:", err)
	}
	c.Time = c.Add(time.Second)
	if got := refusal(s, idle); got != IdleSession {
		t.Errorf("what a page does by itself keeps a session alive: %q", got)
	}
	old := begin(t, s)
	for end := c.Add(sessionLifetime); c.Add(time.Minute).Before(end); c.Time = c.Add(time.Minute) {
		if got := refusal(s, old); got != "" {
			t.Fatal(got)
		}
	}
	c.Time = c.Add(time.Minute)
	if got := refusal(s, old); got != OldSession {
		t.Error(got)
	}
}

func TestSessionEndsWhenItsUserChanges(t *testing.T) {
	a, s, _ := signedIn(t)
	for name, c := range map[string]struct {
		change func() error
		want   Reason
	}{
		"password": {func() error { return a.SetPassword(t.Context(), "erika", "another horse") }, ChangedUser},
		"role": {func() error {
			return a.UpdateUser(t.Context(), "erika", func(u *User) error { u.Role = policy.Auditor; return nil })
		}, ChangedUser},
		"scope": {func() error {
			return a.UpdateUser(t.Context(), "erika", func(u *User) error { u.Scope.Modalities = append(u.Scope.Modalities, "CT"); return nil })
		}, ChangedUser},
		"ended":    {func() error { return a.EndSessions(t.Context(), "erika") }, ChangedUser},
		"disabled": {func() error { return a.SetDisabled(t.Context(), "erika", true) }, DisabledUser},
	} {
		secret := begin(t, s)
		asleep := begin(t, s)
		if err := c.change(); err != nil {
			t.Fatal(err)
		}
		if got := refusal(s, secret); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
		if err := a.SetDisabled(t.Context(), "erika", false); err != nil {
			t.Fatal(err)
		}
		if got := refusal(s, asleep); got == "" {
			t.Errorf("%s: a session that nobody used meanwhile came back", name)
		}
	}
	if err := a.SetDisabled(t.Context(), "erika", true); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Begin("erika", "password", ""); err == nil {
		t.Error("a disabled user begins a session")
	}
}

func TestSessionsOfOneUserAreBounded(t *testing.T) {
	_, s, c := signedIn(t)
	first := begin(t, s)
	for range sessionsPerUser {
		c.Time = c.Add(time.Second)
		begin(t, s)
	}
	if got := refusal(s, first); got != UnknownSession || len(s.List()) != sessionsPerUser {
		t.Error(got, len(s.List()))
	}
}
