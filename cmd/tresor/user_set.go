package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/server"
)

type userSetCommand struct {
	Name string `arg:"" help:"The user."`
	Role string `help:"New role." placeholder:"ROLE"`
	scope
}

// Run changes role or scope; sessions of the user end, and a running server
// follows within a second.
func (c *userSetCommand) Run(ctx context.Context, g *globals) error {
	if c.Role == "" && !c.given() {
		return usageError{errors.New("say what to change: --role or --scope")}
	}
	narrow, err := c.policy()
	if err != nil {
		return usageError{err}
	}
	if c.Role != "" && !role(c.Role).Known() {
		return usageError{fmt.Errorf("--role: %q is none of %v", c.Role, policy.Roles)}
	}
	return change(g, func(a *server.Admin) error {
		e := server.UserEvent(c.Name, c.what())
		e.Code = audit.RolesChanged
		if err := a.Note(ctx, e); err != nil {
			return err
		}
		return a.Accounts.UpdateUser(ctx, c.Name, func(u *identity.User) error {
			if c.Role != "" {
				u.Role = role(c.Role)
			}
			if c.given() {
				u.Scope = narrow
			}
			return nil
		})
	})
}

// what says what changes, for the trail: fields of a scope without their
// values, which can be Patient IDs.
func (c *userSetCommand) what() string {
	var words []string
	if c.Role != "" {
		words = append(words, "role "+string(role(c.Role)))
	}
	if c.given() {
		words = append(words, "scope "+scopeFields(c.Scope))
	}
	return strings.Join(words, ", ")
}

// scopeFields names the fields of a scope that words are about.
func scopeFields(words []string) string {
	var fields []string
	for _, w := range words {
		key, _, _ := strings.Cut(w, "=")
		if len(fields) == 0 || fields[len(fields)-1] != key {
			fields = append(fields, key)
		}
	}
	return strings.Join(fields, "+")
}
