package identity

import (
	"context"
	"errors"

	"github.com/tresor-pacs/tresor/internal/policy"
)

// IdentityRule says what happens with the user identity that comes with an
// association of a device (PS3.7 section D.3.3.7).
type IdentityRule string

// The rules.
const (
	IdentityOptional IdentityRule = ""         // one that is given must be right
	IdentityRequired IdentityRule = "required" // no association without one
	IdentityIgnored  IdentityRule = "ignored"  // not looked at: the device acts by itself
)

// Known reports whether r is a rule of this package.
func (r IdentityRule) Known() bool {
	return r == IdentityOptional || r == IdentityRequired || r == IdentityIgnored
}

// Person is somebody who has shown who they are on an association of a device.
type Person struct {
	Principal policy.Principal
	epoch     uint64 // the account's, then
}

// People verifies the user identities that come with associations. They come
// over TLS from a device that has shown its certificate: that is the second
// factor, and the person can only narrow what the device may do
// (policy.AtDevice). So a password is enough here where it is not for pages.
type People struct {
	accounts *Accounts
	oidc     *OIDC // nil: no JWTs
	guard    *Guard
}

// NewPeople returns the verifier of the accounts' people; oidc may be nil.
func NewPeople(a *Accounts, oidc *OIDC) *People {
	// A guard of its own: devices that guess take nothing of the budget of pages.
	return &People{accounts: a, oidc: oidc, guard: a.NewGuard()}
}

// The reasons for which a person at a device is refused.
const (
	WrongPasscode Reason = "user name or passcode is wrong"
	TooOften      Reason = "too many wrong passcodes of late"
)

// Passcode returns the person with the name and the passcode, which is the
// account's password; the error is an *AuthError. Device is the name of the
// device, by which wrong ones are counted.
func (p *People) Passcode(ctx context.Context, device, name, passcode string) (*Person, error) {
	attempt, err := p.guard.Admit("device "+device, name, "")
	if err != nil {
		return nil, &AuthError{Reason: TooOften, Device: device}
	}
	u, err := p.accounts.SignIn(ctx, name, passcode)
	if errors.Is(err, ErrSignIn) {
		return nil, &AuthError{Reason: WrongPasscode, Device: device}
	}
	if err != nil {
		return nil, err
	}
	attempt.Succeeded()
	return &Person{Principal: u.Principal(), epoch: u.Epoch}, nil
}

// JWT returns the person whom the provider's token is about; the error is an
// *AuthError.
func (p *People) JWT(ctx context.Context, device, token string) (*Person, error) {
	if p.oidc == nil {
		return nil, &AuthError{Reason: UnknownToken, Device: device}
	}
	who, _, err := p.oidc.AuthenticateJWT(ctx, token)
	if err != nil {
		return nil, err
	}
	u, _ := p.accounts.User(who.Name)
	return &Person{Principal: who, epoch: u.Epoch}, nil
}

// Stands reports whether the account of a person still is what it was when they
// showed who they are.
func (p *People) Stands(who *Person) bool {
	u, known := p.accounts.User(who.Principal.Name)
	return known && !u.Disabled && u.Epoch == who.epoch
}

// Changed returns a channel that is closed at the next change of an account.
func (p *People) Changed() <-chan struct{} { return p.accounts.Changed() }

// Known reports whether there is an account of that name.
func (p *People) Known(name string) bool {
	_, known := p.accounts.User(name)
	return known
}
