package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/server"
)

type exportCommand struct {
	Patient string   `help:"All studies of the patient." placeholder:"ID"`
	Study   []string `help:"This study; as often as needed." placeholder:"UID"`
	Out     string   `help:"Folder for the files; it is made, or must be empty." required:"" type:"path" placeholder:"DIR"`
}

// Run writes the files, a DICOMDIR, a page that shows them, and their hashes.
func (c *exportCommand) Run(ctx context.Context, g *globals, o out) error {
	if c.Patient == "" && len(c.Study) == 0 {
		return usageError{errors.New("give --patient, --study or both")}
	}
	var studies []dicom.UID
	for _, s := range c.Study {
		studies = append(studies, dicom.UID(s))
	}
	bar := newBar(g, o, -1, "instances")
	sum, err := server.Export(ctx, g.Dir, c.Patient, studies, c.Out, func() { bar.add(1) })
	bar.finish()
	if err != nil {
		return err
	}
	if g.JSON {
		return json.NewEncoder(o).Encode(map[string]any{"studies": sum.Studies, "series": sum.Series, "instances": sum.Instances, "bytes": sum.Bytes, "out": c.Out})
	}
	_, err = fmt.Fprintf(o, "%d studies, %d series, %d instances in %s; the hashes are in SHA256SUMS\n", sum.Studies, sum.Series, sum.Instances, c.Out)
	return err
}
