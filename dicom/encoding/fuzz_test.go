package encoding

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/corpus"
)

func FuzzImplicitLE(f *testing.F) { fuzzDataSet(f, ImplicitLE) }
func FuzzExplicitLE(f *testing.F) { fuzzDataSet(f, ExplicitLE) }
func FuzzExplicitBE(f *testing.F) { fuzzDataSet(f, ExplicitBE) }
func FuzzDeflatedLE(f *testing.F) { fuzzDataSet(f, DeflatedLE) }

func FuzzEncapsulated(f *testing.F) {
	ts, _ := Lookup(dict.UIDRLELossless)
	fuzzDataSet(f, ts)
}

// seed adds the corpus' small files, where there are any, and a data set of our own.
func seed(f *testing.F, wanted func(TransferSyntax) bool, add func(file, body []byte)) {
	f.Helper()
	if _, err := os.Stat(filepath.Join("..", "..", "..", "shared", "corpus")); err != nil {
		return
	}
	for _, row := range corpus.Rows(f, "conformance/", "hostile/files") {
		b, err := os.ReadFile(filepath.Join(corpus.Dir(f), row.Path()))
		if err != nil || len(b) > 8<<10 {
			continue
		}
		if _, ts, n, err := ParseMeta(b); err == nil && wanted(ts) {
			add(b, b[n:])
		}
	}
}

func fuzzDataSet(f *testing.F, ts TransferSyntax) {
	f.Add(mustAppend(f, ts, mixedDataSet()))
	same := func(other TransferSyntax) bool {
		other.UID = ts.UID
		return other == ts
	}
	seed(f, same, func(_, body []byte) { f.Add(body) })
	f.Fuzz(func(t *testing.T, b []byte) { checkDataSet(t, ts, b) })
}

// checkDataSet reads b in every way and looks whether the ways agree, what
// they cost, and whether what was read is written so that it is read again.
func checkDataSet(t *testing.T, ts TransferSyntax, b []byte) {
	limits := Limits{InflateFloor: 64 << 10, InflateRatio: 10}
	o := Options{Limits: limits}
	input := bytes.Clone(b)
	var ds *dicom.DataSet
	var err error
	cost := allocated(func() { ds, err = Parse(b, ts, o) })
	// 88 bytes for an element of 8 in the input, twice while its list grows,
	// and buffers; a deflated stream may grow tenfold first.
	allowed := uint64(len(b))*64 + 512<<10
	if ts.Deflated {
		allowed = uint64(len(b))*640 + 10<<20
	}
	if cost > allowed {
		t.Errorf("%d bytes allocated for %d of input", cost, len(b))
	}
	if !bytes.Equal(input, b) {
		t.Fatal("the input was changed")
	}
	for _, o := range []Options{o, {Limits: limits, KeepUpTo: 8}, {Limits: limits, BulkPixelData: true}} {
		streamed := new(dicom.DataSet)
		streamErr := NewDecoder(iotest.HalfReader(bytes.NewReader(b)), ts, o).ReadAll(streamed)
		if (streamErr == nil) != (err == nil) {
			t.Fatalf("%v from memory, %v from a stream with %+v", err, streamErr, o)
		}
		if err == nil && streamed.Len() != ds.Len() {
			t.Fatalf("%d elements from memory, %d from a stream", ds.Len(), streamed.Len())
		}
	}
	for _, d := range []*Decoder{NewDecoder(bytes.NewReader(b), ts, o), NewBytesDecoder(b, ts, o)} {
		if walkErr := walk(d, new([]string)); (walkErr == nil) != (err == nil) {
			t.Fatalf("%v in reading, %v in walking", err, walkErr)
		}
	}
	for _, to := range natives {
		Transcode(io.Discard, to, bytes.NewReader(b), ts, o)
	}
	if err == nil {
		Dump(io.Discard, ds, DumpOptions{})
		checkWritten(t, ts, ds)
	}
}

// checkWritten writes, reads and writes again.
func checkWritten(t *testing.T, ts TransferSyntax, ds *dicom.DataSet) {
	if ts.Deflated {
		ts = ExplicitLE
	}
	out, err := Append(nil, ts, ds)
	if err != nil {
		t.Fatalf("what was read cannot be written: %v", err)
	}
	again, err := Parse(out, ts, Options{})
	if err != nil {
		t.Fatalf("what was written cannot be read: %v", err)
	}
	if err := sameValues(ds, again); err != nil {
		t.Fatal(err)
	}
	if second := mustAppend(t, ts, again); !bytes.Equal(out, second) {
		t.Fatal("written with other bytes the second time")
	}
}

func FuzzFile(f *testing.F) {
	for _, ts := range natives {
		f.Add(mustFile(f, ts))
	}
	seed(f, func(TransferSyntax) bool { return true }, func(file, _ []byte) { f.Add(file) })
	f.Fuzz(func(t *testing.T, b []byte) {
		meta, ts, n, err := ParseMeta(b)
		file, fileErr := NewFile(iotest.HalfReader(bytes.NewReader(b)), Options{})
		if (err == nil) != (fileErr == nil) {
			t.Fatalf("%v from memory, %v from a stream", err, fileErr)
		}
		if err != nil {
			return
		}
		if rest, err := io.ReadAll(file.DataSet()); err != nil || !bytes.Equal(rest, b[n:]) {
			t.Fatalf("data set begins elsewhere in the stream: %v", err)
		}
		written, err := AppendMeta(nil, meta)
		if err != nil {
			t.Fatal(err)
		}
		again, ts2, n, err := ParseMeta(written)
		if err != nil || n != len(written) || ts2 != ts {
			t.Fatalf("meta that was written: %v", err)
		}
		meta.Delete(dict.FileMetaInformationGroupLength)
		again.Delete(dict.FileMetaInformationGroupLength)
		if err := sameValues(meta, again); err != nil {
			t.Fatal(err)
		}
	})
}
