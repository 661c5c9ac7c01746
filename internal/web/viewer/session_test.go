package viewer_test

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/synth"
)

// noWebGL makes a browser that cannot do WebGL.
const noWebGL = `(() => { const get = HTMLCanvasElement.prototype.getContext; HTMLCanvasElement.prototype.getContext = function (kind, ...more) { return /webgl/.test(kind) ? null : get.call(this, kind, ...more) } })()`

// TestWithoutWebGL shows pictures that the processor draws.
func TestWithoutWebGL(t *testing.T) {
	s := newSite(t)
	instances := s.study(synth.Options{Number: 600, Patient: 600, Count: 2})
	tb := s.open(t, noWebGL)
	tb.view(s.address(studyOf(instances[0])))
	tb.shows(0, encoding.ExplicitLE, instances...)
	tb.screenshot("no-webgl")
	tb.clean()
}

// TestNames shows patients' names in the scripts of the world.
func TestNames(t *testing.T) {
	for i, script := range synth.CharacterSets() {
		t.Run(script, func(t *testing.T) {
			if script != "latin1" {
				long(t)
			}
			s := newSite(t)
			instances := s.study(synth.Options{Number: 610 + i, Patient: 610 + i, Count: 1, Modalities: []string{"CR"}, Rows: 128, Columns: 128, CharacterSet: script})
			name := instances[0].PersonName(dict.PatientName).Alphabetic.String()
			tb := s.open(t)
			tb.view(s.address(studyOf(instances[0])))
			tb.picture(0)
			for part := range strings.FieldsFuncSeq(name, func(r rune) bool { return r == '^' || r == ' ' }) {
				tb.until("the name "+part, "document.body.innerText.includes("+quoted(part)+")")
			}
			tb.screenshot("name-" + script)
			tb.clean()
		})
	}
}

// TestStrangerSignsInAndSeesTheStudy opens an address of the viewer without a
// session: the way leads over the sign-in back to the study.
func TestStrangerSignsInAndSeesTheStudy(t *testing.T) {
	s := newSite(t)
	instances := s.study(synth.Options{Number: 700, Patient: 700, Count: 2})
	tb := s.stranger(t)
	tb.view(s.address(studyOf(instances[0])))
	tb.until("the sign-in", "location.pathname === '/login'")
	tb.do(chromedp.Click(chromedp.CSS("#go")))
	tb.shows(0, encoding.ExplicitLE, instances...)
	tb.clean()
}

// TestSessionEndsBeforeTheStudyIsThere: the page is there when the session ends,
// the study is not. OHIF would say that there is no such study.
func TestSessionEndsBeforeTheStudyIsThere(t *testing.T) {
	long(t)
	s := newSite(t)
	instances := s.study(synth.Options{Number: 710, Patient: 710, Count: 2})
	tb := s.open(t)
	s.outAfterPage.Store(true)
	tb.view(s.address(studyOf(instances[0])))
	tb.until("the sign-in", "location.pathname === '/login'")
	if want := "/viewer?StudyInstanceUIDs=" + string(studyOf(instances[0])); value[string](tb, "new URLSearchParams(location.search).get('next')") != want {
		t.Error("the study is forgotten: ", value[string](tb, "location.search"))
	}
	s.outAfterPage.Store(false)
	tb.do(chromedp.Click(chromedp.CSS("#go")))
	tb.shows(0, encoding.ExplicitLE, instances...)
	tb.clean()
}

// TestSessionEndsWhileSomebodyMeasures: the window keeps what was measured and
// says what to do; after a sign-in elsewhere it goes on.
func TestSessionEndsWhileSomebodyMeasures(t *testing.T) {
	long(t)
	s := newSite(t)
	instances := s.study(synth.Options{Number: 720, Patient: 720, Count: 3, Modalities: []string{"CT", "MR"}})
	tb := s.open(t)
	tb.view(s.address(studyOf(instances[0])))
	tb.picture(0)
	s.out.Store(true)
	value[int](tb, `fetch('/dicom-web/studies?limit=1').then(r => r.status)`)
	tb.until("the notice", "document.querySelector('#tresor-signed-out[role=alert] a[target=_blank]')")
	tb.screenshot("session-ended")
	if value[string](tb, "location.pathname") != "/viewer" {
		t.Error("the study is lost")
	}
	s.out.Store(false)
	value[int](tb, `fetch('/dicom-web/studies?limit=1').then(r => r.status)`)
	tb.until("no notice", "!document.querySelector('#tresor-signed-out')")
	tb.clean()
}

// TestGerman shows the viewer in German.
func TestGerman(t *testing.T) {
	long(t)
	s := newSite(t)
	instances := s.study(synth.Options{Number: 730, Patient: 730, Count: 1})
	tb := s.open(t)
	call(tb, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": "de-DE,de;q=0.9"}})
	tb.view(s.address(studyOf(instances[0])))
	tb.picture(0)
	for _, text := range []string{"Studienliste", "Nicht zur Primärbefundung", "Studien"} {
		tb.until(text, "document.body.innerText.includes("+quoted(text)+")")
	}
	tb.screenshot("german")
	tb.clean()
}
