package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/access"
	"github.com/tresor-pacs/tresor/internal/server"
)

type shareCommand struct {
	Create shareCreateCommand `cmd:"" help:"Make a link to studies, for a patient or a referring doctor, and print it, once."`
	List   shareListCommand   `cmd:"" help:"List the links."`
	Revoke shareRevokeCommand `cmd:"" help:"End a link; who reads with it stops within a second."`
}

type shareCreateCommand struct {
	Study   []string `help:"The study; as often as needed." placeholder:"UID" xor:"what" required:""`
	Patient string   `help:"All studies that the patient has now." placeholder:"ID" xor:"what" required:""`
	Code    bool     `help:"Ask for a code, which is printed and sent another way than the link; else for the patient's birth date."`
	For     string   `help:"For whom, for the list." placeholder:"TEXT"`
	Expires string   `help:"How long it lasts: 7d, 12h (default 30d)." placeholder:"DURATION"`
	Uses    int      `help:"How often it can be used (default 20)." placeholder:"N"`
}

// Run prints the link, and the code if there is one.
func (c *shareCreateCommand) Run(ctx context.Context, g *globals, o out) error {
	lasts, err := lasting(c.Expires)
	if err != nil {
		return usageError{fmt.Errorf("--expires: %w", err)}
	}
	n := access.NewShare{Label: c.For, Lasts: lasts, MaxUses: c.Uses, Factor: access.BirthDate}
	for _, s := range c.Study {
		n.Studies = append(n.Studies, dicom.UID(s))
	}
	if c.Patient != "" {
		if n.Studies, err = server.StudiesOf(ctx, g.Dir, c.Patient); err != nil {
			return err
		}
	}
	birth, err := server.BirthDateOf(ctx, g.Dir, n.Studies)
	if err != nil {
		return err
	}
	n.Answer = birth
	if c.Code {
		n.Factor, n.Answer = access.Code, ""
	}
	return change(g, func(a *server.Admin) error {
		secret, code, s, err := a.Access.Share(ctx, a.Operator(), n)
		if err != nil {
			return err
		}
		link, err := server.ShareLink(g.Dir, secret)
		if err != nil {
			return err
		}
		if g.JSON {
			return json.NewEncoder(o).Encode(map[string]any{"id": s.ID, "link": link, "code": code, "factor": s.Factor, "expires": s.Expires, "max_uses": s.MaxUses})
		}
		fmt.Fprintln(o, link)
		if code != "" {
			fmt.Fprintln(o, code)
			fmt.Fprintln(o.Err, "Send the code another way than the link.")
		}
		return nil
	})
}

type shareListCommand struct{}

// Run lists links; none shows its secret.
func (*shareListCommand) Run(g *globals, o out) error {
	return withAdmin(g, func(a *server.Admin) error {
		p := newPrinter(g, o, "ID\tSTATE\tSTUDIES\tUSES\tSECOND FACTOR\tEXPIRES\tBY\tFOR")
		for _, s := range a.Access.Shares() {
			line := map[string]any{"id": s.ID, "state": s.State(time.Now()), "studies": s.Studies, "uses": s.Uses, "max_uses": s.MaxUses,
				"factor": s.Factor, "expires": s.Expires, "by": s.By, "for": s.Label}
			err := p.line(line, "%s\t%s\t%d\t%d/%d\t%s\t%s\t%s\t%s", s.ID, s.State(time.Now()), len(s.Studies), s.Uses, s.MaxUses, s.Factor,
				s.Expires.Format(time.DateOnly), s.By, printable(s.Label))
			if err != nil {
				return err
			}
		}
		return p.end()
	})
}

type shareRevokeCommand struct {
	ID string `arg:"" help:"As list prints it."`
}

// Run revokes a link.
func (c *shareRevokeCommand) Run(ctx context.Context, g *globals) error {
	if c.ID == "" {
		return usageError{errors.New("give the ID of a share")}
	}
	return change(g, func(a *server.Admin) error { return a.Access.RevokeShare(ctx, a.Operator(), c.ID) })
}
