package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/tresor-pacs/tresor/internal/survey/report"
)

type surveyReportCommand struct {
	State  []string `arg:"" name:"STATE" help:"State files of the survey: of its shards, or of runs one after the other." type:"existingfile"`
	Before []string `help:"State files of an earlier survey to compare with." type:"existingfile" placeholder:"FILE"`
	HTML   string   `name:"html" help:"Write one page of HTML." type:"path" placeholder:"FILE"`
	CSV    string   `name:"csv" help:"Write CSV." type:"path" placeholder:"FILE"`
	SARIF  string   `name:"sarif" help:"Write SARIF 2.1.0." type:"path" placeholder:"FILE"`
	JSONL  string   `name:"jsonl" help:"Write JSON lines in zgrab2's envelope." type:"path" placeholder:"FILE"`
}

// Run writes the reports that are asked for; without any it prints JSON lines.
func (c *surveyReportCommand) Run(o out) error {
	now, err := readStates(c.State)
	if err != nil {
		return err
	}
	var before *report.Survey
	if len(c.Before) > 0 {
		if before, err = readStates(c.Before); err != nil {
			return err
		}
	}
	jsonLines := func(w io.Writer) error {
		enc := json.NewEncoder(w)
		for _, e := range now.Systems {
			if err := enc.Encode(e); err != nil {
				return err
			}
		}
		return nil
	}
	kinds := []struct {
		path  string
		write func(io.Writer) error
	}{
		{c.HTML, func(w io.Writer) error { return report.HTML(w, now, before, time.Now()) }},
		{c.CSV, func(w io.Writer) error { return report.CSV(w, now) }},
		{c.SARIF, func(w io.Writer) error { return report.SARIF(w, now, before) }},
		{c.JSONL, jsonLines},
	}
	wrote := false
	for _, k := range kinds {
		if k.path == "" {
			continue
		}
		wrote = true
		if err := writeReport(k.path, k.write); err != nil {
			return err
		}
		fmt.Fprintln(o.Err, "wrote", k.path)
	}
	if !wrote {
		return jsonLines(o)
	}
	return nil
}

func writeReport(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func readStates(paths []string) (*report.Survey, error) {
	var files []io.Reader
	for _, p := range paths {
		f, err := os.Open(p)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		files = append(files, f)
	}
	return report.Read(files...)
}
