package pixel_test

import (
	"bufio"
	"bytes"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/pixel"
	"github.com/tresor-pacs/tresor/internal/corpus"
)

// rampImage is a picture of 40 by 30 pixels in which no two corners are alike.
func rampImage() *dicom.DataSet {
	ds := new(dicom.DataSet)
	ds.PutUID(dict.SOPClassUID, dict.UIDCTImageStorage)
	ds.PutUID(dict.SOPInstanceUID, "1.2.3.4.1")
	ds.PutString(dict.PatientName, dicom.VRPN, "Test^Ramp")
	ds.PutUID(dict.StudyInstanceUID, "1.2.3.4.2")
	ds.PutUID(dict.SeriesInstanceUID, "1.2.3.4.3")
	for t, v := range map[dicom.Tag]int64{dict.SamplesPerPixel: 1, dict.Rows: 30, dict.Columns: 40, dict.BitsAllocated: 16, dict.BitsStored: 12, dict.HighBit: 11, dict.PixelRepresentation: 0} {
		ds.PutInts(t, dicom.VRUS, v)
	}
	ds.PutString(dict.PhotometricInterpretation, dicom.VRCS, "MONOCHROME2")
	ds.PutString(dict.RescaleSlope, dicom.VRDS, "2")
	ds.PutString(dict.RescaleIntercept, dicom.VRDS, "-500")
	data := make([]byte, 0, 2*40*30)
	for y := range 30 {
		for x := range 40 {
			v := x*60 + y*50
			data = append(data, byte(v), byte(v>>8))
		}
	}
	ds.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROW, Data: data})
	return ds
}

// stateOf is a presentation state for an image that shows all of it.
func stateOf(im *dicom.DataSet, change func(ps, area, voi *dicom.DataSet)) *dicom.DataSet {
	ps := new(dicom.DataSet)
	ps.PutUID(dict.SOPClassUID, dict.UIDGrayscaleSoftcopyPresentationStateStorage)
	ps.PutUID(dict.SOPInstanceUID, "1.2.3.4.9")
	ps.PutUID(dict.StudyInstanceUID, im.UID(dict.StudyInstanceUID))
	ps.PutUID(dict.SeriesInstanceUID, "1.2.3.4.8")
	ref := new(dicom.DataSet)
	ref.PutUID(dict.ReferencedSOPClassUID, im.UID(dict.SOPClassUID))
	ref.PutUID(dict.ReferencedSOPInstanceUID, im.UID(dict.SOPInstanceUID))
	series := new(dicom.DataSet)
	series.PutUID(dict.SeriesInstanceUID, im.UID(dict.SeriesInstanceUID))
	series.PutItems(dict.ReferencedImageSequence, ref)
	ps.PutItems(dict.ReferencedSeriesSequence, series)
	for t, v := range map[dicom.Tag]string{dict.RescaleSlope: "1", dict.RescaleIntercept: "0"} {
		ps.PutString(t, dicom.VRDS, v)
	}
	ps.PutString(dict.RescaleType, dicom.VRLO, "US")
	area, voi := new(dicom.DataSet), new(dicom.DataSet)
	area.PutInts(dict.DisplayedAreaTopLeftHandCorner, dicom.VRSL, 1, 1)
	area.PutInts(dict.DisplayedAreaBottomRightHandCorner, dicom.VRSL, 40, 30)
	area.PutString(dict.PresentationSizeMode, dicom.VRCS, "SCALE TO FIT")
	area.PutString(dict.PresentationPixelAspectRatio, dicom.VRIS, "1", "1")
	voi.PutString(dict.WindowCenter, dicom.VRDS, "1500")
	voi.PutString(dict.WindowWidth, dicom.VRDS, "2000")
	ps.PutString(dict.PresentationLUTShape, dicom.VRCS, "IDENTITY")
	ps.PutString(dict.Modality, dicom.VRCS, "PR")
	ps.PutString(dict.Manufacturer, dicom.VRLO, "Test")
	ps.PutString(dict.PatientName, dicom.VRPN, "Test^Ramp")
	ps.PutString(dict.PatientID, dicom.VRLO, "1")
	ps.PutString(dict.PatientBirthDate, dicom.VRDA)
	ps.PutString(dict.PatientSex, dicom.VRCS)
	ps.PutString(dict.StudyDate, dicom.VRDA)
	ps.PutString(dict.StudyTime, dicom.VRTM)
	ps.PutString(dict.ReferringPhysicianName, dicom.VRPN)
	ps.PutString(dict.StudyID, dicom.VRSH)
	ps.PutString(dict.AccessionNumber, dicom.VRSH)
	ps.PutString(dict.SeriesNumber, dicom.VRIS, "1")
	ps.PutString(dict.InstanceNumber, dicom.VRIS, "1")
	ps.PutString(dict.ContentDescription, dicom.VRLO)
	ps.PutString(dict.ContentCreatorName, dicom.VRPN)
	ps.PutString(dict.ContentLabel, dicom.VRCS, "TEST")
	ps.PutString(dict.PresentationCreationDate, dicom.VRDA, "20260101")
	ps.PutString(dict.PresentationCreationTime, dicom.VRTM, "101112")
	if change != nil {
		change(ps, area, voi)
	}
	ps.PutItems(dict.DisplayedAreaSelectionSequence, area)
	if voi.Len() > 0 {
		ps.PutItems(dict.SoftcopyVOILUTSequence, voi)
	}
	return ps
}

// states are the presentation states of the tests.
var states = []struct {
	name   string
	change func(ps, area, voi *dicom.DataSet)
}{
	{"window", nil},
	{"inverse", func(ps, _, _ *dicom.DataSet) { ps.PutString(dict.PresentationLUTShape, dicom.VRCS, "INVERSE") }},
	{"turned", func(ps, _, _ *dicom.DataSet) {
		ps.PutInts(dict.ImageRotation, dicom.VRUS, 90)
		ps.PutString(dict.ImageHorizontalFlip, dicom.VRCS, "N")
	}},
	{"turned and flipped", func(ps, _, _ *dicom.DataSet) {
		ps.PutInts(dict.ImageRotation, dicom.VRUS, 270)
		ps.PutString(dict.ImageHorizontalFlip, dicom.VRCS, "Y")
	}},
}

// TestPresentationLikeDCMTK compares pictures under presentation states with
// those of DCMTK's dcmp2pgm.
func TestPresentationLikeDCMTK(t *testing.T) {
	tool, err := exec.LookPath("dcmp2pgm")
	if err != nil {
		t.Skip("skipped: dcmp2pgm is not installed")
	}
	im := rampImage()
	dir := t.TempDir()
	write := func(name string, ds *dicom.DataSet) string {
		var b bytes.Buffer
		if err := encoding.WriteFile(&b, encoding.NewMeta(ds.UID(dict.SOPClassUID), ds.UID(dict.SOPInstanceUID), encoding.ExplicitLE.UID), ds); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	imagePath := write("image.dcm", im)
	for _, c := range states {
		t.Run(c.name, func(t *testing.T) {
			ps := stateOf(im, c.change)
			out := filepath.Join(t.TempDir(), "out.pgm")
			if b, err := exec.Command(tool, "-p", write("ps.dcm", ps), imagePath, out).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, b)
			}
			want := readPGM(t, out)
			got := renderGray(t, im, pixel.RenderOptions{Presentation: ps, FitColumns: want.Bounds().Dx(), FitRows: want.Bounds().Dy(), Enlarge: true})
			if got.Bounds() != want.Bounds() {
				t.Fatalf("%v, not %v", got.Bounds(), want.Bounds())
			}
			worst, sum := 0, 0
			for i := range got.Pix {
				d := max(got.Pix[i], want.Pix[i]) - min(got.Pix[i], want.Pix[i])
				worst, sum = max(worst, int(d)), sum+int(d)
			}
			if mean := float64(sum) / float64(len(got.Pix)); mean > 2 {
				t.Errorf("pixels differ by %.2f on average, by %d at most", mean, worst)
			}
		})
	}
}

func renderGray(t *testing.T, ds *dicom.DataSet, o pixel.RenderOptions) *image.Gray {
	t.Helper()
	im, err := pixel.Open(ds, encoding.ExplicitLE.UID, pixel.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	picture, err := im.Render(ds, 0, o)
	if err != nil {
		t.Fatal(err)
	}
	return picture.(*image.Gray)
}

func readPGM(t *testing.T, path string) *image.Gray {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := bufio.NewReader(f)
	var numbers []int
	kind, _ := r.ReadString('\n')
	for len(numbers) < 3 {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, f := range strings.Fields(line) {
			var n int
			fmt.Sscan(f, &n)
			numbers = append(numbers, n)
		}
	}
	g := image.NewGray(image.Rect(0, 0, numbers[0], numbers[1]))
	for i := range g.Pix {
		if strings.HasPrefix(kind, "P2") {
			var v int
			if _, err := fmt.Fscan(r, &v); err != nil {
				t.Fatal(err)
			}
			g.Pix[i] = byte(v * 255 / numbers[2])
			continue
		}
		b, err := r.ReadByte()
		if err != nil {
			t.Fatal(err)
		}
		g.Pix[i] = b
	}
	return g
}

// TestPresentationLUTsLikeDCMTK shows a state of the corpus that replaces the
// modality, VOI and presentation tables, as DCMTK does to the last bit.
func TestPresentationLUTsLikeDCMTK(t *testing.T) {
	tool, err := exec.LookPath("dcmp2pgm")
	if err != nil {
		t.Skip("skipped: dcmp2pgm is not installed")
	}
	dir := filepath.Join(corpus.Dir(t), "conformance", "mod-pr")
	out := filepath.Join(t.TempDir(), "out.pgm")
	if b, err := exec.Command(tool, "-p", filepath.Join(dir, "prLUTs.dcm"), filepath.Join(dir, "imageForPrLUTs.dcm"), out).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	read := func(name string) *dicom.DataSet {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		_, ds, err := encoding.ParseFile(b, encoding.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return ds
	}
	got := renderGray(t, read("imageForPrLUTs.dcm"), pixel.RenderOptions{Presentation: read("prLUTs.dcm")})
	if !bytes.Equal(got.Pix, readPGM(t, out).Pix) {
		t.Error("other pixels")
	}
}

// TestPresentationGeometry looks at single pixels of what a state and the
// options of a request do to a picture.
func TestPresentationGeometry(t *testing.T) {
	im := rampImage()
	plain := renderGray(t, im, pixel.RenderOptions{Presentation: stateOf(im, nil)})
	square := func(x0, y0, x1, y1 int64) func(_, area, _ *dicom.DataSet) {
		return func(_, area, _ *dicom.DataSet) {
			area.PutInts(dict.DisplayedAreaTopLeftHandCorner, dicom.VRSL, x0, y0)
			area.PutInts(dict.DisplayedAreaBottomRightHandCorner, dicom.VRSL, x1, y1)
		}
	}
	for _, c := range []struct {
		name          string
		change        func(ps, area, voi *dicom.DataSet)
		o             pixel.RenderOptions
		columns, rows int
		at            map[image.Point]image.Point // pixel of the result: pixel of the whole picture
	}{
		{"area", square(11, 6, 30, 25), pixel.RenderOptions{}, 20, 20, map[image.Point]image.Point{{}: {10, 5}, {19, 19}: {29, 24}}},
		{"area of the turned picture", func(ps, area, voi *dicom.DataSet) {
			square(30, 25, 11, 6)(ps, area, voi)
			ps.PutInts(dict.ImageRotation, dicom.VRUS, 180)
		}, pixel.RenderOptions{}, 20, 20, map[image.Point]image.Point{{}: {29, 24}, {19, 19}: {10, 5}}},
		{"area that reaches beyond", square(-9, -4, 40, 30), pixel.RenderOptions{}, 50, 35, map[image.Point]image.Point{{10, 5}: {}, {49, 34}: {39, 29}, {3, 3}: {-1, -1}}},
		{"magnified and cut", func(_, area, _ *dicom.DataSet) {
			area.PutString(dict.PresentationSizeMode, dicom.VRCS, "MAGNIFY")
			area.PutFloats(dict.PresentationPixelMagnificationRatio, dicom.VRFL, 2)
		}, pixel.RenderOptions{FitColumns: 40, FitRows: 100}, 40, 60, map[image.Point]image.Point{{}: {10, 0}}},
		{"region", nil, pixel.RenderOptions{Region: &pixel.Region{Left: 0.25, Top: 0.5, Right: 1, Bottom: 1}}, 30, 15, map[image.Point]image.Point{{}: {10, 15}, {29, 14}: {39, 29}}},
		{"region mirrored", nil, pixel.RenderOptions{Region: &pixel.Region{Right: 0.5, Bottom: 0.5}, FlipColumns: true, FlipRows: true}, 20, 15, map[image.Point]image.Point{{}: {19, 14}, {19, 14}: {}}},
		{"empty region", nil, pixel.RenderOptions{Region: &pixel.Region{Left: 1, Right: 1, Top: 1, Bottom: 1}}, 1, 1, map[image.Point]image.Point{{}: {39, 29}}},
		{"enlarged", nil, pixel.RenderOptions{FitColumns: 100, FitRows: 60, Enlarge: true}, 80, 60, map[image.Point]image.Point{{}: {}, {79, 59}: {39, 29}}},
		{"not enlarged", nil, pixel.RenderOptions{FitColumns: 100, FitRows: 60}, 40, 30, map[image.Point]image.Point{{5, 5}: {5, 5}}},
		{"for another image", func(_, area, _ *dicom.DataSet) {
			ref := new(dicom.DataSet)
			ref.PutUID(dict.ReferencedSOPInstanceUID, "9.9")
			area.PutItems(dict.ReferencedImageSequence, ref)
			area.PutInts(dict.DisplayedAreaBottomRightHandCorner, dicom.VRSL, 2, 2)
		}, pixel.RenderOptions{}, 40, 30, map[image.Point]image.Point{{5, 5}: {5, 5}}},
	} {
		c.o.Presentation = stateOf(im, c.change)
		got := renderGray(t, im, c.o)
		if got.Bounds().Dx() != c.columns || got.Bounds().Dy() != c.rows {
			t.Errorf("%s: %v", c.name, got.Bounds())
			continue
		}
		for at, from := range c.at {
			if want := plain.GrayAt(from.X, from.Y); got.GrayAt(at.X, at.Y) != want {
				t.Errorf("%s: %v is %v, not %v", c.name, at, got.GrayAt(at.X, at.Y), want)
			}
		}
	}
}

// TestShutters covers what lies outside of each shape (PS3.3 section C.7.6.11).
func TestShutters(t *testing.T) {
	for _, c := range []struct {
		shape           string
		tags            map[dicom.Tag][]string
		visible, hidden []image.Point
	}{
		{"RECTANGULAR", map[dicom.Tag][]string{dict.ShutterLeftVerticalEdge: {"5"}, dict.ShutterRightVerticalEdge: {"33"}, dict.ShutterUpperHorizontalEdge: {"4"}, dict.ShutterLowerHorizontalEdge: {"22"}},
			[]image.Point{{4, 3}, {32, 21}}, []image.Point{{3, 3}, {33, 21}, {4, 2}, {32, 22}}},
		{"CIRCULAR", map[dicom.Tag][]string{dict.CenterOfCircularShutter: {"15", "20"}, dict.RadiusOfCircularShutter: {"10"}},
			[]image.Point{{19, 14}, {9, 14}, {29, 14}}, []image.Point{{8, 14}, {0, 0}, {27, 22}}},
		{"POLYGONAL", map[dicom.Tag][]string{dict.VerticesOfThePolygonalShutter: {"1", "1", "30", "1", "30", "40"}},
			[]image.Point{{1, 20}, {10, 27}}, []image.Point{{30, 2}, {39, 0}}},
	} {
		im := rampImage()
		im.PutString(dict.ShutterShape, dicom.VRCS, c.shape)
		im.PutInts(dict.ShutterPresentationValue, dicom.VRUS, 0x8000)
		for tag, v := range c.tags {
			im.PutString(tag, dicom.VRIS, v...)
		}
		got := renderGray(t, im, pixel.RenderOptions{})
		whole := renderGray(t, rampImage(), pixel.RenderOptions{})
		for _, p := range c.visible {
			if got.GrayAt(p.X, p.Y) != whole.GrayAt(p.X, p.Y) {
				t.Errorf("%s: %v is hidden", c.shape, p)
			}
		}
		for _, p := range c.hidden {
			if got.GrayAt(p.X, p.Y).Y != 0x80 {
				t.Errorf("%s: %v is visible", c.shape, p)
			}
		}
	}
}

// FuzzPresentation renders a picture under whatever is taken for a presentation
// state: a picture within the limits, or an error.
func FuzzPresentation(f *testing.F) {
	im := rampImage()
	shutters := func(ps, area, _ *dicom.DataSet) {
		ps.PutString(dict.ShutterShape, dicom.VRCS, "CIRCULAR", "POLYGONAL", "RECTANGULAR", "BITMAP")
		ps.PutString(dict.CenterOfCircularShutter, dicom.VRIS, "15", "20")
		ps.PutString(dict.RadiusOfCircularShutter, dicom.VRIS, "10")
		ps.PutString(dict.VerticesOfThePolygonalShutter, dicom.VRIS, "1", "1", "30", "1", "30", "40")
		ps.PutInts(dict.ShutterOverlayGroup, dicom.VRUS, 0x6002)
		ps.PutInts(dict.OverlayRows+2<<16, dicom.VRUS, 30)
		area.PutString(dict.PresentationSizeMode, dicom.VRCS, "MAGNIFY")
		area.PutFloats(dict.PresentationPixelMagnificationRatio, dicom.VRFL, 2)
	}
	for _, change := range []func(ps, area, voi *dicom.DataSet){nil, shutters, states[3].change} {
		b, err := encoding.Append(nil, encoding.ExplicitLE, stateOf(im, change))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, 0.0, 1.0)
	}
	source, err := pixel.Open(im, encoding.ExplicitLE.UID, pixel.Limits{FrameBytes: 1 << 20})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte, left, right float64) {
		ps := new(dicom.DataSet)
		if err := encoding.NewDecoder(bytes.NewReader(b), encoding.ExplicitLE, encoding.Options{}).ReadAll(ps); err != nil {
			return
		}
		picture, err := source.Render(im, 0, pixel.RenderOptions{Presentation: ps, Region: &pixel.Region{Left: left, Right: right, Bottom: 1}})
		if err == nil && 4*picture.Bounds().Dx()*picture.Bounds().Dy() > 1<<20 {
			t.Errorf("%v", picture.Bounds())
		}
	})
}

// TestPresentationOverlays shows an overlay of the image where the state
// activates it, and a bitmap shutter.
func TestPresentationOverlays(t *testing.T) {
	im := rampImage()
	overlay := func(ds *dicom.DataSet, group dicom.Tag) {
		ds.PutInts(dict.OverlayRows+group, dicom.VRUS, 30)
		ds.PutInts(dict.OverlayColumns+group, dicom.VRUS, 40)
		ds.PutInts(dict.OverlayOrigin+group, dicom.VRSS, 1, 1)
		ds.PutString(dict.OverlayType+group, dicom.VRCS, "G")
		data := make([]byte, 150)
		data[0] = 1
		ds.Put(dicom.Element{Tag: dict.OverlayData + group, VR: dicom.VROB, Data: data})
	}
	overlay(im, 0)
	first := func(change func(ps, area, voi *dicom.DataSet)) byte {
		return renderGray(t, im, pixel.RenderOptions{Presentation: stateOf(im, change)}).Pix[0]
	}
	if v := first(nil); v != 0 {
		t.Errorf("an overlay that is not activated is shown: %d", v)
	}
	if v := first(func(ps, _, _ *dicom.DataSet) { ps.PutString(dict.OverlayActivationLayer, dicom.VRCS, "L") }); v != 255 {
		t.Errorf("the activated overlay is not shown: %d", v)
	}
	if v := first(func(ps, _, _ *dicom.DataSet) {
		overlay(ps, 2<<16)
		ps.PutString(dict.ShutterShape, dicom.VRCS, "BITMAP")
		ps.PutInts(dict.ShutterOverlayGroup, dicom.VRUS, 0x6002)
		ps.PutInts(dict.ShutterPresentationValue, dicom.VRUS, 0x4000)
	}); v != 0x40 {
		t.Errorf("the bitmap shutter is not closed: %d", v)
	}
}
