package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tresor-pacs/tresor/internal/survey/target"
)

type surveyImportCommand struct {
	surveyGuard
	Files  []string `arg:"" name:"FILE" help:"Exports to read." type:"existingfile"`
	Format string   `help:"Format; auto looks at the file." enum:"auto,lines,json,xml" default:"auto"`
}

// Run prints each target once, as run reads it. With --scope only targets that
// the scope permits are printed; names are left for run to check.
func (c *surveyImportCommand) Run(_ context.Context, g *globals, o out) error {
	guard, err := c.guard(g)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(o)
	seen := map[string]bool{}
	for _, path := range c.Files {
		r, err := readTargets(path, target.Format(c.Format))
		if err != nil {
			return err
		}
		if r.Skipped > 0 {
			fmt.Fprintf(o.Err, "survey: %s: %d records could not be read\n", path, r.Skipped)
		}
		outside := 0
		for _, t := range r.Targets {
			if seen[t.String()] {
				continue
			}
			seen[t.String()] = true
			if c.Scope != "" && t.Prefix.IsSingleIP() && t.Port != 0 && guard.Allow(t.Prefix.Addr(), t.Port) != nil {
				outside++
				continue
			}
			if err := printTarget(w, t, g.JSON); err != nil {
				return err
			}
		}
		if outside > 0 {
			fmt.Fprintf(o.Err, "survey: %s: %d targets outside of the scope\n", path, outside)
		}
	}
	if len(seen) == 0 {
		return errors.Join(w.Flush(), errors.New("survey: no targets in it"))
	}
	return w.Flush()
}

func printTarget(w *bufio.Writer, t target.Target, asJSON bool) error {
	if !asJSON {
		_, err := fmt.Fprintln(w, t)
		return err
	}
	// The fields are those that import reads back.
	m := map[string]any{"domain": t.Domain, "location": map[string]string{"country_code": t.Country}, "asn": t.ASN, "org": t.Org}
	if t.Port != 0 {
		m["port"] = t.Port
	}
	t.Port = 0
	m["ip"] = t.String()
	return json.NewEncoder(w).Encode(m)
}
