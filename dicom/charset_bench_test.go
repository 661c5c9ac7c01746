package dicom

import "testing"

func BenchmarkDecode(b *testing.B) {
	for _, c := range []struct{ name, term, text string }{
		{"ascii", "ISO_IR 100", "Adams^John Robert"},
		{"latin1", "ISO_IR 100", "M\xfcller^J\xfcrgen"},
		{"kanji", "ISO 2022 IR 87", "Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"},
		{"gb18030", "GB18030", "Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab"},
	} {
		cs, err := ParseCharacterSet(c.term)
		if err != nil {
			b.Fatal(err)
		}
		value := []byte(c.text)
		dst := make([]byte, 0, 100)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				dst = cs.AppendDecode(dst[:0], value, VRPN)
			}
		})
	}
}

func BenchmarkFoldName(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		FoldName("Müller^Jürgen=山田^太郎")
	}
}
