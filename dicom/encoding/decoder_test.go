package encoding

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// mixedDataSet is a data set with something of everything.
func mixedDataSet() *dicom.DataSet {
	ds := new(dicom.DataSet)
	ds.PutString(dict.SpecificCharacterSet, dicom.VRCS, "ISO_IR 192")
	ds.PutUID(dict.SOPClassUID, dict.UIDSecondaryCaptureImageStorage)
	inner := new(dicom.DataSet)
	outer := new(dicom.DataSet)
	outer.Put(dicom.Element{Tag: dict.PurposeOfReferenceCodeSequence, VR: dicom.VRSQ, Undefined: true,
		Items: []dicom.Item{{DataSet: inner, Undefined: true}}})
	ds.PutItems(dict.ReferencedImageSequence, outer, new(dicom.DataSet))
	inner.PutString(dict.CodeMeaning, dicom.VRLO, "Müller") // now that it has inherited a character set
	ds.PutString(dict.PatientName, dicom.VRPN, "Müller^Änne")
	ds.Put(dicom.Element{Tag: dicom.NewTag(0x11, 0x10), VR: dicom.VRLO, Data: []byte("ACME")})
	ds.Put(dicom.Element{Tag: dicom.NewTag(0x11, 0x1001), VR: dicom.VRUN, Data: []byte{1, 2, 3, 4}})
	ds.PutFloats(dict.PixelSpacing, dicom.VRDS, 0.5, 0.25)
	ds.PutInts(dict.Rows, dicom.VRUS, 258)
	ds.PutInts(dict.FrameIncrementPointer, dicom.VRAT, int64(dict.FrameTime))
	ds.PutFloats(dict.RecommendedDisplayFrameRateInFloat, dicom.VRFL, 12.5)
	ds.PutInts(dict.PixelRepresentation, dicom.VRUS, 1)
	ds.PutInts(dict.SmallestImagePixelValue, dicom.VRSS, -3)
	ds.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROW, Data: []byte{1, 0, 2, 0}})
	return ds
}

func mustAppend(t testing.TB, ts TransferSyntax, ds *dicom.DataSet) []byte {
	t.Helper()
	b, err := Append(nil, ts, ds)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRoundTrip(t *testing.T) {
	want := mixedDataSet()
	for _, ts := range natives {
		b := mustAppend(t, ts, want)
		readers := map[string]io.Reader{
			"whole":  bytes.NewReader(b),
			"single": iotest.OneByteReader(bytes.NewReader(b)),
			"late":   iotest.DataErrReader(bytes.NewReader(b)),
		}
		for name, r := range readers {
			got := new(dicom.DataSet)
			if err := NewDecoder(r, ts, Options{}).ReadAll(got); err != nil {
				t.Errorf("%s, %s: %v", ts.UID, name, err)
				continue
			}
			if err := sameValues(want, got); err != nil {
				t.Errorf("%s, %s: %v", ts.UID, name, err)
			}
			if again := mustAppend(t, ts, got); !bytes.Equal(again, b) {
				t.Errorf("%s, %s: other bytes", ts.UID, name)
			}
			checkMixed(t, got)
		}
	}
}

// checkMixed looks at what a decoder decides: VRs, parents, byte order.
func checkMixed(t *testing.T, ds *dicom.DataSet) {
	t.Helper()
	if s := ds.String(dict.PatientName); s != "Müller^Änne" {
		t.Errorf("name %q", s)
	}
	item := ds.Items(dict.ReferencedImageSequence)[0].Items(dict.PurposeOfReferenceCodeSequence)[0]
	if s := item.String(dict.CodeMeaning); s != "Müller" {
		t.Errorf("in an item: %q", s)
	}
	if n, err := ds.Int(dict.SmallestImagePixelValue); n != -3 || err != nil {
		t.Errorf("US or SS: %d, %v", n, err)
	}
	if n, _ := ds.Int(dict.Rows); n != 258 {
		t.Errorf("rows %d", n)
	}
	if n, _ := ds.Int(dict.FrameIncrementPointer); dicom.Tag(n) != dict.FrameTime {
		t.Errorf("AT %x", n)
	}
}

func TestReadUntil(t *testing.T) {
	b := mustAppend(t, ExplicitLE, mixedDataSet())
	d := NewDecoder(bytes.NewReader(b), ExplicitLE, Options{})
	ds := new(dicom.DataSet)
	for _, stop := range []dicom.Tag{dict.PatientName, dict.PatientName, dict.Rows, dict.PixelData} {
		more, err := d.ReadUntil(ds, stop)
		if !more || err != nil {
			t.Fatalf("until %v: %v, %v", stop, more, err)
		}
		for e := range ds.All() {
			if e.Tag >= stop {
				t.Errorf("until %v: %v", stop, e.Tag)
			}
		}
	}
	h, err := d.Next()
	if err != nil || h.Tag != dict.PixelData || h.Length != 4 {
		t.Fatalf("%v, %v", h, err)
	}
	value, err := io.ReadAll(d.Reader())
	if err != nil || !bytes.Equal(value, []byte{1, 0, 2, 0}) {
		t.Errorf("value %v, %v", value, err)
	}
	if h.Value != int64(len(b))-4 {
		t.Errorf("value at %d", h.Value)
	}
	if more, err := d.ReadUntil(ds, 0xFFFFFFFF); more || err != nil {
		t.Errorf("at the end: %v, %v", more, err)
	}
	if _, err := d.Next(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

// TestTokens walks over a data set element by element, into items, and leaves
// some of it unread everywhere.
func TestTokens(t *testing.T) {
	for _, ts := range natives {
		d := NewDecoder(bytes.NewReader(mustAppend(t, ts, mixedDataSet())), ts, Options{})
		var seen []string
		if err := walk(d, &seen); err != nil {
			t.Errorf("%s: %v", ts.UID, err)
		}
		got := strings.Join(seen, " ")
		if !strings.Contains(got, "(0008,1140) item (0040,A170) item (0008,0104) item (0008,9459)") {
			t.Errorf("%s: %s", ts.UID, got)
		}
	}
}

func walk(d *Decoder, seen *[]string) error {
	for {
		h, err := d.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		*seen = append(*seen, h.Tag.String())
		for h.IsSequence() {
			if _, err := d.NextItem(); err == io.EOF {
				break
			} else if err != nil {
				return err
			}
			*seen = append(*seen, "item")
			if err := walk(d, seen); err != nil {
				return err
			}
		}
	}
}

func TestBulk(t *testing.T) {
	jpeg, _ := Lookup(dict.UIDJPEGBaseline8Bit)
	ds := mixedDataSet()
	ds.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROB, Undefined: true, Fragments: [][]byte{nil, {1, 2}, {3, 4, 5, 6}}})
	ds.Put(dicom.Element{Tag: dict.DataSetTrailingPadding, VR: dicom.VROB, Data: make([]byte, 10)})
	b := mustAppend(t, jpeg, ds)
	for _, o := range []Options{{BulkPixelData: true}, {KeepUpTo: 12}} {
		got, err := Parse(b, jpeg, o)
		if err != nil {
			t.Fatal(err)
		}
		e := got.Get(dict.PixelData)
		if e.Bulk == nil || !e.Undefined || e.Data != nil || e.Fragments != nil {
			t.Fatalf("%+v", e)
		}
		value := b[e.Bulk.Offset : e.Bulk.Offset+e.Bulk.Length]
		if want := appendItem(nil, false, tagItem, 0); !bytes.HasPrefix(value, want) {
			t.Errorf("begins with %x", value[:8])
		}
		if want := appendItem(nil, false, tagSequenceDelim, 0); !bytes.HasSuffix(value, want) {
			t.Errorf("ends with %x", value[len(value)-8:])
		}
		if !got.Has(dict.DataSetTrailingPadding) {
			t.Error("what follows is not there")
		}
		if _, err := Append(nil, jpeg, got); !errors.Is(err, dicom.ErrBulk) {
			t.Errorf("written: %v", err)
		}
	}
	got, _ := Parse(b, jpeg, Options{KeepUpTo: 12})
	if e := got.Get(dict.PatientName); e.Bulk == nil || string(b[e.Bulk.Offset:e.Bulk.Offset+e.Bulk.Length]) != "Müller^Änne " && e.Bulk.Length != 13+1 {
		t.Errorf("%+v", e)
	}
	if got.Get(dict.Rows).Bulk != nil {
		t.Error("a short value was left out")
	}
}

// TestBulkStreams passes 1 GB of pixel data, native and in fragments.
func TestBulkStreams(t *testing.T) {
	const size = 1 << 30
	jpeg, _ := Lookup(dict.UIDJPEGBaseline8Bit)
	l := layout{explicit: true}
	native := appendHeader(nil, l, dict.PixelData, dicom.VROW, size)
	fragment := appendHeader(nil, l, dict.PixelData, dicom.VROB, Undefined)
	fragment = appendItem(appendItem(fragment, false, tagItem, 0), false, tagItem, size)
	for _, head := range [][]byte{native, fragment} {
		var tail []byte
		if head[8] == 0xFF {
			tail = appendItem(nil, false, tagSequenceDelim, 0)
		}
		r := io.MultiReader(bytes.NewReader(head), &endless{size}, bytes.NewReader(tail))
		ds := new(dicom.DataSet)
		cost := allocated(func() {
			if err := NewDecoder(r, jpeg, Options{KeepUpTo: 100}).ReadAll(ds); err != nil {
				t.Error(err)
			}
		})
		if bulk := ds.Get(dict.PixelData).Bulk; bulk == nil || bulk.Offset != 12 || bulk.Length != int64(len(head)-12+size+len(tail)) {
			t.Errorf("%+v", bulk)
		}
		if cost > 1<<20 {
			t.Errorf("%d bytes allocated", cost)
		}
	}
}

// TestManyElements reads as many elements as the limit allows.
func TestManyElements(t *testing.T) {
	n := DefaultLimits().Elements
	var b []byte
	for i := range n {
		b = appendHeader(b, layout{}, dicom.NewTag(0x11, 0x1000)+dicom.Tag(i), dicom.VRUN, 0)
	}
	ds, err := Parse(b, ImplicitLE, Options{})
	if err != nil || ds.Len() != n {
		t.Errorf("%d elements: %v", ds.Len(), err)
	}
	b = appendHeader(b, layout{}, dict.PixelData, dicom.VROW, 0)
	if _, err := Parse(b, ImplicitLE, Options{}); !errors.Is(err, ErrLimit) {
		t.Error(err)
	}
}

// TestNoAllocationFromLengths declares 2 GB where there is nothing.
func TestNoAllocationFromLengths(t *testing.T) {
	head := appendHeader(nil, layout{explicit: true}, dict.PixelData, dicom.VROB, 0x7FFFFFFE)
	got := allocated(func() {
		err := NewDecoder(bytes.NewReader(append(head, 1, 2)), ExplicitLE, Options{}).ReadAll(new(dicom.DataSet))
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%v", err)
		}
	})
	if got > 1<<20 {
		t.Errorf("%d bytes allocated", got)
	}
}

// TestUN reads elements that were written as UN (PS3.5 section 6.2.2).
func TestUN(t *testing.T) {
	item := new(dicom.DataSet)
	item.PutString(dict.CodeValue, dicom.VRSH, "A")
	implicit := appendItem(nil, false, tagItem, 10)
	implicit = append(implicit, mustAppend(t, ImplicitLE, item)...)
	for _, ts := range []TransferSyntax{ExplicitLE, ExplicitBE} {
		l := layoutOf(ts)
		b := appendHeader(nil, l, dict.PatientID, dicom.VRUN, 4)
		b = append(b, "1234"...)
		b = appendHeader(b, l, dict.Rows, dicom.VRUN, 2)
		b = append(b, 3, 0) // little endian always
		b = appendHeader(b, l, dict.AcquisitionContextSequence, dicom.VRUN, uint32(len(implicit)))
		b = append(b, implicit...)
		b = appendHeader(b, l, dicom.NewTag(0x41, 0x1001), dicom.VRUN, Undefined)
		b = append(b, implicit...)
		b = appendItem(b, false, tagSequenceDelim, 0)
		ds, err := Parse(b, ts, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if s := ds.String(dict.PatientID); s != "1234" {
			t.Errorf("text %q", s)
		}
		if n, err := ds.Int(dict.Rows); n != 3 {
			t.Errorf("number %d, %v", n, err)
		}
		for _, tag := range []dicom.Tag{dict.AcquisitionContextSequence, dicom.NewTag(0x41, 0x1001)} {
			items := ds.Items(tag)
			if len(items) != 1 || items[0].String(dict.CodeValue) != "A" {
				t.Errorf("%v: %d items", tag, len(items))
			}
		}
		if again := mustAppend(t, ts, ds); !bytes.Equal(again, b) {
			t.Errorf("%s: other bytes", ts.UID)
		}
		for _, to := range natives {
			if err := thereAndBack(ds, b, ts, to); err != nil {
				t.Errorf("%s to %s: %v", ts.UID, to.UID, err)
			}
		}
	}
}

func TestCommandSet(t *testing.T) {
	ds := new(dicom.DataSet)
	ds.PutInts(dict.CommandField, dicom.VRUS, 0x30)
	b := mustAppend(t, ImplicitLE, ds)
	if _, err := Parse(b, ImplicitLE, Options{}); !errors.Is(err, ErrSyntax) {
		t.Errorf("as data set: %v", err)
	}
	got, err := Parse(b, ImplicitLE, Options{Command: true})
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := got.Int(dict.CommandField); n != 0x30 {
		t.Errorf("command %x", n)
	}
	ds.PutString(dict.PatientID, dicom.VRLO, "1")
	if _, err := Parse(mustAppend(t, ImplicitLE, ds), ImplicitLE, Options{Command: true}); !errors.Is(err, ErrSyntax) {
		t.Errorf("group 0010 in a command set: %v", err)
	}
}
