package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/tresor-pacs/tresor/internal/survey/report"
)

type surveyReportCommand struct {
	State    []string          `arg:"" name:"STATE" help:"State files of the survey: of its shards, or of runs one after the other." type:"existingfile"`
	Before   []string          `help:"State files of an earlier survey to compare with." type:"existingfile" placeholder:"FILE"`
	HTML     string            `name:"html" help:"Write one page of HTML." type:"path" placeholder:"FILE"`
	PDF      string            `name:"pdf" help:"Write the same as PDF." type:"path" placeholder:"FILE"`
	CSV      string            `name:"csv" help:"Write CSV." type:"path" placeholder:"FILE"`
	SARIF    string            `name:"sarif" help:"Write SARIF 2.1.0." type:"path" placeholder:"FILE"`
	JSONL    string            `name:"jsonl" help:"Write JSON lines in zgrab2's envelope." type:"path" placeholder:"FILE"`
	Letters  string            `help:"Write a letter to the owner of each network into this folder: text, HTML and PDF." type:"path" placeholder:"DIR"`
	Sheets   string            `help:"Write a sheet for a notification under Art. 33 GDPR for each operator into this folder: text, HTML and PDF." type:"path" placeholder:"DIR"`
	Language []report.Language `help:"Languages of letters and sheets: ${default}." enum:"en,de" default:"en,de"`
}

// Run writes the reports that are asked for; without any it prints JSON lines.
func (c *surveyReportCommand) Run(g *globals, o out) error {
	now, err := readStates(c.State)
	if err != nil {
		return err
	}
	options := report.Options{Made: time.Now()}
	if len(c.Before) > 0 {
		if options.Before, err = readStates(c.Before); err != nil {
			return err
		}
	}
	if c.HTML != "" || c.PDF != "" {
		if options.History, err = history(g, now); err != nil {
			return err
		}
	}
	wrote, err := c.files(now, options, o)
	if err != nil {
		return err
	}
	papers, err := c.papers(now, options.Made, o)
	if err != nil || wrote || papers {
		return err
	}
	return jsonLines(o, now)
}

// files writes the reports that are a file each.
func (c *surveyReportCommand) files(s *report.Survey, options report.Options, o out) (wrote bool, err error) {
	for _, k := range []struct {
		path  string
		write func(io.Writer) error
	}{
		{c.HTML, func(w io.Writer) error { return report.HTML(w, s, options) }},
		{c.PDF, func(w io.Writer) error { return report.PDF(w, s, options) }},
		{c.CSV, func(w io.Writer) error { return report.CSV(w, s) }},
		{c.SARIF, func(w io.Writer) error { return report.SARIF(w, s, options.Before) }},
		{c.JSONL, func(w io.Writer) error { return jsonLines(w, s) }},
	} {
		if k.path == "" {
			continue
		}
		wrote = true
		if err := writeReport(k.path, k.write); err != nil {
			return wrote, err
		}
		fmt.Fprintln(o.Err, "wrote", k.path)
	}
	return wrote, nil
}

// papers writes letters and sheets, each as text, HTML and PDF.
func (c *surveyReportCommand) papers(s *report.Survey, made time.Time, o out) (wrote bool, err error) {
	for _, k := range []struct {
		dir  string
		make func(*report.Survey, report.Language, time.Time) ([]*report.Paper, error)
	}{{c.Letters, report.Letters}, {c.Sheets, report.Sheets}} {
		if k.dir == "" {
			continue
		}
		wrote = true
		if err := os.MkdirAll(k.dir, 0o700); err != nil {
			return wrote, err
		}
		n := 0
		for _, language := range c.Language {
			list, err := k.make(s, language, made)
			if err != nil {
				return wrote, err
			}
			for _, p := range list {
				if err := writePaper(k.dir, p); err != nil {
					return wrote, err
				}
			}
			n += len(list)
		}
		fmt.Fprintf(o.Err, "wrote %d papers into %s\n", n, k.dir)
	}
	return wrote, nil
}

func writePaper(dir string, p *report.Paper) error {
	base := filepath.Join(dir, p.Name)
	text := func(w io.Writer) error {
		_, err := io.WriteString(w, p.Text)
		return err
	}
	return errors.Join(writeReport(base+".txt", text), writeReport(base+".html", p.HTML), writeReport(base+".pdf", p.PDF))
}

func jsonLines(w io.Writer, s *report.Survey) error {
	enc := json.NewEncoder(w)
	for _, e := range s.Systems {
		if err := enc.Encode(e); err != nil {
			return err
		}
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
