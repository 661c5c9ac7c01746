package main

import (
	"context"
	"fmt"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/ul"
)

type moveCommand struct {
	peer
	selection
	To string `help:"AE title of the device to send to, as the archive knows it." required:"" placeholder:"AET"`
}

// Run performs C-MOVE.
func (c *moveCommand) Run(ctx context.Context, g *globals, o out) error {
	identifier, level, err := c.identifier()
	if err != nil {
		return err
	}
	to, err := dicom.ParseAETitle(c.To)
	if err != nil {
		return usageError{fmt.Errorf("--to: %w", err)}
	}
	model := queryModel("", level, dict.UIDStudyRootQueryRetrieveInformationModelMove, dict.UIDPatientRootQueryRetrieveInformationModelMove)
	client, err := c.connect(ctx, []ul.ProposedContext{plain(model)})
	if err != nil {
		return err
	}
	defer client.Close(context.WithoutCancel(ctx))
	bar, done := newBar(g, o, -1, "instances"), 0
	progress := func(s dimse.SubOperations) {
		now := s.Completed + s.Failed + s.Warning
		bar.add(now - done)
		done = now
	}
	result, err := client.Move(ctx, dimse.QueryRequest{SOPClass: model, Identifier: identifier, Destination: to, Progress: progress})
	bar.finish()
	if err != nil {
		return fmt.Errorf("move: %w", err)
	}
	return retrieved(g, o, result, "sent")
}
