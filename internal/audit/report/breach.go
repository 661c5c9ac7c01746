package report

import (
	"cmp"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// Breach is what one principal touched in a time: the kit for a notification
// (GDPR Art. 33 and 34).
type Breach struct {
	Principal  string    `json:"principal"`
	From       time.Time `json:"from,omitzero"`
	To         time.Time `json:"to,omitzero"`
	First      time.Time `json:"first,omitzero"` // of its acts
	Last       time.Time `json:"last,omitzero"`
	Kinds      []string  `json:"kinds"`     // as what it came: user, token, device, share
	Addresses  []string  `json:"addresses"` // from where
	Patients   []Touched `json:"patients"`
	Instances  int       `json:"instances"` // given to it, repetitions included
	Bytes      int64     `json:"bytes"`     // as stored
	Stored     int       `json:"stored"`    // instances that came from it
	Queries    int       `json:"queries"`   // searches, whose answers are not in the trail
	Refused    int       `json:"refused"`   // acts that were refused or failed
	Alarms     []Alarm   `json:"alarms"`
	Keys       Keys      `json:"keys"`
	Unreadable int       `json:"unreadable,omitempty"` // records that may be missing here
}

// Touched is what was given of one patient; an empty Patient stands for records
// that name none.
type Touched struct {
	Patient   string      `json:"patient"`
	Studies   []dicom.UID `json:"studies"`
	Instances int         `json:"instances"`
	Bytes     int64       `json:"bytes"`
	First     time.Time   `json:"first"`
	Last      time.Time   `json:"last"`
	How       []string    `json:"how"`
	Omitted   int         `json:"omitted,omitempty"` // values that the records had no room for
}

// Alarm is a security alert in the principal's name.
type Alarm struct {
	Time   time.Time `json:"time"`
	Code   string    `json:"code"`
	Reason string    `json:"reason,omitempty"`
}

// Keys is what the trail can tell of the master key. No act over the network
// gives keys out; who works on the archive's own machine may read their file.
type Keys struct {
	Exposed bool `json:"exposed"` // there is a sign that it may be
	// OnServer are the accounts that used the command line on the archive's
	// machine in the time, with the number of their acts.
	OnServer map[string]int `json:"on_server"`
	// Signs are records of damage in the time: somebody may have had the files.
	Signs []Alarm `json:"signs"`
}

// commandLine begins the name of whoever works on the archive's own machine.
const commandLine = "command line"

// NewBreach reads the records of the time.
func NewBreach(records iter.Seq2[audit.Record, error], principal string, from, to time.Time) (*Breach, error) {
	k := kit{Breach: Breach{Principal: principal, From: from, To: to, Patients: []Touched{}, Alarms: []Alarm{},
		Keys: Keys{OnServer: map[string]int{}, Signs: []Alarm{}}},
		kinds: map[string]bool{}, addresses: map[string]bool{}, patients: map[string]*Touched{}}
	for r, err := range records {
		if err != nil && r.Line > 0 {
			k.Unreadable++
			continue
		}
		if err != nil {
			return nil, err
		}
		if within(r.Time, from, to) {
			k.take(&r)
		}
	}
	return k.finish(), nil
}

type kit struct {
	Breach
	kinds, addresses map[string]bool
	patients         map[string]*Touched
}

func (k *kit) take(r *audit.Record) {
	e := &r.Event
	k.keys(r)
	if e.Principal != k.Principal {
		return
	}
	if k.First.IsZero() {
		k.First = r.Time
	}
	k.Last = r.Time
	k.kinds[e.PrincipalKind] = true
	if a, err := netip.ParseAddrPort(e.Peer); err == nil {
		k.addresses[a.Addr().Unmap().String()] = true
	}
	if m, _ := e.Code.Meaning(); m.Event == "110113" {
		k.Alarms = append(k.Alarms, alarm(r))
	}
	switch {
	case e.Outcome >= audit.SeriousFailure:
		k.Refused++
	case e.Code == audit.Query:
		k.Queries++
	case e.Code == audit.InstancesTransferred && e.Action == audit.Create:
		k.Stored += instances(e)
	case takesOut(e):
		k.given(r)
	}
}

func alarm(r *audit.Record) Alarm { return Alarm{r.Time, string(r.Event.Code), r.Event.Reason} }

// given enters what an event gave out. What it gave of several patients is
// counted with the first: the trail could not tell it apart.
func (k *kit) given(r *audit.Record) {
	e := &r.Event
	k.Instances += instances(e)
	k.Bytes += e.Bytes
	ids := e.Patients
	if len(ids) == 0 {
		if instances(e) == 0 && len(e.Studies) == 0 {
			return // nothing was found, nothing given
		}
		ids = []string{""}
	}
	for i, id := range ids {
		t := k.patients[id]
		if t == nil {
			t = &Touched{Patient: id, Studies: []dicom.UID{}, First: r.Time}
			k.patients[id] = t
		}
		t.Last = r.Time
		if i == 0 {
			t.Instances += instances(e)
			t.Bytes += e.Bytes
		}
		t.Omitted += e.Omitted
		for _, uid := range e.Studies {
			if !slices.Contains(t.Studies, uid) {
				t.Studies = append(t.Studies, uid)
			}
		}
		if how := What(e); !slices.Contains(t.How, how) {
			t.How = append(t.How, how)
		}
	}
}

// keys looks for signs that somebody had the archive's files.
func (k *kit) keys(r *audit.Record) {
	e := &r.Event
	if e.PrincipalKind == string(policy.System) && strings.HasPrefix(e.Principal, commandLine) {
		k.Keys.OnServer[e.Principal]++
		if e.Principal == k.Principal {
			k.Keys.Exposed = true
		}
	}
	switch e.Code {
	case audit.IntegrityFailure, audit.TrailDamaged:
		k.Keys.Signs = append(k.Keys.Signs, alarm(r))
		k.Keys.Exposed = true
	}
}

func (k *kit) finish() *Breach {
	b := &k.Breach
	b.Kinds, b.Addresses = slices.Sorted(maps.Keys(k.kinds)), slices.Sorted(maps.Keys(k.addresses))
	for _, t := range k.patients {
		b.Patients = append(b.Patients, *t)
	}
	slices.SortFunc(b.Patients, func(a, b Touched) int {
		return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.Patient, b.Patient))
	})
	return b
}
