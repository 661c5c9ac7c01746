package dicomweb_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
)

const anyFrame = `multipart/related; type="application/octet-stream"; transfer-syntax=*`

func syntax(t testing.TB, uid dicom.UID) encoding.TransferSyntax {
	ts, ok := encoding.Lookup(uid)
	if !ok {
		t.Fatal(uid)
	}
	return ts
}

// TestRetrieveNegotiates has a line for each form in which an instance can be
// asked for (PS3.18 section 8.7.3).
func TestRetrieveNegotiates(t *testing.T) {
	f := start(t)
	implicit := newObject("1.1", "1.1.1", "1.1.1.1", encoding.ImplicitLE, nil)
	jpeg := newObject("1.2", "1.2.1", "1.2.1.1", syntax(t, dict.UIDJPEG2000Lossless), withFragments(nil, []byte{1, 2, 3, 4}))
	f.put(implicit, jpeg)
	const one, two = "/studies/1.1/series/1.1.1/instances/1.1.1.1", "/studies/1.2/series/1.2.1/instances/1.2.1.1"
	le, impl, j2k := string(encoding.ExplicitLE.UID), string(encoding.ImplicitLE.UID), string(dict.UIDJPEG2000Lossless)
	video := string(dict.UIDMPEG2MPML)
	for _, c := range []struct {
		path, accept string
		status       int
		single       bool
		syntax       string
	}{
		{one, "", 200, false, le},
		{one, "*/*", 200, false, le},
		{one, "application/dicom", 200, true, le},
		{one, "application/dicom; transfer-syntax=*", 200, true, le},
		{one, "application/dicom; transfer-syntax=" + impl, 200, true, impl},
		{one, `multipart/related; type="application/dicom"`, 200, false, le},
		{one, `multipart/related; type=application/dicom; transfer-syntax=` + impl, 200, false, impl},
		{one, `multipart/related; type="application/dicom"; q=0.5, application/dicom`, 200, true, le},
		{one, `application/dicom; q=0.1, multipart/related; type="application/dicom"; q=0.2`, 200, false, le},
		{one, `application/dicom; transfer-syntax=` + j2k, 200, true, j2k},
		{one, `application/dicom; transfer-syntax=` + video, 406, false, ""},
		{one, `application/dicom; transfer-syntax=` + video + `, application/dicom; q=0.1`, 200, true, le},
		{one, "image/jpeg", 406, false, ""},
		{one, "application/dicom;q=0", 406, false, ""},
		{two, "application/dicom", 200, true, j2k},
		{two, "application/dicom; transfer-syntax=*", 200, true, j2k},
		{two, "application/dicom; transfer-syntax=1.2.840.10008.1.2.5", 422, false, ""}, // its frame is no JPEG 2000
		{two, "application/dicom; transfer-syntax=" + video, 406, false, ""},
		{"/studies/1.1", "application/dicom", 200, true, le},
		{"/studies/9.9", "", 404, false, ""},
		{one + "1", "", 404, false, ""},
		{"/studies/1.2/series/1.1.1/instances/1.1.1.1", "", 404, false, ""},
	} {
		headers := []string{"Accept", c.accept}
		if c.accept == "" {
			headers = nil
		}
		r := f.get(c.path, headers...)
		if r.status != c.status {
			t.Errorf("%s %q: %d %s", c.path, c.accept, r.status, r.body)
			continue
		}
		if r.status != 200 {
			continue
		}
		file := r.body
		if !c.single {
			parts := r.parts(t, "application/dicom")
			file = parts[0].body
			if parts[0].typ() != "application/dicom; transfer-syntax="+c.syntax {
				t.Errorf("%s %q: part %s", c.path, c.accept, parts[0].typ())
			}
		}
		meta, ds, err := encoding.ParseFile(file, encoding.Options{})
		if err != nil || string(meta.UID(dict.TransferSyntaxUID)) != c.syntax || ds.String(dict.PatientID) != "4711" {
			t.Errorf("%s %q: %v, %v", c.path, c.accept, meta, err)
		}
		if !bytes.Equal(file[:128], make([]byte, 128)) || r.header.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.HasPrefix(r.header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s %q: preamble or headers: %v", c.path, c.accept, r.header)
		}
	}
	// The query parameter stands in for the header.
	if r := f.get(one+"?accept=application/dicom", "Accept", "image/png"); r.status != 200 {
		t.Error(r.status)
	}
}

// TestRetrieveRangesAndConditions holds what a single part can do besides
// (RFC 9110 sections 13 and 14).
func TestRetrieveRangesAndConditions(t *testing.T) {
	f := start(t)
	f.put(newObject("1.1", "1.1.1", "1.1.1.1", encoding.ExplicitLE, nil))
	const path = "/studies/1.1/series/1.1.1/instances/1.1.1.1"
	whole := f.get(path, "Accept", "application/dicom")
	tag := whole.header.Get("ETag")
	if tag == "" || whole.header.Get("Accept-Ranges") != "bytes" {
		t.Fatal(whole.header)
	}
	if r := f.get(path, "Accept", "application/dicom", "Range", "bytes=100-299"); r.status != 206 || !bytes.Equal(r.body, whole.body[100:300]) {
		t.Errorf("%d, %d bytes", r.status, len(r.body))
	}
	if r := f.get(path, "Accept", "application/dicom", "If-None-Match", tag); r.status != 304 || len(r.body) > 0 {
		t.Errorf("%d", r.status)
	}
	if r := f.get(path, "Accept", "application/dicom", "Range", "bytes=999999-"); r.status != 416 {
		t.Errorf("%d", r.status)
	}
	if r := f.do("HEAD", path, nil, "Accept", "application/dicom"); r.status != 200 || len(r.body) > 0 || r.header.Get("ETag") != tag {
		t.Errorf("%d %v", r.status, r.header)
	}
}

// withFragments puts encapsulated pixel data: the offset table and fragments.
func withFragments(table []byte, fragments ...[]byte) func(*dicom.DataSet) {
	return func(ds *dicom.DataSet) {
		ds.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROB, Undefined: true, Fragments: append([][]byte{table}, fragments...)})
	}
}

// TestFrames has a line for each way in which frames lie in pixel data.
func TestFrames(t *testing.T) {
	j2k := syntax(t, dict.UIDJPEG2000Lossless)
	deflated, big := encoding.DeflatedLE, encoding.ExplicitBE
	many := func(n string, data []byte) func(*dicom.DataSet) {
		return func(ds *dicom.DataSet) {
			ds.PutString(dict.NumberOfFrames, dicom.VRIS, n)
			if data != nil {
				ds.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROW, Data: data})
			}
		}
	}
	three := make([]byte, 3*48)
	for i := range three {
		three[i] = byte(i * 7)
	}
	both := func(a, b func(*dicom.DataSet)) func(*dicom.DataSet) {
		return func(ds *dicom.DataSet) { a(ds); b(ds) }
	}
	bits := func(ds *dicom.DataSet) {
		for tag, v := range map[dicom.Tag]int64{dict.Rows: 3, dict.Columns: 3, dict.BitsAllocated: 1, dict.BitsStored: 1, dict.HighBit: 0} {
			ds.PutInts(tag, dicom.VRUS, v)
		}
		ds.PutString(dict.NumberOfFrames, dicom.VRIS, "2")
		ds.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROB, Data: []byte{0b10110101, 0b01100111, 0b11, 0}}) // 18 bits
	}
	soc := []byte{0xFF, 0x4F, 0xFF, 0x51}
	a, b, c := append(bytes.Clone(soc), 1, 1), append(bytes.Clone(soc), 2, 2), []byte{3, 3}
	table := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, 0), 8+6)
	wrong := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, 0), 8+5)
	for _, c := range []struct {
		name   string
		ts     encoding.TransferSyntax
		change func(*dicom.DataSet)
		frames string
		want   [][]byte
		status int
	}{
		{"one of many", encoding.ExplicitLE, many("3", three), "2", [][]byte{three[48:96]}, 200},
		{"a list", encoding.ExplicitLE, many("3", three), "3,1", [][]byte{three[96:], three[:48]}, 200},
		{"implicit", encoding.ImplicitLE, many("3", three), "2", [][]byte{three[48:96]}, 200},
		{"big endian", big, many("3", three), "2", [][]byte{three[48:96]}, 200},
		{"deflated", deflated, many("3", three), "2", [][]byte{three[48:96]}, 200},
		{"bits", encoding.ExplicitLE, bits, "1,2", [][]byte{{0b10110101, 1}, {0b10110011, 1}}, 200},
		{"too few bytes", encoding.ExplicitLE, many("4", three), "1", nil, 422},
		{"beyond the last", encoding.ExplicitLE, many("3", three), "4", nil, 404},
		{"zero", encoding.ExplicitLE, many("3", three), "0", nil, 400},
		{"no number", encoding.ExplicitLE, many("3", three), "1,x", nil, 400},
		{"no pixels", encoding.ExplicitLE, func(ds *dicom.DataSet) { ds.Delete(dict.PixelData) }, "1", nil, 404},
		{"one frame, two fragments", j2k, withFragments(nil, a, c), "1", [][]byte{append(bytes.Clone(a), c...)}, 200},
		{"a fragment a frame", j2k, both(many("2", nil), withFragments(nil, a, b)), "2", [][]byte{b}, 200},
		{"by the table", j2k, both(many("2", nil), withFragments(table, a, b, c)), "2", [][]byte{append(bytes.Clone(b), c...)}, 200},
		{"by markers", j2k, both(many("2", nil), withFragments(nil, a, c, b)), "1,2", [][]byte{append(bytes.Clone(a), c...), b}, 200},
		{"the table lies", j2k, both(many("2", nil), withFragments(wrong, a, b)), "1", nil, 422},
		{"fewer fragments", j2k, both(many("3", nil), withFragments(nil, a, b)), "1", nil, 422},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := start(t)
			f.put(newObject("1.1", "1.1.1", "1.1.1.1", c.ts, c.change))
			path := "/studies/1.1/series/1.1.1/instances/1.1.1.1/frames/" + c.frames
			r := f.get(path, "Accept", anyFrame)
			if r.status != c.status {
				t.Fatalf("%d %s", r.status, r.body)
			}
			if r.status != 200 {
				return
			}
			parts := r.parts(t, "application/octet-stream")
			want := "application/octet-stream; transfer-syntax=" + string(encoding.ExplicitLE.UID)
			if c.ts.Encapsulated {
				want = "application/octet-stream; transfer-syntax=" + string(c.ts.UID)
			}
			if len(parts) != len(c.want) {
				t.Fatalf("%d parts", len(parts))
			}
			for i, p := range parts {
				if p.typ() != want || !bytes.Equal(p.body, c.want[i]) {
					t.Errorf("%s: %v, not %v", p.typ(), p.body, c.want[i])
				}
			}
		})
	}
}

func TestFramesNegotiate(t *testing.T) {
	f := start(t)
	jls := syntax(t, dict.UIDMPEG2MPML) // which nothing decodes
	f.put(newObject("1.1", "1.1.1", "1.1.1.1", jls, withFragments(nil, []byte{1, 2})),
		newObject("1.2", "1.2.1", "1.2.1.1", syntax(t, dict.UIDJPEG2000Lossless), withFragments(nil, []byte{1, 2})))
	var zip bytes.Buffer
	z, _ := flate.NewWriter(&zip, flate.BestSpeed)
	z.Write(make([]byte, 4*6*2))
	z.Close()
	f.put(newObject("1.3", "1.3.1", "1.3.1.1", syntax(t, dict.UIDDeflatedImageFrameCompression), withFragments(nil, zip.Bytes())))
	const video, image = "/studies/1.1/series/1.1.1/instances/1.1.1.1/frames/1", "/studies/1.2/series/1.2.1/instances/1.2.1.1/frames/1"
	const deflated = "/studies/1.3/series/1.3.1/instances/1.3.1.1/frames/1"
	for _, c := range []struct {
		path, accept string
		status       int
		typ          string
	}{
		{image, "image/jp2", 200, "image/jp2; transfer-syntax=" + string(dict.UIDJPEG2000Lossless)},
		{image, "image/*", 200, "image/jp2; transfer-syntax=" + string(dict.UIDJPEG2000Lossless)},
		{image, `application/octet-stream; transfer-syntax="*"`, 200, "application/octet-stream; transfer-syntax=" + string(dict.UIDJPEG2000Lossless)},
		{image, "image/png", 406, ""},
		// What has no type of its own no viewer reads: it comes decoded unless it is asked for by its name.
		{deflated, `application/octet-stream; transfer-syntax="*"`, 200, "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"},
		{deflated, "application/octet-stream; transfer-syntax=" + string(dict.UIDDeflatedImageFrameCompression), 200, "application/octet-stream; transfer-syntax=" + string(dict.UIDDeflatedImageFrameCompression)},
		{video, "application/octet-stream", 406, ""},
		{video, "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1", 406, ""},
	} {
		r := f.get(c.path, "Accept", c.accept)
		if r.status != c.status || c.typ != "" && r.header.Get("Content-Type") != c.typ {
			t.Errorf("%s: %d %s", c.accept, r.status, r.header.Get("Content-Type"))
		}
	}
	if parts := f.get(image).parts(t, "image/jp2"); len(parts) != 1 {
		t.Error(len(parts))
	}
}

// TestBulkData follows the references of metadata, and none other.
func TestBulkData(t *testing.T) {
	long := bytes.Repeat([]byte{1, 2, 3, 4}, 8<<10)
	for _, ts := range []encoding.TransferSyntax{encoding.ExplicitLE, encoding.ImplicitLE, encoding.ExplicitBE, encoding.DeflatedLE} {
		f := start(t)
		f.put(newObject("1.1", "1.1.1", "1.1.1.1", ts, func(ds *dicom.DataSet) {
			ds.Put(dicom.Element{Tag: dict.EncapsulatedDocument, VR: dicom.VROB, Data: long})
			item := new(dicom.DataSet)
			item.Put(dicom.Element{Tag: dict.WaveformData, VR: dicom.VROW, Data: long})
			ds.PutItems(dict.WaveformSequence, item)
		}))
		const path = "/studies/1.1/series/1.1.1/instances/1.1.1.1"
		r := f.get(path + "/metadata")
		seen := 0
		for rest := string(r.body); ; {
			_, after, ok := strings.Cut(rest, `"BulkDataURI":"`)
			if !ok {
				break
			}
			uri, tail, _ := strings.Cut(after, `"`)
			rest = tail
			seen++
			local := uri[strings.Index(uri, "/studies/"):]
			if !strings.HasPrefix(local, path+"/bulkdata/") || !strings.HasPrefix(uri, "https://") {
				t.Fatal(uri)
			}
			got := f.get(local)
			want := long
			if len(got.body) == 48 {
				want = newObject("1.1", "1.1.1", "1.1.1.1", ts, nil).pixels
			}
			if got.status != 200 || got.header.Get("Content-Type") != "application/octet-stream" || !bytes.Equal(got.body, want) {
				t.Errorf("%s %s: %d, %d bytes", ts.UID, local, got.status, len(got.body))
			}
			part := f.get(local, "Accept", `multipart/related; type="application/octet-stream"`).parts(t, "application/octet-stream")
			if len(part) != 1 || !bytes.Equal(part[0].body, want) {
				t.Errorf("%s: in parts", local)
			}
			if !ts.Deflated && !ts.BigEndian {
				if r := f.get(local, "Range", "bytes=2-5"); r.status != 206 || !bytes.Equal(r.body, want[2:6]) {
					t.Errorf("range: %d", r.status)
				}
			}
		}
		if seen != 3 {
			t.Errorf("%s: %d references", ts.UID, seen)
		}
		for _, other := range []string{"/bulkdata/0/8", "/bulkdata/-1/8", "/bulkdata/0/99999999999", "/bulkdata/x/y", "/bulkdata/00/4"} {
			if r := f.get(path + other); r.status != 404 {
				t.Errorf("%s: %d", other, r.status)
			}
		}
	}
}

// TestMetadataOfAllLevels compares the number of instances at each level, and
// JSON with XML.
func TestMetadataOfAllLevels(t *testing.T) {
	f := searched(t)
	for path, want := range map[string]int{"/studies/1.1": 3, "/studies/1.1/series/1.1.1": 2, "/studies/1.1/series/1.1.1/instances/1.1.1.2": 1} {
		rows := f.get(path + "/metadata").rows(t)
		parts := f.get(path+"/metadata", "Accept", `multipart/related; type="application/dicom+xml"`).parts(t, "application/dicom+xml")
		if len(rows) != want || len(parts) != want {
			t.Fatalf("%s: %d, %d", path, len(rows), len(parts))
		}
		for i, p := range parts {
			ds, err := encoding.ParseXML(p.body, encoding.XMLOptions{})
			if err != nil || ds.String(dict.PatientName) != rows[i].text(dict.PatientName) || rows[i].text(dict.PatientName) != "Müller^Jürgen" ||
				string(ds.UID(dict.SOPInstanceUID)) != rows[i].text(dict.SOPInstanceUID) || len(rows[i]) != ds.Len() {
				t.Errorf("%s: %v", path, err)
			}
			if !bytes.Contains(p.body, []byte("/bulkdata/")) || rows[i].text(dict.Rows) != strconv.Itoa(4) {
				t.Errorf("%s", p.body)
			}
		}
	}
	if r := f.get("/studies/9.9/metadata"); r.status != http.StatusNotFound {
		t.Error(r.status)
	}
}
