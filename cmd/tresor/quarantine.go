package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tresor-pacs/tresor/internal/access"
	"github.com/tresor-pacs/tresor/internal/server"
)

type quarantineCommand struct {
	List    quarantineListCommand    `cmd:"" help:"Instances that came with other bytes under a UID that was taken."`
	Show    quarantineShowCommand    `cmd:"" help:"Show in what one differs from the stored instance."`
	Keep    quarantineKeepCommand    `cmd:"" help:"The stored one stays; the newcomer stays aside and waits no longer."`
	Replace quarantineReplaceCommand `cmd:"" help:"The newcomer takes its place; the stored one goes into the quarantine."`
	Drop    quarantineDropCommand    `cmd:"" help:"Delete the newcomer for good."`
}

type quarantineListCommand struct {
	All bool `help:"Also those that wait no longer."`
}

// Run lists what waits.
func (c *quarantineListCommand) Run(ctx context.Context, g *globals, o out) error {
	p := newPrinter(g, o, "ID\tINSTANCE\tFROM\tRECEIVED\tBYTES\tSTATE")
	err := server.Quarantine(ctx, g.Dir, func(q server.Aside) error {
		if q.State == "kept aside" && !c.All {
			return nil
		}
		return p.line(q, "%s\t%s\t%s\t%s\t%d\t%s", q.ID, q.Instance, printable(q.Source), q.Received.Format(time.RFC3339), q.Length, q.State)
	})
	return errors.Join(err, p.end())
}

type quarantineShowCommand struct {
	ID string `arg:"" help:"As list prints it."`
}

// Run prints the differences.
func (c *quarantineShowCommand) Run(ctx context.Context, g *globals, o out) error {
	d, err := server.CompareQuarantined(ctx, g.Dir, c.ID)
	if err != nil {
		return err
	}
	if g.JSON {
		return json.NewEncoder(o).Encode(d)
	}
	fmt.Fprintf(o, "study    %s\nseries   %s\ninstance %s\nstored   %d bytes from %s\nnewcomer %d bytes from %s, %s\n\n", d.Study, d.Series, d.Instance,
		d.StoredLength, printable(d.StoredSource), d.Length, printable(d.Source), d.Received.Format(time.RFC3339))
	p := newPrinter(g, o, "TAG\tNAME\tSTORED\tNEWCOMER")
	for _, change := range d.Changes {
		if err := p.line(change, "%s\t%s\t%s\t%s", change.Tag, change.Name, printable(change.Stored), printable(change.Newcomer)); err != nil {
			return err
		}
	}
	if len(d.Changes) == 0 {
		fmt.Fprintln(o, "They differ in pixels, bulk data or encoding alone.")
	}
	return p.end()
}

// decision is what all choices need.
type decision struct {
	ID     string `arg:"" help:"As list prints it."`
	Reason string `help:"Why." required:"" placeholder:"TEXT"`
	by
}

func (d *decision) run(ctx context.Context, g *globals, c access.Choice) error {
	config, err := server.LoadConfig(g.Dir, "")
	if err != nil {
		return err
	}
	return withAdmin(g, func(a *server.Admin) error {
		who, err := d.actor(ctx, a)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		return a.Decide(ctx, config, who, d.ID, c, d.Reason)
	})
}

type quarantineKeepCommand struct{ decision }

// Run keeps the stored one.
func (c *quarantineKeepCommand) Run(ctx context.Context, g *globals) error {
	return c.run(ctx, g, access.Keep)
}

type quarantineReplaceCommand struct{ decision }

// Run lets the newcomer take its place.
func (c *quarantineReplaceCommand) Run(ctx context.Context, g *globals) error {
	return c.run(ctx, g, access.Replace)
}

type quarantineDropCommand struct{ decision }

// Run deletes the newcomer.
func (c *quarantineDropCommand) Run(ctx context.Context, g *globals) error {
	return c.run(ctx, g, access.Drop)
}
