package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/tresor-pacs/tresor/internal/access"
	"github.com/tresor-pacs/tresor/internal/server"
)

type accessCommand struct {
	Budget     budgetCommand     `cmd:"" help:"What principals may take out, and who is paused."`
	BreakGlass breakGlassCommand `cmd:"" name:"break-glass" help:"Open for a while what a person's scope hides. It alarms, and is reviewed."`
	Review     reviewCommand     `cmd:"" help:"Emergency access that waits for a look by somebody else."`
}

type budgetCommand struct {
	List budgetListCommand `cmd:"" help:"What was taken out in the last hour and day, and who is paused."`
	Set  budgetSetCommand  `cmd:"" help:"Give an account a budget of its own."`
	Lift budgetLiftCommand `cmd:"" help:"Let a paused account go on."`
}

// printer prints entries as a table, or as lines of JSON.
type printer struct {
	g *globals
	o out
	w *tabwriter.Writer
}

func newPrinter(g *globals, o out, head string) *printer {
	p := &printer{g, o, tabwriter.NewWriter(o, 0, 0, 2, ' ', 0)}
	if !g.JSON {
		fmt.Fprintln(p.w, head)
	}
	return p
}

func (p *printer) line(v any, format string, args ...any) error {
	if p.g.JSON {
		return json.NewEncoder(p.o).Encode(v)
	}
	_, err := fmt.Fprintf(p.w, format+"\n", args...)
	return err
}

func (p *printer) end() error { return p.w.Flush() }

type budgetListCommand struct{}

// Run lists what accounts have spent.
func (*budgetListCommand) Run(g *globals, o out) error {
	return withAdmin(g, func(a *server.Admin) error {
		p := newPrinter(g, o, "ACCOUNT\tSTUDIES/H\tMB/DAY\tBUDGET\tSTATE")
		for _, s := range a.Access.Standings() {
			state, budget := "good", "of the role"
			if s.Pause.Why != "" {
				state = "paused since " + s.Pause.Since.Format(time.RFC3339) + ": " + s.Pause.Why
			}
			if s.Own {
				budget = fmt.Sprintf("%d studies/h, %d MB/day", s.Limit.Studies, s.Limit.Bytes/1_000_000)
			}
			if err := p.line(s, "%s\t%d\t%.1f\t%s\t%s", s.Account, s.Studies, float64(s.Bytes)/1e6, budget, state); err != nil {
				return err
			}
		}
		return p.end()
	})
}

type budgetSetCommand struct {
	Account string `arg:"" help:"user/NAME, device/NAME or share/ID."`
	Studies int    `name:"studies-per-hour" help:"Different studies in any hour; 0: no bound." placeholder:"N"`
	MB      int64  `name:"mb-per-day" help:"Megabytes in any 24 hours; 0: no bound." placeholder:"N"`
	Default bool   `help:"The budget of the role again."`
}

// Run sets a budget; a running server follows within a second.
func (c *budgetSetCommand) Run(ctx context.Context, g *globals) error {
	if c.Default == (c.Studies != 0 || c.MB != 0) || c.MB > 1<<40 {
		return usageError{errors.New("give --studies-per-hour, --mb-per-day or both; or --default")}
	}
	var b *access.Budget
	if !c.Default {
		b = &access.Budget{Studies: c.Studies, Bytes: c.MB * 1_000_000}
	}
	return change(g, func(a *server.Admin) error { return a.Access.SetLimit(ctx, a.Operator(), c.Account, b) })
}

type budgetLiftCommand struct {
	Account string `arg:"" help:"The account, as list prints it."`
}

// Run lifts a pause; a running server follows within a second.
func (c *budgetLiftCommand) Run(ctx context.Context, g *globals) error {
	return change(g, func(a *server.Admin) error { return a.Access.Lift(ctx, a.Operator(), c.Account) })
}

type breakGlassCommand struct {
	User   string `arg:"" help:"Who needs it."`
	Reason string `help:"Why, in words that somebody else can judge." required:"" placeholder:"TEXT"`
	For    string `help:"How long: 10m to 4h (default 30m)." placeholder:"DURATION"`
	scope
	credentials
}

// Run opens, in the name of the person, who shows that they are it.
func (c *breakGlassCommand) Run(ctx context.Context, g *globals, o out) error {
	lasts, err := lasting(c.For)
	if err != nil {
		return usageError{fmt.Errorf("--for: %w", err)}
	}
	opened, err := c.policy()
	if err != nil {
		return usageError{err}
	}
	return change(g, func(a *server.Admin) error {
		who, err := c.actor(ctx, a, c.User)
		if err != nil {
			return err
		}
		grant, err := a.Access.BreakGlass(ctx, who, opened, c.Reason, lasts)
		if err != nil {
			return err
		}
		if g.JSON {
			return json.NewEncoder(o).Encode(grant)
		}
		_, err = fmt.Fprintf(o, "%s open until %s; it will be reviewed\n", grant.ID, grant.Ends.Format(time.RFC3339))
		return err
	})
}

type reviewCommand struct {
	List  reviewListCommand  `cmd:"" help:"List emergency access, open reviews first."`
	Close reviewCloseCommand `cmd:"" help:"Say what came out of looking at it."`
}

type reviewListCommand struct {
	All bool `help:"Also those that were reviewed."`
}

// Run lists what waits for review.
func (c *reviewListCommand) Run(g *globals, o out) error {
	return withAdmin(g, func(a *server.Admin) error {
		p := newPrinter(g, o, "ID\tACCOUNT\tBEGAN\tENDED\tREVIEW\tREASON")
		for _, grant := range a.Access.Grants() {
			state := "open"
			switch {
			case grant.Review.Justified:
				state = "justified"
			case !grant.Open():
				state = "not justified"
			}
			if !grant.Open() && !c.All {
				continue
			}
			if err := p.line(grant, "%s\t%s\t%s\t%s\t%s\t%s", grant.ID, grant.Account, grant.Begins.Format(time.RFC3339),
				grant.Ends.Format(time.RFC3339), state, printable(grant.Reason)); err != nil {
				return err
			}
		}
		return p.end()
	})
}

type reviewCloseCommand struct {
	ID        string `arg:"" help:"As list prints it."`
	Justified bool   `help:"It was needed." xor:"verdict" required:""`
	Misuse    bool   `help:"It was not." xor:"verdict" required:""`
	Remark    string `help:"What was found." required:"" placeholder:"TEXT"`
	by
}

// Run closes a review.
func (c *reviewCloseCommand) Run(ctx context.Context, g *globals) error {
	return change(g, func(a *server.Admin) error {
		who, err := c.actor(ctx, a)
		if err != nil {
			return err
		}
		return a.Access.CloseReview(ctx, who, c.ID, c.Justified, c.Remark)
	})
}
