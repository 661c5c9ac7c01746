package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/server"
)

type verifyCommand struct {
	Repair  bool `help:"First mend what can be mended: make the catalog anew and remove files that a crash left; the server must be stopped."`
	Rebuild bool `help:"First make the catalog anew from the vault; the server must be stopped."`
}

// Run reads everything back; it fails if anything is not as it was received.
func (c *verifyCommand) Run(ctx context.Context, g *globals, o out) error {
	if c.Repair {
		n, err := server.RepairVault(ctx, g.Dir, slog.New(slog.DiscardHandler))
		if err != nil {
			return fmt.Errorf("repair the vault: %w", err)
		}
		if !g.JSON {
			fmt.Fprintf(o, "%d files removed that a crash left\n", n)
		}
	}
	if c.Rebuild || c.Repair {
		n, err := server.RebuildCatalog(ctx, g.Dir, slog.New(slog.DiscardHandler))
		if err != nil {
			return fmt.Errorf("rebuild the catalog: %w", err)
		}
		if !g.JSON {
			fmt.Fprintf(o, "catalog made anew from %d objects\n", n)
		}
	}
	bar := newBar(g, o, -1, "objects")
	report := func(d archive.Difference) {
		bar.clear()
		if g.JSON {
			json.NewEncoder(o).Encode(d)
			return
		}
		fmt.Fprintf(o, "%s\n", strings.TrimLeft(fmt.Sprintf("%s at %s: %s", d.Instance, d.Location, d.What), " "))
	}
	sum, err := server.VerifyData(ctx, g.Dir, report, func(archive.Verification) { bar.add(1) })
	bar.finish()
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	if g.JSON {
		err = json.NewEncoder(o).Encode(map[string]any{"objects": sum.Objects, "bytes": sum.Bytes, "instances": sum.Instances, "differences": sum.Differences})
	} else {
		_, err = fmt.Fprintf(o, "%d objects, %.1f MB, %d instances in the catalog: %s\n", sum.Objects, float64(sum.Bytes)/1e6, sum.Instances, soundness(sum.Differences))
	}
	if sum.Differences > 0 {
		return errors.Join(err, errReported)
	}
	return err
}

func soundness(differences int) string {
	if differences == 0 {
		return "all sound"
	}
	return fmt.Sprintf("%d DIFFERENCES", differences)
}
