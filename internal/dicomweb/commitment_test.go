package dicomweb_test

import (
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// commitRequest is a Storage Commitment Request Module in JSON.
func commitRequest(instances ...string) string {
	var items []string
	for _, uid := range instances {
		items = append(items, `{"00081150":{"vr":"UI","Value":["1.2.840.10008.5.1.4.1.1.2"]},"00081155":{"vr":"UI","Value":["`+uid+`"]}}`)
	}
	return `{"00081199":{"vr":"SQ","Value":[` + strings.Join(items, ",") + `]}}`
}

// TestStorageCommitment has a line for each status of PS3.18 tables 13.4.3-1 and
// 13.5.3-1, and for each failure reason.
func TestStorageCommitment(t *testing.T) {
	f := start(t)
	f.put(newObject("1.1", "1.1.1", "1.1.1.1", encoding.ExplicitLE, nil),
		newObject("1.1", "1.1.1", "1.1.1.2", encoding.ExplicitLE, func(ds *dicom.DataSet) { ds.PutUID(dict.SOPClassUID, dict.UIDMRImageStorage) }))
	const jsonType = "application/dicom+json"
	post := func(transaction, typ, body string) *reply {
		return f.do("POST", "/commitment-requests/"+transaction, strings.NewReader(body), "Content-Type", typ)
	}
	good := post("2.25.1", jsonType, commitRequest("1.1.1.1"))
	if good.status != 200 || !strings.Contains(string(good.body), `"00081199"`) || strings.Contains(string(good.body), `"00081198"`) {
		t.Errorf("%d %s", good.status, good.body)
	}
	if f.trail.count(audit.InstancesAccessed, audit.Success) != 1 {
		t.Error("the commitment is not in the trail")
	}
	mixed := post("2.25.2", jsonType, commitRequest("1.1.1.1", "9.9", "1.1.1.2"))
	ds, err := encoding.ParseJSON(mixed.body, encoding.JSONOptions{})
	if err != nil || mixed.status != 200 {
		t.Fatalf("%d %v", mixed.status, err)
	}
	reasons := map[dicom.UID]int64{}
	for _, item := range ds.Items(dict.FailedSOPSequence) {
		reasons[item.UID(dict.ReferencedSOPInstanceUID)], _ = item.Int(dict.FailureReason)
	}
	if len(ds.Items(dict.ReferencedSOPSequence)) != 1 || len(reasons) != 2 || reasons["9.9"] != 0x0112 || reasons["1.1.1.2"] != 0x0119 {
		t.Errorf("%s", mixed.body)
	}
	if again := f.get("/commitment-requests/2.25.2"); again.status != 200 || string(again.body) != string(mixed.body) {
		t.Errorf("another result: %d", again.status)
	}
	asXML := f.get("/commitment-requests/2.25.2", "Accept", "application/dicom+xml")
	if _, err := encoding.ParseXML(asXML.body, encoding.XMLOptions{}); err != nil || asXML.status != 200 {
		t.Errorf("%d %v", asXML.status, err)
	}
	if r := post("2.25.9", "application/dicom+xml", `<?xml version="1.0"?><NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM"><DicomAttribute tag="00081199" vr="SQ"><Item number="1"><DicomAttribute tag="00081150" vr="UI"><Value number="1">1.2.840.10008.5.1.4.1.1.2</Value></DicomAttribute><DicomAttribute tag="00081155" vr="UI"><Value number="1">1.1.1.1</Value></DicomAttribute></Item></DicomAttribute></NativeDicomModel>`); r.status != 200 {
		t.Errorf("XML: %d %s", r.status, r.body)
	}
	for _, c := range []struct {
		transaction, typ, body string
		status                 int
	}{
		{"2.25.2", jsonType, commitRequest("1.1.1.1"), 409},
		{"x", jsonType, commitRequest("1.1.1.1"), 400},
		{"2.25.3", jsonType, "{}", 400},
		{"2.25.3", jsonType, "{", 400},
		{"2.25.3", jsonType, "", 400},
		{"2.25.3", "text/plain", commitRequest("1.1.1.1"), 415},
		{"2.25.3", "", commitRequest("1.1.1.1"), 400},
	} {
		if r := post(c.transaction, c.typ, c.body); r.status != c.status {
			t.Errorf("%s %s %.20s: %d %s", c.transaction, c.typ, c.body, r.status, r.body)
		}
	}
	if r := f.get("/commitment-requests/2.25.3"); r.status != 404 {
		t.Errorf("never asked for: %d", r.status)
	}
	if r := f.get("/commitment-requests/2.25.2", "Accept", "text/csv"); r.status != 406 {
		t.Errorf("%d", r.status)
	}
	// Another principal meets none of this.
	f.principal = policy.Principal{Kind: policy.User, Name: "otto", Rights: []policy.Right{policy.Commit}}
	if r := f.get("/commitment-requests/2.25.2"); r.status != 404 {
		t.Errorf("another's: %d", r.status)
	}
	f.principal.Rights = []policy.Right{policy.Get}
	if r := post("2.25.4", jsonType, commitRequest("1.1.1.1")); r.status != 403 {
		t.Errorf("without the right: %d", r.status)
	}
	if r := f.get("/commitment-requests/2.25.4"); r.status != 403 {
		t.Errorf("without the right: %d", r.status)
	}
}
