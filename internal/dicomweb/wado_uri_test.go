package dicomweb_test

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
)

// TestURI has a line for each rule of PS3.18 chapter 9.
func TestURI(t *testing.T) {
	f := depicted(t)
	f.put(newObject("1.1", "1.1.9", "1.1.9.1", encoding.ExplicitLE, func(ds *dicom.DataSet) {
		ds.PutUID(dict.SOPClassUID, dict.UIDGrayscaleSoftcopyPresentationStateStorage)
		ds.Delete(dict.PixelData)
		ds.PutInts(dict.ImageRotation, dicom.VRUS, 90)
	}))
	const (
		slice = "studyUID=1.1&seriesUID=1.1.1&objectUID=1.1.1.1"
		cine  = "studyUID=1.1&seriesUID=1.1.2&objectUID=1.1.2.1"
		state = "&presentationSeriesUID=1.1.9&presentationUID=1.1.9.1"
	)
	for _, c := range []struct {
		query, accept string
		status        int
		typ           string
		columns, rows int
	}{
		{slice, "*/*", 400, "", 0, 0},
		{"requestType=WADO&" + slice, "*/*", 200, "image/jpeg", 64, 48},
		{"requestType=WADO&" + slice, "image/png", 200, "image/png", 64, 48},
		{"requestType=WADO&" + slice, "text/html", 406, "", 0, 0},
		{"requestType=XERO&" + slice, "*/*", 400, "", 0, 0},
		{"requestType=WADO&studyUID=1.1&seriesUID=1.1.1", "*/*", 400, "", 0, 0},
		{"requestType=WADO&studyUID=1.1&seriesUID=1.1.1&objectUID=x", "*/*", 400, "", 0, 0},
		{"requestType=WADO&studyUID=1.1&seriesUID=1.1.1&objectUID=9.9", "*/*", 404, "", 0, 0},
		{"requestType=WADO&studyUID=9.9&seriesUID=1.1.1&objectUID=1.1.1.1", "*/*", 404, "", 0, 0},
		{"requestType=WADO&" + slice + "&contentType=image/png", "image/jpeg", 200, "image/png", 64, 48},
		{"requestType=WADO&" + slice + "&contentType=image/jp2,image/gif", "*/*", 200, "image/gif", 64, 48},
		{"requestType=WADO&" + slice + "&contentType=video/mpeg", "*/*", 406, "", 0, 0},
		{"requestType=WADO&" + slice + "&contentType=application/dicom", "*/*", 200, "application/dicom; transfer-syntax=1.2.840.10008.1.2.1", 0, 0},
		{"requestType=WADO&" + slice + "&contentType=application/dicom%3btransfer-syntax=1.2.840.10008.1.2", "*/*", 400, "", 0, 0},
		{"requestType=WADO&" + slice + "&contentType=application/dicom&transferSyntax=1.2.840.10008.1.2", "*/*", 200, "application/dicom; transfer-syntax=1.2.840.10008.1.2", 0, 0},
		{"requestType=WADO&" + slice + "&contentType=application/dicom&transferSyntax=1.2.3", "*/*", 406, "", 0, 0},
		{"requestType=WADO&" + slice + "&contentType=application/dicom&transferSyntax=x", "*/*", 400, "", 0, 0},
		{"requestType=WADO&" + slice + "&contentType=application/dicom&transferSyntax=1.2&transferSyntax=1.2", "*/*", 400, "", 0, 0},
		{"requestType=WADO&" + slice + "&contentType=application/dicom&windowCenter=1&windowWidth=2", "*/*", 400, "", 0, 0},
		{"requestType=WADO&" + slice + "&contentType=application/dicom&anonymize=yes", "*/*", 406, "", 0, 0},
		{"requestType=WADO&" + slice + "&anonymize=no", "*/*", 400, "", 0, 0},
		{"requestType=WADO&" + slice + "&rows=24&columns=100", "*/*", 200, "image/jpeg", 32, 24},
		{"requestType=WADO&" + slice + "&rows=24", "*/*", 400, "", 0, 0},
		{"requestType=WADO&" + slice + "&rows=0&columns=1", "*/*", 400, "", 0, 0},
		{"requestType=WADO&" + slice + "&rows=99999&columns=99999", "*/*", 400, "", 0, 0},
		{"requestType=WADO&" + slice + "&region=0.5,0,1,0.5", "*/*", 200, "image/jpeg", 32, 24},
		{"requestType=WADO&" + slice + "&region=0.5,0,0.5,1", "*/*", 400, "", 0, 0},
		{"requestType=WADO&" + slice + "&region=0,0,1", "*/*", 400, "", 0, 0},
		{"requestType=WADO&" + slice + "&region=0,0,1,2", "*/*", 400, "", 0, 0},
		{"requestType=WADO&" + slice + "&windowCenter=100&windowWidth=50", "*/*", 200, "image/jpeg", 64, 48},
		{"requestType=WADO&" + slice + "&windowCenter=100", "*/*", 400, "", 0, 0},
		{"requestType=WADO&" + slice + "&windowCenter=a&windowWidth=2", "*/*", 400, "", 0, 0},
		{"requestType=WADO&" + slice + "&imageQuality=50", "*/*", 200, "image/jpeg", 64, 48},
		{"requestType=WADO&" + slice + "&imageQuality=0", "*/*", 400, "", 0, 0},
		{"requestType=WADO&" + slice + "&imageAnnotation=patient", "*/*", 200, "image/jpeg", 64, 48},
		{"requestType=WADO&" + slice + "&annotation=everything", "*/*", 400, "", 0, 0},
		{"requestType=WADO&" + slice + "&frameNumber=1", "*/*", 400, "", 0, 0},
		{"requestType=WADO&" + cine + "&frameNumber=3", "*/*", 200, "image/jpeg", 64, 48},
		{"requestType=WADO&" + cine + "&frameNumber=4", "*/*", 400, "", 0, 0},
		{"requestType=WADO&" + cine + "&frameNumber=0", "*/*", 400, "", 0, 0},
		{"requestType=WADO&" + slice + state, "*/*", 200, "image/jpeg", 48, 64},
		{"requestType=WADO&" + slice + state + "&windowCenter=1&windowWidth=2", "*/*", 400, "", 0, 0},
		{"requestType=WADO&" + slice + "&presentationUID=1.1.9.1", "*/*", 400, "", 0, 0},
		{"requestType=WADO&" + slice + "&presentationSeriesUID=1.1.1&presentationUID=1.1.1.1", "*/*", 400, "", 0, 0},
		{"requestType=WADO&" + slice + "&presentationSeriesUID=9.9&presentationUID=9.9", "*/*", 404, "", 0, 0},
	} {
		r := f.get("/wado?"+c.query, "Accept", c.accept)
		if r.status != c.status {
			t.Errorf("%s: %d %s", c.query, r.status, r.body)
			continue
		}
		if r.status != 200 {
			continue
		}
		if got := r.header.Get("Content-Type"); got != c.typ {
			t.Errorf("%s: %s", c.query, got)
		}
		if c.columns == 0 {
			if _, ds, err := encoding.ParseFile(r.body, encoding.Options{}); err != nil || ds.UID(dict.SOPInstanceUID) != "1.1.1.1" {
				t.Errorf("%s: %v", c.query, err)
			}
		} else if b := r.picture(t).Bounds(); b.Dx() != c.columns || b.Dy() != c.rows {
			t.Errorf("%s: %v", c.query, b)
		}
	}
}

// TestZip unpacks a study and a series.
func TestZip(t *testing.T) {
	f := depicted(t)
	for _, c := range []struct {
		path, accept string
		files        int
	}{
		{"/studies/1.1", "application/zip", 7},
		{"/studies/1.1/series/1.1.1", "application/zip", 5},
		{"/studies/1.1/series/1.1.1/instances/1.1.1.1", "application/zip", 1},
		{"/studies/1.1", `application/zip; transfer-syntax=1.2.840.10008.1.2`, 7},
		{"/studies/1.1", `multipart/related; type="application/dicom"; q=0.1, application/zip`, 7},
		{"/studies/1.1.zip", "*/*", 7},
		{"/studies/1.1/series/1.1.1.zip", "*/*", 5},
	} {
		r := f.get(c.path, "Accept", c.accept)
		if r.status != 200 || r.header.Get("Content-Type") != "application/zip" || !strings.HasPrefix(r.header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s: %d %v", c.path, r.status, r.header)
			continue
		}
		z, err := zip.NewReader(bytes.NewReader(r.body), int64(len(r.body)))
		if err != nil {
			t.Fatal(err)
		}
		if len(z.File) != c.files {
			t.Errorf("%s: %d files", c.path, len(z.File))
		}
		names := map[string]bool{}
		for _, file := range z.File {
			r, err := file.Open()
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			if _, ds, err := encoding.ParseFile(b, encoding.Options{}); err != nil || ds.String(dict.PatientID) != "4711" {
				t.Errorf("%s: %v", file.Name, err)
			}
			if names[file.Name] || strings.Contains(file.Name, "1.1") || !strings.HasSuffix(file.Name, ".dcm") {
				t.Errorf("file name %s", file.Name)
			}
			names[file.Name] = true
		}
	}
	for path, status := range map[string]int{"/studies/9.9.zip": 404, "/studies/.zip": 400, "/studies/x.zip": 400, "/studies/1.1.zap": 400} {
		if r := f.get(path); r.status != status {
			t.Errorf("%s: %d", path, r.status)
		}
	}
}
