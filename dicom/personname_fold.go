package dicom

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// FoldName returns s in the form in which names are compared: PS3.4 section
// C.2.2.2.1 lets matching of person names ignore case and accents. Two names
// are the same for the archive if their folded forms are. In particular:
//
//   - letters become lower case and lose accents, cedillas, strokes and the
//     like: Müller, MULLER; Łódź, lodz; Ørsted, orsted
//   - ligatures and letters without a base are spelled out: ß is ss, æ ae, œ oe,
//     þ th
//   - full-width Latin and half-width katakana become ordinary ones, and
//     hiragana katakana, so that a name in either syllabary is found
//   - Hebrew points and Arabic vowel signs go, as do invisible format characters
//   - spaces are collapsed, and go beside delimiters; delimiters at the end of a
//     group or of the name go
//
// The delimiters ^ = \ and the wild cards * ? stay, so that a matching key may
// be folded too; their full-width twins are left alone and never become them.
func FoldName(s string) string {
	if folded, ok := foldASCII(s); ok {
		return trimNameDelimiters(folded)
	}
	b := make([]byte, 0, len(s)+8)
	for _, r := range s {
		b = appendFolded(b, r)
	}
	return trimNameDelimiters(string(norm.NFC.Bytes(b)))
}

// foldASCII handles names in plain ASCII, which most are.
func foldASCII(s string) (string, bool) {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= utf8.RuneSelf || c < 0x20 || c == 0x7F {
			return "", false
		}
	}
	return strings.ToLower(s), true
}

func appendFolded(b []byte, r rune) []byte {
	switch r {
	case '＾', '＝', '＼', '＊', '？':
		return utf8.AppendRune(b, r)
	}
	var in [utf8.UTFMax]byte
	n := utf8.EncodeRune(in[:], r)
	decomposed := norm.NFKD.Properties(in[:n]).Decomposition()
	if decomposed == nil {
		return appendFoldedBase(b, r)
	}
	for _, d := range string(decomposed) {
		b = appendFoldedBase(b, d)
	}
	return b
}

func appendFoldedBase(b []byte, r rune) []byte {
	if isFoldedMark(r) || unicode.Is(unicode.Cf, r) {
		return b
	}
	if unicode.IsSpace(r) || unicode.IsControl(r) {
		return append(b, ' ')
	}
	r = unicode.ToLower(r)
	if spelled, ok := foldedLetters[r]; ok {
		return append(b, spelled...)
	}
	if r >= 'ぁ' && r <= 'ゖ' {
		r += 'ァ' - 'ぁ'
	}
	return utf8.AppendRune(b, r)
}

// isFoldedMark reports whether r is a mark that names are compared without. The
// vowels of Thai and of Indian scripts and the voicing marks of kana are marks
// to Unicode as well, yet tell names apart.
func isFoldedMark(r rune) bool {
	switch {
	case r < 0x300:
		return false
	case r <= 0x36F, // combining diacritical marks
		r >= 0x591 && r <= 0x5C7 && unicode.Is(unicode.Mn, r), // Hebrew points
		r >= 0x64B && r <= 0x65F, r == 0x670, r == 0x640,      // Arabic vowels, tatweel
		r >= 0x1AB0 && r <= 0x1AFF, r >= 0x1DC0 && r <= 0x1DFF,
		r >= 0x20D0 && r <= 0x20FF, r >= 0xFE20 && r <= 0xFE2F:
		return true
	}
	return false
}

// foldedLetters are lower-case letters that Unicode does not decompose.
var foldedLetters = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'đ': "d", 'ð': "d", 'þ': "th",
	'ł': "l", 'ħ': "h", 'ı': "i", 'ŧ': "t", 'ŋ': "n", 'ƶ': "z", 'ɓ': "b",
	'ɗ': "d", 'ə': "e", 'ς': "σ", 'ĸ': "k", 'ȷ': "j", 'ʻ': "'", 'ʼ': "'",
	'‘': "'", '’': "'", '`': "'", '´': "'", '‐': "-", '‑': "-", '–': "-", '—': "-",
}

// trimNameDelimiters collapses spaces and removes delimiters that say nothing.
func trimNameDelimiters(s string) string {
	if !strings.ContainsAny(s, " ^=") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case ' ':
			if len(b) > 0 && !strings.ContainsRune(" ^=\\", rune(b[len(b)-1])) {
				b = append(b, c)
			}
		case '^':
			b = append(trimRight(b, " "), c)
		case '=', '\\':
			cut := " ^"
			if c == '\\' {
				cut = " ^="
			}
			b = append(trimRight(b, cut), c)
		default:
			b = append(b, c)
		}
	}
	return string(trimRight(b, " ^="))
}

// trimRight removes bytes of cut from the end of b, but not beyond a delimiter
// that cut does not name.
func trimRight(b []byte, cut string) []byte {
	for len(b) > 0 && strings.IndexByte(cut, b[len(b)-1]) >= 0 {
		b = b[:len(b)-1]
	}
	return b
}
