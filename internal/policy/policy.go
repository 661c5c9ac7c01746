// Package policy decides who may do what. It is pure: it reads nothing, writes
// nothing and knows no protocol. What it does not know it denies; the zero
// values of its types deny.
package policy

import (
	"slices"
	"time"
)

// Right is one thing that a principal may do. Rights are given one by one.
type Right string

// The rights of a device: what --allow takes.
const (
	Echo     Right = "echo"
	Store    Right = "store"
	Find     Right = "find"
	Get      Right = "get"
	Move     Right = "move"
	Commit   Right = "commit"
	Worklist Right = "worklist"
	MPPS     Right = "mpps"
)

// DeviceRights lists every right that a device can hold, in the order in which
// they are printed.
var DeviceRights = []Right{Echo, Store, Find, Get, Move, Commit, Worklist, MPPS}

// Kind says what a principal is.
type Kind string

// The kinds of principals.
const (
	Device Kind = "device" // a DICOM peer with a certificate
	User   Kind = "user"   // a person who signed in
	Token  Kind = "token"  // a program with a bearer token
	Share  Kind = "share"  // whoever holds a share link
	System Kind = "system" // the archive itself: jobs, the command line of its administrator
)

// Principal is who asks. Everything is done on behalf of one.
type Principal struct {
	Kind   Kind
	Name   string
	Role   Role // of a user, for the trail; rights are decided by Rights alone
	Rights []Right
	Scope  Scope
	// Destinations names the devices that C-MOVE may send to on this
	// principal's behalf.
	Destinations []string
}

// Scope narrows what a principal sees: an empty field does not narrow, so the
// zero Scope sees everything that the rights allow. All fields must agree with
// a resource; within a field one of the values must.
type Scope struct {
	Institutions []string      `json:"institutions,omitempty"` // Institution Name (0008,0080)
	Departments  []string      `json:"departments,omitempty"`  // Institutional Department Name (0008,1040)
	Modalities   []string      `json:"modalities,omitempty"`   // Modality (0008,0060)
	Sources      []string      `json:"sources,omitempty"`      // name of the device that sent the series
	Referring    []string      `json:"referring,omitempty"`    // Referring Physician's Name (0008,0090), folded
	MaxAge       time.Duration `json:"max_age,omitempty"`      // since the study's date
	Patients     []string      `json:"patients,omitempty"`     // Patient ID (0010,0020)
	Studies      []string      `json:"studies,omitempty"`      // Study Instance UID (0020,000D)
}

// Unlimited reports whether s narrows nothing.
func (s Scope) Unlimited() bool {
	return len(s.Institutions)+len(s.Departments)+len(s.Modalities)+len(s.Sources)+
		len(s.Referring)+len(s.Patients)+len(s.Studies) == 0 && s.MaxAge == 0
}

// Resource is what an action touches. Series fields are empty for what is not a series.
type Resource struct {
	Institution, Department, Modality, Source, Referring string
	StudyDate                                            time.Time // zero if unknown
	Patient, Study                                       string
}

// Holds reports whether r lies within the scope at the time now. What is not
// known of the resource does not match a scope that asks for it.
func (s Scope) Holds(r Resource, now time.Time) bool {
	in := func(list []string, v string) bool { return len(list) == 0 || v != "" && slices.Contains(list, v) }
	return in(s.Institutions, r.Institution) && in(s.Departments, r.Department) &&
		in(s.Modalities, r.Modality) && in(s.Sources, r.Source) && in(s.Referring, r.Referring) &&
		in(s.Patients, r.Patient) && in(s.Studies, r.Study) &&
		(s.MaxAge == 0 || !r.StudyDate.IsZero() && now.Sub(r.StudyDate) <= s.MaxAge)
}

// Decision is the answer to a question. Its zero value says no.
type Decision struct {
	Allowed bool
	Reason  string // for the operator and the trail; without patient data
}

// Has reports whether p holds the right.
func (p Principal) Has(right Right) bool { return slices.Contains(p.Rights, right) }

// May decides whether p may use the right at all, before any resource is known.
func May(p Principal, right Right) Decision {
	if p.Kind == "" || p.Name == "" {
		return Decision{Reason: "nobody asks"}
	}
	if !p.Has(right) {
		return Decision{Reason: "does not hold the right " + string(right)}
	}
	return Decision{Allowed: true, Reason: "holds the right " + string(right)}
}

// MayTouch decides whether p may use the right on r at the time now.
func MayTouch(p Principal, right Right, r Resource, now time.Time) Decision {
	d := May(p, right)
	if d.Allowed && !p.Scope.Holds(r, now) {
		return Decision{Reason: "outside the scope"}
	}
	return d
}

// MaySendTo decides whether p may have instances sent to the device named
// destination.
func MaySendTo(p Principal, destination string) Decision {
	d := May(p, Move)
	if d.Allowed && !slices.Contains(p.Destinations, destination) {
		return Decision{Reason: "may not send to that destination"}
	}
	return d
}
