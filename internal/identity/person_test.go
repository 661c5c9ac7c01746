package identity

import (
	"errors"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/policy"
)

func TestPeopleAtDevices(t *testing.T) {
	a, _, _ := withErika(t)
	p := NewPeople(a, nil)
	who, err := p.Passcode(t.Context(), "ws1", "erika", "correct horse")
	if err != nil || who.Principal.Name != "erika" || who.Principal.Role != policy.Radiologist || !p.Stands(who) {
		t.Fatalf("%+v, %v", who, err)
	}
	var auth *AuthError
	if _, err := p.Passcode(t.Context(), "ws1", "erika", "wrong"); !errors.As(err, &auth) || auth.Reason != WrongPasscode {
		t.Errorf("%v", err)
	}
	if _, err := p.JWT(t.Context(), "ws1", "a.b.c"); !errors.As(err, &auth) {
		t.Errorf("a JWT without a provider: %v", err)
	}
	changed := p.Changed()
	if err := a.SetDisabled(t.Context(), "erika", true); err != nil {
		t.Fatal(err)
	}
	select {
	case <-changed:
	default:
		t.Error("the change was not told")
	}
	if p.Stands(who) {
		t.Error("a disabled user stands")
	}
	if !p.Known("erika") || p.Known("nobody") {
		t.Error("which accounts there are")
	}
}

// Guessing from one device comes to an end, takes nothing from another device,
// and is possible again later.
func TestPeopleGuessing(t *testing.T) {
	a, c, _ := withErika(t)
	p := NewPeople(a, nil)
	var auth *AuthError
	for range sourceBurst {
		if _, err := p.Passcode(t.Context(), "ws1", "erika", "guess"); !errors.As(err, &auth) || auth.Reason != WrongPasscode {
			t.Fatalf("%v", err)
		}
	}
	if _, err := p.Passcode(t.Context(), "ws1", "erika", "correct horse"); !errors.As(err, &auth) || auth.Reason != TooOften {
		t.Errorf("one more guess: %v", err)
	}
	if _, err := p.Passcode(t.Context(), "ws2", "erika", "correct horse"); err != nil {
		t.Errorf("at another device: %v", err)
	}
	c.Time = c.Add(time.Minute)
	if _, err := p.Passcode(t.Context(), "ws1", "erika", "correct horse"); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}
