package dicom

import (
	"sync"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// subset is one graphic character set that can be designated to G0 or G1 of
// ISO/IEC 2022 (PS3.3 tables C.12-2 to C.12-4).
type subset struct {
	escape string // the escape sequence that designates it, ESC and all
	g1     bool   // it is designated to G1: its bytes have the high bit
	wide   bool   // two bytes a character: a set of 94 x 94
	tables func() *subsetTables
}

// subsetTables are both directions of a subset. Code points lie in the basic
// plane; 0 marks a code that the set does not define.
type subsetTables struct {
	decode *[94 * 96]uint16
	encode map[rune]uint16 // the code with its high bits as written
}

// The sets that PS3.3 permits.
var (
	subsetASCII    = newSubset("\x1b(B", false, false, loadASCII)
	subsetRomaji   = newSubset("\x1b(J", false, false, loadRomaji)
	subsetKatakana = newSubset("\x1b)I", true, false, loadKatakana)
	subsetLatin1   = newSubset("\x1b-A", true, false, loadCharmap(charmap.ISO8859_1))
	subsetLatin2   = newSubset("\x1b-B", true, false, loadCharmap(charmap.ISO8859_2))
	subsetLatin3   = newSubset("\x1b-C", true, false, loadCharmap(charmap.ISO8859_3))
	subsetLatin4   = newSubset("\x1b-D", true, false, loadCharmap(charmap.ISO8859_4))
	subsetCyrillic = newSubset("\x1b-L", true, false, loadCharmap(charmap.ISO8859_5))
	subsetArabic   = newSubset("\x1b-G", true, false, loadCharmap(charmap.ISO8859_6))
	subsetGreek    = newSubset("\x1b-F", true, false, loadCharmap(charmap.ISO8859_7))
	subsetHebrew   = newSubset("\x1b-H", true, false, loadCharmap(charmap.ISO8859_8))
	subsetLatin5   = newSubset("\x1b-M", true, false, loadCharmap(charmap.ISO8859_9))
	subsetLatin9   = newSubset("\x1b-b", true, false, loadCharmap(charmap.ISO8859_15))
	subsetThai     = newSubset("\x1b-T", true, false, loadThai)

	subsetKanji           = newSubset("\x1b$B", false, true, loadWide(japanese.EUCJP, "", kanjiFixes))
	subsetKanjiSupplement = newSubset("\x1b$(D", false, true, loadWide(japanese.EUCJP, "\x8f", nil))
	subsetHangul          = newSubset("\x1b$)C", true, true, loadWide(korean.EUCKR, "", nil))
	subsetHanzi           = newSubset("\x1b$)A", true, true, loadWide(simplifiedchinese.GBK, "", nil))
)

// allSubsets are looked through for the escape sequences in a value. ESC $ @
// is the JIS C 6226-1978 edition of IR 87, which old Japanese devices invoke.
var allSubsets = []*subset{
	subsetASCII, subsetRomaji, subsetKatakana, subsetLatin1, subsetLatin2, subsetLatin3,
	subsetLatin4, subsetCyrillic, subsetArabic, subsetGreek, subsetHebrew, subsetLatin5,
	subsetLatin9, subsetThai, subsetKanji, subsetKanjiSupplement, subsetHangul, subsetHanzi,
	{escape: "\x1b$@", wide: true, tables: subsetKanji.tables},
}

// newSubset defers the tables to the first use: most archives never meet most sets.
func newSubset(escape string, g1, wide bool, load func() *[94 * 96]uint16) *subset {
	s := &subset{escape: escape, g1: g1, wide: wide}
	s.tables = sync.OnceValue(func() *subsetTables {
		t := &subsetTables{decode: load()}
		t.encode = make(map[rune]uint16)
		for i, r := range t.decode {
			if _, twice := t.encode[rune(r)]; r != 0 && !twice {
				t.encode[rune(r)] = s.code(i)
			}
		}
		if wide {
			for r, std := range wideAliases {
				if c, ok := t.encode[std]; ok && t.encode[r] == 0 {
					t.encode[r] = c
				}
			}
		}
		return t
	})
	return s
}

// code returns the bytes that stand for index i of the decoding table.
func (s *subset) code(i int) uint16 {
	var high uint16
	if s.g1 {
		high = 0x8080
	}
	if s.wide {
		return (uint16(i/94)+0x21)<<8 | uint16(i%94) + 0x21 | high
	}
	return uint16(i) + 0x20 | high&0xFF
}

// single returns the character of a set of one byte a character; c is without
// its high bit, from 20H to 7FH.
func (s *subset) single(c byte) rune {
	if r := s.tables().decode[c-0x20]; r != 0 {
		return rune(r)
	}
	return utf8.RuneError
}

// double returns the character of two bytes without their high bits, each from
// 21H to 7EH.
func (s *subset) double(a, b byte) rune {
	if r := s.tables().decode[int(a-0x21)*94+int(b-0x21)]; r != 0 {
		return rune(r)
	}
	return utf8.RuneError
}

func loadASCII() *[94 * 96]uint16 {
	var t [94 * 96]uint16
	for c := 0x20; c < 0x7F; c++ {
		t[c-0x20] = uint16(c)
	}
	return &t
}

// loadRomaji is ISO-IR 14, which differs from ASCII in two places. As a
// delimiter 5CH is still a backslash: the decoder sees to that.
func loadRomaji() *[94 * 96]uint16 {
	t := loadASCII()
	t['\\'-0x20], t['~'-0x20] = '¥', '‾'
	return t
}

func loadKatakana() *[94 * 96]uint16 {
	var t [94 * 96]uint16
	for c := 0x21; c <= 0x5F; c++ {
		t[c-0x20] = uint16(0xFF61 + c - 0x21)
	}
	return &t
}

func loadCharmap(m *charmap.Charmap) func() *[94 * 96]uint16 {
	return func() *[94 * 96]uint16 {
		var t [94 * 96]uint16
		for c := 0xA0; c <= 0xFF; c++ {
			if r := m.DecodeByte(byte(c)); r != utf8.RuneError {
				t[c-0xA0] = uint16(r)
			}
		}
		return &t
	}
}

// loadThai is TIS 620-2533: code and code point run in parallel.
func loadThai() *[94 * 96]uint16 {
	var t [94 * 96]uint16
	t[0] = 0xA0
	for c := 0xA1; c <= 0xFB; c++ {
		if c <= 0xDA || c >= 0xDF {
			t[c-0xA0] = uint16(0x0E01 + c - 0xA1)
		}
	}
	return &t
}

// loadWide takes a set of 94 x 94 characters out of the EUC encoding that has
// it behind prefix. Such encodings also have what vendors put into rows that the
// standards leave free, such as the variants of kanji that Japanese family names
// need: that is read and written too, since the devices do.
func loadWide(euc encoding.Encoding, prefix string, fixes map[int]rune) func() *[94 * 96]uint16 {
	return func() *[94 * 96]uint16 {
		var t [94 * 96]uint16
		dec := euc.NewDecoder()
		for row := 0; row < 94; row++ {
			for cell := 0; cell < 94; cell++ {
				dec.Reset()
				out, err := dec.String(prefix + string([]byte{byte(row + 0xA1), byte(cell + 0xA1)}))
				r, n := utf8.DecodeRuneInString(out)
				if err == nil && n == len(out) && r != utf8.RuneError && r <= 0xFFFF {
					t[row*94+cell] = uint16(r)
				}
			}
		}
		for i, r := range fixes {
			t[i] = uint16(r)
		}
		return &t
	}
}

// kanjiFixes restores the characters of JIS X 0208 where the tables follow
// what Windows made of them.
var kanjiFixes = map[int]rune{
	0*94 + 0x20: '\u301C', // wave dash, not fullwidth tilde
	0*94 + 0x21: '\u2016', // double vertical line, not parallel to
	0*94 + 0x3C: '\u2212', // minus sign, not fullwidth hyphen
	0*94 + 0x50: '\u00A2', // cent sign
	0*94 + 0x51: '\u00A3', // pound sign
	1*94 + 0x2B: '\u00AC', // not sign
}

// wideAliases lets text that was typed on Windows be encoded too.
var wideAliases = map[rune]rune{
	'\uFF5E': '\u301C', '\u2225': '\u2016', '\uFF0D': '\u2212',
	'\uFFE0': '\u00A2', '\uFFE1': '\u00A3', '\uFFE2': '\u00AC',
}
