package identity

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tresor-pacs/tresor/internal/policy"
)

// Invitation is a link with which a person takes over an account, once: the
// person chooses the password, and nobody else ever knows it. Its secret is
// kept nowhere.
type Invitation struct {
	Hash    string    `json:"hash"`           // SHA-256 of the secret, in hex
	User    string    `json:"user,omitempty"` // empty: the first administrator, who chooses a name
	Epoch   uint64    `json:"epoch"`          // the account's; a later change of it voids the link
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
}

// ErrNoInvitation says that a link is not good: it was used, has expired, was
// replaced, or never was.
var ErrNoInvitation = errors.New("this link is not good any more: ask for another")

// How long links are good: the first one stands in a terminal, others travel.
const (
	firstValidity      = 24 * time.Hour
	invitationValidity = 7 * 24 * time.Hour
)

func newInvitation(user string, epoch uint64, now time.Time, validity time.Duration) (secret string, i Invitation) {
	var b [32]byte
	rand.Read(b[:]) // never fails
	secret = base64.RawURLEncoding.EncodeToString(b[:])
	return secret, Invitation{Hash: hashToken(secret), User: user, Epoch: epoch, Created: now, Expires: now.Add(validity)}
}

// Invite makes a link's secret for a user: it cannot be shown again, and voids
// an earlier one.
func (a *Accounts) Invite(ctx context.Context, user string) (secret string, i Invitation, err error) {
	err = ctx.Err()
	if err == nil {
		err = a.update(func(r *accounts) error {
			u := r.user(user)
			switch {
			case u == nil:
				return ErrNoUser
			case u.Disabled:
				return errors.New("the user is disabled")
			}
			r.uninvite(user, a.now())
			secret, i = newInvitation(user, u.Epoch, a.second(), invitationValidity)
			r.Invitations = append(r.Invitations, i)
			return nil
		})
	}
	if err != nil {
		return "", Invitation{}, fmt.Errorf("invite user %s: %w", user, err)
	}
	return secret, i, nil
}

// uninvite drops the links of a user, and those that have expired.
func (r *accounts) uninvite(user string, now time.Time) {
	r.Invitations = slices.DeleteFunc(r.Invitations, func(i Invitation) bool { return i.User == user || now.After(i.Expires) })
}

// errUsersExist says that the first administrator is there.
var errUsersExist = errors.New("there are users already")

// InviteFirst makes the link's secret for the first administrator, and voids an
// earlier one; ok is false if there is any user.
func (a *Accounts) InviteFirst(ctx context.Context) (secret string, ok bool, err error) {
	if err := ctx.Err(); err != nil {
		return "", false, err
	}
	err = a.update(func(r *accounts) error {
		if len(r.Users) > 0 {
			return errUsersExist
		}
		var i Invitation
		secret, i = newInvitation("", 0, a.second(), firstValidity)
		r.Invitations = []Invitation{i}
		return nil
	})
	if errors.Is(err, errUsersExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("invite the first administrator: %w", err)
	}
	return secret, true, nil
}

// Invitation returns what the secret of a link stands for, if it is good.
func (a *Accounts) Invitation(secret string) (Invitation, error) {
	s := a.current.Load()
	return s.invitation(hashToken(secret), a.now())
}

// invitation looks a good link up by its hash.
func (r *accounts) invitation(hash string, now time.Time) (Invitation, error) {
	at := slices.IndexFunc(r.Invitations, func(i Invitation) bool { return i.Hash == hash })
	if at < 0 {
		return Invitation{}, ErrNoInvitation
	}
	i := r.Invitations[at]
	if now.After(i.Expires) {
		return Invitation{}, ErrNoInvitation
	}
	if i.User == "" {
		if len(r.Users) > 0 {
			return Invitation{}, ErrNoInvitation
		}
		return i, nil
	}
	if u := r.user(i.User); u == nil || u.Disabled || u.Epoch != i.Epoch {
		return Invitation{}, ErrNoInvitation
	}
	return i, nil
}

// Redeem uses a link up: f gets the account and gives it its credentials. For
// the link of the first administrator the account is a new one with the name;
// other links have their own. What fails leaves the link as it was.
func (a *Accounts) Redeem(ctx context.Context, secret, name string, f func(*User) error) (User, error) {
	if err := ctx.Err(); err != nil {
		return User{}, err
	}
	var done User
	err := a.update(func(r *accounts) error {
		i, err := r.invitation(hashToken(secret), a.now())
		if err != nil {
			return err
		}
		if i.User == "" {
			r.Users = append(r.Users, User{Name: name, Role: policy.Administrator, Created: a.second()})
			i.User = name
		}
		u := r.user(i.User)
		next := u.Clone()
		if err := f(&next); err != nil {
			return err
		}
		next.Name, next.Changed, next.Epoch = u.Name, a.second(), u.Epoch+1
		if err := next.check(); err != nil {
			return err
		}
		*u, done = next, next.Clone()
		r.uninvite(u.Name, a.now())
		r.uninvite("", a.now())
		return nil
	})
	if err != nil {
		return User{}, fmt.Errorf("use a link: %w", err)
	}
	done.Password = ""
	return done, nil
}

// RedeemPassword uses a link up and gives the account its password.
func (a *Accounts) RedeemPassword(ctx context.Context, secret, name, password string) (User, error) {
	if err := CheckPassword(password); err != nil {
		return User{}, fmt.Errorf("use a link: %w", err)
	}
	if _, err := a.Invitation(secret); err != nil {
		return User{}, fmt.Errorf("use a link: %w", err) // before the hash, which costs
	}
	hash := hashPassword(password) // outside of the lock: it takes a while
	return a.Redeem(ctx, secret, name, func(u *User) error { u.Password = hash; return nil })
}
