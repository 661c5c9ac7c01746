package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/server"
)

type userCommand struct {
	Add     userAddCommand     `cmd:"" help:"Give a person an account."`
	List    userListCommand    `cmd:"" help:"List the users."`
	Set     userSetCommand     `cmd:"" help:"Change the role or scope of a user; the sessions of the user end."`
	Disable userDisableCommand `cmd:"" help:"Let a user in no longer; tokens end with it."`
	Reset   userResetCommand   `cmd:"" help:"Give a user a new password, and let a disabled one in again."`
}

// newPassword says where a password comes from.
type newPassword struct {
	PasswordStdin bool `name:"password-stdin" help:"Read the password from standard input, one line."`
}

// read returns the new password: from standard input if that was asked for, else
// from the terminal if there is one, else none.
func (p *newPassword) read(o out) (string, error) {
	if p.PasswordStdin {
		line, err := bufio.NewReader(io.LimitReader(os.Stdin, 4096)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read the password: %w", err)
		}
		return checked(strings.TrimRight(line, "\r\n"))
	}
	fd := int(os.Stdin.Fd())
	if !term.IsTerminal(fd) {
		return "", nil
	}
	fmt.Fprint(o.Err, "Password: ")
	first, err := term.ReadPassword(fd)
	fmt.Fprint(o.Err, "\nOnce more: ")
	again, againErr := term.ReadPassword(fd)
	fmt.Fprintln(o.Err)
	if err := errors.Join(err, againErr); err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	if string(first) != string(again) {
		return "", errors.New("the two passwords differ")
	}
	return checked(string(first))
}

func checked(password string) (string, error) {
	if err := identity.CheckPassword(password); err != nil {
		return "", usageError{err}
	}
	return password, nil
}

type userAddCommand struct {
	Name string `arg:"" help:"What the person signs in with."`
	Role string `help:"administrator, radiologist, technologist, referrer, privacy-officer or auditor." required:"" placeholder:"ROLE"`
	newPassword
	scope
}

// Run makes the account.
func (c *userAddCommand) Run(ctx context.Context, g *globals, o out) error {
	narrow, err := c.policy()
	if err != nil {
		return usageError{err}
	}
	u := identity.User{Name: c.Name, Role: role(c.Role), Scope: narrow}
	if !u.Role.Known() {
		return usageError{fmt.Errorf("--role: %q is none of %v", c.Role, policy.Roles)}
	}
	password, err := c.read(o)
	if err != nil {
		return err
	}
	err = change(g, func(a *server.Admin) error {
		if err := a.Note(ctx, server.UserEvent(c.Name, "added as "+string(u.Role))); err != nil {
			return err
		}
		return a.Accounts.AddUser(ctx, u, password)
	})
	if err == nil && u.Role == policy.Referrer && u.Scope.Unlimited() {
		fmt.Fprintln(o.Err, "A referrer sees nothing until a scope says what: tresor user set "+c.Name+" --scope referring=NAME")
	}
	return err
}

// role reads a role as people write it.
func role(s string) policy.Role {
	return policy.Role(strings.ReplaceAll(strings.ToLower(strings.TrimSpace(s)), " ", "-"))
}

type userListCommand struct{}

// Run lists the users.
func (*userListCommand) Run(g *globals, o out) error {
	return withAdmin(g, func(a *server.Admin) error {
		w := tabwriter.NewWriter(o, 0, 0, 2, ' ', 0)
		if !g.JSON {
			fmt.Fprintln(w, "NAME\tROLE\tRIGHTS\tSTATE\tCHANGED")
		}
		for _, u := range a.Accounts.Users() {
			if g.JSON {
				if err := json.NewEncoder(o).Encode(u); err != nil {
					return err
				}
				continue
			}
			state := "good"
			if u.Disabled {
				state = "disabled"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", u.Name, u.Role, commas(policy.RightsOf(u.Role, u.Scope)), state, u.Changed.Format(time.DateOnly))
		}
		return w.Flush()
	})
}

type userDisableCommand struct {
	Name string `arg:"" help:"The user."`
}

// Run disables the user; a running server follows within a second.
func (c *userDisableCommand) Run(ctx context.Context, g *globals) error {
	return change(g, func(a *server.Admin) error {
		if err := a.Note(ctx, server.UserEvent(c.Name, "disabled")); err != nil {
			return err
		}
		return a.Accounts.SetDisabled(ctx, c.Name, true)
	})
}

type userResetCommand struct {
	Name string `arg:"" help:"The user."`
	newPassword
}

// Run sets a new password.
func (c *userResetCommand) Run(ctx context.Context, g *globals, o out) error {
	password, err := c.read(o)
	if err != nil {
		return err
	}
	if password == "" {
		return usageError{errors.New("there is no terminal to ask for a password: use --password-stdin")}
	}
	return change(g, func(a *server.Admin) error {
		if err := a.Note(ctx, server.UserEvent(c.Name, "new password")); err != nil {
			return err
		}
		if err := a.Accounts.SetPassword(ctx, c.Name, password); err != nil {
			return err
		}
		return a.Accounts.SetDisabled(ctx, c.Name, false)
	})
}
