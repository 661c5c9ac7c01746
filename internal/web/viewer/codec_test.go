package viewer_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/pixel"
	"github.com/tresor-pacs/tresor/internal/corpus"
	"github.com/tresor-pacs/tresor/internal/synth"
)

// coded is an instance in a transfer syntax, as a series of its own.
type coded struct {
	name   string
	ds     *dicom.DataSet
	syntax encoding.TransferSyntax
}

// gather puts instances into one study, each as a series of its own, so that one
// page shows all of them.
func gather(t *testing.T, list []coded) dicom.UID {
	t.Helper()
	study := dicom.UID("2.25.4711")
	for i, c := range list {
		for tag, v := range map[dicom.Tag]string{dict.PatientName: "Codec^Test", dict.PatientID: "CODEC", dict.StudyDate: "20200101", dict.StudyTime: "120000",
			dict.StudyID: "1", dict.AccessionNumber: "1", dict.SeriesDescription: c.name} {
			if err := c.ds.PutString(tag, dict.VR(tag), v); err != nil {
				t.Fatal(err)
			}
		}
		for tag, uid := range map[dicom.Tag]dicom.UID{dict.StudyInstanceUID: study,
			dict.SeriesInstanceUID: dicom.UID(fmt.Sprintf("2.25.4711.%d", i+1)), dict.SOPInstanceUID: dicom.UID(fmt.Sprintf("2.25.4711.%d.1", i+1))} {
			c.ds.PutUID(tag, uid)
		}
	}
	return study
}

// showAll stores the instances and compares each in the viewer.
func showAll(t *testing.T, list []coded) {
	t.Helper()
	s := newSite(t)
	study := gather(t, list)
	for _, c := range list {
		s.store(c.syntax, c.ds)
	}
	tb := s.open(t)
	tb.view(s.address(study))
	tb.picture(0)
	for _, c := range list {
		t.Run(c.name, func(t *testing.T) {
			defer tb.lend(t, 20*time.Second)()
			tb.display(c.ds.UID(dict.SeriesInstanceUID))
			tb.shows(0, c.syntax, c.ds)
		})
	}
	defer tb.lend(t, patience)() // the first one is over when there are many
	tb.screenshot(t.Name())
	tb.clean()
}

// TestCodecs shows a picture in every transfer syntax that there is an encoder for.
func TestCodecs(t *testing.T) {
	var list []coded
	for _, uid := range pixel.EncodedSyntaxes() {
		syntax, ok := encoding.Lookup(uid)
		if !ok {
			t.Fatal(uid)
		}
		for ds := range synth.New(1).Study(synth.Options{Number: 300, Modalities: []string{"CT"}, Count: 1, Rows: 256, Columns: 256}) {
			list = append(list, coded{dict.UIDName(uid), transcoded(t, ds, syntax), syntax})
		}
	}
	showAll(t, list)
}

// transcoded is the data set with its pixel data in another transfer syntax.
func transcoded(t *testing.T, ds *dicom.DataSet, to encoding.TransferSyntax) *dicom.DataSet {
	t.Helper()
	if !to.Encapsulated {
		return ds
	}
	b, err := encoding.Append(nil, encoding.ExplicitLE, ds)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := pixel.NewTranscoder(t.Context(), bytes.NewReader(b), int64(len(b)), encoding.ExplicitLE.UID, to.UID, pixel.TranscodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := tr.WriteTo(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	made, err := encoding.Parse(out.Bytes(), to, encoding.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// ohifCannot are the files of the corpus that OHIF shows otherwise than they
// should look, or not at all, with the reason.
var ohifCannot = map[string]string{
	"us-rgb-ilv-none.dcm":            "colour by plane in JPEG-LS",
	"J2K_pixelrep_mismatch.dcm":      "a sign in the code stream that the data set does not have",
	"gdcm-US-ALOKA-16.dcm":           "palettes of 16 bit",
	"SC_jpeg_no_color_transform.dcm": "takes the JPEG for YCbCr, which it is not",
	"us-rgb-8bit-process2.dcm":       "colour in JPEG Extended",
	"mr16-sv4-pt2.dcm":               "point transform of lossless JPEG",
	"SC_rgb_rle_32bit.dcm":           "colour of 32 bit a sample",
	"SC_rgb_rle_16bit.dcm":           "colour of 16 bit a sample",
}

// TestCorpusCodecs shows pictures that others have encoded: one of each transfer
// syntax, and all of them in make test-browser.
func TestCorpusCodecs(t *testing.T) {
	dir := corpus.Dir(t)
	var list []coded
	taken := map[string]bool{}
	for _, row := range corpus.Rows(t, "conformance/ts-") {
		folder := filepath.Dir(row.Path())
		if row.Expected() != "accept" || slices.Contains([]string{"SEG", "SR", "RTDOSE", "SM"}, row["modality"]) || taken[folder] && !all() {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, row.Path()))
		if err != nil {
			t.Fatal(err)
		}
		meta, ds, err := encoding.ParseFile(b, encoding.Options{})
		if err != nil {
			t.Fatal(err)
		}
		uid := meta.UID(dict.TransferSyntaxUID)
		syntax, known := encoding.Lookup(uid)
		if _, decodes := pixel.Decoder(uid); !known || !decodes && syntax.Encapsulated || ohifCannot[filepath.Base(row.Path())] != "" {
			continue
		}
		if rows, _ := ds.Int(dict.Rows); rows < cells {
			continue // too small to compare
		}
		taken[folder] = true
		list = append(list, coded{strings.TrimPrefix(row.Path(), "conformance/"), ds, syntax})
	}
	slices.SortFunc(list, func(a, b coded) int { return strings.Compare(a.name, b.name) })
	showAll(t, list)
}
