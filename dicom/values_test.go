package dicom

import (
	"errors"
	"math"
	"slices"
	"testing"
)

const (
	tagText     Tag = 0x00100020
	tagNumber   Tag = 0x00280010
	tagSequence Tag = 0x00081140
)

func with(vr VR, data string) *DataSet {
	ds := new(DataSet)
	ds.Put(Element{Tag: tagText, VR: vr, Data: []byte(data)})
	return ds
}

func TestStrings(t *testing.T) {
	for _, c := range []struct {
		vr   VR
		data string
		want []string
	}{
		{VRLO, "", nil},
		{VRLO, " ", nil},
		{VRLO, " a \\b ", []string{"a", "b"}},
		{VRLO, "a\\", []string{"a", ""}},
		{VRST, "a\\b ", []string{"a\\b"}},
		{VRLT, " indented ", []string{" indented"}},
		{VRUI, "1.2\x00", []string{"1.2"}},
		{VRUI, "1.2\\1.3\x00", []string{"1.2", "1.3"}},
		{VRUN, "as text ", []string{"as text"}},
		{VRUS, "\x01\x00\xff\xff", []string{"1", "65535"}},
		{VRSS, "\xff\xff", []string{"-1"}},
		{VRUL, "\xff\xff\xff\xff", []string{"4294967295"}},
		{VRSL, "\xff\xff\xff\xff", []string{"-1"}},
		{VRUV, "\xff\xff\xff\xff\xff\xff\xff\xff", []string{"18446744073709551615"}},
		{VRSV, "\xff\xff\xff\xff\xff\xff\xff\xff", []string{"-1"}},
		{VRAT, "\x28\x00\x10\x00", []string{"00280010"}},
		{VRFL, "\x00\x00\x80\x3f", []string{"1"}},
		{VRFD, "\x00\x00\x00\x00\x00\x00\xf8\x3f", []string{"1.5"}},
		{VRUS, "\x01\x00\x02", []string{"1"}}, // the whole numbers only
		{VROB, "\x01\x02", nil},
	} {
		ds := with(c.vr, c.data)
		if got := ds.Strings(tagText); !slices.Equal(got, c.want) {
			t.Errorf("%v %q: %q", c.vr, c.data, got)
		}
		first := ""
		if len(c.want) > 0 {
			first = c.want[0]
		}
		if got := ds.String(tagText); got != first {
			t.Errorf("%v %q: first is %q", c.vr, c.data, got)
		}
	}
	var none *DataSet
	if none.String(tagText) != "" || none.Strings(tagText) != nil || none.UID(tagText) != "" || none.Len() != 0 {
		t.Error("a nil data set has values")
	}
}

func TestStringDecodes(t *testing.T) {
	ds := new(DataSet)
	if err := ds.PutString(0x00080005, VRCS, "ISO_IR 100"); err != nil {
		t.Fatal(err)
	}
	if err := ds.PutString(0x00100010, VRPN, "Müller^Jürgen"); err != nil {
		t.Fatal(err)
	}
	if e := ds.Get(0x00100010); string(e.Data) != "M\xfcller^J\xfcrgen " {
		t.Errorf("encoded as %q", e.Data)
	}
	if s := ds.String(0x00100010); s != "Müller^Jürgen" {
		t.Errorf("decoded as %q", s)
	}
	if err := ds.PutString(0x00100010, VRPN, "山田"); err == nil {
		t.Error("Latin-1 took what it cannot hold")
	} else if !ds.Has(0x00100010) {
		t.Error("nothing was put")
	}
	item := new(DataSet)
	ds.PutItems(tagSequence, item)
	item.PutString(tagText, VRLO, "ä")
	if e := item.Get(tagText); string(e.Data) != "\xe4 " {
		t.Errorf("in an item: %q", e.Data)
	}
}

func TestInts(t *testing.T) {
	for _, c := range []struct {
		vr   VR
		data string
		want []int64
		err  error
	}{
		{VRIS, "", nil, nil},
		{VRIS, " 12 \\-3", []int64{12, -3}, nil},
		{VRIS, "+5", []int64{5}, nil},
		{VRIS, "1.0", []int64{1}, nil},
		{VRIS, "1A", nil, ErrBadValue},
		{VRIS, "1\\", nil, ErrBadValue},
		{VRIS, "0x10", nil, ErrBadValue},
		{VRIS, "1_000", nil, ErrBadValue},
		{VRDS, "2e1", []int64{20}, nil},
		{VRDS, "1.5", nil, ErrBadValue},
		{VRDS, "1e300", nil, ErrBadValue},
		{VRUS, "\x01\x00\x02\x00", []int64{1, 2}, nil},
		{VRUS, "\x01\x00\x02", nil, ErrBadValue},
		{VRUV, "\xff\xff\xff\xff\xff\xff\xff\xff", nil, ErrBadValue},
		{VRAT, "\x28\x00\x10\x00", []int64{0x00280010}, nil},
		{VRLO, "1", nil, ErrBadValue},
		{VRFD, "\x00\x00\x00\x00\x00\x00\xf8\x3f", nil, ErrBadValue},
	} {
		got, err := with(c.vr, c.data).Ints(tagText)
		if !slices.Equal(got, c.want) || !errors.Is(err, c.err) {
			t.Errorf("%v %q: %v, %v", c.vr, c.data, got, err)
		}
	}
	if _, err := new(DataSet).Int(tagText); !errors.Is(err, ErrNoValue) {
		t.Errorf("absent: %v", err)
	}
	if _, err := with(VRIS, "").Int(tagText); !errors.Is(err, ErrNoValue) {
		t.Errorf("empty: %v", err)
	}
	ds := new(DataSet)
	ds.Put(Element{Tag: tagText, VR: VRIS, Bulk: &Bulk{0, 4}})
	if _, err := ds.Int(tagText); !errors.Is(err, ErrBulk) {
		t.Errorf("bulk: %v", err)
	}
}

func TestFloats(t *testing.T) {
	for _, c := range []struct {
		vr   VR
		data string
		want []float64
		err  error
	}{
		{VRDS, " 1.5\\-2e-1 ", []float64{1.5, -0.2}, nil},
		{VRDS, "NaN", nil, ErrBadValue},
		{VRDS, "Inf", nil, ErrBadValue},
		{VRDS, "1e400", nil, ErrBadValue},
		{VRDS, "1,5", nil, ErrBadValue},
		{VRIS, "7", []float64{7}, nil},
		{VRUS, "\x07\x00", []float64{7}, nil},
		{VRFL, "\x00\x00\xc0\x3f", []float64{1.5}, nil},
		{VRFL, "\x00\x00\xc0", nil, ErrBadValue},
		{VROD, "\x00\x00\x00\x00\x00\x00\xf8\x3f", []float64{1.5}, nil},
		{VRPN, "1", nil, ErrBadValue},
	} {
		got, err := with(c.vr, c.data).Floats(tagText)
		if !slices.Equal(got, c.want) || !errors.Is(err, c.err) {
			t.Errorf("%v %q: %v, %v", c.vr, c.data, got, err)
		}
	}
}

// TestPutNumbers puts numbers and reads them again.
func TestPutNumbers(t *testing.T) {
	for _, vr := range []VR{VRUS, VRSS, VRUL, VRSL, VRUV, VRSV, VRAT, VRIS, VRDS} {
		ds := new(DataSet)
		if err := ds.PutInts(tagNumber, vr, 1, 300, 12345); err != nil {
			t.Errorf("%v: %v", vr, err)
		}
		if got, err := ds.Ints(tagNumber); !slices.Equal(got, []int64{1, 300, 12345}) || err != nil {
			t.Errorf("%v: %v, %v", vr, got, err)
		}
		if n := len(ds.Get(tagNumber).Data); n%2 != 0 {
			t.Errorf("%v: %d bytes", vr, n)
		}
	}
	for vr, bad := range map[VR]int64{VRUS: 65536, VRSS: 32768, VRUL: -1, VRSL: 1 << 31, VRUV: -1, VRAT: 1 << 32, VRLO: 1} {
		ds := new(DataSet)
		if err := ds.PutInts(tagNumber, vr, bad); !errors.Is(err, ErrBadValue) || ds.Len() != 0 {
			t.Errorf("%v took %d: %v", vr, bad, err)
		}
	}
	for _, vr := range []VR{VRFL, VRFD, VROF, VROD, VRDS} {
		ds := new(DataSet)
		if err := ds.PutFloats(tagNumber, vr, 0.5, -1.25); err != nil {
			t.Errorf("%v: %v", vr, err)
		}
		if got, err := ds.Floats(tagNumber); !slices.Equal(got, []float64{0.5, -1.25}) || err != nil {
			t.Errorf("%v: %v, %v", vr, got, err)
		}
	}
	ds := new(DataSet)
	if err := ds.PutFloats(tagNumber, VRDS, math.NaN()); !errors.Is(err, ErrBadValue) {
		t.Errorf("NaN as DS: %v", err)
	}
	if err := ds.PutFloats(tagNumber, VRUS, 1); !errors.Is(err, ErrBadValue) {
		t.Errorf("a float as US: %v", err)
	}
}

func TestFormatDS(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.1: "0.1", -1.5: "-1.5", 1e300: "1e+300", 1.0 / 3: "0.33333333333333", -math.Pi * 1e-5: "-3.141592654e-05"} {
		got := FormatDS(v)
		if len(got) > 16 || got != want {
			t.Errorf("%v: %q", v, got)
		}
	}
	for _, v := range []float64{math.MaxFloat64, math.SmallestNonzeroFloat64, -math.MaxFloat64, -1.0 / 3e100} {
		if got := FormatDS(v); len(got) > 16 {
			t.Errorf("%v: %q", v, got)
		}
	}
}

func TestAppend(t *testing.T) {
	ds := new(DataSet)
	if err := ds.Append(Element{Tag: 1}, Element{Tag: 3, VR: VRSQ, Items: []Item{{}}}); err != nil {
		t.Fatal(err)
	}
	if item := ds.Items(3)[0]; item.DataSet == nil || item.Parent() != ds {
		t.Error("the item was not adopted")
	}
	for _, tag := range []Tag{0, 1, 3} {
		if err := ds.Append(Element{Tag: 9}, Element{Tag: tag}); err == nil || ds.Len() != 2 {
			t.Errorf("%v after 3 was taken", tag)
		}
	}
	ds.Put(Element{Tag: 2})
	ds.Put(Element{Tag: 2, VR: VRLO})
	if ds.Len() != 3 || ds.Get(2).VR != VRLO {
		t.Error("Put did not replace")
	}
	ds.Delete(2)
	ds.Delete(7)
	if ds.Len() != 2 || ds.Has(2) {
		t.Error("Delete")
	}
}

func TestClone(t *testing.T) {
	ds := new(DataSet)
	item := new(DataSet)
	item.PutString(tagText, VRLO, "abc")
	ds.PutItems(tagSequence, item)
	ds.Put(Element{Tag: 0x7FE00010, VR: VROB, Fragments: [][]byte{{1}, {2}}})
	ds.Put(Element{Tag: 0x7FE10010, VR: VROB, Bulk: &Bulk{1, 2}})
	c := ds.Clone()
	item.Get(tagText).Data[0] = 'X'
	ds.Get(0x7FE00010).Fragments[0][0] = 9
	ds.Get(0x7FE10010).Bulk.Offset = 9
	ds.Delete(tagSequence)
	got := c.Items(tagSequence)
	if len(got) != 1 || got[0].String(tagText) != "abc" || got[0].Parent() != c {
		t.Error("the clone shares items")
	}
	if c.Get(0x7FE00010).Fragments[0][0] != 1 || c.Get(0x7FE10010).Bulk.Offset != 1 {
		t.Error("the clone shares values")
	}
	var none *DataSet
	if none.Clone() != nil {
		t.Error("nil has a clone")
	}
}
