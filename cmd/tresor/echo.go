package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/ul"
)

type echoCommand struct {
	peer
}

// Run performs C-ECHO.
func (c *echoCommand) Run(ctx context.Context, g *globals, o out) error {
	client, err := c.connect(ctx, []ul.ProposedContext{plain(dict.UIDVerification)})
	if err != nil {
		return err
	}
	defer client.Close(ctx)
	began := time.Now()
	status, err := client.Echo(ctx)
	if err != nil {
		return fmt.Errorf("echo: %w", err)
	}
	took := time.Since(began)
	if g.JSON {
		err = json.NewEncoder(o).Encode(map[string]any{"status": hex(status), "milliseconds": took.Seconds() * 1e3})
	} else if status == dimse.StatusSuccess {
		_, err = fmt.Fprintf(o, "%s answers (%.1f ms)\n", c.Called, took.Seconds()*1e3)
	}
	if err == nil && status != dimse.StatusSuccess {
		return fmt.Errorf("echo: %w", status)
	}
	return err
}

// hex writes a status as scripts read it: 0x0000.
func hex(s dimse.Status) string { return fmt.Sprintf("0x%04X", uint16(s)) }
