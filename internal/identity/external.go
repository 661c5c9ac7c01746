package identity

import (
	"context"
	"errors"
	"fmt"

	"github.com/tresor-pacs/tresor/internal/policy"
)

// External binds an account to a person at an OpenID Connect provider: the
// subject is what a provider never gives to anybody else (OpenID Connect Core
// 1.0 section 2). Names are for people alone.
type External struct {
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
}

var errNameTaken = errors.New("there is another account of that name, which is not the provider's")

// external returns the account that is bound to somebody at a provider.
func (r *accounts) external(e External) *User {
	for i := range r.Users {
		if u := &r.Users[i]; u.External != nil && *u.External == e {
			return u
		}
	}
	return nil
}

// signIn returns the account of somebody at the provider, with the role, and
// makes it at the first time: named as the claims say, unless another account
// has the name.
func (p *OIDC) signIn(ctx context.Context, c *claims, role policy.Role) (User, error) {
	a, e := p.accounts, External{p.o.Issuer, c.Subject}
	switch u := a.current.Load().external(e); {
	case u == nil:
		name := c.name(p.o.NameClaim)
		if _, taken := a.User(name); taken {
			return User{}, errNameTaken
		}
		if err := p.o.Note(ctx, name, "added as "+string(role)+" by the provider"); err != nil {
			return User{}, err
		}
		if err := a.adoptExternal(ctx, e, name, role); err != nil {
			return User{}, err
		}
	case u.Role != role && !u.Disabled:
		if err := p.o.Note(ctx, u.Name, "role "+string(role)+" from the provider"); err != nil {
			return User{}, err
		}
		if err := a.UpdateUser(ctx, u.Name, func(u *User) error { u.Role = role; return nil }); err != nil {
			return User{}, err
		}
	}
	return a.goodExternal(e)
}

// goodExternal returns the account that is bound to somebody, if it is not
// disabled.
func (a *Accounts) goodExternal(e External) (User, error) {
	at := a.current.Load().external(e)
	if at == nil || at.Disabled {
		return User{}, errDisabled
	}
	u := at.Clone()
	u.Password = ""
	return u, nil
}

var errDisabled = errors.New("the user is disabled")

// adoptExternal makes the account of somebody at a provider.
func (a *Accounts) adoptExternal(ctx context.Context, e External, name string, role policy.Role) error {
	err := ctx.Err()
	if err == nil {
		err = a.update(func(r *accounts) error {
			if r.external(e) != nil {
				return nil // another request was faster
			}
			u := User{Name: name, Role: role, External: &e, Created: a.second(), Changed: a.second()}
			if err := u.check(); err != nil {
				return err
			}
			if r.user(name) != nil {
				return errNameTaken
			}
			r.Users = append(r.Users, u)
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("make an account for user %s: %w", name, err)
	}
	return nil
}
