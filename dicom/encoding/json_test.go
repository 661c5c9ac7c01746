package encoding

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// sample returns a data set with most kinds of values.
func sample(tb testing.TB) *dicom.DataSet {
	tb.Helper()
	ds, item := new(dicom.DataSet), new(dicom.DataSet)
	check := func(err error) {
		if err != nil {
			tb.Helper()
			tb.Fatal(err)
		}
	}
	check(ds.PutInts(dicom.NewTag(8, 0), dicom.VRUL, 99))
	check(ds.PutString(dict.SpecificCharacterSet, dicom.VRCS, "ISO_IR 100"))
	check(ds.PutString(dict.ImageType, dicom.VRCS, "ORIGINAL", "", "AXIAL"))
	ds.PutUID(dict.SOPInstanceUID, "1.2.3")
	check(ds.PutString(dict.StudyDate, dicom.VRDA, ""))
	check(ds.PutString(dict.PatientName, dicom.VRPN, "Müller^Jürgen"))
	check(ds.PutString(dict.OtherPatientNames, dicom.VRPN, "A=B", "", "=C"))
	check(ds.PutString(dict.PatientComments, dicom.VRLT, " \"a\\b\"\r\n\x01"))
	check(ds.PutString(dict.PatientWeight, dicom.VRDS, "+070.50"))
	check(ds.PutString(dict.ImagePositionPatient, dicom.VRDS, "-1.5e+01", "NaN", ".5"))
	check(ds.PutString(dict.InstanceNumber, dicom.VRIS, "007"))
	check(ds.PutInts(dict.Rows, dicom.VRUS, 512))
	check(ds.PutInts(dict.FrameIncrementPointer, dicom.VRAT, int64(dict.FrameTime)))
	check(ds.PutFloats(dicom.NewTag(0x11, 0x1001), dicom.VRFL, 0.1, math.NaN(), math.Inf(-1)))
	check(ds.PutInts(dicom.NewTag(0x11, 0x1002), dicom.VRSV, 5, math.MinInt64))
	ds.Put(dicom.Element{Tag: dicom.NewTag(0x11, 0x1003), VR: dicom.VRUN, Data: []byte{0, 255}})
	ds.PutItems(dict.ProcedureCodeSequence, item, new(dicom.DataSet))
	check(item.PutString(dict.CodeMeaning, dicom.VRLO, "Größe"))
	ds.PutItems(dict.ReferencedStudySequence)
	ds.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROW, Bulk: &dicom.Bulk{Offset: 100, Length: 10}})
	return ds
}

const sampleJSON = `{"00080005":{"vr":"CS","Value":["ISO_IR 192"]},` +
	`"00080008":{"vr":"CS","Value":["ORIGINAL",null,"AXIAL"]},` +
	`"00080018":{"vr":"UI","Value":["1.2.3"]},` +
	`"00080020":{"vr":"DA"},` +
	`"00081032":{"vr":"SQ","Value":[{"00080104":{"vr":"LO","Value":["Größe"]}},{}]},` +
	`"00081110":{"vr":"SQ"},` +
	`"00100010":{"vr":"PN","Value":[{"Alphabetic":"Müller^Jürgen"}]},` +
	`"00101001":{"vr":"PN","Value":[{"Alphabetic":"A","Ideographic":"B"},null,{"Ideographic":"C"}]},` +
	`"00101030":{"vr":"DS","Value":[70.50]},` +
	`"00104000":{"vr":"LT","Value":[" \"a\\b\"\r\n\u0001"]},` +
	`"00111001":{"vr":"FL","Value":[0.1,"NaN","-inf"]},` +
	`"00111002":{"vr":"SV","Value":[5,"-9223372036854775808"]},` +
	`"00111003":{"vr":"UN","InlineBinary":"AP8="},` +
	`"00200013":{"vr":"IS","Value":[7]},` +
	`"00200032":{"vr":"DS","Value":[-1.5e1,"NaN",0.5]},` +
	`"00280009":{"vr":"AT","Value":["00181063"]},` +
	`"00280010":{"vr":"US","Value":[512]},` +
	`"7FE00010":{"vr":"OW"}}`

func TestAppendJSON(t *testing.T) {
	got, err := AppendJSON([]byte("["), sample(t), JSONOptions{})
	if err != nil || string(got) != "["+sampleJSON {
		t.Errorf("got  %s, %v\nwant [%s", got, err, sampleJSON)
	}
}

func TestJSONBulk(t *testing.T) {
	ds, inner := new(dicom.DataSet), new(dicom.DataSet)
	inner.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROB, Fragments: [][]byte{nil, {1, 2}}})
	inner.Put(dicom.Element{Tag: dict.RedPaletteColorLookupTableData, VR: dicom.VROW, Data: make([]byte, 20)})
	inner.Put(dicom.Element{Tag: dict.GreenPaletteColorLookupTableData, VR: dicom.VROW, Data: make([]byte, 2)})
	ds.PutItems(dict.IconImageSequence, new(dicom.DataSet), inner)
	o := JSONOptions{InlineUpTo: 19, BulkDataURI: func(at Path, e *dicom.Element) string {
		return "bulk/" + at.String() + e.Tag.Hex()
	}}
	got, err := AppendJSON(nil, ds, o)
	want := `{"00880200":{"vr":"SQ","Value":[{},{` +
		`"00281201":{"vr":"OW","BulkDataURI":"bulk/00880200/1/00281201"},` +
		`"00281202":{"vr":"OW","InlineBinary":"AAA="},` +
		`"7FE00010":{"vr":"OB","BulkDataURI":"bulk/00880200/1/7FE00010"}}]}}`
	if err != nil || string(got) != want {
		t.Fatalf("got  %s, %v\nwant %s", got, err, want)
	}
	var asked []string
	back, err := ParseJSON(got, JSONOptions{ResolveURI: func(at Path, e *dicom.Element, uri string) error {
		asked = append(asked, at.String()+" "+uri)
		e.Bulk = &dicom.Bulk{Offset: 7, Length: 20}
		return nil
	}})
	if err != nil || len(asked) != 2 || asked[0] != "00880200/1/ bulk/00880200/1/00281201" {
		t.Fatalf("asked %q, %v", asked, err)
	}
	if e := back.Items(dict.IconImageSequence)[1].Get(dict.PixelData); e.Bulk == nil || e.Bulk.Offset != 7 {
		t.Errorf("got %+v", e)
	}
}

func TestJSONLimits(t *testing.T) {
	ds := new(dicom.DataSet)
	for range 65 {
		outer := new(dicom.DataSet)
		outer.PutItems(dict.ReferencedStudySequence, ds)
		ds = outer
	}
	if out, err := AppendJSON([]byte("x"), ds, JSONOptions{}); !errors.Is(err, ErrLimit) || string(out) != "x" {
		t.Errorf("65 levels written: %q, %v", out, err)
	}
	deep := strings.Repeat(`{"00081110":{"vr":"SQ","Value":[`, 65) + strings.Repeat(`]}}`, 65)
	late := strings.Repeat(`{"00081110":{"Value":[`, 60) + strings.Repeat(" ", 1<<16) + strings.Repeat(`],"vr":"SQ"}}`, 60)
	for _, c := range []struct {
		in string
		o  JSONOptions
	}{
		{deep, JSONOptions{}},
		{late, JSONOptions{}},
		{sampleJSON, JSONOptions{MaxBytes: 100}},
		{sampleJSON, JSONOptions{Limits: Limits{Elements: 10}}},
		{sampleJSON, JSONOptions{Limits: Limits{ValueLength: 4}}},
	} {
		if _, err := ParseJSON([]byte(c.in), c.o); !errors.Is(err, ErrLimit) {
			t.Errorf("%.80s: got %v", c.in, err)
		}
	}
}

func TestParseJSONRoundTrip(t *testing.T) {
	ds, err := ParseJSON([]byte(sampleJSON), JSONOptions{})
	if err != nil {
		t.Fatal(err)
	}
	again, err := AppendJSON(nil, ds, JSONOptions{})
	if err != nil || string(again) != sampleJSON {
		t.Errorf("got  %s, %v\nwant %s", again, err, sampleJSON)
	}
	if got := ds.String(dict.PatientName); got != "Müller^Jürgen" {
		t.Errorf("got %q", got)
	}
}

func TestParseJSONTolerance(t *testing.T) {
	for in, want := range map[string]string{
		`{}`: `{}`,
		` { "00100010" : { "Value" : [ "A^B" , null ] , "vr" : "PN" } } `: `{"00100010":{"vr":"PN","Value":[{"Alphabetic":"A^B"},null]}}`,
		`{"00280010":{"vr":"US","Value":["512"]}}`:                        `{"00280010":{"vr":"US","Value":[512]}}`,
		`{"00280010":{"vr":"US","Value":[5.12E2]}}`:                       `{"00280010":{"vr":"US","Value":[512]}}`,
		`{"00280010":{"Value":[512]}}`:                                    `{"00280010":{"vr":"US","Value":[512]}}`,
		`{"00200013":{"vr":"IS","Value":["7"]}}`:                          `{"00200013":{"vr":"IS","Value":[7]}}`,
		`{"00200013":{"vr":"IS","Value":[7.0]}}`:                          `{"00200013":{"vr":"IS","Value":[7]}}`,
		`{"00101030":{"vr":"DS","Value":[0.10000000149011612]}}`:          `{"00101030":{"vr":"DS","Value":[0.10000000149012]}}`,
		`{"00100020":{"vr":"LO","Value":["\ud83d\ude00\ud83d\u00e4"]}}`: `{"00080005":{"vr":"CS","Value":["ISO_IR 192"]},` +
			`"00100020":{"vr":"LO","Value":["😀�ä"]}}`,
		`{"00100030":{"vr":"DA"},"00100020":{"vr":"LO","Value":null}}`:                         `{"00100020":{"vr":"LO"},"00100030":{"vr":"DA"}}`,
		`{"00080000":{"vr":"UL","Value":[4]},"0008103e":{"vr":"LO","x":{"y":["]"]}}}`:          `{"0008103E":{"vr":"LO"}}`,
		`{"00081110":{"vr":"SQ","Value":[null]}}`:                                              `{"00081110":{"vr":"SQ","Value":[{}]}}`,
		`{"00111001":{"vr":"FD","Value":["Infinity",1e999]}}`:                                  `{"00111001":{"vr":"FD","Value":["inf","inf"]}}`,
		`{"00111001":{"vr":"OB","BulkDataURI":"http://127.0.0.1/x"}}`:                          `{"00111001":{"vr":"OB"}}`,
		`{"00081110":{"Value":[{"00280010":{"Value":[1],"vr":"US"}}],"vr":"SQ"}}`:              `{"00081110":{"vr":"SQ","Value":[{"00280010":{"vr":"US","Value":[1]}}]}}`,
		`{"00100010":{"vr":"PN","Value":[{"Phonetic":"P","Alphabetic":"A","x":1}]}}`:           `{"00100010":{"vr":"PN","Value":[{"Alphabetic":"A","Phonetic":"P"}]}}`,
		`{"00080005":{"vr":"CS","Value":["ISO_IR 100"]},"00100020":{"vr":"LO","Value":["x"]}}`: `{"00080005":{"vr":"CS","Value":["ISO_IR 192"]},"00100020":{"vr":"LO","Value":["x"]}}`,
	} {
		ds, err := ParseJSON([]byte(in), JSONOptions{})
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got, err := AppendJSON(nil, ds, JSONOptions{}); err != nil || string(got) != want {
			t.Errorf("%s:\ngot  %s, %v\nwant %s", in, got, err, want)
		}
	}
}

func TestParseJSONErrors(t *testing.T) {
	for _, in := range []string{
		``, `[`, `{`, `{}{}`, `{"00100010"}`, `{"00100010":1}`, `{"PatientName":{"vr":"PN"}}`,
		`{"00100010":{"vr":"XX"}}`, `{"00100010":{"vr":1}}`, `{"00100010":{"vr":"PN","Value":1}}`,
		`{"00100010":{"vr":"LO","Value":[{}]}}`, `{"00100010":{"vr":"LO","Value":[true]}}`,
		`{"00100010":{"vr":"LO","Value":["a" "b"]}}`, `{"00100010":{"vr":"LO","Value":["a",]}}`,
		`{"00100010":{"vr":"LO","Value":["a\x"]}}`, `{"00100010":{"vr":"LO","Value":["a\u12"]}}`,
		"{\"00100010\":{\"vr\":\"LO\",\"Value\":[\"a\n\"]}}", `{"00100010":{"vr":"LO","Value":["a`,
		`{"00280010":{"vr":"US","Value":[65536]}}`, `{"00280010":{"vr":"US","Value":[-1]}}`,
		`{"00111001":{"vr":"FD","Value":["0x1p4"]}}`, `{"00111001":{"vr":"FD","Value":["1_0"]}}`,
		`{"00280010":{"vr":"US","Value":[1.5]}}`, `{"00280010":{"vr":"US","Value":[01]}}`,
		`{"00280010":{"vr":"US","Value":[null]}}`, `{"00280010":{"vr":"US","Value":[1.]}}`,
		`{"00100010":{"vr":"LT","Value":["a","b"]}}`,
		`{"7FE00010":{"vr":"OW","InlineBinary":"AA=A"}}`, `{"7FE00010":{"vr":"OW","InlineBinary":5}}`,
		`{"7FE00010":{"vr":"OW","InlineBinary":"AAA=","BulkDataURI":"x"}}`,
		`{"7FE00010":{"vr":"OW","Value":[1]}}`, `{"00081110":{"vr":"SQ","InlineBinary":"AAA="}}`,
		`{"00100020":{"vr":"LO"},"00100020":{"vr":"LO"}}`, `{"00100020":{"vr":"LO"},}`,
		`{"00100020":{"x":}}`, `{"00100020":{"x":{]}}`,
	} {
		var e *Error
		if ds, err := ParseJSON([]byte(in), JSONOptions{}); !errors.Is(err, ErrSyntax) || !errors.As(err, &e) {
			t.Errorf("%s: got %v, %v", in, ds, err)
		}
	}
}

func TestParseJSONArray(t *testing.T) {
	for in, want := range map[string]int{
		`[]`: 0, `[{},{"00100020":{"vr":"LO"}}]`: 2, `{}`: 1, ` [ {} ] `: 1,
		`[{}`: -1, `[{}]x`: -1, `1`: -1, ``: -1, `[1]`: -1,
	} {
		sets, err := ParseJSONArray([]byte(in), JSONOptions{})
		if (err != nil) != (want < 0) || err == nil && len(sets) != want {
			t.Errorf("%s: got %d, %v", in, len(sets), err)
		}
	}
}

func FuzzParseJSON(f *testing.F) {
	f.Add([]byte(sampleJSON))
	f.Add([]byte(`{"00081110":{"Value":[{"00280010":{"Value":[1],"vr":"US"}}],"vr":"SQ"}}`))
	f.Add([]byte(`{"00100020":{"vr":"LO","Value":["\ud83d\ude00\ud83d\u00e4",null,5]}}`))
	f.Add([]byte(`{"00101030":{"vr":"DS","Value":[0.10000000149011612,"-.5e-7","1e999"]}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		ds, err := ParseJSON(in, JSONOptions{})
		if err != nil {
			return
		}
		out, err := AppendJSON(nil, ds, JSONOptions{})
		if err != nil || !json.Valid(out) {
			t.Fatalf("written as %q, %v", out, err)
		}
		second := rewriteJSON(t, out)
		// Bytes that no character set explains become U+FFFD. What is read again
		// says so with a Specific Character Set, which then stays.
		if string(second) != string(out) && !bytes.Contains(out, []byte("\uFFFD")) {
			t.Fatalf("first  %q\nsecond %q", out, second)
		}
		if third := rewriteJSON(t, second); string(third) != string(second) {
			t.Fatalf("second %q\nthird  %q", second, third)
		}
	})
}

// rewriteJSON reads what was written and writes it again.
func rewriteJSON(t *testing.T, in []byte) []byte {
	t.Helper()
	ds, err := ParseJSON(in, JSONOptions{})
	if err != nil {
		t.Fatalf("%q does not parse: %v", in, err)
	}
	out, err := AppendJSON(nil, ds, JSONOptions{})
	if err != nil {
		t.Fatalf("%q is not written again: %v", in, err)
	}
	return out
}

func FuzzAppendJSON(f *testing.F) {
	f.Add(uint16(dicom.VRPN), "\\ISO 2022 IR 87", []byte("A=\x1b$B;3ED\\^"))
	f.Add(uint16(dicom.VRDS), "", []byte("+1.e5\\.\\-0"))
	f.Add(uint16(dicom.VRFD), "", make([]byte, 17))
	f.Fuzz(func(t *testing.T, vr uint16, cs string, value []byte) {
		ds := new(dicom.DataSet)
		ds.Put(dicom.Element{Tag: tagCharacterSet, VR: dicom.VRCS, Data: []byte(cs)})
		ds.Put(dicom.Element{Tag: 0x00100010, VR: dicom.VR(vr), Data: value})
		out, err := AppendJSON(nil, ds, JSONOptions{})
		if err != nil || !json.Valid(out) {
			t.Fatalf("written as %q, %v", out, err)
		}
		if _, err := ParseJSON(out, JSONOptions{}); err != nil {
			t.Fatalf("%q does not parse: %v", out, err)
		}
	})
}
