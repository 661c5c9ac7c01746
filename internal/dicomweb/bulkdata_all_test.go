package dicomweb_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/corpus"
)

// TestBulkDataOfResources follows each part of a study, a series and an instance
// to the value that its Content-Location names (PS3.18 section 10.4.3.3.5).
func TestBulkDataOfResources(t *testing.T) {
	f := start(t)
	long := bytes.Repeat([]byte{1, 2, 3, 4}, 8<<10)
	document := func(ds *dicom.DataSet) {
		ds.Put(dicom.Element{Tag: dict.EncapsulatedDocument, VR: dicom.VROB, Data: long})
		item := new(dicom.DataSet)
		item.Put(dicom.Element{Tag: dict.WaveformData, VR: dicom.VROW, Data: long})
		ds.PutItems(dict.WaveformSequence, item)
	}
	j2k := syntax(t, dict.UIDJPEG2000Lossless)
	soc := []byte{0xFF, 0x4F, 0xFF, 0x51, 9, 9}
	two := func(ds *dicom.DataSet) {
		ds.PutString(dict.NumberOfFrames, dicom.VRIS, "2")
		withFragments(nil, soc, soc)(ds)
	}
	f.put(newObject("1.1", "1.1.1", "1.1.1.1", encoding.ExplicitLE, document),
		newObject("1.1", "1.1.1", "1.1.1.2", encoding.ExplicitBE, nil),
		newObject("1.1", "1.1.2", "1.1.2.1", j2k, two),
		newObject("1.1", "1.1.3", "1.1.3.1", encoding.ExplicitLE, func(ds *dicom.DataSet) { ds.Delete(dict.PixelData) }))
	const any = `multipart/related; type="application/octet-stream", multipart/related; type="image/jp2"`
	for _, c := range []struct {
		path, accept string
		status       int
		parts        int
	}{
		{"/studies/1.1/bulkdata", any, 200, 6},
		{"/studies/1.1/pixeldata", any, 200, 4},
		{"/studies/1.1/series/1.1.1/bulkdata", any, 200, 4},
		{"/studies/1.1/series/1.1.1/pixeldata", any, 200, 2},
		{"/studies/1.1/series/1.1.1/instances/1.1.1.1/bulkdata", any, 200, 3},
		{"/studies/1.1/series/1.1.1/instances/1.1.1.1/pixeldata", any, 200, 1},
		{"/studies/1.1/series/1.1.2/instances/1.1.2.1/pixeldata", `multipart/related; type="image/jp2"`, 200, 2},
		{"/studies/1.1/series/1.1.1/instances/1.1.1.1/bulkdata", `multipart/related; type="text/html"`, 406, 0},
		{"/studies/1.1/series/1.1.1/instances/1.1.1.1/bulkdata", "application/octet-stream", 406, 0},
		{"/studies/1.1/series/1.1.3/bulkdata", any, 404, 0},
		{"/studies/1.1/series/1.1.3/instances/1.1.3.1/pixeldata", any, 404, 0},
		{"/studies/9.9/bulkdata", any, 404, 0},
	} {
		r := f.get(c.path, "Accept", c.accept)
		if r.status != c.status {
			t.Errorf("%s: %d %s", c.path, r.status, r.body)
			continue
		}
		if r.status != 200 {
			continue
		}
		parts := r.parts(t, strings.Trim(strings.Split(strings.TrimPrefix(r.header.Get("Content-Type"), `multipart/related; type=`), ";")[0], `"`))
		if len(parts) != c.parts {
			t.Errorf("%s: %d parts", c.path, len(parts))
		}
		for _, p := range parts {
			location := p.header["Content-Location"][0]
			if p.typ() != "application/octet-stream" {
				continue
			}
			if one := f.get(location[strings.Index(location, "/studies/"):], "Accept", "application/octet-stream"); one.status != 200 || !bytes.Equal(one.body, p.body) {
				t.Errorf("%s: %s is another value: %d", c.path, location, one.status)
			}
		}
	}
	one := f.get("/studies/1.1/series/1.1.1/instances/1.1.1.2/pixeldata", "Accept", "application/octet-stream", "Range", "bytes=0-3")
	if one.status != 200 || one.header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("%d %v", one.status, one.header)
	}
}

// TestPixelDataDecoded asks for compressed frames as one value without compression.
func TestPixelDataDecoded(t *testing.T) {
	f := start(t)
	b, err := os.ReadFile(filepath.Join(corpus.Dir(t), "conformance/ts-5-rle/SC_rgb_rle_2frame.dcm"))
	if err != nil {
		t.Skip("skipped: the corpus has no such file")
	}
	r, _ := f.store("/studies", b)
	answer, err := encoding.ParseJSON(r.body, encoding.JSONOptions{})
	if err != nil {
		t.Fatal(err)
	}
	url := answer.Items(dict.ReferencedSOPSequence)[0].String(dict.RetrieveURL)
	path := url[strings.Index(url, "/studies/"):]
	alone := f.get(path+"/pixeldata", "Accept", "application/octet-stream")
	parts := f.get(path+"/pixeldata", "Accept", `multipart/related; type="application/octet-stream"`).parts(t, "application/octet-stream")
	var frames []byte
	for _, n := range []string{"1", "2"} {
		frames = append(frames, f.get(path+"/frames/"+n, "Accept", "application/octet-stream").body...)
	}
	if len(parts) != 1 || !bytes.Equal(parts[0].body, frames) || !bytes.Equal(alone.body, frames) {
		t.Errorf("%d parts, %d bytes alone, %d in frames", len(parts), len(alone.body), len(frames))
	}
}
