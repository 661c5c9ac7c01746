package main

import (
	"bufio"
	"context"
	"fmt"

	"github.com/tresor-pacs/tresor/internal/server"
)

type auditExportCommand struct {
	auditFilter

	Format string `help:"dicom: audit messages of PS3.15 section A.5; json: as in the trail; fhir: AuditEvents of FHIR R4." enum:"dicom,json,fhir" default:"dicom"`
	Config string `help:"Configuration file; without it DIR/tresor.toml, which may be absent." type:"existingfile" placeholder:"FILE"`
}

// Run prints the records that match, one a line, the oldest first.
func (c *auditExportCommand) Run(ctx context.Context, g *globals, o out) error {
	f, err := c.filter()
	if err != nil {
		return err
	}
	config, err := server.LoadConfig(g.Dir, c.Config)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(o)
	_, damaged, err := server.ExportTrail(ctx, g.Dir, config, f, c.Format, w)
	if err != nil {
		return fmt.Errorf("export the trail: %w", err)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("export the trail: %w", err)
	}
	if damaged > 0 {
		return fmt.Errorf("%d records cannot be read and are left out: tresor audit verify names them", damaged)
	}
	return nil
}
