package dicom

import "testing"

func TestRecode(t *testing.T) {
	const description, sequence Tag = 0x00081030, 0x00081032
	ds, own, inherits := new(DataSet), new(DataSet), new(DataSet)
	ds.Put(Element{Tag: tagSpecificCharacterSet, VR: VRCS, Data: []byte("ISO_IR 100")})
	ds.Put(Element{Tag: description, VR: VRLO, Data: []byte("M\xfcller ")})
	own.Put(Element{Tag: tagSpecificCharacterSet, VR: VRCS, Data: []byte("ISO_IR 144")})
	own.Put(Element{Tag: description, VR: VRLO, Data: []byte("\xb8")})
	inherits.Put(Element{Tag: description, VR: VRLO, Data: []byte("\xe4\\plain")})
	ds.PutItems(sequence, own, inherits)

	if lost := ds.Recode(UTF8CharacterSet()); lost != 0 {
		t.Errorf("%d lost", lost)
	}
	if own.Has(tagSpecificCharacterSet) || ds.String(tagSpecificCharacterSet) != "ISO_IR 192" {
		t.Error("Specific Character Set is wrong")
	}
	for i, c := range []struct {
		ds   *DataSet
		want string
	}{{ds, "Müller"}, {own, "И"}, {inherits, `ä\plain`}} {
		if e := c.ds.Get(description); TrimPadding(string(e.Data), VRLO) != c.want || len(e.Data)%2 != 0 {
			t.Errorf("%d: got %q, want %q", i, e.Data, c.want)
		}
	}

	korean, err := ParseCharacterSet("", "ISO 2022 IR 149")
	if err != nil {
		t.Fatal(err)
	}
	if lost := ds.Recode(korean); lost != 2 { // ü and ä; the set has И
		t.Errorf("%d lost", lost)
	}
	if got := string(ds.Get(tagSpecificCharacterSet).Data); got != `\ISO 2022 IR 149` {
		t.Errorf("got %q", got)
	}
	if got := own.String(description) + ds.String(description); got != "ИM?ller" {
		t.Errorf("got %q", got)
	}
	if ds.Recode(DefaultCharacterSet()); ds.Has(tagSpecificCharacterSet) || own.String(description) != "?" {
		t.Errorf("got %q", own.String(description))
	}
}
