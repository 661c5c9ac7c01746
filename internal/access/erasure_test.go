package access

import (
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/internal/policy"
)

func TestErasureNeedsTwoPeople(t *testing.T) {
	f := open(t)
	adam, petra := f.as("adam", policy.Administrator), f.as("petra", policy.PrivacyOfficer)
	e, err := f.RequestErasure(t.Context(), adam, uids("1.2.3", "1.2.3", "1.2.4"), reason)
	if err != nil || len(e.Studies) != 2 || e.State() != "requested" {
		t.Fatal(e, err)
	}
	for _, who := range []*actor{adam, f.as("adam", policy.PrivacyOfficer)} {
		if err := f.AgreeToErasure(t.Context(), who, e.ID); !errors.Is(err, ErrSamePerson) {
			t.Error(err)
		}
	}
	token := *adam
	token.p.Kind = policy.Token
	if err := f.AgreeToErasure(t.Context(), &token, e.ID); !errors.Is(err, ErrSamePerson) {
		t.Error("one's own token is another person:", err)
	}
	for _, role := range []policy.Role{policy.Radiologist, policy.Technologist, policy.Referrer, policy.Auditor} {
		if err := f.AgreeToErasure(t.Context(), f.as("x", role), e.ID); !errors.Is(err, errRefused) {
			t.Error(role, err)
		}
	}
	if len(f.Due()) != 0 || f.Bury(e.ID, "1.2.3", "P") == nil || f.Erased("1.2.3") {
		t.Error("carried out with one pair of eyes")
	}
	if err := f.AgreeToErasure(t.Context(), petra, e.ID); err != nil {
		t.Fatal(err)
	}
	if len(f.Due()) != 1 || f.Bury(e.ID, "1.2.9", "P") == nil {
		t.Error("not due, or for other studies")
	}
	h, err := f.SetHold(t.Context(), petra, "", "P", reason)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Bury(e.ID, "1.2.3", "P"); !errors.Is(err, ErrState) || f.Erased("1.2.3") {
		t.Error("a legal hold does not hold:", err)
	}
	if err := f.LiftHold(t.Context(), petra, h.ID, reason); err != nil {
		t.Fatal(err)
	}
	if err := f.Wait(e.ID, "1.2.4", "kept until 2034"); err != nil {
		t.Fatal(err)
	}
	if err := f.Bury(e.ID, "1.2.3", "P"); err != nil || !f.Erased("1.2.3") || f.Erased("1.2.4") {
		t.Error(err)
	}
	for range 2 {
		if err := f.Certify(Certificate{Erasure: e.ID, Study: "1.2.3"}); err != nil {
			t.Fatal(err)
		}
	}
	if got := f.Erasures()[0]; len(got.Certificates) != 1 || got.State() != "waiting" {
		t.Errorf("%+v", got)
	}
	if err := f.WithdrawErasure(t.Context(), adam, e.ID); err != nil || len(f.Due()) != 0 {
		t.Error(err)
	}
	if err := f.Bury(e.ID, "1.2.4", "P"); !errors.Is(err, ErrState) {
		t.Error("withdrawn, and yet carried out:", err)
	}
	if again := f.again(); !again.Erased("1.2.3") {
		t.Error("forgotten after a restart")
	}
}

func TestCertificateIsSigned(t *testing.T) {
	key := ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", 32)))
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		t.Fatal("no key")
	}
	c := Certificate{Erasure: "e", Study: "1.2.3", Instances: 7, Reason: reason}
	if err := c.Sign(key); err != nil || !c.Check(public) {
		t.Fatal(err)
	}
	other := c
	other.Instances = 8
	if other.Check(public) || c.Check(ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)) || c.Check(nil) {
		t.Error("a changed certificate, or one of another key, is good")
	}
}

func TestQuarantineOrders(t *testing.T) {
	f := open(t)
	adam := f.as("adam", policy.Administrator)
	o := Order{Location: "L1", Instance: "1.2", Study: "1", Choice: Keep, Reason: reason}
	if err := f.Decide(t.Context(), f.as("e", policy.Radiologist), o); !errors.Is(err, errRefused) {
		t.Error(err)
	}
	if err := f.Decide(t.Context(), adam, o); err != nil {
		t.Fatal(err)
	}
	if err := f.Decide(t.Context(), adam, o); !errors.Is(err, ErrState) {
		t.Error("decided twice:", err)
	}
	if list := f.Orders(); len(list) != 1 || list[0].By != "user/adam" {
		t.Errorf("%+v", list)
	}
	if err := f.Done(f.Orders()[0], nil); err != nil || len(f.Orders()) != 0 || f.Settled()["L1"].Choice != Keep {
		t.Error(err, f.Settled())
	}
	o.Choice = "burn"
	if f.Decide(t.Context(), adam, o) == nil {
		t.Error("an unknown choice is taken")
	}
}
