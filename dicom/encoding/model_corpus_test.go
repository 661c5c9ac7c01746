package encoding

import (
	"bytes"
	"encoding/json"
	"regexp"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/corpus"
)

// TestModelRoundTrips writes every file of the corpus that can be read in both
// models, reads that again, and compares.
func TestModelRoundTrips(t *testing.T) {
	const oddLength = "conformance/struct-odd/nested_priv_SQ.dcm" // becomes even
	files := 0
	for _, row := range corpus.Rows(t, "conformance/", "series/", "charset/", "dicomdir/", "hostile/files/") {
		if row.Path() == oddLength || len(row["bytes"]) > 6 && testing.Short() {
			continue
		}
		_, ts, body, err := readCorpusFile(t, row)
		if err != nil {
			continue
		}
		ds, err := Parse(body, ts, Options{KeepUpTo: 64 << 10, BulkPixelData: true})
		if err != nil {
			continue
		}
		files++
		roundTrip(t, row.Path(), ds)
	}
	if files < 300 {
		t.Errorf("only %d files", files)
	}
}

func roundTrip(t *testing.T, path string, ds *dicom.DataSet) {
	t.Helper()
	first, err := AppendJSON(nil, ds, JSONOptions{})
	if err != nil || !json.Valid(first) {
		t.Errorf("%s: JSON: %v", path, err)
		return
	}
	fromJSON, err := ParseJSON(first, JSONOptions{})
	if err != nil {
		t.Errorf("%s: JSON: %v", path, err)
		return
	}
	if !ds.Has(tagCharacterSet) { // it is declared where text needs it
		fromJSON.Delete(tagCharacterSet)
	}
	second, err := AppendJSON(nil, fromJSON, JSONOptions{})
	sameText(t, path+" through JSON", first, second, err)
	if bytes.Contains(first, []byte(`\u00`)) {
		return // XML has no control characters
	}
	document, err := AppendXML(nil, ds, XMLOptions{})
	if err != nil {
		t.Errorf("%s: XML: %v", path, err)
		return
	}
	fromXML, err := ParseXML(document, XMLOptions{})
	if err != nil {
		t.Errorf("%s: XML: %v", path, err)
		return
	}
	if !ds.Has(tagCharacterSet) {
		fromXML.Delete(tagCharacterSet)
	}
	third, err := AppendJSON(nil, fromXML, JSONOptions{})
	sameText(t, path+" through XML", withoutCarets(first), withoutCarets(third), err)
}

// withoutCarets removes the delimiters at the end of names, for which the XML
// model has no place.
func withoutCarets(b []byte) []byte {
	b = caretsAtEnd.ReplaceAll(b, []byte{'"'})
	return emptyName.ReplaceAll(b, nil)
}

var (
	caretsAtEnd = regexp.MustCompile(`[ ^]*\^"`)
	emptyName   = regexp.MustCompile(`,"Value":\[{"Alphabetic":""}\]`)
)

func sameText(t *testing.T, what string, want, got []byte, err error) {
	t.Helper()
	if err != nil || string(got) != string(want) {
		i := 0
		for i < min(len(want), len(got)) && want[i] == got[i] {
			i++
		}
		i = max(0, i-80)
		t.Errorf("%s: %v\ngot  %.300s\nwant %.300s", what, err, got[min(i, len(got)):], want[min(i, len(want)):])
	}
}
