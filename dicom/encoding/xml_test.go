package encoding

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

const xmlHead = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
	`<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM" xml:space="preserve">`

const sampleXML = xmlHead +
	`<DicomAttribute tag="00080005" vr="CS" keyword="SpecificCharacterSet"><Value number="1">ISO_IR 192</Value></DicomAttribute>` +
	`<DicomAttribute tag="00080008" vr="CS" keyword="ImageType"><Value number="1">ORIGINAL</Value><Value number="2"></Value><Value number="3">AXIAL</Value></DicomAttribute>` +
	`<DicomAttribute tag="00080018" vr="UI" keyword="SOPInstanceUID"><Value number="1">1.2.3</Value></DicomAttribute>` +
	`<DicomAttribute tag="00080020" vr="DA" keyword="StudyDate"></DicomAttribute>` +
	`<DicomAttribute tag="00081032" vr="SQ" keyword="ProcedureCodeSequence"><Item number="1">` +
	`<DicomAttribute tag="00080104" vr="LO" keyword="CodeMeaning"><Value number="1">Größe</Value></DicomAttribute></Item><Item number="2"></Item></DicomAttribute>` +
	`<DicomAttribute tag="00081110" vr="SQ" keyword="ReferencedStudySequence"></DicomAttribute>` +
	`<DicomAttribute tag="00100010" vr="PN" keyword="PatientName"><PersonName number="1"><Alphabetic><FamilyName>Müller</FamilyName><GivenName>Jürgen</GivenName></Alphabetic></PersonName></DicomAttribute>` +
	`<DicomAttribute tag="00101001" vr="PN" keyword="OtherPatientNames"><PersonName number="1"><Alphabetic><FamilyName>A</FamilyName></Alphabetic><Ideographic><FamilyName>B</FamilyName></Ideographic></PersonName>` +
	`<PersonName number="2"></PersonName><PersonName number="3"><Ideographic><FamilyName>C</FamilyName></Ideographic></PersonName></DicomAttribute>` +
	`<DicomAttribute tag="00101030" vr="DS" keyword="PatientWeight"><Value number="1">+070.50</Value></DicomAttribute>` +
	`<DicomAttribute tag="00104000" vr="LT" keyword="PatientComments"><Value number="1"> &#34;a\b&#34;&#13;` + "\n�" + `</Value></DicomAttribute>` +
	`<DicomAttribute tag="00111001" vr="FL"><Value number="1">0.1</Value><Value number="2">NaN</Value><Value number="3">-inf</Value></DicomAttribute>` +
	`<DicomAttribute tag="00111002" vr="SV"><Value number="1">5</Value><Value number="2">-9223372036854775808</Value></DicomAttribute>` +
	`<DicomAttribute tag="00111003" vr="UN"><InlineBinary>AP8=</InlineBinary></DicomAttribute>` +
	`<DicomAttribute tag="00200013" vr="IS" keyword="InstanceNumber"><Value number="1">007</Value></DicomAttribute>` +
	`<DicomAttribute tag="00200032" vr="DS" keyword="ImagePositionPatient"><Value number="1">-1.5e+01</Value><Value number="2">NaN</Value><Value number="3">.5</Value></DicomAttribute>` +
	`<DicomAttribute tag="00280009" vr="AT" keyword="FrameIncrementPointer"><Value number="1">00181063</Value></DicomAttribute>` +
	`<DicomAttribute tag="00280010" vr="US" keyword="Rows"><Value number="1">512</Value></DicomAttribute>` +
	`<DicomAttribute tag="7FE00010" vr="OW" keyword="PixelData"></DicomAttribute>` +
	`</NativeDicomModel>`

func TestAppendXML(t *testing.T) {
	got, err := AppendXML(nil, sample(t), XMLOptions{})
	if err != nil || string(got) != sampleXML {
		t.Errorf("got  %s, %v\nwant %s", got, err, sampleXML)
	}
}

func TestParseXMLRoundTrip(t *testing.T) {
	ds, err := ParseXML([]byte(sampleXML), XMLOptions{})
	if err != nil {
		t.Fatal(err)
	}
	again, err := AppendXML(nil, ds, XMLOptions{})
	if err != nil || string(again) != sampleXML {
		t.Errorf("got  %s, %v\nwant %s", again, err, sampleXML)
	}
}

// TestXMLPrivateBlocks has a block with a name, the same name again, a block
// without a creator, and elements that are in none.
func TestXMLPrivateBlocks(t *testing.T) {
	ds := new(dicom.DataSet)
	put := func(element uint16, vr dicom.VR, value string) {
		if err := ds.PutString(dicom.NewTag(0x29, element), vr, value); err != nil {
			t.Fatal(err)
		}
	}
	put(0x0001, dicom.VRLO, "none")
	put(0x0010, dicom.VRLO, "A&B")
	put(0x0012, dicom.VRLO, "A&B")
	put(0x1008, dicom.VRLO, "first")
	put(0x1108, dicom.VRLO, "orphan")
	put(0x1208, dicom.VRLO, "again")
	out, err := AppendXML(nil, ds, XMLOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`<DicomAttribute tag="00290008" vr="LO" privateCreator="A&amp;B"><Value number="1">first<`,
		`<DicomAttribute tag="00291108" vr="LO"><Value number="1">orphan<`,
		`<DicomAttribute tag="00291208" vr="LO"><Value number="1">again<`,
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %s in %s", want, out)
		}
	}
	back, err := ParseXML(out, XMLOptions{})
	if err != nil {
		t.Fatal(err)
	}
	sameJSON(t, "private blocks", ds, back)

	in := `<NativeDicomModel><DicomAttribute tag="00290008" vr="LO" privateCreator="X"><Value number="1">v</Value></DicomAttribute>` +
		`<DicomAttribute tag="00291109" vr="LO" privateCreator="Y"></DicomAttribute>` +
		`<DicomAttribute tag="00290010" vr="LO"><Value number="1">Z</Value></DicomAttribute></NativeDicomModel>`
	back, err = ParseXML([]byte(in), XMLOptions{})
	if err != nil || back.String(dicom.NewTag(0x29, 0x12)) != "X" || back.String(dicom.NewTag(0x29, 0x1208)) != "v" {
		t.Errorf("%v", err)
	}
}

func TestXMLBulk(t *testing.T) {
	ds := new(dicom.DataSet)
	ds.Put(dicom.Element{Tag: dict.EncapsulatedDocument, VR: dicom.VROB, Data: make([]byte, 20)})
	ds.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROW, Bulk: &dicom.Bulk{Length: 4}})
	out, err := AppendXML(nil, ds, XMLOptions{InlineUpTo: 10, BulkDataURI: func(_ Path, e *dicom.Element) string {
		if e.Tag == dict.PixelData {
			return "urn:uuid:5"
		}
		return "../bulk?a=1&b=2"
	}})
	want := xmlHead + `<DicomAttribute tag="00420011" vr="OB" keyword="EncapsulatedDocument"><BulkData uri="../bulk?a=1&amp;b=2"/></DicomAttribute>` +
		`<DicomAttribute tag="7FE00010" vr="OW" keyword="PixelData"><BulkData uuid="5"/></DicomAttribute></NativeDicomModel>`
	if err != nil || string(out) != want {
		t.Fatalf("got  %s, %v\nwant %s", out, err, want)
	}
	var asked []string
	_, err = ParseXML(out, XMLOptions{ResolveURI: func(_ Path, e *dicom.Element, uri string) error {
		asked = append(asked, uri)
		return nil
	}})
	if err != nil || len(asked) != 2 || asked[0] != "../bulk?a=1&b=2" || asked[1] != "urn:uuid:5" {
		t.Errorf("asked %q, %v", asked, err)
	}
}

func TestParseXMLTolerance(t *testing.T) {
	model := func(s string) string {
		return `<x:NativeDicomModel xmlns:x="y">` + s + "</x:NativeDicomModel>\n<!-- end -->"
	}
	for in, want := range map[string]string{
		`<?pi a?><!-- c --> <q><z/></q>`:                                                                            `{}`,
		`<DicomAttribute tag="00280010"><Value> 512 </Value></DicomAttribute>`:                                      `{"00280010":{"vr":"US","Value":[512]}}`,
		`<DicomAttribute tag="00080008" vr="CS"><Value number="3">C</Value></DicomAttribute>`:                       `{"00080008":{"vr":"CS","Value":[null,null,"C"]}}`,
		`<DicomAttribute tag="00100020" vr="LO"><Value number="1"><![CDATA[<a]]></Value></DicomAttribute>`:          `{"00100020":{"vr":"LO","Value":["<a"]}}`,
		`<DicomAttribute tag="7FE00010" vr="OW"><InlineBinary> AA` + "\n\t" + `A= </InlineBinary></DicomAttribute>`: `{"7FE00010":{"vr":"OW","InlineBinary":"AAA="}}`,
		`<DicomAttribute tag="00100010" vr="PN"><Value number="1">A^B</Value></DicomAttribute>`:                     `{"00100010":{"vr":"PN","Value":[{"Alphabetic":"A^B"}]}}`,
	} {
		ds, err := ParseXML([]byte(model(in)), XMLOptions{})
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got, err := AppendJSON(nil, ds, JSONOptions{}); err != nil || string(got) != want {
			t.Errorf("%s:\ngot  %s, %v\nwant %s", in, got, err, want)
		}
	}
}

func TestParseXMLErrors(t *testing.T) {
	model := func(s string) string { return `<NativeDicomModel>` + s + `</NativeDicomModel>` }
	for _, in := range []string{
		``, `x`, `<a/>`, `<NativeDicomModel>`, model("") + "<a/>", model("") + "x",
		`<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]>` + model(""),
		model(`<DicomAttribute tag="00100020" vr="LO"><Value>&b;</Value></DicomAttribute>`),
		`<?xml version="1.0" encoding="UTF-7"?>` + model(""),
		model(`<DicomAttribute/>`), model(`<DicomAttribute tag="001"/>`), model(`<DicomAttribute tag="00100020" vr="XX"/>`),
		model(`<DicomAttribute tag="00100020" vr="LO"><Item/></DicomAttribute>`),
		model(`<DicomAttribute tag="00081110" vr="SQ"><Value/></DicomAttribute>`),
		model(`<DicomAttribute tag="00100020" vr="LO"><Value/><InlineBinary/></DicomAttribute>`),
		model(`<DicomAttribute tag="7FE00010" vr="OB"><InlineBinary/><InlineBinary/></DicomAttribute>`),
		model(`<DicomAttribute tag="7FE00010" vr="OB"><InlineBinary>A</InlineBinary></DicomAttribute>`),
		model(`<DicomAttribute tag="00100020" vr="LO"><Value number="2"/><Value number="1"/></DicomAttribute>`),
		model(`<DicomAttribute tag="00100020" vr="LO"><Value number="x"/></DicomAttribute>`),
		model(`<DicomAttribute tag="00280010" vr="US"><Value number="2">1</Value></DicomAttribute>`),
		model(`<DicomAttribute tag="00100020" vr="LO"/><DicomAttribute tag="00100020" vr="LO"/>`),
	} {
		if ds, err := ParseXML([]byte(in), XMLOptions{}); !errors.Is(err, ErrSyntax) {
			t.Errorf("%s: got %v, %v", in, ds, err)
		}
	}
}

func TestXMLLimits(t *testing.T) {
	deep := strings.Repeat(`<DicomAttribute tag="00081110" vr="SQ"><Item>`, 65) + strings.Repeat(`</Item></DicomAttribute>`, 65)
	for _, c := range []struct {
		in string
		o  XMLOptions
	}{
		{deep, XMLOptions{}},
		{`<DicomAttribute tag="00080008" vr="CS"><Value number="1000000000">C</Value></DicomAttribute>`, XMLOptions{}},
		{deep, XMLOptions{MaxBytes: 100}},
		{`<DicomAttribute tag="00080008" vr="CS"><Value>CCCCC</Value></DicomAttribute>`, XMLOptions{Limits: Limits{ValueLength: 4}}},
	} {
		if _, err := ParseXML([]byte("<NativeDicomModel>"+c.in+"</NativeDicomModel>"), c.o); !errors.Is(err, ErrLimit) {
			t.Errorf("%.80s: got %v", c.in, err)
		}
	}
	ds := new(dicom.DataSet)
	for range 65 {
		outer := new(dicom.DataSet)
		outer.PutItems(dict.ReferencedStudySequence, ds)
		ds = outer
	}
	if out, err := AppendXML([]byte("x"), ds, XMLOptions{}); !errors.Is(err, ErrLimit) || string(out) != "x" {
		t.Errorf("65 levels written: %q, %v", out, err)
	}
}

// sameJSON fails the test if the two data sets differ in the JSON model.
func sameJSON(t *testing.T, what string, want, got *dicom.DataSet) {
	t.Helper()
	w, err1 := AppendJSON(nil, want, JSONOptions{})
	g, err2 := AppendJSON(nil, got, JSONOptions{})
	sameText(t, what, w, g, errors.Join(err1, err2))
}

// wellFormed reads all of a document.
func wellFormed(b []byte) error {
	d := xml.NewDecoder(strings.NewReader(string(b)))
	for {
		if _, err := d.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func FuzzParseXML(f *testing.F) {
	f.Add([]byte(sampleXML))
	f.Add([]byte(`<NativeDicomModel><DicomAttribute tag="00290008" vr="LO" privateCreator="X"><Value number="2">v</Value></DicomAttribute></NativeDicomModel>`))
	f.Fuzz(func(t *testing.T, in []byte) {
		ds, err := ParseXML(in, XMLOptions{})
		if err != nil {
			return
		}
		out, err := AppendXML(nil, ds, XMLOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := wellFormed(out); err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		again, err := ParseXML(out, XMLOptions{})
		if err != nil {
			t.Fatalf("%q does not parse: %v", out, err)
		}
		if stable, err := AppendXML(nil, again, XMLOptions{}); err != nil || string(stable) != string(out) {
			t.Fatalf("first  %q\nsecond %q, %v", out, stable, err)
		}
	})
}

func FuzzAppendXML(f *testing.F) {
	f.Add(uint16(dicom.VRPN), "\\ISO 2022 IR 87", []byte("A=\x1b$B;3ED\\^"))
	f.Add(uint16(dicom.VRLT), "ISO_IR 192", []byte("<\xef\xbf\xbe\f\r\n]]>"))
	f.Fuzz(func(t *testing.T, vr uint16, cs string, value []byte) {
		ds := new(dicom.DataSet)
		ds.Put(dicom.Element{Tag: tagCharacterSet, VR: dicom.VRCS, Data: []byte(cs)})
		ds.Put(dicom.Element{Tag: 0x00110010, VR: dicom.VRLO, Data: value})
		ds.Put(dicom.Element{Tag: 0x00111001, VR: dicom.VR(vr), Data: value})
		out, err := AppendXML(nil, ds, XMLOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseXML(out, XMLOptions{}); err != nil {
			t.Fatalf("%q does not parse: %v", out, err)
		}
	})
}
