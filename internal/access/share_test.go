package access

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/policy"
)

func TestShareNeedsLinkAndSecondFactor(t *testing.T) {
	f := open(t)
	erika := f.as("erika", policy.Radiologist)
	secret, code, s, err := f.Share(t.Context(), erika, NewShare{Studies: uids("1.2.3"), Factor: BirthDate, Answer: "19700203", MaxUses: 2})
	if err != nil || code != "" || len(secret) < 40 {
		t.Fatalf("%q %+v %v", code, s, err)
	}
	for _, wrong := range [][2]string{{secret, "19700204"}, {secret, ""}, {secret[1:], "19700203"}, {"", "19700203"}, {s.Hash, "19700203"}} {
		if _, err := f.Redeem(wrong[0], wrong[1]); !errors.Is(err, ErrShare) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	for range 2 {
		got, err := f.again().Redeem(secret, "1970-02-03")
		if err != nil {
			t.Fatal(err)
		}
		p := got.Principal()
		if p.Kind != policy.Share || p.Scope.Unlimited() || !p.Scope.Holds(policy.Resource{Study: "1.2.3"}, f.now()) ||
			p.Scope.Holds(policy.Resource{Study: "1.2.4"}, f.now()) || p.Has(policy.Store) || len(p.Rights) != 2 {
			t.Errorf("%+v", p)
		}
	}
	follows(t, "the uses", func() bool { _, err := f.FindShare(secret); return err != nil })
	if _, err := f.Redeem(secret, "19700203"); !errors.Is(err, ErrShare) {
		t.Error("used up, and yet good:", err)
	}
	if _, err := f.ShareInForce(s.ID); err != nil {
		t.Error("the last use ends at once:", err)
	}
	for _, listed := range f.Shares() {
		if listed.Hash != "" || listed.Answer != nil {
			t.Error("the list has secrets")
		}
	}
}

func TestGuessingKillsTheLink(t *testing.T) {
	f := open(t)
	secret, code, s, err := f.Share(t.Context(), f.as("erika", policy.Radiologist), NewShare{Studies: uids("1.2.3"), Factor: Code})
	if err != nil || len(code) != 8 {
		t.Fatal(code, err)
	}
	for range MaxGuesses - 1 {
		f.Redeem(secret, "WRONGONE")
	}
	if _, err := f.Redeem(secret, strings.ToLower(code[:4])+"-"+code[4:]); err != nil {
		t.Error("too few guesses killed it:", err)
	}
	for range MaxGuesses {
		f.Redeem(secret, "WRONGONE")
	}
	if _, err := f.Redeem(secret, code); !errors.Is(err, ErrShare) || f.shareBy(func(o *Share) bool { return o.ID == s.ID }).State(f.now()) != "locked" {
		t.Error("goes on being guessed:", err)
	}
}

func TestShareEnds(t *testing.T) {
	f := open(t)
	erika := f.as("erika", policy.Radiologist)
	make := func() (string, Share) {
		secret, _, s, err := f.Share(t.Context(), erika, NewShare{Studies: uids("1.2.3"), Factor: BirthDate, Answer: "19700203", Lasts: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		return secret, s
	}
	secret, s := make()
	if err := f.RevokeShare(t.Context(), f.as("max", policy.Radiologist), s.ID); !errors.Is(err, errRefused) {
		t.Error("another's share can be revoked:", err)
	}
	if err := f.RevokeShare(t.Context(), f.as("adam", policy.Administrator), s.ID); err != nil {
		t.Error(err)
	}
	if _, err := f.Redeem(secret, "19700203"); !errors.Is(err, ErrShare) {
		t.Error("revoked, and yet good")
	}
	if _, err := f.ShareInForce(s.ID); err == nil {
		t.Error("a use goes on after the revocation")
	}
	secret, s = make()
	f.clock.move(time.Hour)
	if _, err := f.Redeem(secret, "19700203"); !errors.Is(err, ErrShare) {
		t.Error("expired, and yet good")
	}
	if _, err := f.ShareInForce(s.ID); err == nil {
		t.Error("a use goes on after the end")
	}
	for name, n := range map[string]NewShare{
		"no study":     {Factor: Code},
		"no UID":       {Factor: Code, Studies: uids("x")},
		"no factor":    {Studies: uids("1.2")},
		"birth date":   {Studies: uids("1.2"), Factor: BirthDate, Answer: "1970"},
		"short code":   {Studies: uids("1.2"), Factor: Code, Answer: "1-2-3"},
		"for ever":     {Studies: uids("1.2"), Factor: Code, Lasts: 10 * 365 * 24 * time.Hour},
		"for everyone": {Studies: uids("1.2"), Factor: Code, MaxUses: 1 << 30},
	} {
		if _, _, _, err := f.Share(t.Context(), erika, n); err == nil {
			t.Errorf("%s: made", name)
		}
	}
	if _, _, _, err := f.Share(t.Context(), f.as("t", policy.Technologist), NewShare{Studies: uids("1.2"), Factor: Code}); !errors.Is(err, errRefused) {
		t.Error(err)
	}
}

// What an emergency shows for a while does not outlast it in a link.
func TestNoShareUnderEmergencyAccess(t *testing.T) {
	f := open(t)
	erika, max := f.as("erika", policy.Radiologist), f.as("max", policy.Radiologist)
	if _, err := f.BreakGlass(t.Context(), erika, policy.Scope{}, reason, 0); err != nil {
		t.Fatal(err)
	}
	share := func(who *actor) error {
		_, _, _, err := f.Share(t.Context(), who, NewShare{Studies: uids("1.2.3"), Factor: Code})
		return err
	}
	if err := share(erika); !errors.Is(err, ErrEmergency) || len(f.Shares()) != 0 {
		t.Error(err)
	}
	if err := share(max); err != nil {
		t.Error("another's emergency:", err)
	}
	f.clock.move(DefaultGrant)
	if err := share(erika); err != nil {
		t.Error("after it has ended:", err)
	}
}
