package main

import (
	"context"
	"fmt"

	"github.com/tresor-pacs/tresor/internal/server"
)

type auditCheckpointCommand struct {
	Now bool `help:"Sign a new one first, of all records that there are."`
	Key bool `help:"Print the verifier key in place of the checkpoint: keep it with the checkpoints."`
}

// Run prints the latest checkpoint, or the key that checks it.
func (c *auditCheckpointCommand) Run(ctx context.Context, g *globals, o out) error {
	signed, key, err := server.Checkpoint(ctx, g.Dir, c.Now)
	if err != nil {
		return fmt.Errorf("checkpoint of the trail: %w", err)
	}
	if c.Key {
		_, err = fmt.Fprintln(o, key)
		return err
	}
	_, err = o.Write(signed)
	return err
}
