package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/access"
	"github.com/tresor-pacs/tresor/internal/server"
)

type retentionCommand struct {
	List retentionListCommand `cmd:"" help:"How long studies have to be kept, and by which rule."`
	Hold retentionHoldCommand `cmd:"" help:"Legal holds: what must not be erased, whatever its age."`
}

type retentionListCommand struct {
	Due   bool   `help:"Only what need not be kept any longer."`
	Study string `help:"Only this study." placeholder:"UID"`
}

// Run computes retention; it changes nothing.
func (c *retentionListCommand) Run(ctx context.Context, g *globals, o out) error {
	p := newPrinter(g, o, "STUDY\tRULE\tKEPT UNTIL\tSTATE")
	err := server.Retention(ctx, g.Dir, dicom.UID(c.Study), func(r server.Kept) error {
		if c.Due && r.State != "due" {
			return nil
		}
		until := "not known"
		if !r.Until.IsZero() {
			until = r.Until.Format(time.DateOnly)
		}
		return p.line(r, "%s\t%s\t%s\t%s", r.Study, r.Class, until, r.State)
	})
	return errors.Join(err, p.end())
}

type retentionHoldCommand struct {
	List holdListCommand `cmd:"" help:"List the holds."`
	Set  holdSetCommand  `cmd:"" help:"Set one on a study or on a patient."`
	Lift holdLiftCommand `cmd:"" help:"End one."`
}

type holdListCommand struct{}

// Run lists holds.
func (*holdListCommand) Run(g *globals, o out) error {
	return withAdmin(g, func(a *server.Admin) error {
		p := newPrinter(g, o, "ID\tON\tSINCE\tBY\tREASON")
		for _, h := range a.Access.Holds() {
			on := "study " + string(h.Study)
			if h.Patient != "" {
				on = "patient " + printable(h.Patient)
			}
			if err := p.line(h, "%s\t%s\t%s\t%s\t%s", h.ID, on, h.Since.Format(time.DateOnly), h.By, printable(h.Reason)); err != nil {
				return err
			}
		}
		return p.end()
	})
}

type holdSetCommand struct {
	Study   string `help:"The study." placeholder:"UID" xor:"on" required:""`
	Patient string `help:"All studies of the patient, also those to come." placeholder:"ID" xor:"on" required:""`
	Reason  string `help:"Why." required:"" placeholder:"TEXT"`
}

// Run sets a hold.
func (c *holdSetCommand) Run(ctx context.Context, g *globals, o out) error {
	return change(g, func(a *server.Admin) error {
		h, err := a.Access.SetHold(ctx, a.Operator(), dicom.UID(c.Study), c.Patient, c.Reason)
		if err != nil {
			return err
		}
		return printHold(newPrinter(g, o, "ID"), h)
	})
}

func printHold(p *printer, h access.LegalHold) error {
	return errors.Join(p.line(h, "%s", h.ID), p.end())
}

type holdLiftCommand struct {
	ID     string `arg:"" help:"As list prints it."`
	Reason string `help:"Why." required:"" placeholder:"TEXT"`
}

// Run lifts a hold. An erasure that waited for it goes on within a day.
func (c *holdLiftCommand) Run(ctx context.Context, g *globals) error {
	err := change(g, func(a *server.Admin) error { return a.Access.LiftHold(ctx, a.Operator(), c.ID, c.Reason) })
	if err != nil {
		return fmt.Errorf("hold: %w", err)
	}
	return nil
}
