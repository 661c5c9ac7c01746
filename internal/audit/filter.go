package audit

import (
	"bytes"
	"slices"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/durable"
)

// Filter says which records are searched for: an empty field matches all, and
// all fields must match.
type Filter struct {
	Since, Until  time.Time // Until is excluded
	Codes         []Code
	PrincipalKind string
	Principal     string
	Patient       string // a Patient ID
	Study         dicom.UID
	Instance      dicom.UID
	Peer          string
	AETitle       string // calling or called
	Association   string
	MinOutcome    Outcome // at least as bad
	After         uint64  // records with a greater number
	Limit         int     // 0: no limit
}

// Event is what the trail remembers of a search in it (PS3.15 section A.5.3.2):
// that it was read, and what was looked for.
func (f Filter) Event() Event {
	e := Event{Code: AuditLogUsed}
	if f.Patient != "" {
		e.Patients = []string{f.Patient}
	}
	if f.Study != "" {
		e.Studies = []dicom.UID{f.Study}
	}
	if f.Instance != "" {
		e.Instances = []dicom.UID{f.Instance}
	}
	detail := func(name, value string) {
		if value != "" {
			e.Details = append(e.Details, Detail{name, value})
		}
	}
	for _, c := range f.Codes {
		detail("code", string(c))
	}
	detail("principal kind", f.PrincipalKind)
	detail("principal", f.Principal)
	detail("peer", f.Peer)
	detail("AE title", f.AETitle)
	detail("association", f.Association)
	if !f.Since.IsZero() {
		detail("since", f.Since.UTC().Format(time.RFC3339))
	}
	if !f.Until.IsZero() {
		detail("until", f.Until.UTC().Format(time.RFC3339))
	}
	if f.MinOutcome > Success {
		detail("outcome", "at least "+f.MinOutcome.String())
	}
	return e
}

// matcher applies a filter to a trail. Its needles are the strings that a payload must
// hold, quoted as the encoder does it: looking for them spares most of the
// reading of a search for one patient.
type matcher struct {
	Filter
	fsys    durable.FS
	dir     string
	box     Box
	needles [][]byte
	found   int
}

func newMatcher(f Filter) *matcher {
	m := &matcher{Filter: f}
	for _, s := range []string{
		f.PrincipalKind, f.Principal, f.Patient, string(f.Study), string(f.Instance), f.Peer, f.AETitle, f.Association,
	} {
		if s != "" {
			var w encoder
			w.quote(s)
			m.needles = append(m.needles, w.b)
		}
	}
	return m
}

// mayMatch reports whether all needles are in the payload somewhere.
func (m *matcher) mayMatch(payload []byte) bool {
	for _, n := range m.needles {
		if !bytes.Contains(payload, n) {
			return false
		}
	}
	return true
}

func (m *matcher) full() bool { return m.Limit > 0 && m.found >= m.Limit }

func (m *matcher) inTime(t time.Time) bool {
	return (m.Since.IsZero() || !t.Before(m.Since)) && (m.Until.IsZero() || t.Before(m.Until))
}

func (m *matcher) matches(e *Event) bool {
	is := func(want, have string) bool { return want == "" || want == have }
	ok := (len(m.Codes) == 0 || slices.Contains(m.Codes, e.Code)) &&
		is(m.PrincipalKind, e.PrincipalKind) && is(m.Principal, e.Principal) &&
		is(m.Peer, e.Peer) && is(m.Association, e.Association) &&
		(m.AETitle == "" || m.AETitle == e.CallingAET || m.AETitle == e.CalledAET) &&
		(m.Patient == "" || slices.Contains(e.Patients, m.Patient)) &&
		(m.Study == "" || slices.Contains(e.Studies, m.Study)) &&
		(m.Instance == "" || slices.Contains(e.Instances, m.Instance)) &&
		e.Outcome >= m.MinOutcome
	if ok {
		m.found++
	}
	return ok
}
