package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/audit/report"
)

// reportForm is what a report is asked for with: of whom, and of which time.
type reportForm struct {
	Of, From, To string
	Names        bool
}

func (x *exchange) reportForm(of string) reportForm {
	q := x.URL.Query()
	return reportForm{strings.TrimSpace(q.Get(of)), strings.TrimSpace(q.Get("from")), strings.TrimSpace(q.Get("to")), q.Get("names") != ""}
}

// historyPage is what the page of a patient's history shows.
type historyPage struct {
	Form    reportForm
	History *report.History // nil: not asked yet
	Problem *problem
}

// servePatientHistory tells who had to do with a patient's images: roles and
// networks alone, names on demand.
func servePatientHistory(x *exchange) error {
	p := historyPage{Form: x.reportForm("patient")}
	if p.Form.Of == "" {
		return x.showReport("trail-patient", "trail.history", p, nil)
	}
	from, to, err := span(p.Form.From, p.Form.To)
	if errors.As(err, &p.Problem) {
		return x.showReport("trail-patient", "trail.history", p, p.Problem)
	}
	o := report.HistoryOptions{From: from, To: to, Names: p.Form.Names}
	p.History, err = report.NewHistory(x.session().ReadTrailFor(x.Context(), audit.Filter{}, report.HistoryEvent(p.Form.Of, o)), p.Form.Of, o)
	if err != nil {
		return err
	}
	return x.showReport("trail-patient", "trail.history", p, nil)
}

// breachPage is what the page of a breach kit shows.
type breachPage struct {
	Form    reportForm
	Breach  *report.Breach // nil: not asked yet
	Problem *problem
}

// serveBreach tells what somebody touched in a time.
func serveBreach(x *exchange) error {
	p := breachPage{Form: x.reportForm("who")}
	if p.Form.Of == "" {
		return x.showReport("trail-breach", "trail.breach", p, nil)
	}
	from, to, err := span(p.Form.From, p.Form.To)
	if errors.As(err, &p.Problem) {
		return x.showReport("trail-breach", "trail.breach", p, p.Problem)
	}
	records := x.session().ReadTrailFor(x.Context(), audit.Filter{Since: from, Until: to}, report.BreachEvent(p.Form.Of, from, to))
	if p.Breach, err = report.NewBreach(records, p.Form.Of, from, to); err != nil {
		return err
	}
	return x.showReport("trail-breach", "trail.breach", p, nil)
}

func (x *exchange) showReport(name, title string, body any, wrong *problem) error {
	status := http.StatusOK
	if wrong != nil {
		status = http.StatusUnprocessableEntity
	}
	x.render(status, name, page{Title: title, Body: body})
	return nil
}
