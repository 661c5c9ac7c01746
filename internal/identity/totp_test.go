package identity

import (
	"encoding/base32"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/policy"
)

// The test vectors of RFC 6238 appendix B for SHA-1, to six digits.
func TestTOTPVectors(t *testing.T) {
	secret := &totp{Secret: []byte("12345678901234567890")}
	for second, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471",
		1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		if got := secret.code(second / totpStep); got != want {
			t.Errorf("at %d: %s, want %s", second, got, want)
		}
	}
}

func withErika(t *testing.T) (*Accounts, *clock, string) {
	t.Helper()
	c := &clock{time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}
	dir := t.TempDir()
	a := openAccounts(t, dir, Options{Now: c.now})
	if err := a.AddUser(t.Context(), User{Name: "erika", Role: policy.Radiologist}, "correct horse"); err != nil {
		t.Fatal(err)
	}
	return a, c, dir
}

// app is an authenticator app: it knows what the QR code says.
type app struct{ secret totp }

func newApp(t *testing.T, uri string) *app {
	t.Helper()
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" {
		t.Fatalf("%q: %v", uri, err)
	}
	b, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(u.Query().Get("secret"))
	if err != nil || len(b) != totpSecret {
		t.Fatalf("secret of %d bytes, %v", len(b), err)
	}
	return &app{totp{Secret: b}}
}

func (a *app) code(at time.Time) string { return a.secret.code(at.Unix() / totpStep) }

func enrolApp(t *testing.T, a *Accounts, now time.Time) (*app, []string) {
	t.Helper()
	e, err := a.BeginTOTP(t.Context(), "Tresor", "erika")
	if err != nil {
		t.Fatal(err)
	}
	phone := newApp(t, e.URI)
	recovery, err := a.ConfirmTOTP(t.Context(), "erika", phone.code(now))
	if err != nil {
		t.Fatal(err)
	}
	return phone, recovery
}

func TestTOTPEnrolment(t *testing.T) {
	a, c, _ := withErika(t)
	if _, err := a.ConfirmTOTP(t.Context(), "erika", "123456"); !errors.Is(err, ErrNoEnrolment) {
		t.Errorf("before it was begun: %v", err)
	}
	e, err := a.BeginTOTP(t.Context(), "Tresor", "erika")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(e.QR), "<svg ") || strings.Contains(string(e.QR), "style") || !strings.Contains(e.URI, e.Secret) {
		t.Errorf("%s %s", e.URI, e.QR)
	}
	phone := newApp(t, e.URI)
	if _, err := a.ConfirmTOTP(t.Context(), "erika", phone.code(c.Add(time.Hour))); !errors.Is(err, ErrCode) {
		t.Errorf("a wrong code: %v", err)
	}
	if a.Factors("erika").Second() {
		t.Error("enrolled without a right code")
	}
	again, err := a.PendingTOTP("Tresor", "erika")
	if err != nil || again.Secret != e.Secret {
		t.Errorf("%v", err)
	}
	c.Time = c.Add(pendingValidity + time.Second)
	if _, err := a.ConfirmTOTP(t.Context(), "erika", phone.code(c.Time)); !errors.Is(err, ErrNoEnrolment) {
		t.Errorf("after it ran out: %v", err)
	}
	if _, err := a.PendingTOTP("Tresor", "erika"); !errors.Is(err, ErrNoEnrolment) {
		t.Errorf("after it ran out: %v", err)
	}
	_, recovery := enrolApp(t, a, c.Time)
	if f := a.Factors("erika"); !f.TOTP || !f.Second() || f.Recovery != recoveryCodes || len(recovery) != recoveryCodes {
		t.Errorf("%+v, %d codes", f, len(recovery))
	}
}

func TestTOTPCodesAreGoodOnce(t *testing.T) {
	a, c, dir := withErika(t)
	phone, _ := enrolApp(t, a, c.Time)
	try := func(a *Accounts, code string) error { return a.VerifySecondFactor(t.Context(), "erika", code) }
	if err := try(a, phone.code(c.Time)); !errors.Is(err, ErrCode) {
		t.Errorf("the code that confirmed the enrolment: %v", err)
	}
	c.Time = c.Add(10 * totpStep * time.Second)
	now, before, after := phone.code(c.Time), phone.code(c.Add(-totpStep*time.Second)), phone.code(c.Add(totpStep*time.Second))
	if err := try(a, " "+now[:3]+" "+now[3:]); err != nil {
		t.Errorf("the code now, as people type it: %v", err)
	}
	if err := try(a, now); !errors.Is(err, ErrCode) {
		t.Errorf("the same code again: %v", err)
	}
	if err := try(a, before); !errors.Is(err, ErrCode) {
		t.Errorf("a code of before the last one: %v", err)
	}
	// What was used is remembered by others, and after a restart.
	other := openAccounts(t, dir, Options{Now: c.now})
	if err := try(other, now); !errors.Is(err, ErrCode) {
		t.Errorf("the same code elsewhere: %v", err)
	}
	if err := try(other, after); err != nil {
		t.Errorf("the code of a clock that is ahead: %v", err)
	}
	if err := try(a, after); !errors.Is(err, ErrCode) {
		t.Errorf("a code that was used elsewhere: %v", err)
	}
	for _, far := range []time.Duration{-2, 3} {
		if err := try(a, phone.code(c.Add(far*totpStep*time.Second))); !errors.Is(err, ErrCode) {
			t.Errorf("a code %d steps away: %v", far, err)
		}
	}
	for _, odd := range []string{"", "12345", "1234567", "abcdef", "１２３４５６"} {
		if err := try(a, odd); !errors.Is(err, ErrCode) {
			t.Errorf("%q: %v", odd, err)
		}
	}
}

func TestTOTPLimits(t *testing.T) {
	if totpStep != 30 || totpDigits != 6 || totpDrift != 1 || totpSecret != 20 || pendingValidity != 15*time.Minute {
		t.Error("authenticator apps and docs/formats/identity.md know other values")
	}
}

func TestRecoveryCodesAreGoodOnce(t *testing.T) {
	a, c, _ := withErika(t)
	_, recovery := enrolApp(t, a, c.Time)
	try := func(code string) error { return a.VerifySecondFactor(t.Context(), "erika", code) }
	if err := try(strings.ToUpper(strings.ReplaceAll(recovery[3], "-", " "))); err != nil {
		t.Errorf("as people type it: %v", err)
	}
	if err := try(recovery[3]); !errors.Is(err, ErrCode) {
		t.Errorf("again: %v", err)
	}
	if n := a.Factors("erika").Recovery; n != recoveryCodes-1 {
		t.Errorf("%d are left", n)
	}
	renewed, err := a.NewRecoveryCodes(t.Context(), "erika")
	if err != nil || len(renewed) != recoveryCodes {
		t.Fatal(renewed, err)
	}
	if err := try(recovery[4]); !errors.Is(err, ErrCode) {
		t.Errorf("one of before: %v", err)
	}
	if err := a.RemoveTOTP(t.Context(), "erika"); err != nil {
		t.Fatal(err)
	}
	if err := try(renewed[0]); !errors.Is(err, ErrCode) {
		t.Errorf("without a second factor: %v", err)
	}
	if _, err := a.NewRecoveryCodes(t.Context(), "erika"); err == nil {
		t.Error("recovery codes of nothing")
	}
	kept, err := json.Marshal(a.current.Load().accounts)
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range append(recovery, renewed...) {
		if strings.Contains(string(kept), code) || strings.Contains(string(kept), strings.ReplaceAll(code, "-", "")) {
			t.Error("a recovery code is kept, not its hash")
		}
	}
}

func TestResetFactors(t *testing.T) {
	a, c, _ := withErika(t)
	phone, recovery := enrolApp(t, a, c.Time)
	if err := a.ResetFactors(t.Context(), "erika"); err != nil {
		t.Fatal(err)
	}
	c.Time = c.Add(time.Minute)
	for _, code := range []string{phone.code(c.Time), recovery[0]} {
		if err := a.VerifySecondFactor(t.Context(), "erika", code); !errors.Is(err, ErrCode) {
			t.Errorf("%s: %v", code, err)
		}
	}
	if f := a.Factors("erika"); f.Second() || f.Recovery != 0 {
		t.Errorf("%+v", f)
	}
	if err := a.ResetFactors(t.Context(), "nobody"); !errors.Is(err, ErrNoUser) {
		t.Errorf("of nobody: %v", err)
	}
}
