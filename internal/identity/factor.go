package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// factors are what a user has beside the password. They lie in the registry of
// users, sealed with it, but apart from User: what lists or prints users never
// holds a secret of theirs.
type factors struct {
	User     string    `json:"user"`
	TOTP     *totp     `json:"totp,omitempty"`
	Pending  *totp     `json:"pending,omitempty"`  // enrolment that was begun and not confirmed
	Recovery []string  `json:"recovery,omitempty"` // hashes of the codes that are left
	Handle   []byte    `json:"handle,omitempty"`   // the user to authenticators: random, says nothing
	Passkeys []passkey `json:"passkeys,omitempty"`
}

// Factors tells what a user has beside the password, without secrets.
type Factors struct {
	TOTP     bool      `json:"totp"`
	Since    time.Time `json:"since,omitzero"` // when TOTP was enrolled
	Recovery int       `json:"recovery"`       // codes that are left
	Passkeys []Passkey `json:"passkeys"`
}

// Second reports whether there is anything that the password alone is not
// enough beside.
func (f Factors) Second() bool { return f.TOTP || len(f.Passkeys) > 0 }

// ErrCode says that a one-time or recovery code is wrong or was used before. It
// does not tell which.
var ErrCode = errors.New("the code is wrong, or was used before")

// Factors returns what the user has beside the password.
func (a *Accounts) Factors(user string) Factors {
	f := a.current.Load().byFactor[user]
	if f == nil {
		return Factors{}
	}
	s := Factors{Recovery: len(f.Recovery)}
	if f.TOTP != nil {
		s.TOTP, s.Since = true, f.TOTP.Created
	}
	for i := range f.Passkeys {
		s.Passkeys = append(s.Passkeys, f.Passkeys[i].shown())
	}
	return s
}

// factorsOf returns the entry of a user, which it makes if there is none.
func (r *accounts) factorsOf(user string) *factors {
	for i := range r.Factors {
		if r.Factors[i].User == user {
			return &r.Factors[i]
		}
	}
	r.Factors = append(r.Factors, factors{User: user})
	return &r.Factors[len(r.Factors)-1]
}

// updateFactors changes what the user has beside the password, durably.
func (a *Accounts) updateFactors(ctx context.Context, user string, f func(*factors) error) error {
	err := ctx.Err()
	if err == nil {
		err = a.update(func(r *accounts) error {
			if r.user(user) == nil {
				return ErrNoUser
			}
			return f(r.factorsOf(user))
		})
	}
	if err != nil {
		return fmt.Errorf("user %s: %w", user, err)
	}
	return nil
}

// VerifySecondFactor checks a one-time code, or a recovery code, of a user
// whose password was right. A code that was taken is used up, durably, before
// this returns; any other is ErrCode.
func (a *Accounts) VerifySecondFactor(ctx context.Context, user, code string) error {
	return a.updateFactors(ctx, user, func(f *factors) error {
		if f.TOTP != nil && f.TOTP.take(code, a.now()) {
			return nil
		}
		if i := slices.Index(f.Recovery, hashRecovery(code)); i >= 0 {
			f.Recovery = slices.Delete(f.Recovery, i, i+1)
			return nil
		}
		return ErrCode
	})
}

// RemoveTOTP takes the one-time codes from a user. The recovery codes go with
// the last second factor.
func (a *Accounts) RemoveTOTP(ctx context.Context, user string) error {
	return a.updateFactors(ctx, user, func(f *factors) error {
		f.TOTP, f.Pending = nil, nil
		f.dropRecovery()
		return nil
	})
}

// ResetFactors takes from a user everything beside the password: codes,
// recovery codes and passkeys. It ends the user's sessions, for they may be a
// thief's.
func (a *Accounts) ResetFactors(ctx context.Context, user string) error {
	err := a.updateFactors(ctx, user, func(f *factors) error { *f = factors{User: user}; return nil })
	if err != nil {
		return err
	}
	return a.EndSessions(ctx, user)
}

func (f *factors) dropRecovery() {
	if f.TOTP == nil && len(f.Passkeys) == 0 {
		f.Recovery = nil
	}
}
