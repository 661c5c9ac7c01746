package report

import (
	"iter"
	"net/netip"
	"slices"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// History is who had to do with one patient's images, the oldest first.
type History struct {
	Patient    string    `json:"patient"`
	From       time.Time `json:"from,omitzero"`
	To         time.Time `json:"to,omitzero"`
	Accesses   []Access  `json:"accesses"`
	Unreadable int       `json:"unreadable,omitempty"` // records that may be missing here
}

// Access is one or several acts of one principal within a short time.
type Access struct {
	First     time.Time   `json:"first"`
	Last      time.Time   `json:"last"`
	Who       string      `json:"who"`            // a role, or the kind of principal
	Name      string      `json:"name,omitempty"` // only if names were asked for
	What      string      `json:"what"`
	Outcome   string      `json:"outcome"`
	Why       string      `json:"why,omitempty"`
	From      string      `json:"from,omitempty"` // network; the address only with names
	To        string      `json:"to,omitempty"`   // the device that it was sent to
	Studies   []dicom.UID `json:"studies,omitempty"`
	Instances int         `json:"instances,omitempty"` // repetitions included
	Records   int         `json:"records"`
}

// HistoryOptions bound a history; Names asks for names and addresses.
type HistoryOptions struct {
	From, To time.Time // To is excluded; zero: no bound
	Names    bool
}

// together is how far acts lie apart that make one Access.
const together = 30 * time.Minute

// NewHistory reads all records of a trail, from its beginning: a record that
// names a study alone belongs to the patient that the study was stored for.
func NewHistory(records iter.Seq2[audit.Record, error], patient string, o HistoryOptions) (*History, error) {
	h := historian{History: History{Patient: patient, From: o.From, To: o.To, Accesses: []Access{}}, o: o,
		studies: map[dicom.UID]bool{}, reasons: map[string]string{}, open: map[key]int{}}
	for r, err := range records {
		if err != nil && r.Line > 0 {
			h.Unreadable++
			continue
		}
		if err != nil {
			return nil, err
		}
		h.take(&r)
	}
	return &h.History, nil
}

type historian struct {
	History
	o       HistoryOptions
	studies map[dicom.UID]bool // of the patient
	reasons map[string]string  // of emergencies, by the name of the grant
	open    map[key]int        // the newest Access of a kind
}

// key tells which acts make one Access.
type key struct{ who, name, what, outcome, why, from, to string }

func (h *historian) take(r *audit.Record) {
	e := &r.Event
	grant := detail(e, "break-glass")
	if e.Code == audit.EmergencyOverrideStarted && grant != "" {
		h.reasons[grant] = e.Reason
	}
	mine := slices.Contains(e.Patients, h.Patient)
	if mine && len(e.Patients) == 1 && e.Outcome == audit.Success {
		for _, uid := range e.Studies {
			h.studies[uid] = true
		}
	}
	var of []dicom.UID
	for _, uid := range e.Studies {
		if h.studies[uid] {
			of = append(of, uid)
		}
	}
	if !mine && len(of) == 0 || !within(r.Time, h.o.From, h.o.To) {
		return
	}
	if mine && len(e.Patients) == 1 {
		of = e.Studies
	}
	why := e.Reason
	if grant != "" {
		why = "emergency"
		if reason := h.reasons[grant]; reason != "" {
			why += ": " + reason
		}
	}
	k := key{who: who(e), what: What(e), outcome: e.Outcome.String(), why: why, from: network(e.Peer), to: e.Destination}
	if h.o.Names {
		k.name, k.from = e.Principal, e.Peer
		if a, err := netip.ParseAddrPort(e.Peer); err == nil {
			k.from = a.Addr().String()
		}
	}
	h.enter(k, r, of)
}

// enter adds a record to the Access that it continues, or begins one.
func (h *historian) enter(k key, r *audit.Record, of []dicom.UID) {
	i, ok := h.open[k]
	if !ok || r.Time.Sub(h.Accesses[i].Last) > together {
		i = len(h.Accesses)
		h.open[k] = i
		h.Accesses = append(h.Accesses, Access{First: r.Time, Last: r.Time, Who: k.who, Name: k.name, What: k.what,
			Outcome: k.outcome, Why: k.why, From: k.from, To: k.to})
	}
	a := &h.Accesses[i]
	if r.Time.After(a.Last) {
		a.Last = r.Time
	}
	a.Records++
	a.Instances += instances(&r.Event)
	for _, uid := range of {
		if !slices.Contains(a.Studies, uid) {
			a.Studies = append(a.Studies, uid)
		}
	}
}

func within(t, from, to time.Time) bool {
	return (from.IsZero() || !t.Before(from)) && (to.IsZero() || t.Before(to))
}

// instances returns how many instances an event is about.
func instances(e *audit.Event) int { return max(e.Count, len(e.Instances)) }

func detail(e *audit.Event, name string) string {
	for _, d := range e.Details {
		if d.Name == name {
			return d.Value
		}
	}
	return ""
}

// who says what somebody is without saying who.
func who(e *audit.Event) string {
	switch {
	case e.Role != "":
		return e.Role
	case e.PrincipalKind == string(policy.System):
		return "archive"
	case e.PrincipalKind == "":
		return "unknown"
	}
	return e.PrincipalKind
}

// network returns the network of an address: enough to tell from where, too
// little to tell at whose desk.
func network(peer string) string {
	a, err := netip.ParseAddrPort(peer)
	if err != nil {
		return ""
	}
	bits := 24
	if a.Addr().Unmap().Is6() {
		bits = 64
	}
	p, err := a.Addr().Unmap().WithZone("").Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}
