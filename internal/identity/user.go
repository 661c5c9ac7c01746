package identity

import (
	"errors"
	"fmt"
	"time"

	"github.com/tresor-pacs/tresor/internal/policy"
)

// User is a person with an account. Its zero value may do nothing.
type User struct {
	Name     string       `json:"name"`
	Role     policy.Role  `json:"role"`
	Scope    policy.Scope `json:"scope,omitzero"`
	Password string       `json:"password,omitempty"` // hashed; empty: cannot sign in with one
	Disabled bool         `json:"disabled,omitempty"`
	Epoch    uint64       `json:"epoch,omitempty"`    // grows with each change that ends sessions and links
	External *External    `json:"external,omitempty"` // whom it belongs to at the provider; nil: it is ours alone
	Created  time.Time    `json:"created"`
	Changed  time.Time    `json:"changed"`
}

const (
	maxUsers  = 10000
	maxTokens = 50000
)

// ErrNoUser says that there is no user of that name.
var ErrNoUser = errors.New("there is no such user")

// ErrUserExists says that the name of a new user is taken.
var ErrUserExists = errors.New("there is a user of that name already")

// Principal returns the user as policy sees it; a disabled one is nobody.
func (u *User) Principal() policy.Principal {
	if u.Disabled {
		return policy.Principal{}
	}
	return policy.Principal{Kind: policy.User, Name: u.Name, Role: u.Role, Rights: policy.RightsOf(u.Role, u.Scope), Scope: u.Scope}
}

// Clone returns a copy that shares nothing with u.
func (u *User) Clone() User {
	c := *u
	if u.External != nil {
		e := *u.External
		c.External = &e
	}
	c.Scope = cloneScope(u.Scope)
	return c
}

func (u *User) check() error {
	if err := CheckName(u.Name); err != nil {
		return err
	}
	if !u.Role.Known() {
		return fmt.Errorf("%q is no role; the roles are %v", string(u.Role), policy.Roles)
	}
	return nil
}
