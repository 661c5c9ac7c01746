package fhir

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/audit"
)

// search is what is asked for: what the trail's own filter knows, and tests of
// the resource for the rest. Values of one parameter are separated by commas, of
// which one must match; all parameters must.
type search struct {
	filter audit.Filter
	tests  []func(*audit.Record, *AuditEvent) bool
	count  int
}

// The bounds of a search.
const (
	defaultCount  = 100
	maxCount      = 1000
	maxParameters = 32
	maxValue      = 1024
)

// badRequest is a search that cannot be understood.
type badRequest struct{ text string }

func (b *badRequest) Error() string { return b.text }

func bad(format string, a ...any) error { return &badRequest{fmt.Sprintf(format, a...)} }

// parse reads the parameters of a search.
func (s *Service) parse(values url.Values) (*search, error) {
	q := &search{count: defaultCount}
	n := 0
	for name, list := range values {
		for _, v := range list {
			if n++; n > maxParameters || len(v) > maxValue {
				return nil, bad("the search is too long")
			}
			if v == "" {
				continue // FHIR passes over parameters without a value
			}
			if err := s.parameter(q, name, v); err != nil {
				return nil, err
			}
		}
	}
	return q, nil
}

// parameter reads one parameter (FHIR R4 AuditEvent, search parameters; ITI-81
// has chained ones, which end in .identifier).
func (s *Service) parameter(q *search, name, v string) error {
	switch strings.TrimSuffix(strings.TrimSuffix(name, ".identifier"), ":identifier") {
	case "date":
		return q.date(v)
	case "patient":
		return q.patient(strings.TrimPrefix(v, "Patient/"))
	case "agent", "agent-name", "user":
		return s.agent(q, v)
	case "entity":
		return q.entity(v)
	case "source":
		q.anyOf(v, func(want string, _ *audit.Record, e *AuditEvent) bool {
			return e.Source.Observer.Identifier.Value == tokenCode(want)
		})
		return nil
	}
	switch name {
	case "site":
		q.anyOf(v, func(want string, _ *audit.Record, e *AuditEvent) bool { return e.Source.Site == tokenCode(want) })
	case "address":
		q.anyOf(v, func(want string, _ *audit.Record, e *AuditEvent) bool {
			return slices.ContainsFunc(e.Agent, func(a Agent) bool { return a.Network != nil && a.Network.Address == want })
		})
	case "altid":
		q.anyOf(v, func(want string, _ *audit.Record, e *AuditEvent) bool {
			return slices.ContainsFunc(e.Agent, func(a Agent) bool { return a.AltID == want || a.AltID == "AETITLES="+want })
		})
	case "type":
		q.anyOf(v, func(want string, _ *audit.Record, e *AuditEvent) bool { return e.Type.is(want) })
	case "subtype":
		q.anyOf(v, func(want string, _ *audit.Record, e *AuditEvent) bool {
			return slices.ContainsFunc(e.Subtype, func(c Coding) bool { return c.is(want) })
		})
	case "agent-role":
		q.anyOf(v, func(want string, _ *audit.Record, e *AuditEvent) bool { return e.hasRole(want) })
	case "entity-type", "entity-role":
		q.anyOf(v, func(want string, _ *audit.Record, e *AuditEvent) bool {
			return slices.ContainsFunc(e.Entity, func(x Entity) bool {
				return name == "entity-type" && x.Type.is(want) || name == "entity-role" && x.Role.is(want)
			})
		})
	case "action":
		q.anyOf(v, func(want string, _ *audit.Record, e *AuditEvent) bool { return e.Action == want })
	case "outcome":
		q.anyOf(v, func(want string, _ *audit.Record, e *AuditEvent) bool { return e.Outcome == tokenCode(want) })
	case "_count", afterParameter, "_id", "_format":
		return q.control(name, v)
	default:
		return bad("the parameter %q is not supported", name)
	}
	return nil
}

// afterParameter is our own: the number of the record after which a page begins.
const afterParameter = "_after"

func (q *search) control(name, v string) error {
	switch name {
	case "_format":
		if v != "json" && !strings.Contains(v, "fhir+json") && v != "application/json" {
			return errNotAcceptable
		}
	case "_count":
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return bad("_count is a number from 1")
		}
		q.count = min(n, maxCount)
	case afterParameter, "_id":
		n, err := strconv.ParseUint(v, 10, 63)
		if err != nil {
			return bad("%s is the number of a record", name)
		}
		if name == afterParameter {
			q.filter.After = max(q.filter.After, n)
			return nil
		}
		q.tests = append(q.tests, func(r *audit.Record, _ *AuditEvent) bool { return r.Seq == n })
		if n > 0 {
			q.filter.After = max(q.filter.After, n-1)
		}
	}
	return nil
}

// anyOf adds a test that one of the values separated by commas must pass.
func (q *search) anyOf(v string, test func(want string, r *audit.Record, e *AuditEvent) bool) {
	wanted := strings.Split(v, ",")
	q.tests = append(q.tests, func(r *audit.Record, e *AuditEvent) bool {
		return slices.ContainsFunc(wanted, func(w string) bool { return test(w, r, e) })
	})
}

// tokenCode returns the code or value of SYSTEM|CODE.
func tokenCode(s string) string {
	_, code, ok := strings.Cut(s, "|")
	if !ok {
		return s
	}
	return code
}

// is reports whether c is the token CODE or SYSTEM|CODE.
func (c Coding) is(token string) bool {
	system, code, ok := strings.Cut(token, "|")
	if !ok {
		return c.Code == token
	}
	return c.Code == code && (system == c.System || system == "" && c.System == "")
}

func (e *AuditEvent) hasRole(token string) bool {
	in := func(c *Concept) bool {
		return c != nil && slices.ContainsFunc(c.Coding, func(c Coding) bool { return c.is(token) })
	}
	return slices.ContainsFunc(e.Agent, func(a Agent) bool {
		return in(a.Type) || slices.ContainsFunc(a.Role, func(c Concept) bool { return in(&c) })
	})
}

// patient narrows the search to records that name the patient. One value goes
// into the trail's own filter, so that the record of this search names it too.
func (q *search) patient(v string) error {
	if id := tokenCode(v); !strings.Contains(v, ",") && q.filter.Patient == "" {
		q.filter.Patient = id
		return nil
	}
	q.anyOf(v, func(want string, r *audit.Record, _ *AuditEvent) bool {
		return slices.Contains(r.Event.Patients, tokenCode(strings.TrimPrefix(want, "Patient/")))
	})
	return nil
}

// agent matches who asked, by the name that the trail has or the one that the
// resource has.
func (s *Service) agent(q *search, v string) error {
	plain := func(w string) string { return strings.TrimSuffix(tokenCode(w), "@"+s.source.ID) }
	if !strings.Contains(v, ",") && q.filter.Principal == "" {
		q.filter.Principal = plain(v)
		return nil
	}
	q.anyOf(v, func(want string, r *audit.Record, _ *AuditEvent) bool { return r.Event.Principal == plain(want) })
	return nil
}

// entity matches studies, series and instances by UID, and patients by ID.
func (q *search) entity(v string) error {
	plain := func(w string) string { return strings.TrimPrefix(tokenCode(w), oid) }
	q.anyOf(v, func(want string, r *audit.Record, _ *AuditEvent) bool {
		uid := dicom.UID(plain(want))
		return slices.Contains(r.Event.Studies, uid) || slices.Contains(r.Event.Series, uid) ||
			slices.Contains(r.Event.Instances, uid) || slices.Contains(r.Event.Patients, plain(want))
	})
	return nil
}

// date narrows the search to a time: a prefix (eq without one) and a date or
// time, which stands for the whole of its year, month, day, minute or second.
func (q *search) date(v string) error {
	prefix := "eq"
	if len(v) > 2 && v[0] >= 'a' && v[0] <= 'z' {
		prefix, v = v[:2], v[2:]
	}
	first, end, err := span(v)
	if err != nil {
		return err
	}
	f := &q.filter
	since := func(t time.Time) {
		if t.After(f.Since) {
			f.Since = t
		}
	}
	until := func(t time.Time) {
		if f.Until.IsZero() || t.Before(f.Until) {
			f.Until = t
		}
	}
	switch prefix {
	case "eq":
		since(first)
		until(end)
	case "ge":
		since(first)
	case "gt", "sa":
		since(end)
	case "le":
		until(end)
	case "lt", "eb":
		until(first)
	default:
		return bad("date: the prefix %q is none of eq, ge, gt, sa, le, lt, eb", prefix)
	}
	return nil
}

// layouts are the forms of a date in FHIR, with what comes after one.
var layouts = []struct {
	layout string
	next   func(time.Time) time.Time
}{
	{"2006", func(t time.Time) time.Time { return t.AddDate(1, 0, 0) }},
	{"2006-01", func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }},
	{"2006-01-02", func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }},
	{"2006-01-02T15:04Z07:00", func(t time.Time) time.Time { return t.Add(time.Minute) }},
	{"2006-01-02T15:04:05Z07:00", func(t time.Time) time.Time {
		if t.Nanosecond() != 0 {
			return t.Add(time.Microsecond)
		}
		return t.Add(time.Second)
	}},
}

// span returns when a date begins and when it is over. Days are those of UTC.
func span(v string) (first, end time.Time, err error) {
	v = strings.ReplaceAll(v, " ", "+") // a plus sign that was not escaped
	for _, l := range layouts {
		if t, err := time.Parse(l.layout, v); err == nil {
			return t, l.next(t), nil
		}
	}
	return first, end, bad("date: it is neither a date such as 2026-11-22 nor a time such as 2026-11-22T10:00:00Z")
}

// matches reports whether a record passes the tests.
func (q *search) matches(r *audit.Record, e *AuditEvent) bool {
	for _, test := range q.tests {
		if !test(r, e) {
			return false
		}
	}
	return true
}
