package audit

import (
	"slices"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
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
	Limit         int     // 0: no limit
}

type matcher struct {
	Filter
	found int
}

func newMatcher(f Filter) *matcher { return &matcher{Filter: f} }

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
