package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// CreateToken makes a token for a user and returns it: it cannot be shown again.
// Validity 0 means 90 days.
func (a *Accounts) CreateToken(ctx context.Context, user string, validity time.Duration) (secret string, t Token, err error) {
	fail := func(err error) (string, Token, error) {
		return "", Token{}, fmt.Errorf("make a token for user %s: %w", user, err)
	}
	if validity == 0 {
		validity = tokenValidity
	}
	if err := errors.Join(ctx.Err(), checkValidity(validity)); err != nil {
		return fail(err)
	}
	err = a.update(func(r *accounts) error {
		u := r.user(user)
		switch {
		case u == nil:
			return ErrNoUser
		case u.Disabled:
			return errors.New("the user is disabled")
		}
		r.forget(a.now())
		secret, t = newToken(user, a.second(), validity)
		r.Tokens = append(r.Tokens, t)
		return nil
	})
	if err != nil {
		return fail(err)
	}
	return secret, t, nil
}

// forget drops tokens that ended more than a year ago.
func (r *accounts) forget(now time.Time) {
	r.Tokens = slices.DeleteFunc(r.Tokens, func(t Token) bool { return now.Sub(t.Expires) > 365*24*time.Hour })
}

// RevokeToken ends the token with the ID.
func (a *Accounts) RevokeToken(ctx context.Context, id string) error {
	err := ctx.Err()
	if err == nil {
		err = a.update(func(r *accounts) error {
			for i := range r.Tokens {
				if t := &r.Tokens[i]; t.ID == id {
					t.Revoked = cmpTime(t.Revoked, a.second())
					return nil
				}
			}
			return ErrNoToken
		})
	}
	if err != nil {
		return fmt.Errorf("revoke token %s: %w", id, err)
	}
	return nil
}

// Tokens returns all tokens in the order in which they were made, without their
// hashes.
func (a *Accounts) Tokens() []Token {
	list := slices.Clone(a.current.Load().Tokens)
	for i := range list {
		list[i].Hash = ""
	}
	return list
}
