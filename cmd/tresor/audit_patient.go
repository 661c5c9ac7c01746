package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/internal/audit/report"
	"github.com/tresor-pacs/tresor/internal/server"
)

type auditPatientCommand struct {
	ID    string `arg:"" name:"id" help:"Patient ID."`
	From  string `help:"From this day or time on." placeholder:"TIME"`
	To    string `help:"Before this day or time." placeholder:"TIME"`
	Names bool   `help:"With names and addresses of who it was; without it roles and networks alone."`
}

// Run prints who had to do with the patient's images, the oldest first.
func (c *auditPatientCommand) Run(ctx context.Context, g *globals, o out) error {
	from, to, err := bounds(c.From, c.To)
	if err != nil {
		return err
	}
	h, err := server.PatientHistory(ctx, g.Dir, c.ID, report.HistoryOptions{From: from, To: to, Names: c.Names})
	if err != nil {
		return fmt.Errorf("search the trail: %w", err)
	}
	if g.JSON {
		return json.NewEncoder(o).Encode(h)
	}
	for i := range h.Accesses {
		if _, err := fmt.Fprintln(o, visible(accessLine(&h.Accesses[i]))); err != nil {
			return err
		}
	}
	if h.Unreadable > 0 {
		fmt.Fprintf(o.Err, "%d records cannot be read; what they say is missing here: tresor audit verify\n", h.Unreadable)
	}
	return nil
}

// accessLine is an access in words.
func accessLine(a *report.Access) string {
	when := a.First.Local().Format("2006-01-02 15:04")
	if last := a.Last.Local().Format("2006-01-02 15:04"); last != when {
		when += " to " + a.Last.Local().Format("15:04")
	}
	parts := []string{when, a.Who}
	if a.Name != "" {
		parts = append(parts, a.Name)
	}
	parts = append(parts, a.What)
	if a.Outcome != "success" {
		parts = append(parts, a.Outcome)
	}
	if a.Instances > 0 {
		parts = append(parts, fmt.Sprintf("%d instances", a.Instances))
	}
	for _, p := range []struct{ name, value string }{{"why", a.Why}, {"from", a.From}, {"to", a.To}, {"study", join(a.Studies)}} {
		if p.value != "" {
			parts = append(parts, p.name+"="+p.value)
		}
	}
	return strings.Join(parts, "  ")
}

// bounds reads --from and --to.
func bounds(from, to string) (first, end time.Time, err error) {
	if first, err = parseWhen(from); err != nil {
		return first, end, usageError{fmt.Errorf("--from: %w", err)}
	}
	if end, err = parseWhen(to); err != nil {
		return first, end, usageError{fmt.Errorf("--to: %w", err)}
	}
	return first, end, nil
}
