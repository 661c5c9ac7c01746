package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/server"
)

type auditCommand struct {
	Verify     auditVerifyCommand     `cmd:"" help:"Prove that no record was changed, removed or put elsewhere."`
	Search     auditSearchCommand     `cmd:"" help:"Print the records that match."`
	Export     auditExportCommand     `cmd:"" help:"Print the records that match as audit messages, JSON or FHIR."`
	Checkpoint auditCheckpointCommand `cmd:"" help:"Print the latest signed checkpoint, to be kept elsewhere."`
	Patient    auditPatientCommand    `cmd:"" help:"Print who had to do with a patient's images."`
	Breach     auditBreachCommand     `cmd:"" help:"Print what somebody touched in a time: patients, studies, keys."`
	Accept     auditAcceptCommand     `cmd:"" help:"Let a damaged trail go on: the gap stays visible for ever."`
}

type auditVerifyCommand struct {
	Against string `help:"Compare with this checkpoint, which was kept elsewhere (tresor audit checkpoint)." type:"existingfile" placeholder:"FILE"`
	Key     string `help:"Verifier key that was kept with it, in place of the archive's own (tresor audit checkpoint --key)." placeholder:"KEY"`
}

// Run checks the trail; it fails if anything is wrong with it.
func (c *auditVerifyCommand) Run(ctx context.Context, g *globals, o out) error {
	against := server.Against{Key: c.Key}
	if c.Against != "" {
		var err error
		if against.Checkpoint, err = os.ReadFile(c.Against); err != nil {
			return fmt.Errorf("read the checkpoint: %w", err)
		}
	}
	r, err := server.VerifyTrail(ctx, g.Dir, against)
	if err != nil {
		return fmt.Errorf("verify the trail: %w", err)
	}
	if g.JSON {
		if err := json.NewEncoder(o).Encode(r); err != nil {
			return err
		}
	} else {
		for _, f := range r.Findings {
			fmt.Fprintln(o, f)
		}
		fmt.Fprintf(o, "%d records in %d files: %s\n", r.Records, r.Files, verdict(r))
	}
	if !r.OK() {
		return errReported
	}
	return nil
}

func verdict(r *audit.Report) string {
	if r.OK() && r.Checkpoint > 0 {
		return fmt.Sprintf("whole, and as the checkpoint of %d records says", r.Checkpoint)
	}
	if r.OK() {
		return "whole"
	}
	return fmt.Sprintf("NOT whole, %d findings", len(r.Findings)+r.More)
}

type auditAcceptCommand struct{}

// Run lets the archive start again after the trail was damaged.
func (*auditAcceptCommand) Run(ctx context.Context, g *globals) error {
	return server.AcceptTrail(ctx, g.Dir)
}

// auditFilter is what records are searched for.
type auditFilter struct {
	Since     string   `help:"From this day or time on (2026-11-22, 2026-11-22T10:00:00Z)." placeholder:"TIME"`
	Until     string   `help:"Before this day or time." placeholder:"TIME"`
	Code      []string `help:"What happened, for example query or association-refused." placeholder:"CODE"`
	Principal string   `help:"Who asked." placeholder:"NAME"`
	Patient   string   `help:"Patient ID." placeholder:"ID"`
	Study     string   `help:"Study Instance UID." placeholder:"UID"`
	Instance  string   `help:"SOP Instance UID." placeholder:"UID"`
	Peer      string   `help:"Network address." placeholder:"ADDRESS"`
	Failed    bool     `help:"Only what was refused or failed."`
	Limit     int      `help:"At most so many." default:"0"`
}

type auditSearchCommand struct {
	auditFilter
}

// Run prints the records that match, the oldest first.
func (c *auditSearchCommand) Run(ctx context.Context, g *globals, o out) error {
	f, err := c.filter()
	if err != nil {
		return err
	}
	for r, err := range server.SearchTrail(ctx, g.Dir, f) {
		if err != nil {
			return fmt.Errorf("search the trail: %w", err)
		}
		if err := printRecord(g, o, &r); err != nil {
			return err
		}
	}
	return nil
}

func (c *auditFilter) filter() (audit.Filter, error) {
	f := audit.Filter{Principal: c.Principal, Patient: c.Patient, Study: dicom.UID(c.Study),
		Instance: dicom.UID(c.Instance), Peer: c.Peer, Limit: c.Limit}
	if c.Failed {
		f.MinOutcome = audit.MinorFailure
	}
	for _, code := range c.Code {
		if _, ok := audit.Code(code).Meaning(); !ok {
			return f, usageError{fmt.Errorf("--code: %q is no code of the trail", code)}
		}
		f.Codes = append(f.Codes, audit.Code(code))
	}
	var err error
	if f.Since, err = parseWhen(c.Since); err != nil {
		return f, usageError{fmt.Errorf("--since: %w", err)}
	}
	if f.Until, err = parseWhen(c.Until); err != nil {
		return f, usageError{fmt.Errorf("--until: %w", err)}
	}
	return f, nil
}

// parseWhen reads a day or a time; nothing is the zero time.
func parseWhen(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is neither a day such as 2026-11-22 nor a time such as 2026-11-22T10:00:00Z", s)
}

func printRecord(g *globals, o out, r *audit.Record) error {
	if g.JSON {
		return json.NewEncoder(o).Encode(r)
	}
	e := &r.Event
	parts := []string{fmt.Sprint(r.Seq), r.Time.Local().Format("2006-01-02 15:04:05.000"), string(e.Code), e.Outcome.String(), e.Principal}
	for _, p := range []struct{ name, value string }{
		{"peer", e.Peer}, {"calling", e.CallingAET}, {"destination", e.Destination}, {"patient", strings.Join(e.Patients, ",")},
		{"study", join(e.Studies)}, {"instance", join(e.Instances)}, {"reason", e.Reason},
	} {
		if p.value != "" {
			parts = append(parts, p.name+"="+p.value)
		}
	}
	if e.Count > 0 {
		parts = append(parts, fmt.Sprintf("count=%d", e.Count))
	}
	for _, d := range e.Details {
		parts = append(parts, d.Name+"="+d.Value)
	}
	_, err := fmt.Fprintln(o, visible(strings.Join(parts, "  ")))
	return err
}

func join(uids []dicom.UID) string {
	var s []string
	for _, u := range uids {
		s = append(s, string(u))
	}
	return strings.Join(s, ",")
}
