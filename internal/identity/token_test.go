package identity

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/policy"
)

func TestTokenActsForItsUserUntilItEnds(t *testing.T) {
	now := time.Unix(1_900_000_000, 0)
	dir := t.TempDir()
	a := openAccounts(t, dir, Options{Now: func() time.Time { return now }, Poll: time.Hour})
	scope := policy.Scope{Modalities: []string{"CT"}}
	if err := a.AddUser(t.Context(), User{Name: "erika", Role: policy.Radiologist, Scope: scope}, ""); err != nil {
		t.Fatal(err)
	}
	secret, token, err := a.CreateToken(t.Context(), "erika", time.Hour)
	if err != nil || !strings.HasPrefix(secret, "tresor_"+token.ID+"_") || len(secret) < 64 {
		t.Fatalf("%q, %v", secret, err)
	}
	p, id, err := a.AuthenticateToken(secret)
	if err != nil || id != token.ID || p.Kind != policy.Token || p.Name != "erika" || !p.Has(policy.Get) || len(p.Scope.Modalities) != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	file, err := os.ReadFile(filepath.Join(dir, folder, usersFile))
	if err != nil || bytes.Contains(file, []byte(secret)) || a.Tokens()[0].Hash != "" {
		t.Error("the token or its hash shows")
	}
	reason := func(secret string) Reason {
		p, _, err := a.AuthenticateToken(secret)
		var auth *AuthError
		if !errors.As(err, &auth) || p.Kind != "" || p.Rights != nil {
			t.Fatalf("%+v, %v", p, err)
		}
		return auth.Reason
	}
	for given, want := range map[string]Reason{"": NoToken, "tresor_": UnknownToken, secret[:len(secret)-1]: UnknownToken,
		secret + "0": UnknownToken, token.Hash: UnknownToken} {
		if got := reason(given); got != want {
			t.Errorf("%q: %s", given, got)
		}
	}
	if err := a.SetDisabled(t.Context(), "erika", true); err != nil {
		t.Fatal(err)
	}
	if got := reason(secret); got != DisabledUser {
		t.Error(got)
	}
	if _, _, err := a.CreateToken(t.Context(), "erika", 0); err == nil {
		t.Error("a disabled user gets a token")
	}
	if err := a.SetDisabled(t.Context(), "erika", false); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour + time.Second)
	if got := reason(secret); got != ExpiredToken || a.Tokens()[0].State(now) != "expired" {
		t.Error(got)
	}
	if err := a.RevokeToken(t.Context(), token.ID); err != nil {
		t.Fatal(err)
	}
	if got := reason(secret); got != RevokedToken || a.Tokens()[0].State(now) != "revoked" {
		t.Error(got)
	}
}

func TestWrongTokensAreNotMade(t *testing.T) {
	a := openAccounts(t, t.TempDir(), Options{})
	if _, _, err := a.CreateToken(t.Context(), "nobody", 0); !errors.Is(err, ErrNoUser) {
		t.Error(err)
	}
	if err := a.AddUser(t.Context(), User{Name: "x", Role: policy.Auditor}, ""); err != nil {
		t.Fatal(err)
	}
	for _, d := range []time.Duration{-1, maxTokenValidity + 1} {
		if _, _, err := a.CreateToken(t.Context(), "x", d); err == nil {
			t.Error(d)
		}
	}
	if err := a.RevokeToken(t.Context(), "x"); !errors.Is(err, ErrNoToken) {
		t.Error(err)
	}
}
