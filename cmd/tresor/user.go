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

	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/server"
)

type userCommand struct {
	Add     userAddCommand     `cmd:"" help:"Give a person an account."`
	List    userListCommand    `cmd:"" help:"List the users."`
	Set     userSetCommand     `cmd:"" help:"Change the role or scope of a user; the sessions of the user end."`
	Disable userDisableCommand `cmd:"" help:"Let a user in no longer; tokens end with it."`
	Reset   userResetCommand   `cmd:"" help:"Have a user choose a new password, and let a disabled one in again."`
	SignOut userSignOutCommand `cmd:"" name:"sign-out" help:"End a user's sessions and links in browsers; tokens stay."`

	Factors  userFactorsCommand  `cmd:"" help:"What a user has beside the password: authenticator app, recovery codes, passkeys; --reset takes it away."`
	Passkeys userPasskeysCommand `cmd:"" help:"List a user's passkeys, or remove one."`
}

// newPassword says where a password comes from. Without one the person gets a
// link and chooses it: then nobody else knows it.
type newPassword struct {
	PasswordStdin bool `name:"password-stdin" help:"Read the password from standard input, one line, instead of printing a link."`
}

// read returns the new password, "" if it is the person's to choose.
func (p *newPassword) read() (string, error) {
	if !p.PasswordStdin {
		return "", nil
	}
	line, err := bufio.NewReader(io.LimitReader(os.Stdin, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return checked(strings.TrimRight(line, "\r\n"))
}

// printLink prints a link with which the user chooses a password, once.
func printLink(ctx context.Context, g *globals, o out, a *server.Admin, name string) error {
	secret, i, err := a.Accounts.Invite(ctx, name)
	if err != nil {
		return err
	}
	link, err := server.Link(g.Dir, secret)
	if err != nil {
		return err
	}
	if g.JSON {
		return json.NewEncoder(o).Encode(map[string]any{"user": name, "link": link, "expires": i.Expires})
	}
	fmt.Fprintf(o.Err, "Give %s this link: it is good once, until %s.\n", name, i.Expires.Format(time.DateOnly))
	_, err = fmt.Fprintln(o, link)
	return err
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
	password, err := c.read()
	if err != nil {
		return err
	}
	err = change(g, func(a *server.Admin) error {
		if err := a.Note(ctx, server.UserEvent(c.Name, "added as "+string(u.Role))); err != nil {
			return err
		}
		if err := a.Accounts.AddUser(ctx, u, password); err != nil || password != "" {
			return err
		}
		return printLink(ctx, g, o, a, c.Name)
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

type userSignOutCommand struct {
	Name string `arg:"" help:"The user."`
}

// Run ends the user's sessions; a running server follows within a second.
func (c *userSignOutCommand) Run(ctx context.Context, g *globals) error {
	return change(g, func(a *server.Admin) error {
		if err := a.Note(ctx, server.UserEvent(c.Name, "sessions ended")); err != nil {
			return err
		}
		return a.Accounts.EndSessions(ctx, c.Name)
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

// Run sets a new password, or takes the old one away and prints a link.
func (c *userResetCommand) Run(ctx context.Context, g *globals, o out) error {
	password, err := c.read()
	if err != nil {
		return err
	}
	return change(g, func(a *server.Admin) error {
		if err := a.Note(ctx, server.UserEvent(c.Name, "new password")); err != nil {
			return err
		}
		if password == "" {
			if err := a.Accounts.ClearPassword(ctx, c.Name); err != nil {
				return err
			}
			return printLink(ctx, g, o, a, c.Name)
		}
		if err := a.Accounts.SetPassword(ctx, c.Name, password); err != nil {
			return err
		}
		return a.Accounts.SetDisabled(ctx, c.Name, false)
	})
}
