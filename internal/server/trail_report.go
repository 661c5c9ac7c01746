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
	return report.NewHistory(readTrail(ctx, dir, audit.Filter{}, report.HistoryEvent(patient, o)), patient, o)
}

// BreachKit tells what a principal touched between two times. That it was asked
// for is in the trail first.
func BreachKit(ctx context.Context, dir, principal string, from, to time.Time) (*report.Breach, error) {
	records := readTrail(ctx, dir, audit.Filter{Since: from, Until: to}, report.BreachEvent(principal, from, to))
	return report.NewBreach(records, principal, from, to)
}
