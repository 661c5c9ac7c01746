package report

import (
	"time"

	"github.com/tresor-pacs/tresor/internal/audit"
)

// HistoryEvent is what the trail remembers of a history that was asked for: whose,
// of which time, and whether with names.
func HistoryEvent(patient string, o HistoryOptions) audit.Event {
	e := spanned(audit.Event{Code: audit.AuditLogUsed, Patients: []string{patient}}, o.From, o.To)
	e.Details = append(e.Details, audit.Detail{Name: "report", Value: "history of a patient"})
	if o.Names {
		e.Details = append(e.Details, audit.Detail{Name: "names", Value: "yes"})
	}
	return e
}

// BreachEvent is what the trail remembers of a breach kit that was asked for.
func BreachEvent(principal string, from, to time.Time) audit.Event {
	e := spanned(audit.Event{Code: audit.AuditLogUsed}, from, to)
	e.Details = append(e.Details, audit.Detail{Name: "report", Value: "breach kit"}, audit.Detail{Name: "principal", Value: principal})
	return e
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
