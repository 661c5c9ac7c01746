package dicomweb_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
)

const storeParts = `multipart/related; type="application/dicom"; boundary=BOUND`

// partsBody is a body of parts of a type.
func partsBody(typ string, parts ...[]byte) func() []byte {
	return func() []byte {
		r, _ := multipartBody(typ, parts...)
		b, err := io.ReadAll(r)
		if err != nil {
			panic(err) // it is in memory
		}
		return b
	}
}

// newFile is a file that is stored by the rules: in a study that the searches do
// not look for, after they have been made.
func newFile(n string, change func(*dicom.DataSet)) []byte {
	const study = "1.2.826.0.1.3680043.8.498.9"
	o := newObject(study, study+".1", dicom.UID(study+".1."+n), encoding.ExplicitLE, change)
	var b bytes.Buffer
	meta := encoding.NewMeta(o.ds.UID(dict.SOPClassUID), o.instance, o.syntax.UID)
	if err := encoding.WriteFile(&b, meta, o.ds); err != nil {
		panic(err) // it is a test's own
	}
	return b.Bytes()
}

// ruleModel is a message of metadata in JSON or XML and one bulk value.
func ruleModel(typ, instance string) func() []byte {
	const study = "1.2.826.0.1.3680043.8.498.9"
	o := newObject(study, study+".2", dicom.UID(study+".2."+instance), encoding.ExplicitLE, nil)
	o.ds.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROW, Bulk: &dicom.Bulk{}})
	uri := func(_ encoding.Path, e *dicom.Element) string {
		if e.Bulk == nil {
			return ""
		}
		return "bulk/1"
	}
	b, err := encoding.AppendJSON([]byte{'['}, o.ds, encoding.JSONOptions{BulkDataURI: uri})
	b = append(b, ']')
	if typ == "application/dicom+xml" {
		b, err = encoding.AppendXML(nil, o.ds, encoding.XMLOptions{BulkDataURI: uri})
	}
	if err != nil {
		panic(err) // it is a test's own
	}
	message := "--BOUND\r\nContent-Type: " + typ + "; transfer-syntax=1.2.840.10008.1.2.1\r\n\r\n" + string(b) +
		"\r\n--BOUND\r\nContent-Type: application/octet-stream\r\nContent-Location: bulk/1\r\n\r\n" + string(o.pixels) + "\r\n--BOUND--\r\n"
	return func() []byte { return []byte(message) }
}

// storedAre requires a Store Instances Response with so many instances stored,
// each with its URL, and so many not, each with a reason (PS3.18 table I.2-1).
func storedAre(stored, failed int) func(*subject, *reply) error {
	return func(_ *subject, r *reply) error {
		ds, err := encoding.ParseJSON(r.body, encoding.JSONOptions{})
		if err != nil {
			return fmt.Errorf("%v: %.100s", err, r.body)
		}
		good, bad := ds.Items(dict.ReferencedSOPSequence), ds.Items(dict.FailedSOPSequence)
		if len(good) != stored || len(bad) != failed {
			return fmt.Errorf("%d stored, %d failed", len(good), len(bad))
		}
		for _, item := range good {
			if !item.Has(dict.RetrieveURL) || !item.Has(dict.ReferencedSOPClassUID) {
				return fmt.Errorf("no URL or no SOP class")
			}
		}
		for _, item := range bad {
			if !item.Has(dict.FailureReason) {
				return fmt.Errorf("no reason")
			}
		}
		return nil
	}
}

var notDICOM = binary.LittleEndian.AppendUint64(nil, 0xDEADBEEF)

// PS3.18 section 10.5.
var storeRules = []rule{
	{where: "PS3.18 table 10.5.1-1", what: "studies", method: "POST", path: "/studies", accept: jsonType, typ: storeParts, body: partsBody("application/dicom", newFile("1", nil)), check: storedAre(1, 0)},
	{where: "PS3.18 table 10.5.1-1", what: "a study", method: "POST", path: "/studies/1.2.826.0.1.3680043.8.498.9", accept: jsonType, typ: storeParts, body: partsBody("application/dicom", newFile("2", nil)), check: storedAre(1, 0)},
	{where: "PS3.18 section 10.5.3.1", what: "several", method: "POST", path: "/studies", accept: jsonType, typ: storeParts, body: partsBody("application/dicom", newFile("3", nil), newFile("4", nil)), check: storedAre(2, 0)},
	{where: "PS3.18 section 10.5.3.1", what: "to another study", method: "POST", path: "/studies/1.2.3.4", accept: jsonType, typ: storeParts, body: partsBody("application/dicom", newFile("5", nil)), status: []int{409}, check: storedAre(0, 1)},
	{where: "PS3.18 section 10.5.3.1", what: "some cannot be stored", method: "POST", path: "/studies", accept: jsonType, typ: storeParts, body: partsBody("application/dicom", newFile("6", nil), notDICOM), status: []int{202}, check: storedAre(1, 1), orthanc: "it refuses the whole"},
	{where: "PS3.18 section 10.5.3.1", what: "none can be stored", method: "POST", path: "/studies", accept: jsonType, typ: storeParts, body: partsBody("application/dicom", notDICOM), status: []int{400, 409}},
	{where: "PS3.18 section 10.5.3.1", what: "a body without parts", method: "POST", path: "/studies", accept: jsonType, typ: storeParts, body: func() []byte { return []byte("nothing") }, status: []int{400}, orthanc: "it answers 200"},
	{where: "PS3.18 section 10.5.3.1", what: "a media type that is not taken", method: "POST", path: "/studies", accept: jsonType, typ: "text/plain", body: func() []byte { return []byte("text") }, status: []int{415}},
	{where: "PS3.18 section 10.5.4", what: "the answer in XML", method: "POST", path: "/studies", accept: "application/dicom+xml", typ: storeParts, body: partsBody("application/dicom", newFile("7", nil)), check: typeIs("application/dicom+xml")},
	{where: "PS3.18 section 10.5.4", what: "the answer in JSON by default", method: "POST", path: "/studies", accept: "*/*", typ: storeParts, body: partsBody("application/dicom", newFile("8", nil)), check: typeIs(jsonType)},
	{where: "PS3.18 section 8.6.1.2.2", what: "metadata in JSON with bulk data", method: "POST", path: "/studies", accept: jsonType, typ: `multipart/related; type="application/dicom+json"; boundary=BOUND`, body: ruleModel(jsonType, "1"), check: storedAre(1, 0), orthanc: "it takes files only"},
	{where: "PS3.18 section 8.6.1.2.2", what: "metadata in XML with bulk data", method: "POST", path: "/studies", accept: jsonType, typ: `multipart/related; type="application/dicom+xml"; boundary=BOUND`, body: ruleModel("application/dicom+xml", "2"), check: storedAre(1, 0), orthanc: "it takes files only"},
}

// PS3.18 chapter 13.
var commitmentRules = []rule{
	{where: "PS3.18 section 13.4", what: "request commitment", method: "POST", path: "/commitment-requests/2.25.4711", accept: jsonType, typ: jsonType, body: func() []byte { return []byte(commitRequest(ruleInstance)) }, status: []int{200, 202}, orthanc: "its release is older than the service"},
	{where: "PS3.18 section 13.5", what: "check the result", path: "/commitment-requests/2.25.4711", accept: jsonType, status: []int{200, 202}, orthanc: "its release is older than the service"},
	{where: "PS3.18 section 13.4.3", what: "the transaction UID is in use", method: "POST", path: "/commitment-requests/2.25.4711", accept: jsonType, typ: jsonType, body: func() []byte { return []byte(commitRequest(ruleInstance)) }, status: []int{409}, orthanc: "its release is older than the service"},
	{where: "PS3.18 section 13.4.3", what: "a request that cannot be read", method: "POST", path: "/commitment-requests/2.25.4712", accept: jsonType, typ: jsonType, body: func() []byte { return []byte("{") }, status: []int{400}, orthanc: "its release is older than the service"},
}
