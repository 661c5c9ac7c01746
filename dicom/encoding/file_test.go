package encoding

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

func mustFile(t testing.TB, ts TransferSyntax) []byte {
	t.Helper()
	var w bytes.Buffer
	meta := NewMeta(dict.UIDSecondaryCaptureImageStorage, "2.25.1", ts.UID)
	if err := WriteFile(&w, meta, mixedDataSet()); err != nil {
		t.Fatal(err)
	}
	return w.Bytes()
}

func TestFile(t *testing.T) {
	for _, ts := range natives {
		b := mustFile(t, ts)
		for name, r := range map[string]io.Reader{"whole": bytes.NewReader(b), "single": iotest.OneByteReader(bytes.NewReader(b))} {
			meta, ds, err := ReadFile(r, Options{})
			if err != nil {
				t.Fatalf("%s, %s: %v", ts.UID, name, err)
			}
			if n, _ := meta.Int(dict.FileMetaInformationGroupLength); int(n) != len(b)-preambleLength-len(prefix)-12-len(mustAppend(t, ts, ds)) {
				t.Errorf("%s: group length %d", ts.UID, n)
			}
			if meta.UID(dict.MediaStorageSOPInstanceUID) != "2.25.1" || meta.UID(dict.ImplementationClassUID) != ImplementationClassUID {
				t.Errorf("%s: meta", ts.UID)
			}
			if err := sameValues(mixedDataSet(), ds); err != nil {
				t.Errorf("%s: %v", ts.UID, err)
			}
		}
		f, err := OpenBytes(b, Options{})
		if err != nil {
			t.Fatal(err)
		}
		header := new(dicom.DataSet)
		if more, err := f.Decoder().ReadUntil(header, dict.PixelData); !more || err != nil || header.Len() != mixedDataSet().Len()-1 {
			t.Errorf("%s: header of %d elements, %v, %v", ts.UID, header.Len(), more, err)
		}
		if h, err := f.Decoder().Next(); err != nil || h.Tag != dict.PixelData {
			t.Errorf("%s: after the header %v, %v", ts.UID, h.Tag, err)
		}
		if value, err := io.ReadAll(f.Decoder().Reader()); err != nil || len(value) != 4 {
			t.Errorf("%s: pixel data %v, %v", ts.UID, value, err)
		}
		if _, err := f.Decoder().Next(); err != io.EOF {
			t.Errorf("%s: at the end: %v", ts.UID, err)
		}
		_, ds, err := ParseFile(b, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := sameValues(mixedDataSet(), ds); err != nil {
			t.Error(err)
		}
	}
}

// TestReadMetaLeavesTheDataSet checks where the reader stands.
func TestReadMetaLeavesTheDataSet(t *testing.T) {
	b := mustFile(t, ExplicitLE)
	_, _, n, err := ParseMeta(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range [][]byte{b, b[preambleLength+len(prefix):]} {
		r := bufio.NewReaderSize(bytes.NewReader(file), 256)
		_, ts, err := ReadMeta(r)
		if err != nil || ts != ExplicitLE {
			t.Fatal(err)
		}
		if rest, _ := io.ReadAll(r); !bytes.Equal(rest, b[n:]) {
			t.Error("not at the data set")
		}
		f, err := NewFile(bytes.NewReader(file), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if rest, err := io.ReadAll(f.DataSet()); err != nil || !bytes.Equal(rest, b[n:]) {
			t.Errorf("not at the data set: %v", err)
		}
	}
	f, _ := NewFile(bytes.NewReader(b), Options{BulkPixelData: true})
	ds := new(dicom.DataSet)
	if err := f.Decoder().ReadAll(ds); err != nil {
		t.Fatal(err)
	}
	if bulk := ds.Get(dict.PixelData).Bulk; n+int(bulk.Offset) != len(b)-4 {
		t.Errorf("bulk at %d in the data set", bulk.Offset)
	}
}

// TestGroupLength changes the group length to what it is not.
func TestGroupLength(t *testing.T) {
	for _, ts := range natives {
		for _, wrong := range [][]byte{{0, 0, 0, 0}, {0xF0, 0xFF, 0xFF, 0xFF}, {10, 0, 0, 0}} {
			b := mustFile(t, ts)
			copy(b[140:], wrong)
			if _, _, err := ReadFile(bytes.NewReader(b), Options{}); err != nil {
				t.Errorf("%s, group length %v: %v", ts.UID, wrong, err)
			}
		}
	}
}

// TestDeflatedLikeMeta has a deflated data set whose first bytes look like an
// element of group 0002: only the group length tells.
func TestDeflatedLikeMeta(t *testing.T) {
	b, err := AppendMeta(nil, NewMeta(dict.UIDSecondaryCaptureImageStorage, "2.25.1", DeflatedLE.UID))
	if err != nil {
		t.Fatal(err)
	}
	want := len(b)
	b = append(b, "\x02\x00\x10\x20UI\x02\x00\x00\x00"...)
	if _, _, n, err := ParseMeta(b); err != nil || n != want {
		t.Errorf("data set at %d instead of %d: %v", n, want, err)
	}
}

func TestMetaRefusals(t *testing.T) {
	good := mustFile(t, ExplicitLE)
	bigPrivate, _ := AppendMeta(nil, NewMeta(dict.UIDSecondaryCaptureImageStorage, "2.25.1", ExplicitLE.UID))
	bigPrivate = appendHeader(bigPrivate, layout{explicit: true}, dict.PrivateInformation, dicom.VROB, 0xFFFFFFF0)
	none := NewMeta(dict.UIDSecondaryCaptureImageStorage, "2.25.1", ExplicitLE.UID)
	none.Delete(dict.TransferSyntaxUID)
	withoutSyntax, _ := AppendMeta(nil, none)
	unknown, _ := AppendMeta(nil, NewMeta(dict.UIDSecondaryCaptureImageStorage, "2.25.1", "1.2.3"))
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"empty":                 {nil, ErrNoMeta},
		"preamble alone":        {good[:128], ErrNoMeta},
		"prefix alone":          {good[:132], ErrNoMeta},
		"no prefix":             {make([]byte, 500), ErrNoMeta},
		"cut off":               {good[:200], io.ErrUnexpectedEOF},
		"huge element":          {bigPrivate, ErrLimit},
		"no transfer syntax":    {withoutSyntax, ErrTransferSyntax},
		"transfer syntax 1.2.3": {unknown, ErrTransferSyntax},
	} {
		if _, _, _, err := ParseMeta(c.b); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		meta, _, err := ReadMeta(bufio.NewReader(bytes.NewReader(c.b)))
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if c.want == ErrTransferSyntax && meta == nil {
			t.Errorf("%s: no meta", name)
		}
	}
	if _, err := AppendMeta(nil, mixedDataSet()); !errors.Is(err, ErrSyntax) {
		t.Errorf("a data set as meta: %v", err)
	}
	if err := WriteFile(io.Discard, none, mixedDataSet()); !errors.Is(err, ErrTransferSyntax) {
		t.Errorf("written without a transfer syntax: %v", err)
	}
}

func TestGuess(t *testing.T) {
	for _, ts := range natives[:3] {
		if got, ok := Guess(mustAppend(t, ts, mixedDataSet())); !ok || got != ts {
			t.Errorf("%s: %s", ts.UID, got.UID)
		}
	}
	for _, s := range []string{"", "short", "%PDF-1.7 and so on", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"} {
		if ts, ok := Guess([]byte(s)); ok {
			t.Errorf("%q: %s", s, ts.UID)
		}
	}
}
