package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tresor-pacs/tresor/internal/server"
)

type tokenCommand struct {
	Create tokenCreateCommand `cmd:"" help:"Make a bearer token and print it, once."`
	List   tokenListCommand   `cmd:"" help:"List the tokens."`
	Revoke tokenRevokeCommand `cmd:"" help:"End a token."`
}

type tokenCreateCommand struct {
	User    string `help:"On whose behalf its bearer acts." required:"" placeholder:"NAME"`
	Expires string `help:"How long it lasts: 30d, 12h (default 90d)." placeholder:"DURATION"`
}

// Run prints the token alone.
func (c *tokenCreateCommand) Run(ctx context.Context, g *globals, o out) error {
	validity, err := lasting(c.Expires)
	if err != nil {
		return usageError{fmt.Errorf("--expires: %w", err)}
	}
	return change(g, func(a *server.Admin) error {
		if err := a.Note(ctx, server.UserEvent(c.User, "token made")); err != nil {
			return err
		}
		secret, t, err := a.Accounts.CreateToken(ctx, c.User, validity)
		if err != nil {
			return err
		}
		if g.JSON {
			return json.NewEncoder(o).Encode(map[string]any{"token": secret, "id": t.ID, "user": t.User, "expires": t.Expires})
		}
		_, err = fmt.Fprintln(o, secret)
		return err
	})
}

// lasting reads a duration that may be in days; "" is 0.
func lasting(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil || n == 0 {
			return 0, fmt.Errorf("%q is no number of days", s)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(s)
	if err == nil && d <= 0 {
		err = fmt.Errorf("%q is not in the future", s)
	}
	return d, err
}

type tokenListCommand struct{}

// Run lists the tokens; none shows its secret.
func (*tokenListCommand) Run(g *globals, o out) error {
	return withAdmin(g, func(a *server.Admin) error {
		w := tabwriter.NewWriter(o, 0, 0, 2, ' ', 0)
		if !g.JSON {
			fmt.Fprintln(w, "ID\tUSER\tSTATE\tEXPIRES")
		}
		for _, t := range a.Accounts.Tokens() {
			state := t.State(time.Now())
			if g.JSON {
				line := map[string]any{"id": t.ID, "user": t.User, "state": state, "created": t.Created, "expires": t.Expires}
				if err := json.NewEncoder(o).Encode(line); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", t.ID, t.User, state, t.Expires.Format(time.RFC3339))
		}
		return w.Flush()
	})
}

type tokenRevokeCommand struct {
	ID string `arg:"" help:"The token's ID, as list prints it."`
}

// Run revokes the token; a running server follows within a second.
func (c *tokenRevokeCommand) Run(ctx context.Context, g *globals) error {
	return change(g, func(a *server.Admin) error {
		if err := a.Note(ctx, server.UserEvent("", "token "+c.ID+" revoked")); err != nil {
			return err
		}
		return a.Accounts.RevokeToken(ctx, c.ID)
	})
}
