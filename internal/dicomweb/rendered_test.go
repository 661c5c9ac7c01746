package dicomweb_test

import (
	"bytes"
	"encoding/binary"
	"image"
	_ "image/gif"
	"image/jpeg"
	_ "image/png"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/corpus"
)

// slice makes a picture of 64 by 48 pixels of a CT slice with a window, whose
// number tells it from others.
func slice(number int) func(*dicom.DataSet) {
	return func(ds *dicom.DataSet) {
		ds.PutInts(dict.Rows, dicom.VRUS, 48)
		ds.PutInts(dict.Columns, dicom.VRUS, 64)
		ds.PutString(dict.InstanceNumber, dicom.VRIS, strconv.Itoa(number))
		ds.PutString(dict.WindowCenter, dicom.VRDS, "1000")
		ds.PutString(dict.WindowWidth, dicom.VRDS, "2000")
		ds.PutString(dict.BurnedInAnnotation, dicom.VRCS, "NO")
		data := make([]byte, 0, 2*48*64)
		for y := range 48 {
			for x := range 64 {
				data = binary.LittleEndian.AppendUint16(data, uint16(x*20+y*10+number))
			}
		}
		ds.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROW, Data: data})
	}
}

// both makes one change after the other.
func bothOf(changes ...func(*dicom.DataSet)) func(*dicom.DataSet) {
	return func(ds *dicom.DataSet) {
		for _, c := range changes {
			c(ds)
		}
	}
}

// frames makes a multi-frame instance of n frames; frame n has all pixels 400*n.
func frames(n int) func(*dicom.DataSet) {
	return func(ds *dicom.DataSet) {
		slice(1)(ds)
		ds.PutString(dict.NumberOfFrames, dicom.VRIS, strconv.Itoa(n))
		var data []byte
		for i := range n {
			for range 48 * 64 {
				data = binary.LittleEndian.AppendUint16(data, uint16(400*(i+1)))
			}
		}
		ds.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROW, Data: data})
	}
}

const firstSlice = "/studies/1.1/series/1.1.1/instances/1.1.1.1"

// depicted is an archive with a series of five slices, a multi-frame instance and
// a report.
func depicted(t testing.TB) *fixture {
	f := start(t)
	for i := 1; i <= 5; i++ {
		f.put(newObject("1.1", "1.1.1", dicom.UID("1.1.1."+strconv.Itoa(i)), encoding.ExplicitLE, slice(i)))
	}
	f.put(newObject("1.1", "1.1.2", "1.1.2.1", encoding.ExplicitLE, frames(3)))
	f.put(newObject("1.1", "1.1.3", "1.1.3.1", encoding.ExplicitLE, func(ds *dicom.DataSet) {
		ds.PutUID(dict.SOPClassUID, dict.UIDBasicTextSRStorage)
		ds.PutString(dict.Modality, dicom.VRCS, "SR")
		ds.Delete(dict.PixelData)
	}))
	return f
}

func (r *reply) picture(t testing.TB) image.Image {
	t.Helper()
	if r.status != 200 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	return decodePicture(t, r.body)
}

func decodePicture(t testing.TB, b []byte) image.Image {
	t.Helper()
	p, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func gray(p image.Image, x, y int) int {
	r, _, _, _ := p.At(x, y).RGBA()
	return int(r >> 8)
}

// TestRenderedNegotiation has a line for each form that a picture comes in
// (PS3.18 table 8.7.4-1).
func TestRenderedNegotiation(t *testing.T) {
	f := depicted(t)
	const study, series, cine, report = "/studies/1.1", "/studies/1.1/series/1.1.1", "/studies/1.1/series/1.1.2/instances/1.1.2.1", "/studies/1.1/series/1.1.3/instances/1.1.3.1"
	const partsJPEG, partsPNG = `multipart/related; type="image/jpeg"`, `multipart/related; type="image/png"`
	for _, c := range []struct {
		path, accept string
		status       int
		typ          string
		parts        int
	}{
		{firstSlice + "/rendered", "*/*", 200, "image/jpeg", 0},
		{firstSlice + "/rendered", "image/jpeg", 200, "image/jpeg", 0},
		{firstSlice + "/rendered", "image/png", 200, "image/png", 0},
		{firstSlice + "/rendered", "image/gif", 200, "image/gif", 0},
		{firstSlice + "/rendered", "image/jpeg;q=0.5, image/png;q=0.6", 200, "image/png", 0},
		{firstSlice + "/rendered", "image/jpeg;q=0, image/*", 200, "image/png", 0},
		{firstSlice + "/rendered", "image/avif,image/webp,image/*,*/*;q=0.8", 200, "image/jpeg", 0},
		{firstSlice + "/rendered", partsPNG, 200, "image/png", 1},
		{firstSlice + "/rendered", "image/jp2", 406, "", 0},
		{firstSlice + "/rendered", "application/dicom", 406, "", 0},
		{firstSlice + "/rendered?accept=image/png", "image/jpeg", 200, "image/png", 0},
		{firstSlice + "/frames/1/rendered", "*/*", 200, "image/jpeg", 0},
		{firstSlice + "/frames/2/rendered", "*/*", 404, "", 0},
		{firstSlice + "/frames/0/rendered", "*/*", 400, "", 0},
		{cine + "/rendered", "image/png", 200, "image/png", 0},
		{cine + "/rendered", partsPNG, 200, "image/png", 3},
		{cine + "/frames/3,1/rendered", partsPNG, 200, "image/png", 2},
		{cine + "/frames/3,1/rendered", "*/*", 200, "image/jpeg", 2},
		{cine + "/frames/3,1/rendered", "image/png", 406, "", 0},
		{cine + "/frames/4/rendered", partsPNG, 404, "", 0},
		{series + "/rendered", "image/jpeg", 406, "", 0},
		{series + "/rendered", partsJPEG, 200, "image/jpeg", 5},
		{series + "/rendered", "*/*", 200, "image/jpeg", 5},
		{study + "/rendered", partsJPEG, 206, "image/jpeg", 8},
		{study + "/rendered", "image/png", 406, "", 0},
		{report + "/rendered", "image/jpeg", 406, "", 0},
		{report + "/thumbnail", "*/*", 406, "", 0},
		{"/studies/1.1/series/1.1.3/rendered", partsJPEG, 406, "", 0},
		{"/studies/9.9/rendered", "*/*", 404, "", 0},
		{firstSlice + "/thumbnail", "*/*", 200, "image/jpeg", 0},
		{firstSlice + "/thumbnail", "image/png", 200, "image/png", 0},
		{firstSlice + "/thumbnail", partsJPEG, 406, "", 0},
		{series + "/thumbnail", "image/*", 200, "image/jpeg", 0},
		{study + "/thumbnail", "image/*", 200, "image/jpeg", 0},
		{cine + "/frames/2/thumbnail", "image/*", 200, "image/jpeg", 0},
		{cine + "/frames/4/thumbnail", "image/*", 404, "", 0},
	} {
		r := f.get(c.path, "Accept", c.accept)
		if r.status != c.status {
			t.Errorf("%s %s: %d %s", c.path, c.accept, r.status, r.body)
			continue
		}
		switch {
		case c.parts > 0:
			parts := r.parts(t, c.typ)
			if len(parts) != c.parts {
				t.Errorf("%s %s: %d parts", c.path, c.accept, len(parts))
			}
			for _, p := range parts {
				decodePicture(t, p.body)
			}
		case c.status == 200:
			r.picture(t)
			if r.header.Get("Content-Type") != c.typ || r.header.Get("ETag") == "" {
				t.Errorf("%s %s: %v", c.path, c.accept, r.header)
			}
			if again := f.get(c.path, "Accept", c.accept, "If-None-Match", r.header.Get("ETag")); again.status != 304 || len(again.body) > 0 {
				t.Errorf("%s: %d", c.path, again.status)
			}
		}
	}
}

// TestRenderedParameters has a line for each rule of PS3.18 section 8.3.5.
func TestRenderedParameters(t *testing.T) {
	f := depicted(t)
	for _, c := range []struct {
		query         string
		status        int
		columns, rows int
		first         int // shade of the upper left pixel; -1 is any
	}{
		{"", 200, 64, 48, 0},
		{"window=1,2,linear", 200, 64, 48, 255},
		{"window=1,0.5,linear", 400, 0, 0, 0},
		{"window=1,0.5,linear-exact", 200, 64, 48, 128},
		{"window=1,100,sigmoid", 200, 64, 48, 128},
		{"window=1,100", 400, 0, 0, 0},
		{"window=1,100,LINEAR", 400, 0, 0, 0},
		{"window=1,-100,linear", 400, 0, 0, 0},
		{"window=NaN,100,linear", 400, 0, 0, 0},
		{"window=", 400, 0, 0, 0},
		{"window=1,2,linear&window=1,2,linear", 400, 0, 0, 0},
		{"viewport=32,32", 200, 32, 24, -1},
		{"viewport=128,960", 200, 128, 96, 0},
		{"viewport=32", 400, 0, 0, 0},
		{"viewport=0,10", 400, 0, 0, 0},
		{"viewport=-1,10", 400, 0, 0, 0},
		{"viewport=1e2,10", 400, 0, 0, 0},
		{"viewport=100000,10", 400, 0, 0, 0},
		{"viewport=32,32,32,24,32,24", 200, 32, 24, 112},
		{"viewport=32,32,32,24", 200, 32, 24, 112},
		{"viewport=32,32,,,32,24", 200, 32, 24, 0},
		{"viewport=32,32,,,-32,24", 200, 32, 24, 79},
		{"viewport=32,32,,,32,-24", 200, 32, 24, 29},
		{"viewport=32,32,64,0", 400, 0, 0, 0},
		{"viewport=32,32,a,0", 400, 0, 0, 0},
		{"viewport=32,32,0,0,0,0", 400, 0, 0, 0},
		{"viewport=1,2,3,4,5,6,7", 400, 0, 0, 0},
		{"quality=0", 400, 0, 0, 0},
		{"quality=101", 400, 0, 0, 0},
		{"quality=x", 400, 0, 0, 0},
		{"quality=", 400, 0, 0, 0},
		{"quality=1", 200, 64, 48, 0},
		{"annotation=patient,technique", 200, 64, 48, -1},
		{"annotation=", 400, 0, 0, 0},
		{"annotation=nobody", 400, 0, 0, 0},
		{"iccprofile=no", 200, 64, 48, 0},
		{"iccprofile=srgb", 200, 64, 48, 0},
		{"iccprofile=cmyk", 400, 0, 0, 0},
		{"unknown=1", 200, 64, 48, 0},
	} {
		r := f.get(firstSlice+"/rendered?"+c.query, "Accept", "image/png")
		if r.status != c.status {
			t.Errorf("%s: %d %s", c.query, r.status, r.body)
			continue
		}
		if r.status != 200 {
			continue
		}
		p := r.picture(t)
		if b := p.Bounds(); b.Dx() != c.columns || b.Dy() != c.rows {
			t.Errorf("%s: %v", c.query, b)
		}
		if got := gray(p, 0, 0); c.first >= 0 && (got < c.first-1 || got > c.first+1) {
			t.Errorf("%s: the first pixel is %d, not %d", c.query, got, c.first)
		}
	}
	if r := f.get(firstSlice + "/rendered?iccprofile=srgb"); !hasWarning(r, "iccprofile") {
		t.Error("no warning:", r.header)
	}
	low, high := f.get(firstSlice+"/rendered?quality=5"), f.get(firstSlice+"/rendered?quality=100")
	if len(low.body) >= len(high.body) {
		t.Errorf("quality 5 has %d bytes, quality 100 %d", len(low.body), len(high.body))
	}
	if _, err := jpeg.Decode(bytes.NewReader(low.body)); err != nil {
		t.Error(err)
	}
}

// TestRepresentative: the middle of the largest series stands for a study, the
// middle of a series for it, the first frame for an instance.
func TestRepresentative(t *testing.T) {
	f := depicted(t)
	middle := f.get("/studies/1.1/series/1.1.1/instances/1.1.1.3/thumbnail", "Accept", "image/png")
	for _, path := range []string{"/studies/1.1/thumbnail", "/studies/1.1/series/1.1.1/thumbnail"} {
		f.trail.events = nil
		if r := f.get(path, "Accept", "image/png"); !bytes.Equal(r.body, middle.body) {
			t.Errorf("%s is not the middle one", path)
		}
		if n := len(f.trail.events); n != 1 || f.trail.events[0].Code != audit.InstancesAccessed || f.trail.events[0].Count != 1 || f.trail.events[0].Instances[0] != "1.1.1.3" {
			t.Errorf("%s: the trail has %v", path, f.trail.events)
		}
	}
	cine := "/studies/1.1/series/1.1.2/instances/1.1.2.1"
	if a, b := f.get(cine+"/rendered", "Accept", "image/png"), f.get(cine+"/frames/1/rendered", "Accept", "image/png"); !bytes.Equal(a.body, b.body) {
		t.Error("not the first frame")
	}
	if a, b := f.get(cine+"/frames/1/rendered", "Accept", "image/png"), f.get(cine+"/frames/3/rendered", "Accept", "image/png"); gray(a.picture(t), 0, 0) >= gray(b.picture(t), 0, 0) {
		t.Error("the frames are alike")
	}
	if r := f.get(cine+"/rendered", "Accept", "image/gif"); bytes.Count(r.body, []byte{0x21, 0xF9, 4}) != 3 {
		t.Errorf("not three frames: %d", bytes.Count(r.body, []byte{0x21, 0xF9, 4}))
	}
}

// withOverlay draws an overlay over all of the picture.
func withOverlay(ds *dicom.DataSet) {
	slice(1)(ds)
	ds.PutInts(dict.OverlayRows, dicom.VRUS, 48)
	ds.PutInts(dict.OverlayColumns, dicom.VRUS, 64)
	ds.PutInts(dict.OverlayOrigin, dicom.VRSS, 1, 1)
	ds.PutString(dict.OverlayType, dicom.VRCS, "G")
	ds.Put(dicom.Element{Tag: dict.OverlayData, VR: dicom.VROB, Data: bytes.Repeat([]byte{0xFF}, 48*64/8)})
}

// TestThumbnailsIdentifyNobody: no overlay, no annotation, and nothing that is
// burned in can be read (PS3.18 section 10.4.1.1.4).
func TestThumbnailsIdentifyNobody(t *testing.T) {
	f := start(t)
	burned := func(v string) func(*dicom.DataSet) {
		return func(ds *dicom.DataSet) { ds.PutString(dict.BurnedInAnnotation, dicom.VRCS, v) }
	}
	silent := func(ds *dicom.DataSet) { ds.Delete(dict.BurnedInAnnotation) }
	us := func(ds *dicom.DataSet) { ds.PutString(dict.Modality, dicom.VRCS, "US") }
	f.put(newObject("1.1", "1.1.1", "1.1.1.1", encoding.ExplicitLE, withOverlay),
		newObject("1.2", "1.2.1", "1.2.1.1", encoding.ExplicitLE, bothOf(slice(1), burned("YES"))),
		newObject("1.3", "1.3.1", "1.3.1.1", encoding.ExplicitLE, bothOf(slice(1), silent, us)),
		newObject("1.4", "1.4.1", "1.4.1.1", encoding.ExplicitLE, bothOf(slice(1), silent)),
		newObject("1.5", "1.5.1", "1.5.1.1", encoding.ExplicitLE, bothOf(slice(1), us)))
	if v := gray(f.get(firstSlice+"/rendered", "Accept", "image/png").picture(t), 0, 0); v != 255 {
		t.Errorf("the overlay is not shown: %d", v)
	}
	if v := gray(f.get("/studies/1.1/thumbnail?annotation=patient", "Accept", "image/png").picture(t), 0, 0); v != 0 {
		t.Errorf("a thumbnail has an overlay or an annotation: %d", v)
	}
	for study, columns := range map[string]int{"1.1": 64, "1.2": 32, "1.3": 32, "1.4": 64, "1.5": 64} {
		for range 2 { // made, and from memory
			if b := f.get("/studies/"+study+"/thumbnail", "Accept", "image/png").picture(t).Bounds(); b.Dx() != columns {
				t.Errorf("%s: %v", study, b)
			}
		}
	}
	if b := f.get("/studies/1.1/thumbnail?viewport=16,16", "Accept", "image/png").picture(t).Bounds(); b.Dx() != 16 || b.Dy() != 12 {
		t.Errorf("%v", b)
	}
	for _, q := range []string{"viewport=16,16,0,0", "viewport=4000,4000", "viewport=x", "viewport=1,1&viewport=2,2"} {
		if r := f.get("/studies/1.1/thumbnail?" + q); r.status != 400 {
			t.Errorf("%s: %d", q, r.status)
		}
	}
}

// TestThumbnailsAreAskedFor: what is in memory is not there for who may not see it.
func TestThumbnailsAreAskedFor(t *testing.T) {
	f := depicted(t)
	if r := f.get("/studies/1.1/series/1.1.1/thumbnail"); r.status != 200 {
		t.Fatal(r.status)
	}
	seen := f.trail.count(audit.InstancesAccessed, audit.Success)
	if r := f.get("/studies/1.1/series/1.1.1/thumbnail"); r.status != 200 || f.trail.count(audit.InstancesAccessed, audit.Success) != seen+1 {
		t.Error("the second access is not in the trail")
	}
	f.principal.Scope.Modalities = []string{"MR"}
	if r := f.get("/studies/1.1/series/1.1.1/thumbnail"); r.status != 404 {
		t.Errorf("out of scope: %d", r.status)
	}
	f.principal.Rights = nil
	if r := f.get("/studies/1.1/series/1.1.1/thumbnail"); r.status != 403 {
		t.Errorf("without the right: %d", r.status)
	}
}

// TestAnnotationIsBurnedIn sees letters where there were none.
func TestAnnotationIsBurnedIn(t *testing.T) {
	f := start(t)
	f.put(newObject("1.1", "1.1.1", "1.1.1.1", encoding.ExplicitLE, func(ds *dicom.DataSet) {
		slice(1)(ds)
		ds.PutInts(dict.Rows, dicom.VRUS, 200)
		ds.PutInts(dict.Columns, dicom.VRUS, 200)
		ds.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROW, Data: make([]byte, 2*200*200)})
	}))
	white := func(query string, y0, y1 int) (n int) {
		p := f.get(firstSlice+"/rendered"+query, "Accept", "image/png").picture(t)
		for y := y0; y < y1; y++ {
			for x := range 200 {
				if gray(p, x, y) > 128 {
					n++
				}
			}
		}
		return n
	}
	for _, c := range []struct {
		query       string
		top, bottom bool
	}{{"", false, false}, {"?annotation=patient", true, false}, {"?annotation=technique", false, true}, {"?annotation=technique,patient", true, true}} {
		if got := white(c.query, 0, 60) > 50; got != c.top {
			t.Errorf("%q: above: %v", c.query, got)
		}
		if got := white(c.query, 140, 200) > 50; got != c.bottom {
			t.Errorf("%q: below: %v", c.query, got)
		}
	}
}

// TestPresentationStateResource shows an image as a state of its study says.
func TestPresentationStateResource(t *testing.T) {
	f := depicted(t)
	refer := func(instances ...dicom.UID) func(*dicom.DataSet) {
		return func(ds *dicom.DataSet) {
			ds.PutUID(dict.SOPClassUID, dict.UIDGrayscaleSoftcopyPresentationStateStorage)
			ds.PutString(dict.Modality, dicom.VRCS, "PR")
			ds.Delete(dict.PixelData)
			var images []*dicom.DataSet
			for _, uid := range instances {
				im := new(dicom.DataSet)
				im.PutUID(dict.ReferencedSOPClassUID, dict.UIDCTImageStorage)
				im.PutUID(dict.ReferencedSOPInstanceUID, uid)
				images = append(images, im)
			}
			series := new(dicom.DataSet)
			series.PutUID(dict.SeriesInstanceUID, "1.1.1")
			series.PutItems(dict.ReferencedImageSequence, images...)
			ds.PutItems(dict.ReferencedSeriesSequence, series)
			voi := new(dicom.DataSet)
			voi.PutString(dict.WindowCenter, dicom.VRDS, "0")
			voi.PutString(dict.WindowWidth, dicom.VRDS, "2000")
			ds.PutItems(dict.SoftcopyVOILUTSequence, voi)
			ds.PutString(dict.PresentationLUTShape, dicom.VRCS, "IDENTITY")
			ds.PutInts(dict.ImageRotation, dicom.VRUS, 90)
			ds.PutString(dict.ImageHorizontalFlip, dicom.VRCS, "N")
		}
	}
	f.put(newObject("1.1", "1.1.9", "1.1.9.1", encoding.ExplicitLE, refer("1.1.1.1", "1.1.1.2")),
		newObject("1.1", "1.1.9", "1.1.9.2", encoding.ExplicitLE, refer("9.9")))
	const state = "/studies/1.1/series/1.1.9/instances/1.1.9.1/rendered"
	p := f.get(state, "Accept", "image/png").picture(t)
	if b := p.Bounds(); b.Dx() != 48 || b.Dy() != 64 {
		t.Errorf("not turned: %v", b)
	}
	if v := gray(p, 47, 0); v < 126 || v > 129 {
		t.Errorf("another window: %d", v)
	}
	if parts := f.get(state, "Accept", `multipart/related; type="image/png"`).parts(t, "image/png"); len(parts) != 2 {
		t.Errorf("%d parts", len(parts))
	}
	if b := f.get(state+"?viewport=24,64", "Accept", "image/png").picture(t).Bounds(); b.Dx() != 24 || b.Dy() != 32 {
		t.Errorf("%v", b)
	}
	for _, q := range []string{"?window=1,2,linear", "?viewport=1,2,3,4,5,6"} {
		if r := f.get(state + q); r.status != 400 {
			t.Errorf("%s: %d", q, r.status)
		}
	}
	if r := f.get("/studies/1.1/series/1.1.9/instances/1.1.9.2/rendered"); r.status != 404 {
		t.Errorf("%d", r.status)
	}
}

// TestCorpusRendered makes pictures of all of the corpus: each is a picture or
// fails with a status that says so.
func TestCorpusRendered(t *testing.T) {
	dir := corpus.Dir(t)
	f := start(t)
	seen, shown := map[string]bool{}, 0
	for _, row := range corpus.Rows(t, "conformance/", "hostile/files/") {
		uid := row["sop_instance_uid"]
		if seen[uid] {
			continue
		}
		seen[uid] = true
		b, err := os.ReadFile(filepath.Join(dir, row.Path()))
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > 2<<20 {
			continue // one of each kind is smaller
		}
		r, _ := f.store("/studies", b)
		if r.status != 200 {
			continue
		}
		answer, err := encoding.ParseJSON(r.body, encoding.JSONOptions{})
		if err != nil {
			t.Fatal(err)
		}
		url := answer.Items(dict.ReferencedSOPSequence)[0].String(dict.RetrieveURL)
		path := url[strings.Index(url, "/studies/"):]
		for _, what := range []string{"/rendered?viewport=200,200", "/thumbnail"} {
			got := f.get(path+what, "Accept", "image/png")
			switch {
			case got.status == 200:
				if d := got.picture(t).Bounds(); d.Dx() > 200 || d.Dy() > 200 || d.Empty() {
					t.Errorf("%s%s: %v", row.Path(), what, d)
				}
				shown++
			case got.status != 406 && got.status != 422:
				t.Errorf("%s%s: %d %s", row.Path(), what, got.status, got.body)
			case row.Expected() == "accept" && row["pixel_status"] == "exact" && !strings.Contains(row.Path(), "jpegxl"):
				t.Errorf("%s%s: %d %s", row.Path(), what, got.status, got.body)
			}
		}
	}
	t.Logf("%d pictures", shown)
	if shown < 200 {
		t.Errorf("only %d pictures", shown)
	}
}
