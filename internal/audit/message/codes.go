package message

import (
	"github.com/tresor-pacs/tresor/internal/audit"
)

// Coded is a coded value (CodedValueType, PS3.15 section A.5.1).
type Coded struct {
	Value   string `xml:"csd-code,attr"`
	System  string `xml:"codeSystemName,attr"`
	Meaning string `xml:"originalText,attr"`
}

// The coding schemes: DICOM's controlled terminology (PS3.16 annex D), the
// object identifiers of RFC 3881 section 5.5.4, and our own.
const (
	dcm     = "DCM"
	rfc3881 = "RFC-3881"
	own     = "99TRESOR"
)

// meanings are the codes of PS3.16 annex D that messages use.
var meanings = map[string]string{
	"110100": "Application Activity",
	"110101": "Audit Log Used",
	"110102": "Begin Transferring DICOM Instances",
	"110103": "DICOM Instances Accessed",
	"110104": "DICOM Instances Transferred",
	"110105": "DICOM Study Deleted",
	"110106": "Export",
	"110107": "Import",
	"110108": "Network Entry",
	"110109": "Order Record",
	"110110": "Patient Record",
	"110111": "Procedure Record",
	"110112": "Query",
	"110113": "Security Alert",
	"110114": "User Authentication",

	"110120": "Application Start",
	"110121": "Application Stop",
	"110122": "Login",
	"110123": "Logout",
	"110124": "Attach",
	"110125": "Detach",
	"110126": "Node Authentication",
	"110127": "Emergency Override Started",
	"110128": "Network Configuration",
	"110129": "Security Configuration",
	"110130": "Hardware Configuration",
	"110131": "Software Configuration",
	"110132": "Use of Restricted Function",
	"110133": "Audit Recording Stopped",
	"110134": "Audit Recording Started",
	"110135": "Object Security Attributes Changed",
	"110136": "Security Roles Changed",
	"110137": "User security Attributes Changed",
	"110138": "Emergency Override Stopped",
	"110139": "Remote Service Operation Started",
	"110140": "Remote Service Operation Stopped",
	"110141": "Local Service Operation Started",
	"110142": "Local Service Operation Stopped",
}

// The roles of participants (PS3.16 CID 402), the kind of medium that has an
// address (CID 405) and the kinds of identifiers (CID 404 and RFC 3881).
var (
	roleApplication = Coded{"110150", dcm, "Application"}
	roleLauncher    = Coded{"110151", dcm, "Application Launcher"}
	roleDestination = Coded{"110152", dcm, "Destination Role ID"}
	roleSource      = Coded{"110153", dcm, "Source Role ID"}
	roleMediaOut    = Coded{"110154", dcm, "Destination Media"}
	roleMediaIn     = Coded{"110155", dcm, "Source Media"}

	mediaURI = Coded{"110037", dcm, "URI"}

	idStudy    = Coded{"110180", dcm, "Study Instance UID"}
	idSOPClass = Coded{"110181", dcm, "SOP Class UID"}
	idNode     = Coded{"110182", dcm, "Node ID"}
	idPatient  = Coded{"2", rfc3881, "Patient Number"}
	idUser     = Coded{"11", rfc3881, "User Identifier"}
	idURI      = Coded{"12", rfc3881, "URI"}
)

// eventCodes returns the identifier and the types of an event. A Security Alert
// has our own code as a further type: the standard's are shared by several of
// ours, and some of ours have none.
func eventCodes(code audit.Code, m audit.Meaning) (id Coded, types []Coded) {
	id = Coded{m.Event, dcm, meanings[m.Event]}
	if m.Type != "" {
		types = append(types, Coded{m.Type, dcm, meanings[m.Type]})
	}
	if m.Event == securityAlert {
		types = append(types, Coded{string(code), own, string(code)})
	}
	return id, types
}
