package server

import (
	"context"
	"time"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/audit/report"
)

// PatientHistory tells who had to do with a patient's images. That it was asked
// for, and whether with names, is in the trail first.
func PatientHistory(ctx context.Context, dir, patient string, o report.HistoryOptions) (*report.History, error) {
	e := spanned(audit.Event{Code: audit.AuditLogUsed, Patients: []string{patient}}, o.From, o.To)
	e.Details = append(e.Details, audit.Detail{Name: "report", Value: "history of a patient"})
	if o.Names {
		e.Details = append(e.Details, audit.Detail{Name: "names", Value: "yes"})
	}
	return report.NewHistory(readTrail(ctx, dir, audit.Filter{}, e), patient, o)
}

// BreachKit tells what a principal touched between two times. That it was asked
// for is in the trail first.
func BreachKit(ctx context.Context, dir, principal string, from, to time.Time) (*report.Breach, error) {
	e := spanned(audit.Event{Code: audit.AuditLogUsed}, from, to)
	e.Details = append(e.Details, audit.Detail{Name: "report", Value: "breach kit"}, audit.Detail{Name: "principal", Value: principal})
	return report.NewBreach(readTrail(ctx, dir, audit.Filter{Since: from, Until: to}, e), principal, from, to)
}

// spanned adds the bounds of a report to its event.
func spanned(e audit.Event, from, to time.Time) audit.Event {
	for _, b := range []struct {
		name string
		at   time.Time
	}{{"from", from}, {"to", to}} {
		if !b.at.IsZero() {
			e.Details = append(e.Details, audit.Detail{Name: b.name, Value: b.at.UTC().Format(time.RFC3339)})
		}
	}
	return e
}
