package paper

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/norm"
)

// lack is printed for a run of letters that the fonts do not have.
const lack = "[…]"

// lackNote says so, in German or not.
var lackNote = map[bool]string{
	true:  lack + " steht in diesem Dokument für Zeichen, die seine Schriften nicht haben: Sie haben lateinische, griechische und kyrillische. Der volle Text steht im selben Dokument als HTML.",
	false: lack + " stands for letters in this document that its fonts do not have: they have Latin, Greek and Cyrillic ones. The full text is in the same document as HTML.",
}

// fonts are parsed once, to know which letters they have.
var fonts = sync.OnceValue(func() []*sfnt.Font {
	var out []*sfnt.Font
	for _, file := range [][]byte{goregular.TTF, gobold.TTF} {
		f, err := sfnt.Parse(file)
		if err != nil {
			panic("paper: embedded font: " + err.Error())
		}
		out = append(out, f)
	}
	return out
})

// printable reports whether both fonts have a letter.
func printable(c rune) bool {
	var b sfnt.Buffer
	for _, f := range fonts() {
		if i, err := f.GlyphIndex(&b, c); err != nil || i == 0 {
			return false
		}
	}
	return true
}

// clean makes of s what the fonts can print. A letter with a mark that they lack
// loses its mark: Bệnh viện is printed as Benh viên at worst. What is no letter
// to be seen, such as a change of direction, is left out.
func (d *Doc) clean(s string) string {
	var out strings.Builder
	lacked := false
	for _, c := range norm.NFC.String(s) {
		var text string
		switch {
		case c == '\u202f' || c == '\u2009' || c == '\u00a0':
			text = "\u00a0"
		case unicode.IsSpace(c):
			text = " "
		case c == '\u00ad' || unicode.Is(unicode.Cf, c) || unicode.Is(unicode.Mn, c):
			continue
		case printable(c) && !unicode.IsControl(c) && c != utf8.RuneError:
			text = string(c)
		default:
			text = withoutMarks(c)
		}
		if text == "" && !lacked {
			out.WriteString(lack)
			d.lacking = true
		}
		out.WriteString(text)
		lacked = text == ""
	}
	return out.String()
}

// withoutMarks returns the letter below the marks, "" if it is not in the fonts.
func withoutMarks(c rune) string {
	base, _ := utf8.DecodeRuneInString(norm.NFD.String(string(c)))
	if base != c && printable(base) {
		return string(base)
	}
	return ""
}
