package identity

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"
)

// AddUser registers a new user. Without a password the user can hold tokens
// alone.
func (a *Accounts) AddUser(ctx context.Context, u User, password string) error {
	fail := func(err error) error { return fmt.Errorf("add user %s: %w", u.Name, err) }
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	u = u.Clone()
	u.Password, u.Created, u.Changed = "", a.second(), a.second()
	if err := u.check(); err != nil {
		return fail(err)
	}
	if password != "" {
		if err := CheckPassword(password); err != nil {
			return fail(err)
		}
		u.Password = hashPassword(password)
	}
	err := a.update(func(r *accounts) error {
		if r.user(u.Name) != nil {
			return ErrUserExists
		}
		r.Users = append(r.Users, u)
		return nil
	})
	if err != nil {
		return fail(err)
	}
	return nil
}

func (r *accounts) user(name string) *User {
	for i := range r.Users {
		if r.Users[i].Name == name {
			return &r.Users[i]
		}
	}
	return nil
}

func (a *Accounts) second() time.Time { return a.now().UTC().Truncate(time.Second) }

// UpdateUser changes a user: f gets a copy of its newest state. The name cannot
// be changed.
func (a *Accounts) UpdateUser(ctx context.Context, name string, f func(*User) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("user %s: %w", name, err)
	}
	err := a.update(func(r *accounts) error {
		at := r.user(name)
		if at == nil {
			return ErrNoUser
		}
		u := at.Clone()
		if err := f(&u); err != nil {
			return err
		}
		u.Name, u.Changed = name, a.second()
		if err := u.check(); err != nil {
			return err
		}
		if u.Epoch == at.Epoch && u.differs(at) {
			u.Epoch++
		}
		*at = u
		return nil
	})
	if err != nil {
		return fmt.Errorf("user %s: %w", name, err)
	}
	return nil
}

// differs reports whether two states of a user differ in what sessions are bound to.
func (u *User) differs(o *User) bool {
	return u.Password != o.Password || u.Role != o.Role || u.Disabled != o.Disabled || !reflect.DeepEqual(u.Scope, o.Scope)
}

// EndSessions ends all sessions and links of a user.
func (a *Accounts) EndSessions(ctx context.Context, name string) error {
	return a.UpdateUser(ctx, name, func(u *User) error { u.Epoch++; return nil })
}

// SetPassword gives a user a new password.
func (a *Accounts) SetPassword(ctx context.Context, name, password string) error {
	if err := CheckPassword(password); err != nil {
		return fmt.Errorf("user %s: %w", name, err)
	}
	hash := hashPassword(password) // outside of the lock: it takes a while
	return a.UpdateUser(ctx, name, func(u *User) error { u.Password = hash; return nil })
}

// ClearPassword takes a user's password away, and lets a disabled one in again:
// with a link the user chooses another.
func (a *Accounts) ClearPassword(ctx context.Context, name string) error {
	return a.UpdateUser(ctx, name, func(u *User) error {
		u.Password, u.Disabled = "", false
		u.Epoch++
		return nil
	})
}

// SetDisabled lets a user in no longer, or again. Its tokens follow.
func (a *Accounts) SetDisabled(ctx context.Context, name string, disabled bool) error {
	return a.UpdateUser(ctx, name, func(u *User) error { u.Disabled = disabled; return nil })
}

// User returns a copy of the user with the name as it is now.
func (a *Accounts) User(name string) (User, bool) {
	u, ok := a.current.Load().byName[name]
	if !ok {
		return User{}, false
	}
	return u.Clone(), true
}

// Users returns all users by name, without the hashes of their passwords.
func (a *Accounts) Users() []User {
	s := a.current.Load()
	list := make([]User, len(s.Users))
	for i := range s.Users {
		list[i] = s.Users[i].Clone()
		list[i].Password = ""
	}
	slices.SortFunc(list, func(x, y User) int { return cmp.Compare(x.Name, y.Name) })
	return list
}
