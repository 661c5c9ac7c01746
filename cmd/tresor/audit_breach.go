package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/internal/audit/report"
	"github.com/tresor-pacs/tresor/internal/server"
)

type auditBreachCommand struct {
	Principal string `required:"" help:"Who: the name of a user, device or share as the trail has it." placeholder:"NAME"`
	From      string `help:"From this day or time on." placeholder:"TIME"`
	To        string `help:"Before this day or time." placeholder:"TIME"`
}

// Run prints what the principal touched: patients, studies, how much, and what
// the trail can tell of the keys.
func (c *auditBreachCommand) Run(ctx context.Context, g *globals, o out) error {
	from, to, err := bounds(c.From, c.To)
	if err != nil {
		return err
	}
	b, err := server.BreachKit(ctx, g.Dir, c.Principal, from, to)
	if err != nil {
		return fmt.Errorf("search the trail: %w", err)
	}
	if g.JSON {
		return json.NewEncoder(o).Encode(b)
	}
	for _, line := range breachLines(b) {
		if _, err := fmt.Fprintln(o, visible(line)); err != nil {
			return err
		}
	}
	return nil
}

// breachLines is the kit in words.
func breachLines(b *report.Breach) []string {
	lines := []string{fmt.Sprintf("%s: %d patients, %d instances, %.1f MB given at most; %d searches, %d stored, %d refused",
		b.Principal, len(b.Patients), b.Instances, float64(b.Bytes)/1e6, b.Queries, b.Stored, b.Refused)}
	if !b.First.IsZero() {
		lines = append(lines, fmt.Sprintf("acts from %s to %s, as %s, from %s", minute(b.First), minute(b.Last),
			strings.Join(b.Kinds, ", "), strings.Join(b.Addresses, ", ")))
	}
	for _, t := range b.Patients {
		line := fmt.Sprintf("patient=%s  %d instances  %.1f MB  %s  %s to %s  study=%s", t.Patient, t.Instances,
			float64(t.Bytes)/1e6, strings.Join(t.How, ", "), minute(t.First), minute(t.Last), join(t.Studies))
		if t.Omitted > 0 {
			line += fmt.Sprintf("  and %d values that the records had no room for", t.Omitted)
		}
		lines = append(lines, line)
	}
	for _, a := range b.Alarms {
		lines = append(lines, fmt.Sprintf("alarm %s  %s  %s", minute(a.Time), a.Code, a.Reason))
	}
	return append(lines, keyLines(b)...)
}

// keyLines says what the trail can tell of the keys.
func keyLines(b *report.Breach) []string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(b.Keys.OnServer)) {
		lines = append(lines, fmt.Sprintf("on the archive's machine: %s, %d acts", name, b.Keys.OnServer[name]))
	}
	for _, s := range b.Keys.Signs {
		lines = append(lines, fmt.Sprintf("sign of damage %s  %s  %s", minute(s.Time), s.Code, s.Reason))
	}
	if b.Unreadable > 0 {
		lines = append(lines, fmt.Sprintf("%d records cannot be read; what they say is missing here: tresor audit verify", b.Unreadable))
	}
	if b.Keys.Exposed {
		return append(lines, "keys: MAY BE EXPOSED: somebody worked on the archive's machine, or its files were damaged")
	}
	return append(lines, "keys: no sign of exposure in the trail; nothing that can be asked for over the network gives keys out")
}

func minute(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }
