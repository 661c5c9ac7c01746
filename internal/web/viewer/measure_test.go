package viewer_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/synth"
)

// rect is where an element lies in the window.
type rect struct{ X, Y, Width, Height float64 }

func (tb *tab) rect(selector string, index int) rect {
	tb.t.Helper()
	return value[rect](tb, fmt.Sprintf(`(() => { const r = document.querySelectorAll(%q)[%d].getBoundingClientRect(); return { X: r.x, Y: r.y, Width: r.width, Height: r.height } })()`, selector, index))
}

// drag moves the mouse with its button held, no faster than a hand: the page
// looks at the pointer once a frame.
func (tb *tab) drag(x0, y0, x1, y1 float64) {
	tb.t.Helper()
	frame := func() {
		value[bool](tb, "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")
	}
	tb.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x0, y0))
	frame()
	tb.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, x0, y0, chromedp.ButtonLeft, chromedp.ClickCount(1)))
	for i := 1; i <= 5; i++ {
		frame()
		f := float64(i) / 5
		tb.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x0+(x1-x0)*f, y0+(y1-y0)*f, chromedp.ButtonLeft))
	}
	frame()
	tb.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, x1, y1, chromedp.ButtonLeft, chromedp.ClickCount(1)))
}

// click clicks the first element of a selector once it is there.
func (tb *tab) click(selector string) {
	tb.t.Helper()
	tb.until(selector, fmt.Sprintf("document.querySelector(%q)", selector))
	r := tb.rect(selector, 0)
	tb.do(chromedp.MouseClickXY(r.X+r.Width/2, r.Y+r.Height/2))
}

// clickText clicks the first button with a text.
func (tb *tab) clickText(text string) {
	tb.t.Helper()
	find := fmt.Sprintf(`[...document.querySelectorAll('button')].find(b => b.textContent.trim() === %q && b.offsetParent)`, text)
	tb.until("a button "+text, find)
	r := value[rect](tb, fmt.Sprintf(`(() => { const r = %s.getBoundingClientRect(); return { X: r.x, Y: r.y, Width: r.width, Height: r.height } })()`, find))
	tb.do(chromedp.MouseClickXY(r.X+r.Width/2, r.Y+r.Height/2))
}

// measuredLength is the length of the first measurement, in millimetres.
const measuredLength = "Object.values(window.services?.measurementService.getMeasurements()[0]?.data ?? {})[0]?.length"

// TestMeasureAndKeep measures a length with the mouse, stores it as a structured
// report, and finds it again in a new window.
func TestMeasureAndKeep(t *testing.T) {
	s := newSite(t)
	instances := s.study(synth.Options{Number: 400, Patient: 400, Count: 3})
	tb := s.open(t)
	tb.view(s.address(studyOf(instances[0])))
	tb.picture(0)
	tb.click(`[data-cy="MeasurementTools-split-button-primary"]`)
	r := tb.rect("canvas.cornerstone-canvas", 0)
	x, y, length := r.X+r.Width/2-100, r.Y+r.Height/2, 200.0
	tb.drag(x, y, x+length, y)
	tb.until("a measurement", measuredLength)
	// Until the mouse rests the length grows; a wrong scale never comes to this.
	want := length * millimetres(t, instances[0], r)
	tb.until(fmt.Sprintf("%.1f mm", want), fmt.Sprintf("Math.abs(%s - %f) < 1", measuredLength, want))
	tb.screenshot("measured")
	tb.click(`[data-cy="trackedMeasurements-btn"]`)
	tb.clickText("Create SR")
	tb.click(`[data-cy="input-dialog-save-button"]`)
	tb.stored(1)
	tb.screenshot("stored-sr")
	tb.clean()

	again := s.open(t)
	again.view(s.address(studyOf(instances[0])))
	again.picture(0)
	again.displayWhere(`d.Modality === 'SR'`)
	again.until("the measurement is there again", fmt.Sprintf("Math.abs(%s - %f) < 1", measuredLength, want))
	again.screenshot("again-sr")
	again.clean()
}

// stored waits until the archive has stored n times what the viewer has sent.
func (tb *tab) stored(n int) {
	tb.t.Helper()
	for tb.site.asked.count("POST", "/dicom-web/studies", 200) < n {
		select {
		case <-tb.ctx.Done():
			tb.fail("nothing was stored")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// millimetres is how many of them a pixel of the window shows.
func millimetres(t *testing.T, ds *dicom.DataSet, canvas rect) float64 {
	t.Helper()
	spacing, err := ds.Floats(dict.PixelSpacing)
	if err != nil || len(spacing) != 2 {
		t.Fatal(err)
	}
	rows, _ := ds.Int(dict.Rows)
	columns, _ := ds.Int(dict.Columns)
	return spacing[0] / min(canvas.Width/float64(columns), canvas.Height/float64(rows))
}
