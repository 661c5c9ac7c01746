package audit

import (
	"maps"
	"slices"
)

// Code says what happened. Most codes are events of PS3.15 section A.5.1 or
// kinds of its Security Alert; the others are of our own, for what the standard
// has no word for.
type Code string

// The codes. The comment is the standard's event identifier and, where it has
// one, the event type (PS3.16 CID 400 and CID 401).
const (
	ApplicationStart          Code = "application-start"           // 110100, 110120
	ApplicationStop           Code = "application-stop"            // 110100, 110121
	AuditLogUsed              Code = "audit-log-used"              // 110101
	BeginTransferring         Code = "begin-transferring"          // 110102
	InstancesAccessed         Code = "instances-accessed"          // 110103
	InstancesTransferred      Code = "instances-transferred"       // 110104
	StudyDeleted              Code = "study-deleted"               // 110105
	Export                    Code = "export"                      // 110106
	Import                    Code = "import"                      // 110107
	AssociationBegin          Code = "association-begin"           // 110108, 110124
	AssociationEnd            Code = "association-end"             // 110108, 110125
	OrderRecord               Code = "order-record"                // 110109
	PatientRecord             Code = "patient-record"              // 110110
	ProcedureRecord           Code = "procedure-record"            // 110111
	Query                     Code = "query"                       // 110112
	SecurityAlert             Code = "security-alert"              // 110113
	NodeAuthenticationFailure Code = "node-authentication-failure" // 110113, 110126
	AssociationRefused        Code = "association-refused"         // 110113, 110126
	EmergencyOverrideStarted  Code = "emergency-override-started"  // 110113, 110127
	EmergencyOverrideStopped  Code = "emergency-override-stopped"  // 110113, 110138
	NetworkConfiguration      Code = "network-configuration"       // 110113, 110128
	SecurityConfiguration     Code = "security-configuration"      // 110113, 110129
	DeviceAdded               Code = "device-added"                // 110113, 110129
	DeviceChanged             Code = "device-changed"              // 110113, 110129
	DeviceRenewed             Code = "device-renewed"              // 110113, 110129
	DeviceRevoked             Code = "device-revoked"              // 110113, 110129
	SoftwareConfiguration     Code = "software-configuration"      // 110113, 110131
	RestrictedFunction        Code = "restricted-function"         // 110113, 110132
	BudgetPassed              Code = "budget-passed"               // 110113, 110132
	AuditRecordingStopped     Code = "audit-recording-stopped"     // 110113, 110133
	AuditRecordingStarted     Code = "audit-recording-started"     // 110113, 110134
	ObjectSecurity            Code = "object-security"             // 110113, 110135
	RolesChanged              Code = "roles-changed"               // 110113, 110136
	UserSecurity              Code = "user-security"               // 110113, 110137
	IntegrityFailure          Code = "integrity-failure"           // 110113: an object is damaged or missing
	TrailDamaged              Code = "trail-damaged"               // 110113: written when a damaged trail goes on
	TrailRecovered            Code = "trail-recovered"             // 110113: unfinished lines were moved aside
	Login                     Code = "login"                       // 110114, 110122
	Logout                    Code = "logout"                      // 110114, 110123
)

// Meaning tells how a code is said in the standard's terms: the code value of
// the event in the DCM coding scheme, that of its type or "", and the action
// that goes without saying.
type Meaning struct {
	Event, Type string
	Action      Action
}

// meanings follows the order of the constants. Where the table of an event in
// PS3.15 section A.5.3 leaves the action open, the most frequent one stands here.
var meanings = map[Code]Meaning{
	ApplicationStart:          {"110100", "110120", Execute},
	ApplicationStop:           {"110100", "110121", Execute},
	AuditLogUsed:              {"110101", "", Read},
	BeginTransferring:         {"110102", "", Execute},
	InstancesAccessed:         {"110103", "", Read},
	InstancesTransferred:      {"110104", "", Read},
	StudyDeleted:              {"110105", "", Delete},
	Export:                    {"110106", "", Read},
	Import:                    {"110107", "", Create},
	AssociationBegin:          {"110108", "110124", Execute},
	AssociationEnd:            {"110108", "110125", Execute},
	OrderRecord:               {"110109", "", Read},
	PatientRecord:             {"110110", "", Update},
	ProcedureRecord:           {"110111", "", Update},
	Query:                     {"110112", "", Execute},
	SecurityAlert:             {"110113", "", Execute},
	NodeAuthenticationFailure: {"110113", "110126", Execute},
	AssociationRefused:        {"110113", "110126", Execute},
	EmergencyOverrideStarted:  {"110113", "110127", Execute},
	EmergencyOverrideStopped:  {"110113", "110138", Execute},
	NetworkConfiguration:      {"110113", "110128", Execute},
	SecurityConfiguration:     {"110113", "110129", Execute},
	DeviceAdded:               {"110113", "110129", Execute},
	DeviceChanged:             {"110113", "110129", Execute},
	DeviceRenewed:             {"110113", "110129", Execute},
	DeviceRevoked:             {"110113", "110129", Execute},
	SoftwareConfiguration:     {"110113", "110131", Execute},
	RestrictedFunction:        {"110113", "110132", Execute},
	BudgetPassed:              {"110113", "110132", Execute},
	AuditRecordingStopped:     {"110113", "110133", Execute},
	AuditRecordingStarted:     {"110113", "110134", Execute},
	ObjectSecurity:            {"110113", "110135", Execute},
	RolesChanged:              {"110113", "110136", Execute},
	UserSecurity:              {"110113", "110137", Execute},
	IntegrityFailure:          {"110113", "", Execute},
	TrailDamaged:              {"110113", "", Execute},
	TrailRecovered:            {"110113", "", Execute},
	Login:                     {"110114", "110122", Execute},
	Logout:                    {"110114", "110123", Execute},
}

// Meaning returns what c means in the standard's terms, and whether c is a code
// of this package.
func (c Code) Meaning() (Meaning, bool) {
	m, ok := meanings[c]
	return m, ok
}

// Codes returns every code of this package, sorted.
func Codes() []Code { return slices.Sorted(maps.Keys(meanings)) }
