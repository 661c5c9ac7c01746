package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/server"
)

type userFactorsCommand struct {
	Name  string `arg:"" help:"The user."`
	Reset bool   `help:"Take away authenticator app, recovery codes and passkeys, and end the sessions: for who has lost them, or had them stolen."`
}

// Run shows or takes away what a user has beside the password.
func (c *userFactorsCommand) Run(ctx context.Context, g *globals, o out) error {
	if c.Reset {
		return change(g, func(a *server.Admin) error {
			if err := a.Note(ctx, server.UserEvent(c.Name, "authenticator app, recovery codes and passkeys taken away")); err != nil {
				return err
			}
			return a.Accounts.ResetFactors(ctx, c.Name)
		})
	}
	return withAdmin(g, func(a *server.Admin) error {
		f, err := factorsOf(a, c.Name)
		if err != nil {
			return err
		}
		if g.JSON {
			return json.NewEncoder(o).Encode(f)
		}
		app := "not set up"
		if f.TOTP {
			app = "set up on " + f.Since.Format(time.DateOnly)
		}
		_, err = fmt.Fprintf(o, "authenticator app: %s\nrecovery codes left: %d\npasskeys: %d\n", app, f.Recovery, len(f.Passkeys))
		return err
	})
}

func factorsOf(a *server.Admin, name string) (identity.Factors, error) {
	if _, known := a.Accounts.User(name); !known {
		return identity.Factors{}, fmt.Errorf("user %s: %w", name, identity.ErrNoUser)
	}
	return a.Accounts.Factors(name), nil
}

type userPasskeysCommand struct {
	Name   string `arg:"" help:"The user."`
	Remove string `help:"Remove the passkey with this ID; sessions that it began end too." placeholder:"ID"`
}

// Run lists the passkeys of a user, or removes one.
func (c *userPasskeysCommand) Run(ctx context.Context, g *globals, o out) error {
	if c.Remove != "" {
		return change(g, func(a *server.Admin) error {
			if err := a.Note(ctx, server.UserEvent(c.Name, "passkey "+c.Remove+" removed")); err != nil {
				return err
			}
			return errors.Join(a.Accounts.RemovePasskey(ctx, c.Name, c.Remove), a.Accounts.EndSessions(ctx, c.Name))
		})
	}
	return withAdmin(g, func(a *server.Admin) error {
		f, err := factorsOf(a, c.Name)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(o, 0, 0, 2, ' ', 0)
		if !g.JSON {
			fmt.Fprintln(w, "ID\tNAME\tSINCE\tLAST USED")
		}
		for _, k := range f.Passkeys {
			if g.JSON {
				if err := json.NewEncoder(o).Encode(k); err != nil {
					return err
				}
				continue
			}
			used := "never"
			if !k.Used.IsZero() {
				used = k.Used.Format(time.DateOnly)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", k.ID, k.Name, k.Created.Format(time.DateOnly), used)
		}
		return w.Flush()
	})
}
