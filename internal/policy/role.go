package policy

import "slices"

// Role is what a person is in the house. It stands for rights.
type Role string

// The roles of users.
const (
	Administrator  Role = "administrator"   // manages devices and users, and sees no images
	Radiologist    Role = "radiologist"     // finds, reads, stores, asks for commitment and shares
	Technologist   Role = "technologist"    // finds, reads, stores and asks for commitment
	Referrer       Role = "referrer"        // finds and reads within a scope, and nothing without one
	PrivacyOfficer Role = "privacy-officer" // reads the trail, reviews, erases, hands patients their copy
	Auditor        Role = "auditor"         // reads the trail
)

// The rights of users beside those of DeviceRights.
const (
	Manage     Right = "manage"      // devices, users and settings
	ReadTrail  Right = "read-trail"  // the audit trail
	BreakGlass Right = "break-glass" // open for a while, with a reason, what the scope hides
	Review     Right = "review"      // close reviews of break-glass
	Erase      Right = "erase"       // ask for an erasure, or agree to one that another asked for
	Hold       Right = "hold"        // set and lift legal holds
	Export     Right = "export"      // write a patient's studies out as files
	Lend       Right = "share"       // make links to studies for others
	Settle     Right = "settle"      // decide what becomes of quarantined instances
)

// UserRights lists every right of users that devices cannot hold, in the order
// in which they are printed.
var UserRights = []Right{Manage, ReadTrail, BreakGlass, Review, Erase, Hold, Export, Lend, Settle}

// Roles lists every role in the order in which they are printed.
var Roles = []Role{Administrator, Radiologist, Technologist, Referrer, PrivacyOfficer, Auditor}

// RightsOf returns what somebody with the role may do within the scope; an
// unknown role gives nothing. The roles that manage and oversee hold no right
// that shows an image, but for the export of a privacy officer, who owes
// patients their copy (GDPR Art. 15) and answers for each in the trail.
func RightsOf(r Role, s Scope) []Right {
	switch r {
	case Administrator:
		return []Right{Manage, Review, Erase, Hold, Settle}
	case Radiologist:
		return []Right{Find, Get, Store, Commit, BreakGlass, Export, Lend}
	case Technologist:
		return []Right{Find, Get, Store, Commit, BreakGlass}
	case Referrer:
		if s.Unlimited() {
			return nil // whose patients, nobody has said
		}
		return []Right{Find, Get}
	case PrivacyOfficer:
		return []Right{ReadTrail, Review, Erase, Hold, Export}
	case Auditor:
		return []Right{ReadTrail}
	}
	return nil
}

// Known reports whether r is a role of this package.
func (r Role) Known() bool { return slices.Contains(Roles, r) }
