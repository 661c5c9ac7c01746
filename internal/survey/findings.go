package survey

import (
	"fmt"
	"slices"
	"time"

	"github.com/tresor-pacs/tresor/internal/survey/known"
)

// Finding is one thing that is wrong and how to mend it.
type Finding struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Remedy string `json:"remedy"`
	Detail string `json:"detail,omitempty"`
}

// Rule is a kind of finding.
type Rule struct {
	ID, Title, Remedy string
	Severity          float64 // of a finding of its kind at its worst, for lists
}

// Rules are all kinds of findings. An ID is never used for something else.
var Rules = []Rule{
	{"DXA001", "Anybody may query the archive", "Close the port at the firewall to all but the devices that need it today; then require TLS with client certificates and allow queries only to known AE titles with known addresses. Ask the server's logs who has queried it.", 9.5},
	{"DXA002", "DICOMweb or REST answers without a login", "Require a login for the web interface and serve it by HTTPS only; take it off the Internet until then.", 9},
	{"DXA003", "A viewer or study list opens without a login", "Require a login for the pages and serve them by HTTPS only; take them off the Internet until then.", 9},
	{"DXA004", "Any caller may open an association", "Allow only known calling AE titles from known addresses, check the called AE title, and require TLS with client certificates: titles alone can be forged.", 4},
	{"DXA005", "Any caller may open a Storage context", "Allow C-STORE only to the modalities that send here. Whether a stranger's images would be kept was not tried; look for patients and studies that no modality of yours has made.", 5.5},
	{"DXA006", "Retrieval is offered to any caller", "Allow C-MOVE and C-GET only to known workstations; let C-MOVE send to configured destinations only.", 4},
	{"DXA007", "Traffic is not encrypted", "Use DICOM over TLS (port 2762, PS3.15 annex B) or HTTPS; where the product cannot, put it behind a proxy or a VPN that can.", 3},
	{"DXA008", "TLS is out of date", "Offer TLS 1.2 and 1.3 only, with a certificate that is valid and a key of at least RSA 2048 or ECDSA 256.", 2},
	{"DXA009", "Whether queries are permitted could not be decided", "Look at the server's log of this moment and test with an AE title it does not know.", 6},
	{"DXA010", "DICOM can be seen from here, though it refuses", "A check of AE titles can be passed by guessing: allow known addresses only, and require TLS with client certificates.", 3},
	{"DXA011", "The version may have known vulnerabilities", "Compare the version with the list and update. A version that is shown is a hint: distributions mend without changing it.", 5},
	{"DXA012", "The product is out of support", "Replace it; until then let nobody reach it but the devices it needs.", 5},
	{"DXA013", "This may be a trap for attackers and no archive", "Ask the owner before counting it.", 0},
	{"DXA014", "Any caller may open a worklist context", "Allow worklist queries only to known modalities: a worklist holds the names of today's patients. It was not queried.", 5},
	{"DXA015", "Queries are offered to any caller; whether they are permitted was not asked", "Run the survey with a scope file that permits L4.", 4},
	{"DXA016", "A known vulnerability is open", "Update at once, and take the system off the network until then.", 9},
	{"DXA017", "WADO-URI answers without a login", "Require a login for WADO-URI, or switch it off where nobody uses it; serve it by HTTPS only. Whether it gives images was not tried: test with an image of your own that names nobody.", 6},
}

// RuleOf returns the rule with an ID.
func RuleOf(id string) (Rule, bool) {
	i := slices.IndexFunc(Rules, func(r Rule) bool { return r.ID == id })
	if i < 0 {
		return Rule{}, false
	}
	return Rules[i], true
}

// steps mend a finding in a product: the settings' own names.
var steps = map[[2]string]string{
	{"Orthanc", "DXA001"}:     `In orthanc.json: "DicomAlwaysAllowFind": false, "DicomAlwaysAllowMove": false, "DicomAlwaysAllowGet": false, "DicomCheckCalledAet": true, "DicomCheckModalityHost": true, and list each device in "DicomModalities".`,
	{"Orthanc", "DXA002"}:     `In orthanc.json: "RemoteAccessAllowed": false, or "AuthenticationEnabled": true with "RegisteredUsers" and "SslEnabled": true.`,
	{"Orthanc", "DXA003"}:     `In orthanc.json: "AuthenticationEnabled": true with "RegisteredUsers", and "SslEnabled": true.`,
	{"Orthanc", "DXA005"}:     `In orthanc.json: "DicomAlwaysAllowStore": false, "DicomCheckModalityHost": true, and list each modality in "DicomModalities".`,
	{"DCMTK", "DXA001"}:       `dcmqrscp: name the peers of each storage area in dcmqrscp.cfg instead of ANY. Orthanc shows the same version: there, see "DicomAlwaysAllowFind".`,
	{"DCMTK", "DXA004"}:       `storescp and dcmqrscp: use +tls KEY CERT with +cf CA, which requires client certificates. Orthanc shows the same version: there, "DicomTlsEnabled": true and "DicomTlsRemoteCertificateRequired": true.`,
	{"DCMTK", "DXA005"}:       `Orthanc, which shows the same version: "DicomAlwaysAllowStore": false and "DicomCheckModalityHost": true.`,
	{"dcm4che", "DXA001"}:     `dcm4chee-arc: in the AE's configuration set "Accepted Calling AE Title" to the known ones; set "TLS Need Client Auth" for the connection.`,
	{"dcm4che", "DXA002"}:     "dcm4chee-arc: use the secured image with Keycloak.",
	{"ClearCanvas", "DXA004"}: "ImageServer: switch \"Accept any device\" off for the partition and list the devices.",
}

func find(id, product, detail string) Finding {
	r, _ := RuleOf(id)
	f := Finding{ID: r.ID, Title: r.Title, Remedy: r.Remedy, Detail: detail}
	if s := steps[[2]string{product, id}]; s != "" {
		f.Remedy += " " + s
	}
	return f
}

// findings are what is wrong, the worst first. The list is never nil.
func findings(r *Result, v Vector, p known.Product, now time.Time) []Finding {
	out := []Finding{}
	add := func(when bool, id, detail string) {
		if when {
			out = append(out, find(id, p.Name, detail))
		}
	}
	a := r.Association
	add(r.State == Queryable, "DXA001", "")
	add(r.Web != nil && (r.Web.Open == "DICOMweb" || r.Web.Open == "REST"), "DXA002", "")
	add(r.Web != nil && r.Web.Open == "viewer", "DXA003", "")
	add(v.Flaw == 'K', "DXA016", "CVE-2025-0896: the REST interface answers anybody")
	add(r.State == Undecided && r.Query != nil, "DXA009", "")
	add(r.Web != nil && r.Web.Answers == "WADO-URI", "DXA017", "")
	add(a.accepted(contextStore), "DXA005", "")
	add(a.accepted(contextWorklist), "DXA014", "")
	add(a != nil && a.Answer == "accepted", "DXA004", "")
	add(v.Retrieve == 'N', "DXA006", "")
	add(r.Query == nil && a.accepted(contextFind), "DXA015", "")
	add(r.State == Refused && a != nil, "DXA010", refusedDetail(a))
	add(v.TLS == 'N', "DXA007", "")
	if weak := weakTLS(r.TLS, now); weak != "" {
		add(true, "DXA008", weak)
	}
	add(v.End == 'Y', "DXA012", "")
	if list, caveat := known.Possible(p); len(list) > 0 && v.Access != 'X' {
		add(true, "DXA011", vulnerabilityDetail(list, caveat))
	}
	add(r.Honeypot, "DXA013", "")
	return out
}

func refusedDetail(a *Association) string {
	if a == nil {
		return ""
	}
	return a.Meaning
}

func weakTLS(t *TLSFacts, now time.Time) string {
	switch {
	case t == nil || t.Version == "":
		return ""
	case t.old:
		return "it chose " + t.Version
	case !t.NotAfter.IsZero() && now.After(t.NotAfter):
		return "the certificate ended on " + t.NotAfter.Format(time.DateOnly)
	case t.weakKey:
		return "the key is " + t.Key
	}
	return ""
}

func vulnerabilityDetail(list []known.Vulnerability, caveat string) string {
	s := ""
	for i, v := range list {
		if i > 0 {
			s += ", "
		}
		s += v.ID
	}
	s = fmt.Sprintf("possible: %s", s)
	if caveat != "" {
		s += ". " + caveat
	}
	return s
}
