package match

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// Every line of the table is good: known to the dictionary, once, with a VR
// whose values a record can hold.
func TestTable(t *testing.T) {
	for i := range table {
		a := &table[i]
		if i > 0 && table[i-1].Tag >= a.Tag {
			t.Errorf("%s is there twice", a.Tag)
		}
		if dict.Keyword(a.Tag) == "" || Lookup(a.Tag) != a {
			t.Errorf("%s is not found", a.Tag)
		}
		if a.Level < archive.LevelPatient || a.Level > archive.LevelInstance {
			t.Errorf("%s has no level", a.Tag)
		}
		if (a.VR == dicom.VRSQ) != (len(a.Items) > 0) {
			t.Errorf("%s: items are for sequences", a.Tag)
		}
		for _, tag := range append(slices.Clone(a.Items), a.Tag) {
			if vr := dict.VR(tag); !vr.IsText() && vr != dicom.VRSQ && vr != dicom.VRUS && vr != dicom.VRUL {
				t.Errorf("%s: a record cannot hold %s", tag, vr)
			}
		}
	}
	if Lookup(dict.PixelData) != nil {
		t.Error("finds what is not there")
	}
}

func TestWildcard(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"*", "abc", true}, {"?", "", false}, {"?", "ü", true},
		{"a*", "abc", true}, {"*c", "abc", true}, {"*b*", "abc", true}, {"a?c", "abc", true}, {"a?c", "ac", false},
		{"*山?", "小山田", true}, {"a*b*c", "aXbXbXc", true}, {"a*b*c", "aXcXb", false}, {"**a**", "a", true},
		{"abc", "abcd", false}, {"abcd", "abc", false}, {"*?", "", false}, {"a*\\", "ab\\", true},
		{strings.Repeat("*a", 400), strings.Repeat("a", 399) + "b", false},
		{strings.Repeat("a", maxPattern) + "*", strings.Repeat("a", maxPattern), false},
	} {
		if got := wildcard(c.pattern, c.s); got != c.want {
			t.Errorf("%.20q and %.20q: %t", c.pattern, c.s, got)
		}
	}
}

func TestRecord(t *testing.T) {
	r := Record{{Tag: dict.StudyDate, Text: "20240101"}, {Tag: dict.PatientName, Text: "Müller"},
		{Tag: dict.RequestAttributesSequence, Items: []Record{{{Tag: dict.RequestedProcedureID, Text: "1"}}, {}}}}
	got, err := ParseRecord(r.Append(nil))
	if err != nil || !got.Equal(r) {
		t.Errorf("%v, %v", got, err)
	}
	if r.Fill(Record{{Tag: dict.StudyDate, Text: "x"}}) || !r.Fill(Record{{Tag: dict.StudyTime, Text: "10"}}) {
		t.Error("fill")
	}
	if r.Text(dict.StudyDate) != "20240101" || r.Text(dict.StudyTime) != "10" || r.Text(dict.Rows) != "" {
		t.Errorf("filled: %v", r)
	}
}

// The prefix and the pieces of a pattern are in all that matches it.
func TestNecessary(t *testing.T) {
	if Prefix("abc*d?") != "abc" || Prefix("x") != "x" || Prefix("*") != "" {
		t.Error("prefix")
	}
	if got := Pieces("*ab?c**d"); !slices.Equal(got, []string{"ab", "c", "d"}) {
		t.Errorf("pieces %q", got)
	}
}

func TestOldestDate(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	for _, age := range []time.Duration{time.Hour, 12 * time.Hour, 24 * time.Hour, 36 * time.Hour, 1 << 62} {
		oldest := OldestDate(age, now)
		for days := range 4 {
			day := now.AddDate(0, 0, -days)
			l := Levels{archive.LevelStudy: Record{{Tag: dict.StudyDate, Text: day.Format("20060102")}}}
			want := Visible(policy.Scope{MaxAge: age}, &l, "", now)
			if got := day.Format("20060102") >= oldest; got != want {
				t.Errorf("%v, %d days: %t", age, days, got)
			}
		}
	}
}

// Extract keeps what fits: long values are cut between characters.
func TestExtract(t *testing.T) {
	ds := new(dicom.DataSet)
	ds.Put(dicom.Element{Tag: dict.SpecificCharacterSet, VR: dicom.VRCS, Data: []byte("ISO_IR 100")})
	ds.Put(dicom.Element{Tag: dict.PatientName, VR: dicom.VRPN, Data: []byte("M\xfcller^J ")})
	ds.Put(dicom.Element{Tag: dict.StudyDescription, VR: dicom.VRLO, Data: []byte(strings.Repeat("\xfc", 65000))})
	ds.Put(dicom.Element{Tag: dict.StudyInstanceUID, VR: dicom.VRUI, Data: []byte("9.9\x00")})
	m := &archive.Meta{Study: "1.1", Series: "1.2", Instance: "1.3", SOPClass: "1.4"}
	l := Extract(m, ds)
	if got := l[archive.LevelPatient].Text(dict.PatientName); got != "Müller^J" {
		t.Errorf("name %q", got)
	}
	if got := l[archive.LevelStudy].Text(dict.StudyDescription); len(got) != maxText || strings.Trim(got, "ü") != "" {
		t.Errorf("description of %d bytes", len(got))
	}
	if l[archive.LevelStudy].Text(dict.StudyInstanceUID) != "1.1" || !ExtractInstance(m, ds).Equal(l[archive.LevelInstance]) {
		t.Error("UIDs")
	}
	before := Fingerprint(nil, ds)
	ds.Put(dicom.Element{Tag: dict.InstanceNumber, VR: dicom.VRIS, Data: []byte("7 ")})
	if !slices.Equal(before, Fingerprint(nil, ds)) {
		t.Error("the instance level changes the fingerprint")
	}
	ds.Put(dicom.Element{Tag: dict.StudyID, VR: dicom.VRSH, Data: []byte("7 ")})
	if slices.Equal(before, Fingerprint(nil, ds)) {
		t.Error("the study level does not change the fingerprint")
	}
}
