package viewer_test

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"math"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/pixel"
)

// picture waits until a viewport shows something and no longer changes, and
// returns what its canvas holds: the picture without texts and measurements.
func (tb *tab) picture(viewport int) image.Image {
	tb.t.Helper()
	last := ""
	for {
		now := value[string](tb, fmt.Sprintf(`(() => { const c = document.querySelectorAll('canvas.cornerstone-canvas')[%d]; return c && c.width ? c.toDataURL('image/png') : '' })()`, viewport))
		if now != "" && now == last {
			b, err := decodeDataURL(now)
			if err != nil {
				tb.t.Fatal(err)
			}
			picture, err := png.Decode(bytes.NewReader(b))
			if err != nil {
				tb.t.Fatal(err)
			}
			if !uniform(picture) {
				return picture
			}
		}
		last = now
		select {
		case <-tb.ctx.Done():
			tb.fail("viewport %d shows nothing", viewport)
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// gray is the luminance of a pixel, from 0 to 255.
func gray(picture image.Image, x, y int) float64 {
	r, g, b, _ := picture.At(x, y).RGBA()
	return (0.299*float64(r) + 0.587*float64(g) + 0.114*float64(b)) / 257
}

func uniform(picture image.Image) bool {
	b := picture.Bounds()
	first := gray(picture, b.Min.X, b.Min.Y)
	for y := b.Min.Y; y < b.Max.Y; y += 3 {
		for x := b.Min.X; x < b.Max.X; x += 3 {
			if math.Abs(gray(picture, x, y)-first) > 8 {
				return false
			}
		}
	}
	return true
}

// cells is the side of the grid that pictures are compared on.
const cells = 24

// grid returns the mean of each channel in each cell of a rectangle.
func grid(picture image.Image, left, top, width, height float64) (means [cells * cells][3]float64) {
	for row := range cells {
		for column := range cells {
			x0, x1 := int(left+width*float64(column)/cells), int(left+width*float64(column+1)/cells)
			y0, y1 := int(top+height*float64(row)/cells), int(top+height*float64(row+1)/cells)
			n := 0.0
			m := &means[row*cells+column]
			for y := y0; y < max(y1, y0+1); y++ {
				for x := x0; x < max(x1, x0+1); x++ {
					r, g, b, _ := picture.At(x, y).RGBA()
					m[0], m[1], m[2], n = m[0]+float64(r)/257, m[1]+float64(g)/257, m[2]+float64(b)/257, n+1
				}
			}
			for c := range m {
				m[c] /= n
			}
		}
	}
	return means
}

// difference compares what a viewport shows with the picture as it should be:
// the mean difference of the cells' channels, from 0 to 255. The picture lies in the
// middle of the canvas, as large as fits; aspect is the height of a pixel by its
// width.
func difference(shown, want image.Image, aspect float64) float64 {
	w, h := float64(want.Bounds().Dx()), float64(want.Bounds().Dy())*aspect
	cw, ch := float64(shown.Bounds().Dx()), float64(shown.Bounds().Dy())
	scale := min(cw/w, ch/h)
	left, top := (cw-w*scale)/2, (ch-h*scale)/2
	a := grid(shown, left, top, w*scale, h*scale)
	b := grid(want, 0, 0, w, h/aspect)
	sum := 0.0
	for i := range a {
		for c := range a[i] {
			sum += math.Abs(a[i][c] - b[i][c])
		}
	}
	return sum / float64(len(a)*3)
}

// rendered is a frame as the archive itself would draw it. Where the data set
// names no window the standard leaves it open: OHIF takes the values that occur.
func rendered(t testing.TB, ds *dicom.DataSet, syntax dicom.UID, frame int) image.Image {
	t.Helper()
	im, err := pixel.Open(ds, syntax, pixel.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	var o pixel.RenderOptions
	if im.SamplesPerPixel == 1 && im.Photometric != "PALETTE COLOR" && !hasWindow(ds) {
		f, err := im.Frame(frame)
		if err != nil {
			t.Fatal(err)
		}
		o.Window = occurring(f, ds)
	}
	picture, err := im.Render(ds, frame, o)
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

// hasWindow reports whether the data set says how it is to be shown, itself or
// in the functional groups of a multi-frame object (PS3.3 section C.7.6.16.2.10).
func hasWindow(ds *dicom.DataSet) bool {
	if ds.Has(dict.WindowCenter) || ds.Has(dict.VOILUTSequence) || ds.Has(dict.FrameVOILUTSequence) {
		return true
	}
	for _, groups := range []dicom.Tag{dict.SharedFunctionalGroupsSequence, dict.PerFrameFunctionalGroupsSequence} {
		for _, item := range ds.Items(groups) {
			if item.Has(dict.FrameVOILUTSequence) {
				return true
			}
		}
	}
	return false
}

// occurring is the window from the least to the greatest value of a frame.
func occurring(f *pixel.Frame, ds *dicom.DataSet) *pixel.Window {
	slope, intercept := 1.0, 0.0
	if v, err := ds.Float(dict.RescaleSlope); err == nil {
		slope = v
	}
	if v, err := ds.Float(dict.RescaleIntercept); err == nil {
		intercept = v
	}
	least, greatest := math.Inf(1), math.Inf(-1)
	for i := range f.Pixels() {
		v := float64(f.Sample(i))
		if f.Signed && v >= math.Exp2(float64(f.BitsStored-1)) {
			v -= math.Exp2(float64(f.BitsStored))
		}
		least, greatest = min(least, v*slope+intercept), max(greatest, v*slope+intercept)
	}
	return &pixel.Window{Center: (least + greatest + 1) / 2, Width: max(greatest-least, 1)}
}

// shownImage waits until a viewport has loaded an image of one of the UIDs and
// returns which instance and frame it is.
func (tb *tab) shownImage(viewport int, uid dicom.UID) (instance dicom.UID, frame int) {
	tb.t.Helper()
	id := fmt.Sprintf(`(() => { const e = window.cornerstone?.getRenderingEngines()?.[0]?.getViewports()?.[%d]; return e?.getCornerstoneImage?.()?.imageId ?? '' })()`, viewport)
	tb.until("the picture is loaded", fmt.Sprintf("%s.includes(%q)", id, uid))
	m := imageID.FindStringSubmatch(value[string](tb, id))
	if m == nil {
		tb.fail("the viewport shows %q", value[string](tb, id))
	}
	n, _ := strconv.Atoi(m[2])
	return dicom.UID(m[1]), n - 1
}

var imageID = regexp.MustCompile(`/instances/([0-9.]+)/frames/([0-9]+)`)

// shows fails the test unless a viewport shows one of the instances, all stored
// in one syntax, as it should look.
func (tb *tab) shows(viewport int, syntax encoding.TransferSyntax, instances ...*dicom.DataSet) {
	tb.t.Helper()
	instance, frame := tb.shownImage(viewport, instances[0].UID(dict.SeriesInstanceUID))
	for _, ds := range instances {
		if ds.UID(dict.SOPInstanceUID) == instance {
			tb.looksLike(viewport, rendered(tb.t, ds, syntax.UID, frame), pixelAspect(ds))
			return
		}
	}
	tb.fail("the viewport shows another instance")
}

// display puts a series into the active viewport, as a double click on its
// thumbnail does.
func (tb *tab) display(series dicom.UID) {
	tb.t.Helper()
	tb.displayWhere(fmt.Sprintf("d.SeriesInstanceUID === %q", series))
}

// displayWhere puts the first display set d that a JavaScript condition holds
// for into the active viewport.
func (tb *tab) displayWhere(condition string) {
	tb.t.Helper()
	set := fmt.Sprintf(`window.services?.displaySetService.getActiveDisplaySets().find(d => %s)`, condition)
	tb.until("a series with "+condition, set)
	value[bool](tb, fmt.Sprintf(`(() => {
		const id = services.viewportGridService.getActiveViewportId();
		const updated = services.hangingProtocolService.getViewportsRequireUpdate(id, %s.displaySetInstanceUID);
		commandsManager.run('setDisplaySetsForViewports', { viewportsToUpdate: updated });
		return true })()`, set))
}

// alike is the difference up to which pictures are the same: scaling and colour
// conversion make some, a wrong window or a wrong codec far more.
const alike = 8

func (tb *tab) looksLike(viewport int, want image.Image, aspect float64) {
	tb.t.Helper()
	shown := tb.picture(viewport)
	if d := difference(shown, want, aspect); d > alike {
		for name, picture := range map[string]image.Image{"shown": shown, "wanted": want} {
			var b bytes.Buffer
			if png.Encode(&b, picture) == nil {
				tb.keep(name+"-"+tb.t.Name(), b.Bytes())
			}
		}
		tb.t.Errorf("the viewport shows another picture: difference %.1f", d)
	} else {
		tb.t.Logf("difference %.1f", d)
	}
}

// pixelAspect is the height of a pixel by its width.
func pixelAspect(ds *dicom.DataSet) float64 {
	for _, t := range []dicom.Tag{dict.PixelSpacing, dict.ImagerPixelSpacing} {
		if v, err := ds.Floats(t); err == nil && len(v) == 2 && v[0] > 0 && v[1] > 0 {
			return v[0] / v[1]
		}
	}
	return 1
}
