package policy

import "slices"

// Role is what a person is in the house. It stands for rights.
type Role string

// The roles of users.
const (
	Administrator  Role = "administrator"   // manages devices and users, and sees no images
	Radiologist    Role = "radiologist"     // finds, reads and stores
	Technologist   Role = "technologist"    // finds, reads and stores
	Referrer       Role = "referrer"        // finds and reads within a scope, and nothing without one
	PrivacyOfficer Role = "privacy-officer" // reads the trail
	Auditor        Role = "auditor"         // reads the trail
)

// The rights of users beside those of DeviceRights.
const (
	Manage    Right = "manage"     // devices, users and settings
	ReadTrail Right = "read-trail" // the audit trail
)

// Roles lists every role in the order in which they are printed.
var Roles = []Role{Administrator, Radiologist, Technologist, Referrer, PrivacyOfficer, Auditor}

// RightsOf returns what somebody with the role may do within the scope; an
// unknown role gives nothing. The roles that manage and oversee hold no right
// that shows an image.
func RightsOf(r Role, s Scope) []Right {
	switch r {
	case Administrator:
		return []Right{Manage}
	case Radiologist, Technologist:
		return []Right{Find, Get, Store}
	case Referrer:
		if s.Unlimited() {
			return nil // whose patients, nobody has said
		}
		return []Right{Find, Get}
	case PrivacyOfficer, Auditor:
		return []Right{ReadTrail}
	}
	return nil
}

// Known reports whether r is a role of this package.
func (r Role) Known() bool { return slices.Contains(Roles, r) }
