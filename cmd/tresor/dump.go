package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"

	"github.com/tresor-pacs/tresor/dicom/encoding"
)

type dumpCommand struct {
	Files []string `arg:"" name:"FILE" help:"DICOM files (PS3.10)." type:"path"`
}

// Run prints the elements of each file, as lines or as DICOM JSON.
func (c *dumpCommand) Run(g *globals, o out) error {
	var failed error
	for _, path := range c.Files {
		if len(c.Files) > 1 && !g.JSON {
			fmt.Fprintf(o, "# %s\n", path)
		}
		if err := dump(g, o, path); err != nil {
			fmt.Fprintf(o.Err, "tresor: %s: %v\n", path, err)
			failed = errors.Join(failed, errReported)
		}
	}
	return failed
}

func dump(g *globals, o out, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(o)
	defer w.Flush()
	meta, ds, err := encoding.ReadFile(f, encoding.Options{Limits: encoding.DefaultLimits(), KeepUpTo: 64 << 10, BulkPixelData: true})
	if err != nil {
		return err
	}
	if g.JSON {
		b, err := encoding.AppendJSON(nil, ds, encoding.JSONOptions{})
		if err != nil {
			return err
		}
		_, err = w.Write(append(b, '\n'))
		return err
	}
	if err := encoding.Dump(w, meta, encoding.DumpOptions{}); err != nil {
		return err
	}
	return encoding.Dump(w, ds, encoding.DumpOptions{})
}
