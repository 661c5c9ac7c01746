package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

var trailRoutes = []Route{
	{Method: http.MethodGet, Path: "/trail", Right: policy.ReadTrail, serve: serveTrail},
	{Method: http.MethodGet, Path: "/trail/patient", Right: policy.ReadTrail, serve: servePatientHistory},
	{Method: http.MethodGet, Path: "/trail/breach", Right: policy.ReadTrail, serve: serveBreach},
}

// trailSize is how many records a page has.
const trailSize = 100

// trailTime is how long a search goes on: a form that is too wide must not read
// the whole trail again and again.
const trailTime = 20 * time.Second

// trailForm is what is searched for, as the form has it.
type trailForm struct {
	From, To, Who, Patient, Study, Code string
	Failed                              bool
	After                               uint64
}

func trailFormOf(q url.Values) trailForm {
	word := func(key string) string { return strings.TrimSpace(q.Get(key)) }
	f := trailForm{From: word("from"), To: word("to"), Who: word("who"), Patient: word("patient"), Study: word("study"),
		Code: word("code"), Failed: q.Get("failed") != ""}
	f.After, _ = strconv.ParseUint(q.Get("after"), 10, 64) // what is no number is the beginning
	return f
}

// filter returns what the form means.
func (f *trailForm) filter() (audit.Filter, error) {
	a := audit.Filter{Principal: f.Who, Patient: f.Patient, Study: dicom.UID(f.Study), After: f.After, Limit: trailSize + 1}
	if f.Failed {
		a.MinOutcome = audit.MinorFailure
	}
	if f.Code != "" {
		if _, known := audit.Code(f.Code).Meaning(); !known {
			return a, errForm // the form offers no other code
		}
		a.Codes = []audit.Code{audit.Code(f.Code)}
	}
	var err error
	a.Since, a.Until, err = span(f.From, f.To)
	return a, err
}

// further returns the address of the page after a record.
func (f *trailForm) further(after uint64) string {
	q := url.Values{"search": {"1"}, "after": {strconv.FormatUint(after, 10)}}
	for key, v := range map[string]string{"from": f.From, "to": f.To, "who": f.Who, "patient": f.Patient, "study": f.Study, "code": f.Code} {
		if v != "" {
			q.Set(key, v)
		}
	}
	if f.Failed {
		q.Set("failed", "1")
	}
	return "/trail?" + q.Encode()
}

// span reads the bounds of a time as the fields of a form have them, in the
// server's time zone.
func span(from, to string) (first, end time.Time, err error) {
	if first, err = parseMoment(from, "from"); err != nil {
		return first, end, err
	}
	end, err = parseMoment(to, "to")
	return first, end, err
}

func parseMoment(s, field string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, &problem{"trail.badtime", field}
}

// trailPage is what the page of the trail shows.
type trailPage struct {
	Form       trailForm
	Codes      []audit.Code
	Searched   bool
	Records    []audit.Record
	Later      string // address of the next page
	Unreadable int
	Broken     bool // the search took too long
	Problem    *problem
}

// serveTrail searches the trail. The bare page reads nothing, for what is read is
// itself written down.
func serveTrail(x *exchange) error {
	q := x.URL.Query()
	p := trailPage{Form: trailFormOf(q), Codes: audit.Codes(), Searched: len(q) > 0}
	if !p.Searched {
		p.Form.From = time.Now().Format("2006-01-02T00:00")
		x.render(http.StatusOK, "trail", page{Title: "trail.title", Body: p})
		return nil
	}
	f, err := p.Form.filter()
	if wrong, ok := err.(*problem); ok {
		p.Problem, p.Searched = wrong, false
		x.render(http.StatusUnprocessableEntity, "trail", page{Title: "trail.title", Body: p})
		return nil
	}
	if err == nil {
		err = p.search(x, f)
	}
	if err != nil {
		return err
	}
	x.render(http.StatusOK, "trail", page{Title: "trail.title", Body: p})
	return nil
}

func (p *trailPage) search(x *exchange, f audit.Filter) error {
	ctx, cancel := context.WithTimeout(x.Context(), trailTime)
	defer cancel()
	for r, err := range x.session().ReadTrail(ctx, f) {
		switch {
		case err != nil && r.Line > 0:
			p.Unreadable++
			continue
		case err != nil && ctx.Err() != nil && x.Context().Err() == nil:
			p.Broken = true
			return nil
		case err != nil:
			return err
		}
		if len(p.Records) == trailSize { // one more tells that there is another page
			p.Later = p.Form.further(p.Records[trailSize-1].Seq)
			return nil
		}
		p.Records = append(p.Records, r)
	}
	return nil
}
