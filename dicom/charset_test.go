package dicom

import (
	"errors"
	"testing"
	"unicode/utf8"
)

func TestEncodeDecode(t *testing.T) {
	for _, c := range []struct {
		terms   []string
		s       string
		vr      VR
		encoded string
	}{
		{nil, "Plain^Ascii", VRPN, "Plain^Ascii"},
		{[]string{"ISO_IR 100"}, "Müller^Jürgen", VRPN, "M\xfcller^J\xfcrgen"},
		{[]string{"ISO_IR 203"}, "10 €", VRLO, "10 \xa4"},
		{[]string{"ISO_IR 166"}, "ใจ", VRLO, "\xe3\xa8"},
		{[]string{"ISO_IR 13"}, `ﾔﾏ\ﾀ~`, VRLO, ""},
		{[]string{"ISO_IR 13"}, `ﾔﾏ\ﾀ‾`, VRLO, "\xd4\xcf\\\xc0~"},
		{[]string{"ISO_IR 13"}, `¥5`, VRST, "\\5"},
		{[]string{"ISO_IR 192"}, "王^小東", VRPN, "王^小東"},
		{[]string{"GB18030"}, "王^小东", VRPN, "\xcd\xf5^\xd0\xa1\xb6\xab"},
		{[]string{"GBK"}, "張", VRLO, "\x8f\x88"},
		{[]string{"", "ISO 2022 IR 87"}, "Yamada^Tarou=山田^太郎=やまだ^たろう", VRPN,
			"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B"},
		{[]string{"ISO 2022 IR 13", "ISO 2022 IR 87"}, "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎", VRPN,
			"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J"},
		{[]string{"", "ISO 2022 IR 149"}, "Hong^Gildong=洪^吉洞=홍^길동", VRPN,
			"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf"},
		{[]string{"", "ISO 2022 IR 58"}, "张^小东", VRPN, "\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab"},
		{[]string{"", "ISO 2022 IR 87", "ISO 2022 IR 159"}, "丂 a", VRLO, "\x1b$(D0!\x1b(B a"},
		{[]string{"ISO 2022 IR 100", "ISO 2022 IR 144"}, `ä\Иä\ä`, VRLO, "\xe4\\\x1b-L\xb8\x1b-A\xe4\\\xe4"},
	} {
		cs, err := ParseCharacterSet(c.terms...)
		if err != nil {
			t.Errorf("%q: %v", c.terms, err)
		}
		b, err := cs.Encode(c.s, c.vr)
		if c.encoded == "" {
			if !errors.Is(err, ErrNotRepresentable) {
				t.Errorf("%q: encoding %q: got error %v", c.terms, c.s, err)
			}
			continue
		}
		if err != nil || string(b) != c.encoded {
			t.Errorf("%q: %q encoded as %q, %v; want %q", c.terms, c.s, b, err, c.encoded)
		}
		if got := cs.Decode([]byte(c.encoded), c.vr); got != c.s {
			t.Errorf("%q: %q decoded as %q, want %q", c.terms, c.encoded, got, c.s)
		}
	}
}

func TestDecodeMalformed(t *testing.T) {
	for _, c := range []struct {
		terms []string
		in    string
		vr    VR
		want  string
	}{
		{nil, "M\xfcller", VRPN, "M�ller"},
		{nil, "Müller", VRPN, "Müller"},
		{nil, "a\x1b$Bb", VRLO, "a�$Bb"},
		{[]string{"ISO_IR 192"}, "M\xfcller", VRPN, "M�ller"},
		{[]string{"ISO_IR 100"}, "\x1b-L\xb8\x9b", VRLO, "�-L¸�"},
		{[]string{"", "ISO 2022 IR 87"}, "A=\x1b$B;3ED ", VRPN, "A=山田 "},
		{[]string{"", "ISO 2022 IR 87"}, "A=\x1b$ ", VRPN, "A=�$ "},
		{[]string{"", "ISO 2022 IR 87"}, "\x1b$B;3E\x1b(BA", VRLO, "山�A"},
		{[]string{"", "ISO 2022 IR 87"}, "\x1b$B;3^\x1b$BED", VRPN, "山^田"},
		{[]string{"", "ISO 2022 IR 87"}, "\x1b$B;3\r\nabc", VRLT, "山\r\nabc"},
		{[]string{"", "ISO 2022 IR 149"}, "\x1b$)C\xfb", VRLO, "�"},
		{[]string{"", "ISO 2022 IR 149"}, "\x1b$)C\xfb\xf3^\xd1\xce", VRPN, "洪^吉"},
		{[]string{"", "ISO 2022 IR 149"}, "\xfb\xf3", VRLO, "��"},
		{[]string{"ISO 2022 IR 100"}, "\x1b$B;3ED\x1b(B^B", VRPN, "山田^B"},
		{[]string{"ISO_IR 126"}, "\xae\xff", VRLO, "��"},
	} {
		cs, err := ParseCharacterSet(c.terms...)
		if err != nil {
			t.Errorf("%q: %v", c.terms, err)
		}
		if got := cs.Decode([]byte(c.in), c.vr); got != c.want {
			t.Errorf("%q: %q decoded as %q, want %q", c.terms, c.in, got, c.want)
		}
	}
}

func TestParseCharacterSetTolerance(t *testing.T) {
	for _, c := range []struct {
		terms []string
		in    string
		want  string
		fails bool
	}{
		{[]string{"ISO-IR 100"}, "\xfc", "ü", false},
		{[]string{"iso_ir_144 "}, "\xb8", "И", false},
		{[]string{"X-UNKNOWN 7"}, "\xfc", "�", true},
		{[]string{"ISO_IR 192", "ISO 2022 IR 100"}, "ü", "ü", true},
		{[]string{"ISO_IR 100", "GB18030"}, "\xfc", "ü", true},
		{[]string{"ISO_IR 100", "ISO_IR 144"}, "\x1b-L\xb8", "И", false},
		{[]string{"ISO 2022 IR 149"}, "\xfb\xf3", "洪", false},
		{[]string{"", ""}, "a", "a", false},
	} {
		cs, err := ParseCharacterSet(c.terms...)
		if cs == nil || (err != nil) != c.fails || err != nil && !errors.Is(err, ErrCharacterSet) {
			t.Fatalf("%q: %v, %v", c.terms, cs, err)
		}
		if got := cs.Decode([]byte(c.in), VRLO); got != c.want {
			t.Errorf("%q: %q decoded as %q, want %q", c.terms, c.in, got, c.want)
		}
	}
}

func TestEncodeLossy(t *testing.T) {
	for _, c := range []struct {
		term, in, want string
	}{
		{"ISO_IR 100", "Łódź", "?\xf3d?"},
		{"GBK", "한a", "?a"},
		{"ISO_IR 6", "é", "?"},
		{"ISO_IR 192", "a\xff", "a?"},
		{"ISO 2022 IR 87", "山한", "\x1b$B;3\x1b(B?"},
	} {
		cs, err := ParseCharacterSet(c.term)
		if err != nil {
			t.Fatal(err)
		}
		if b, lost := cs.EncodeLossy(c.in, VRLO); string(b) != c.want || lost == 0 {
			t.Errorf("%s: %q encoded as %q (%d lost), want %q", c.term, c.in, b, lost, c.want)
		}
	}
}

func TestDecodeValues(t *testing.T) {
	gbk, _ := ParseCharacterSet("GBK")
	// The second byte of the first character is 5CH, a backslash.
	got := gbk.DecodeValues([]byte("\x81\x5c\\ b "), VRLO)
	if len(got) != 2 || got[0] != "乗" || got[1] != "b" {
		t.Errorf("got %q", got)
	}
	if got := gbk.DecodeValues([]byte(`a\b `), VRST); len(got) != 1 || got[0] != `a\b` {
		t.Errorf("got %q", got)
	}
	if got := gbk.DecodeValues([]byte("  "), VRLO); got != nil {
		t.Errorf("got %q", got)
	}
}

func TestDataSetCharacterSet(t *testing.T) {
	var root, item, own DataSet
	own.Put(Element{Tag: tagSpecificCharacterSet, VR: VRCS, Data: []byte("ISO_IR 144")})
	root.Put(Element{Tag: tagSpecificCharacterSet, VR: VRCS, Data: []byte("ISO_IR 100")})
	root.Put(Element{Tag: 0x00081111, VR: VRSQ, Items: []Item{{DataSet: &item}, {DataSet: &own}}})
	for i, c := range []struct {
		ds   *DataSet
		want string
	}{{&root, "ü"}, {&item, "ü"}, {&own, "ќ"}, {new(DataSet), "�"}} {
		if got := c.ds.CharacterSet().Decode([]byte("\xfc"), VRLO); got != c.want {
			t.Errorf("%d: got %q, want %q", i, got, c.want)
		}
	}
}

func TestAppendDecodeDoesNotAllocate(t *testing.T) {
	cs, _ := ParseCharacterSet("", "ISO 2022 IR 87")
	in, dst := []byte("Yamada^Tarou=\x1b$B;3ED\x1b(B"), make([]byte, 0, 64)
	cs.AppendDecode(dst, in, VRPN)
	if n := testing.AllocsPerRun(100, func() { cs.AppendDecode(dst, in, VRPN) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzCharacterSet(f *testing.F) {
	f.Add("\\ISO 2022 IR 87", []byte("Yamada=\x1b$B;3ED\x1b(B^"), false)
	f.Add("GB18030", []byte("Wang=\x810\x81^\xff\xfe "), true)
	f.Add("ISO 2022 IR 13\\ISO 2022 IR 149", []byte("\x1b$)C\xfb\xf3~\\"), false)
	f.Fuzz(func(t *testing.T, declared string, b []byte, lt bool) {
		cs := declaredCharacterSet([]byte(declared))
		vr := VRPN
		if lt {
			vr = VRLT
		}
		s := cs.Decode(b, vr)
		if !utf8.ValidString(s) {
			t.Fatalf("%q: %q decoded as %q", declared, b, s)
		}
		encoded, err := cs.Encode(s, vr)
		if err == nil && cs.Decode(encoded, vr) != s {
			t.Fatalf("%q: %q encoded as %q, decoded as %q", declared, s, encoded, cs.Decode(encoded, vr))
		}
	})
}
