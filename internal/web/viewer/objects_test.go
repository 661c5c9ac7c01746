package viewer_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/synth"
)

// segmented is how many segments of segmentations have cells in the volume.
const segmented = `window.services?.segmentationService.getSegmentations().reduce((n, s) => n + Object.keys(s.segments).length, 0)`

// TestSegmentationIsShownStoredAndFoundAgain shows a segmentation, stores it
// from the viewer as a new one, and shows that in a new window.
func TestSegmentationIsShownStoredAndFoundAgain(t *testing.T) {
	long(t)
	s := newSite(t)
	instances := s.study(synth.Options{Number: 500, Patient: 500, Count: 8, Rows: 128, Columns: 128, Modalities: []string{"CT", "SEG"}})
	tb := s.open(t)
	tb.view(s.address(studyOf(instances[0])))
	tb.picture(0)
	tb.displayWhere(`d.Modality === 'SEG'`)
	tb.until("segments", segmented+" > 0")
	tb.screenshot("segmentation")
	value[bool](tb, `(commandsManager.run({ commandName: 'storeSegmentation', commandOptions: { segmentationId: services.segmentationService.getSegmentations()[0].segmentationId, modality: 'SEG' }, context: 'CORNERSTONE' }), true)`)
	tb.click(`[data-cy="input-dialog-save-button"]`)
	tb.stored(1)
	tb.clean()

	again := s.open(t)
	again.view(s.address(studyOf(instances[0])))
	again.picture(0)
	again.until("two segmentations", `services.displaySetService.getActiveDisplaySets().filter(d => d.Modality === 'SEG').length === 2`)
	again.displayWhere(`d.Modality === 'SEG' && d.SeriesInstanceUID !== '` + string(seriesOf(instances, "SEG")) + `'`)
	again.until("segments", segmented+" > 0")
	again.screenshot("segmentation-again")
	again.clean()
}

// seriesOf is the UID of the first series of a modality.
func seriesOf(instances []*dicom.DataSet, modality string) dicom.UID {
	for _, ds := range instances {
		if ds.String(dict.Modality) == modality {
			return ds.UID(dict.SeriesInstanceUID)
		}
	}
	return ""
}

// keepBlobs remembers what the page makes addresses for: its policy does not let
// it fetch them.
const keepBlobs = `(() => { const make = URL.createObjectURL; window.blobs = {}; URL.createObjectURL = b => { const u = make.call(URL, b); window.blobs[u] = b; return u } })()`

// TestDocumentsOfAStudy opens what is no picture: contours, a report, a PDF.
func TestDocumentsOfAStudy(t *testing.T) {
	long(t)
	s := newSite(t)
	instances := s.study(synth.Options{Number: 510, Patient: 510, Modalities: []string{"CT", "RTSTRUCT", "SR", "DOC"}})
	tb := s.open(t, keepBlobs)
	tb.view(s.address(studyOf(instances[0])))
	tb.picture(0)

	tb.displayWhere(`d.Modality === 'RTSTRUCT'`)
	tb.until("contours", segmented+" > 0")
	tb.screenshot("rtstruct")

	tb.displayWhere(`d.SOPClassHandlerId?.includes('pdf')`)
	tb.until("the document", `[...document.querySelectorAll('object')].some(o => o.data.startsWith('blob:'))`)
	pdf := value[string](tb, `blobs[[...document.querySelectorAll('object')].find(o => o.data.startsWith('blob:')).data].text()`)
	if !strings.HasPrefix(pdf, "%PDF-") {
		t.Errorf("the document begins with %.10q", pdf)
	}
	time.Sleep(2 * time.Second) // for the picture alone: the browser's own viewer of PDF tells nothing
	tb.screenshot("pdf")
	tb.clean()
}

// TestPriors shows the patient's earlier study beside the one that was opened,
// and nobody else's.
func TestPriors(t *testing.T) {
	long(t)
	s := newSite(t)
	now := s.study(synth.Options{Number: 520, Patient: 520, Count: 2})
	s.study(synth.Options{Number: 521, Patient: 520, Count: 2, Modalities: []string{"MR"}})
	s.study(synth.Options{Number: 522, Patient: 522, Count: 2})
	tb := s.open(t)
	tb.view(s.address(studyOf(now[0])))
	tb.shows(0, encoding.ExplicitLE, now...)
	tb.until("the tab of all studies", `[...document.querySelectorAll('button')].some(b => /^(All|Alle)$/.test(b.textContent.trim())) || document.querySelectorAll('[data-cy="studyBrowser-panel"]').length`)
	tb.until("two studies", `(document.querySelector('[data-cy="studyBrowser-panel"]')?.innerText.match(/20[0-9][0-9]/g) ?? []).length >= 2`)
	tb.screenshot("priors")
	tb.clean()
}

// TestMPR shows a volume in three planes.
func TestMPR(t *testing.T) {
	long(t)
	s := newSite(t)
	instances := s.study(synth.Options{Number: 530, Patient: 530, Count: 24, Rows: 128, Columns: 128})
	tb := s.open(t)
	tb.view(s.address(studyOf(instances[0])) + "&hangingProtocolId=mpr")
	for viewport := range 3 {
		tb.picture(viewport)
	}
	tb.screenshot("mpr")
	tb.clean()
}
