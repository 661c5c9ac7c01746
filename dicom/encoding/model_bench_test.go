package encoding

import (
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/corpus"
)

// ctHeader returns the header of a CT slice of the corpus, 126 elements.
func ctHeader(b *testing.B) *dicom.DataSet {
	b.Helper()
	row := corpus.Rows(b, "series/ct-head-phantom/I10.dcm")[0]
	ds := parseCorpusFile(b, row.Path())
	ds.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROW, Bulk: &dicom.Bulk{Length: 524288}})
	return ds
}

func BenchmarkAppendJSON(b *testing.B) {
	ds := ctHeader(b)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = AppendJSON(buf[:0], ds, JSONOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(ds.Len()), "elements")
	b.ReportMetric(float64(len(buf)), "bytes")
}

func BenchmarkParseJSON(b *testing.B) {
	buf, err := AppendJSON(nil, ctHeader(b), JSONOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseJSON(buf, JSONOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendXML(b *testing.B) {
	ds := ctHeader(b)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = AppendXML(buf[:0], ds, XMLOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseXML(b *testing.B) {
	buf, err := AppendXML(nil, ctHeader(b), XMLOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseXML(buf, XMLOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
