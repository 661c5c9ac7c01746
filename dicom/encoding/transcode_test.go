package encoding

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/corpus"
)

var natives = []TransferSyntax{ImplicitLE, ExplicitLE, ExplicitBE, DeflatedLE}

// sameValues compares two data sets but for VRs, group lengths and how lengths
// are written.
func sameValues(a, b *dicom.DataSet) error {
	a, b = a.Clone(), b.Clone()
	RemoveGroupLengths(a)
	RemoveGroupLengths(b)
	if a.Len() != b.Len() {
		return fmt.Errorf("%d elements instead of %d", b.Len(), a.Len())
	}
	for e := range a.All() {
		o := b.Get(e.Tag)
		if o == nil {
			return fmt.Errorf("%v is missing", e.Tag)
		}
		if !bytes.Equal(e.Data, o.Data) || len(e.Items) != len(o.Items) {
			return fmt.Errorf("%v %v differs", e.Tag, e.VR)
		}
		for i := range e.Items {
			if err := sameValues(e.Items[i].DataSet, o.Items[i].DataSet); err != nil {
				return fmt.Errorf("%v: %w", e.Tag, err)
			}
		}
	}
	return nil
}

func transcode(body []byte, to, from TransferSyntax) ([]byte, error) {
	var w bytes.Buffer
	err := Transcode(&w, to, iotest.HalfReader(bytes.NewReader(body)), from, Options{})
	return w.Bytes(), err
}

// TestTranscodeCorpus turns every native file into every native encoding and back.
func TestTranscodeCorpus(t *testing.T) {
	for _, row := range corpus.Rows(t, "conformance/", "charset/", "series/ct-head-phantom/derived") {
		if row.Expected() == "reject" {
			continue
		}
		_, from, body, err := readCorpusFile(t, row)
		if err != nil || from.Encapsulated {
			continue
		}
		ds, err := Parse(body, from, Options{})
		if err != nil {
			continue
		}
		for _, to := range natives {
			if to.Deflated && len(body) > 256<<10 {
				continue // deflating takes most of the time, and shows nothing more
			}
			if err := thereAndBack(ds, body, from, to); err != nil {
				t.Errorf("%s from %s to %s: %v", row.Path(), from.UID, to.UID, err)
			}
		}
	}
}

func thereAndBack(ds *dicom.DataSet, body []byte, from, to TransferSyntax) error {
	out, err := transcode(body, to, from)
	if err != nil {
		return err
	}
	got, err := Parse(out, to, Options{})
	if err != nil {
		return err
	}
	if err := sameValues(ds, got); err != nil {
		return err
	}
	back, err := transcode(out, from, to)
	if err != nil {
		return fmt.Errorf("back: %w", err)
	}
	if from.ExplicitVR == to.ExplicitVR && !from.Deflated && !bytes.Equal(back, body) {
		return errors.New("other bytes after the way back")
	}
	got, err = Parse(back, from, Options{})
	if err != nil {
		return fmt.Errorf("back: %w", err)
	}
	return sameValues(ds, got)
}

func TestTranscodeRefusesWhatNeedsACodec(t *testing.T) {
	jpeg, _ := Lookup(dict.UIDJPEGBaseline8Bit)
	j2k, _ := Lookup(dict.UIDJPEG2000)
	var packed, native dicom.DataSet
	packed.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROB, Undefined: true, Fragments: [][]byte{nil, {1, 2}}})
	native.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROB, Data: []byte{1, 2}})
	for _, c := range []struct {
		ds       *dicom.DataSet
		from, to TransferSyntax
	}{
		{&packed, jpeg, ExplicitLE}, {&packed, jpeg, j2k}, {&native, ExplicitLE, jpeg}, {&native, jpeg, ImplicitLE},
	} {
		b, err := Append(nil, c.from, c.ds)
		if err != nil {
			t.Fatal(err)
		}
		if err := Transcode(io.Discard, c.to, bytes.NewReader(b), c.from, Options{}); !errors.Is(err, ErrTransferSyntax) {
			t.Errorf("from %s to %s: %v", c.from.UID, c.to.UID, err)
		}
	}
}

// endless yields n zero bytes.
type endless struct{ n int64 }

func (e *endless) Read(p []byte) (int, error) {
	if e.n == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), e.n)
	clear(p[:n])
	e.n -= n
	return int(n), nil
}

// TestTranscodeStreams passes 1 GB of pixel data through and looks at memory.
func TestTranscodeStreams(t *testing.T) {
	const size = 1 << 30
	head := appendHeader(nil, layout{explicit: true}, dict.PixelData, dicom.VROW, size)
	var count countingWriter
	bytesPerRun := allocated(func() {
		r := io.MultiReader(bytes.NewReader(head), &endless{size})
		if err := Transcode(&count, ExplicitBE, r, ExplicitLE, Options{}); err != nil {
			t.Fatal(err)
		}
	})
	if count != size+12 {
		t.Errorf("%d bytes came out", count)
	}
	if bytesPerRun > 1<<20 {
		t.Errorf("took %d bytes of memory", bytesPerRun)
	}
}

type countingWriter int64

func (c *countingWriter) Write(p []byte) (int, error) {
	*c += countingWriter(len(p))
	return len(p), nil
}
