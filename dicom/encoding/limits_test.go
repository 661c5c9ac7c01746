package encoding

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// nested returns an explicit VR data set with n sequences in each other.
func nested(t *testing.T, n int) []byte {
	t.Helper()
	ds := new(dicom.DataSet)
	for range n {
		outer := new(dicom.DataSet)
		outer.PutItems(dict.ContentSequence, ds)
		ds = outer
	}
	return mustAppend(t, ExplicitLE, ds)
}

// deflated returns n zero bytes, as the value of an element, deflated.
func deflated(t *testing.T, n uint32) []byte {
	t.Helper()
	var w bytes.Buffer
	packer, _ := flate.NewWriter(&w, flate.BestCompression)
	packer.Write(appendHeader(nil, layout{explicit: true}, dict.PixelData, dicom.VROB, n))
	io.Copy(packer, &endless{int64(n)})
	packer.Close()
	return w.Bytes()
}

// TestLimits holds every limit against data that keeps it and data that does not.
func TestLimits(t *testing.T) {
	jpeg, _ := Lookup(dict.UIDJPEGBaseline8Bit)
	var three, long, fragments dicom.DataSet
	for _, tag := range []dicom.Tag{dict.PatientID, dict.PatientSex, dict.StudyID} {
		three.PutString(tag, dicom.VRSH, "12")
	}
	long.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROB, Data: make([]byte, 100)})
	fragments.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROB, Undefined: true, Fragments: make([][]byte, 4)})
	plain := mustAppend(t, ExplicitLE, &three)
	items := nested(t, 3)
	for _, c := range []struct {
		name      string
		b         []byte
		ts        TransferSyntax
		good, bad Limits
	}{
		{"depth", items, ExplicitLE, Limits{Depth: 3}, Limits{Depth: 2}},
		{"elements", plain, ExplicitLE, Limits{Elements: 3}, Limits{Elements: 2}},
		{"items", items, ExplicitLE, Limits{Elements: 6}, Limits{Elements: 5}},
		{"header bytes", plain, ExplicitLE, Limits{HeaderBytes: 30}, Limits{HeaderBytes: 29}},
		{"header bytes of items", items, ExplicitLE, Limits{HeaderBytes: 60}, Limits{HeaderBytes: 59}},
		{"value length", mustAppend(t, ExplicitLE, &long), ExplicitLE, Limits{ValueLength: 100}, Limits{ValueLength: 99}},
		{"fragments", mustAppend(t, jpeg, &fragments), jpeg, Limits{Fragments: 4}, Limits{Fragments: 3}},
		{"inflate ratio", deflated(t, 1<<20), DeflatedLE, Limits{InflateFloor: 1 << 21, InflateRatio: 10}, Limits{InflateFloor: 1 << 10, InflateRatio: 10}},
		{"inflated bytes", deflated(t, 1<<20), DeflatedLE, Limits{InflatedBytes: 1<<20 + 12}, Limits{InflatedBytes: 1 << 20}},
	} {
		for _, o := range []Options{{}, {BulkPixelData: true}} {
			o.Limits = c.good
			if err := NewDecoder(bytes.NewReader(c.b), c.ts, o).ReadAll(new(dicom.DataSet)); err != nil {
				t.Errorf("%s, kept: %v", c.name, err)
			}
			o.Limits = c.bad
			err := NewDecoder(bytes.NewReader(c.b), c.ts, o).ReadAll(new(dicom.DataSet))
			if !errors.Is(err, ErrLimit) {
				t.Errorf("%s, exceeded: %v", c.name, err)
			}
			if _, err := Parse(c.b, c.ts, o); !errors.Is(err, ErrLimit) {
				t.Errorf("%s, exceeded in memory: %v", c.name, err)
			}
		}
	}
}

// TestHeaderBytes leaves values of bytes out of the count only while all
// values are kept.
func TestHeaderBytes(t *testing.T) {
	ds := new(dicom.DataSet)
	ds.Put(dicom.Element{Tag: dict.EncapsulatedDocument, VR: dicom.VROB, Data: make([]byte, 1000)})
	b := mustAppend(t, ExplicitLE, ds)
	l := Limits{HeaderBytes: 500}
	if _, err := Parse(b, ExplicitLE, Options{Limits: l}); err != nil {
		t.Error(err)
	}
	if _, err := Parse(b, ExplicitLE, Options{Limits: l, KeepUpTo: 100}); err != nil {
		t.Error(err)
	}
	if _, err := Parse(b, ExplicitLE, Options{Limits: l, KeepUpTo: 2000}); !errors.Is(err, ErrLimit) {
		t.Error(err)
	}
}

// TestDefaultLimits keeps the numbers that the documentation names.
func TestDefaultLimits(t *testing.T) {
	l := DefaultLimits()
	if l.Depth != 64 || l.HeaderBytes != 64<<20 || l.InflateRatio != 100 {
		t.Errorf("%+v", l)
	}
	if got := (Limits{Depth: 3}).orDefault(); got.Depth != 3 || got.Elements != l.Elements {
		t.Errorf("%+v", got)
	}
	if _, err := Parse(nested(t, 64), ExplicitLE, Options{}); err != nil {
		t.Error(err)
	}
	if _, err := Parse(nested(t, 65), ExplicitLE, Options{}); !errors.Is(err, ErrLimit) {
		t.Error(err)
	}
}
