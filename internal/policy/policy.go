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
