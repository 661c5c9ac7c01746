package audit

import (
	"time"

	"github.com/tresor-pacs/tresor/dicom"
)

// Action is what was done to the objects of an event (EventActionCode, PS3.15
// section A.5.2).
type Action byte

// The actions.
const (
	Create  Action = 'C'
	Read    Action = 'R'
	Update  Action = 'U'
	Delete  Action = 'D'
	Execute Action = 'E'
)

// Outcome is how it went (EventOutcomeIndicator, PS3.15 section A.5.2). The
// zero value is success.
type Outcome int

// The outcomes.
const (
	Success        Outcome = 0
	MinorFailure   Outcome = 4  // done in part, or to be tried again
	SeriousFailure Outcome = 8  // refused or not done
	MajorFailure   Outcome = 12 // the archive itself failed
)

// String returns the outcome in words.
func (o Outcome) String() string {
	switch o {
	case Success:
		return "success"
	case MinorFailure:
		return "minor failure"
	case SeriousFailure:
		return "serious failure"
	case MajorFailure:
		return "major failure"
	}
	return "unknown"
}

// Detail is a named value of an event (ParticipantObjectDetail, PS3.15 section
// A.5.2). A name may come more than once.
type Detail struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Event is what the trail remembers of one act. Only Code is required. Strings
// and lists beyond the bounds of this package are cut, and Omitted counts it.
// Passwords, tokens and assertions never belong into an event (PS3.7 section
// D.3.3.7).
type Event struct {
	Time          time.Time   `json:"time"`              // zero: when it is appended
	Code          Code        `json:"code"`              // what happened
	Action        Action      `json:"-"`                 // zero: the code's own
	Outcome       Outcome     `json:"outcome"`           //
	PrincipalKind string      `json:"kind,omitempty"`    // who asked: policy.Kind
	Principal     string      `json:"name,omitempty"`    // who asked: a name
	Role          string      `json:"role,omitempty"`    // of a user who asked: policy.Role
	Peer          string      `json:"peer,omitempty"`    // network address
	CallingAET    string      `json:"calling,omitempty"` //
	CalledAET     string      `json:"called,omitempty"`  //
	Association   string      `json:"association,omitempty"`
	Destination   string      `json:"destination,omitempty"` // the device that instances were sent to
	Patients      []string    `json:"patients,omitempty"`    // Patient IDs
	Studies       []dicom.UID `json:"studies,omitempty"`
	Series        []dicom.UID `json:"series,omitempty"`
	Instances     []dicom.UID `json:"instances,omitempty"`
	SOPClasses    []dicom.UID `json:"classes,omitempty"`
	Count         int         `json:"count,omitempty"`  // of instances, if they are not listed
	Bytes         int64       `json:"bytes,omitempty"`  // length of the instances as stored
	Query         []byte      `json:"query,omitempty"`  // the identifier or the URL's query, as received
	Syntax        dicom.UID   `json:"syntax,omitempty"` // transfer syntax of Query
	Reason        string      `json:"reason,omitempty"` // why it was refused or failed; or the reason given
	Details       []Detail    `json:"details,omitempty"`
	Omitted       int         `json:"omitted,omitempty"` // values that the bounds left out or cut
}

// The bounds of an event. A record that keeps them is shorter than maxLine,
// which a test shows.
const (
	MaxList   = 256       // entries in a list
	MaxDetail = 64        // details
	MaxString = 512       // bytes in a string
	MaxQuery  = 64 * 1024 // bytes of a query

	maxLists = 256 * 1024 // bytes of a payload after which lists end
)
