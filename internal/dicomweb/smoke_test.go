package dicomweb_test

import (
	"bytes"
	"testing"

	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
)

// TestAStudyThatIsStoredIsFoundAndRead goes the way of a viewer.
func TestAStudyThatIsStoredIsFoundAndRead(t *testing.T) {
	f := start(t)
	o := newObject("1.2.3", "1.2.3.1", "1.2.3.1.1", encoding.ExplicitLE, nil)
	body, typ := multipartBody("application/dicom", o.file(t))
	if r := f.do("POST", "/studies", body, "Content-Type", typ); r.status != 200 || !bytes.Contains(r.body, []byte("00081199")) {
		t.Fatalf("%d %s", r.status, r.body)
	}
	rows := f.get("/studies?PatientID=4711").rows(t)
	if len(rows) != 1 || rows[0].text(dict.StudyInstanceUID) != "1.2.3" || rows[0].text(dict.PatientName) != "Müller^Jürgen" {
		t.Fatalf("%v", rows)
	}
	meta := f.get("/studies/1.2.3/series/1.2.3.1/metadata").rows(t)
	uri := meta[0][dict.PixelData.Hex()].BulkDataURI
	if len(meta) != 1 || uri == "" {
		t.Fatalf("%v", meta)
	}
	frame := f.get("/studies/1.2.3/series/1.2.3.1/instances/1.2.3.1.1/frames/1", "Accept",
		`multipart/related; type="application/octet-stream"; transfer-syntax=*`).parts(t, "application/octet-stream")
	if len(frame) != 1 || !bytes.Equal(frame[0].body, o.pixels) || frame[0].typ() != "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1" {
		t.Errorf("%v", frame)
	}
	files := f.get("/studies/1.2.3").parts(t, "application/dicom")
	if len(files) != 1 || !bytes.Equal(files[0].body, o.file(t)) {
		t.Errorf("%d files", len(files))
	}
}
