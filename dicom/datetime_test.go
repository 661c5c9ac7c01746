package dicom

import (
	"errors"
	"testing"
	"time"
)

func TestParseDate(t *testing.T) {
	for in, want := range map[string]string{
		"19970715": "19970715", "1997.07.15": "19970715", "20240229": "20240229", "19970715 ": "19970715",
		"": "", "1997": "", "19970732": "", "20230229": "", "1997-07-15": "", "19971315": "", "199707150": "",
		"1997.0715": "", "+9970715": "",
	} {
		d, err := ParseDate(in)
		if want == "" {
			if !errors.Is(err, ErrDateTime) {
				t.Errorf("%q: got %v, %v", in, d, err)
			}
		} else if err != nil || d.String() != want {
			t.Errorf("%q: got %v, %v", in, d, err)
		}
	}
}

func TestParseTime(t *testing.T) {
	for _, c := range []struct{ in, out, from, to string }{
		{"10", "10", "100000.000000", "105959.999999"},
		{"1030", "1030", "103000.000000", "103059.999999"},
		{"103015", "103015", "103015.000000", "103015.999999"},
		{"103015.5", "103015.5", "103015.500000", "103015.599999"},
		{"103015.123456 ", "103015.123456", "103015.123456", "103015.123456"},
		{"10:30:15", "103015", "103015.000000", "103015.999999"},
		{"10:30:15.25", "103015.25", "103015.250000", "103015.259999"},
		{"10:30", "1030", "103000.000000", "103059.999999"},
		{"235960", "235960", "235960.000000", "235960.999999"},
		{in: ""}, {in: "1"}, {in: "24"}, {in: "1060"}, {in: "103061"}, {in: "103015."},
		{in: "103015.1234567"}, {in: "1030.5"}, {in: "10301"}, {in: "10:3015"}, {in: "-1"},
	} {
		v, err := ParseTime(c.in)
		if c.out == "" {
			if !errors.Is(err, ErrDateTime) {
				t.Errorf("%q: got %v, %v", c.in, v, err)
			}
		} else if err != nil || v.String() != c.out || v.Span() != (Range{c.from, c.to}) {
			t.Errorf("%q: got %v, %v, %v", c.in, v, v.Span(), err)
		}
	}
}

func TestParseDateTime(t *testing.T) {
	for _, c := range []struct{ in, from, to string }{
		{"2020", "20200101000000.000000", "20201231235959.999999"},
		{"202002", "20200201000000.000000", "20200229235959.999999"},
		{"20200230", "", ""},
		{"2020022912", "20200229120000.000000", "20200229125959.999999"},
		{"20200229123015.5", "20200229123015.500000", "20200229123015.599999"},
		{"20200101003000+0100", "20191231233000.000000", "20191231233000.999999"},
		{"2020-0500", "20200101050000.000000", "20210101045959.999999"},
		{"20161231235960-0500", "20170101045960.000000", "20170101045960.999999"},
		{"20200101-0000", "", ""}, {"20200101+1500", "", ""}, {"202", "", ""}, {"20200101T10", "", ""},
		{"20200101+01", "", ""}, {"20200101+0160", "", ""}, {"", "", ""}, {"+0100", "", ""},
	} {
		v, err := ParseDateTime(c.in)
		if c.from == "" {
			if !errors.Is(err, ErrDateTime) {
				t.Errorf("%q: got %v, %v", c.in, v, err)
			}
		} else if err != nil || v.UTC(0) != (Range{c.from, c.to}) || v.String() != c.in {
			t.Errorf("%q: got %v, %v, %v", c.in, v, v.UTC(0), err)
		}
	}
}

func TestRanges(t *testing.T) {
	date := func(s string) (Range, error) { return ParseDateRange(s) }
	clock := func(s string) (Range, error) { return ParseTimeRange(s) }
	both := func(s string) (Range, error) { return ParseDateTimeRange(s, time.Hour) }
	for _, c := range []struct {
		parse    func(string) (Range, error)
		in       string
		from, to string
		ok       bool
	}{
		{date, "20200101-20201231", "20200101", "20201231", true},
		{date, "-20201231", "", "20201231", true},
		{date, "2020.01.01- ", "20200101", "", true},
		{date, "20200101", "20200101", "20200101", true},
		{date, "20201231-20200101", "", "", false},
		{date, "-", "", "", false},
		{date, "2020-2021", "", "", false},
		{date, "20200101-20200102-20200103", "", "", false},
		{clock, "10-12", "100000.000000", "125959.999999", true},
		{clock, "-0730", "", "073059.999999", true},
		{clock, "2200-0600", "", "", false},
		{both, "2020-2021", "20191231230000.000000", "20211231225959.999999", true},
		{both, "20200101-0500", "20200101050000.000000", "20200102045959.999999", true},
		{both, "20200101-0500-20200102-0500", "20200101050000.000000", "20200103045959.999999", true},
		{both, "20200101-20200102-0500", "20191231230000.000000", "20200103045959.999999", true},
		{both, "-20200101+0000", "", "20200101235959.999999", true},
		{both, "20200101-0500-", "20200101050000.000000", "", true},
		{both, "----", "", "", false},
	} {
		r, err := c.parse(c.in)
		if (err == nil) != c.ok || r != (Range{c.from, c.to}) {
			t.Errorf("%q: got %v, %v", c.in, r, err)
		}
	}
	r := Range{"20200101", "20200131"}
	if !r.Contains("20200131") || r.Contains("20200201") || !r.Overlaps(Range{To: "20200101"}) || r.Overlaps(Range{From: "20200201"}) {
		t.Error("Contains or Overlaps is wrong")
	}
}

func TestParseOffset(t *testing.T) {
	if d, err := ParseOffset("-0330 "); err != nil || d != -3*time.Hour-30*time.Minute {
		t.Errorf("got %v, %v", d, err)
	}
	for _, s := range []string{"", "0100", "1201-0100", "+9999"} {
		if d, err := ParseOffset(s); !errors.Is(err, ErrDateTime) {
			t.Errorf("%q: got %v, %v", s, d, err)
		}
	}
}

func FuzzDateTime(f *testing.F) {
	for _, s := range []string{"20200101-0500-20200102-0500", "1997.07.15", "10:30:15.25", "000001010000-0500"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := ParseDate(s); err == nil && len(d.String()) != 8 {
			t.Fatalf("%q: %v", s, d)
		}
		if v, err := ParseTime(s); err == nil {
			if again, err := ParseTime(v.String()); err != nil || again != v {
				t.Fatalf("%q: %v, then %v, %v", s, v, again, err)
			}
		}
		if v, err := ParseDateTime(s); err == nil {
			if again, err := ParseDateTime(v.String()); err != nil || again != v {
				t.Fatalf("%q: %v, then %v, %v", s, v, again, err)
			}
		}
		ParseDateRange(s)
		ParseTimeRange(s)
		ParseDateTimeRange(s, -5*time.Hour)
	})
}
