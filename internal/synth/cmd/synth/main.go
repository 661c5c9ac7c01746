// Synth writes studies of invented patients as files, for the demonstration and
// the benchmarks:
//
//	go run ./internal/synth/cmd/synth -out DIR [-studies N] [-modalities CT,RTSTRUCT] ...
//
// A study goes into a folder of its own below DIR.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/synth"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "synth:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	var o synth.Options
	f := flag.NewFlagSet("synth", flag.ExitOnError)
	out := f.String("out", "", "folder to write to")
	studies := f.Int("studies", 1, "number of studies")
	seed := f.Uint64("seed", 1, "the same seed makes the same files")
	modalities := f.String("modalities", "CT", "one for each series, of "+strings.Join(synth.Modalities(), ","))
	syntax := f.String("syntax", "1.2.840.10008.1.2.1", "transfer syntax UID: native, deflated or RLE")
	f.IntVar(&o.Number, "first", 1, "number of the first study")
	patient := f.Int("patient", 0, "number of the patient of all studies; 0 gives each study its own")
	f.IntVar(&o.Count, "count", 0, "instances a series; 0 is the modality's own number")
	f.IntVar(&o.Rows, "rows", 0, "rows; 0 is the modality's own number")
	f.IntVar(&o.Columns, "columns", 0, "columns; 0 is the modality's own number")
	f.IntVar(&o.Frames, "frames", 0, "frames; 0 is the modality's own number")
	f.StringVar(&o.CharacterSet, "charset", "", "one of "+strings.Join(synth.CharacterSets(), ", ")+", or each: all of them in turn")
	f.BoolVar(&o.Head, "head", false, "the head instead of the chest")
	f.Parse(args)
	if *out == "" || f.NArg() > 0 {
		return fmt.Errorf("usage: synth -out DIR [options]; see -help")
	}
	o.Modalities = strings.Split(*modalities, ",")
	inTurn := o.CharacterSet == "each"
	if inTurn {
		o.CharacterSet = ""
	}
	if err := o.Validate(); err != nil {
		return err
	}
	g, first := synth.New(*seed), o.Number
	for n := first; n < first+*studies; n++ {
		o.Number, o.Patient = n, n
		if *patient != 0 {
			o.Patient = *patient
		}
		if inTurn {
			o.CharacterSet = synth.CharacterSets()[(n-first)%len(synth.CharacterSets())]
		}
		if err := write(g, o, filepath.Join(*out, fmt.Sprintf("study%05d", n)), dicom.UID(*syntax)); err != nil {
			return err
		}
	}
	return nil
}

func write(g *synth.Generator, o synth.Options, dir string, syntax dicom.UID) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	n := 0
	for object := range g.Objects(o) {
		n++
		modality := object.Header.String(modalityTag)
		if err := object.WriteFile(filepath.Join(dir, fmt.Sprintf("%s%04d.dcm", modality, n)), syntax); err != nil {
			return err
		}
	}
	return nil
}

const modalityTag dicom.Tag = 0x00080060
