package dicom

import (
	"slices"
	"strings"
	"unicode"
)

// FuzzyKeys returns the keys under which a name is found by fuzzy semantic
// matching (PS3.4 section C.2.2.2.1, PS3.18 section 8.3.4.2), sorted, each
// once. The names of all three groups are folded (FoldName) and split into
// words at delimiters, spaces, hyphens and dots; apostrophes vanish. Each word
// gives
//
//   - itself: meier
//   - if it is in Latin letters and has two consonants or more, "~" and its
//     code: ~67. Codes are those of Cologne phonetics (Postel 1969), in which
//     letters that sound alike in European languages share a digit and vowels
//     count only at the beginning: Meyer, Maier and Mayr have the same.
//
// A name matches a query if, for every word of the query in whatever order,
// the name has a key that begins with the word, or has the word's code. That is
// what FuzzyMatch does; a catalog may do it with an index of keys.
func FuzzyKeys(s string) []string {
	var keys []string
	for _, w := range FuzzyWords(s) {
		keys = append(keys, w)
		if code := FuzzyCode(w); code != "" {
			keys = append(keys, code)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// What of a name is looked at. Three groups of 64 characters (PS3.5 section 6.2)
// stay far below; a peer that sends more must not fill an index.
const (
	maxFuzzyBytes = 1024
	maxFuzzyWords = 64
)

// FuzzyWords returns the folded words of a name or of a query, in their order;
// no more than the first 64 in the first 1024 bytes. Wild cards of a query
// separate words: fuzzy matching looks for prefixes anyway.
func FuzzyWords(s string) []string {
	if len(s) > maxFuzzyBytes {
		s = strings.ToValidUTF8(s[:maxFuzzyBytes], "")
	}
	folded := strings.ReplaceAll(FoldName(s), "'", "")
	words := strings.FieldsFunc(folded, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r)
	})
	return words[:min(len(words), maxFuzzyWords)]
}

// FuzzyMatch reports whether name matches query as FuzzyKeys describes. A query
// without words matches every name.
func FuzzyMatch(query, name string) bool {
	keys := FuzzyKeys(name)
	for _, w := range FuzzyWords(query) {
		code := FuzzyCode(w)
		if !slices.ContainsFunc(keys, func(k string) bool {
			return strings.HasPrefix(k, w) || code != "" && k == code
		}) {
			return false
		}
	}
	return true
}

// FuzzyCode returns "~" and the Cologne code of a folded word; "" for words of
// other scripts and for codes so short that they would match everything.
func FuzzyCode(word string) string {
	code := make([]byte, 1, len(word)+2)
	code[0] = '~'
	last := byte(0)
	for i := 0; i < len(word); i++ {
		if word[i] < 'a' || word[i] > 'z' {
			return ""
		}
		for _, digit := range []byte(cologne(word, i)) {
			if digit != last && (digit != '0' || len(code) == 1) {
				code = append(code, digit)
			}
			last = digit
		}
	}
	if len(code) < 3 {
		return ""
	}
	return string(code)
}

// cologneDigits holds the digit of each letter from a to z that does not depend
// on its neighbours; a space marks the others, and h, which has none.
const cologneDigits = "01  034 0045660 478 033 08"

// cologne returns the digits for the letter at i, none for h.
func cologne(w string, i int) string {
	at := w[i] - 'a'
	if digit := cologneDigits[at : at+1]; digit != " " {
		return digit
	}
	var before, after byte
	if i > 0 {
		before = w[i-1]
	}
	if i+1 < len(w) {
		after = w[i+1]
	}
	switch w[i] {
	case 'c':
		return cologneC(before, after)
	case 'd', 't':
		if isOneOf(after, "csz") {
			return "8"
		}
		return "2"
	case 'p':
		if after == 'h' {
			return "3"
		}
		return "1"
	case 'x':
		if isOneOf(before, "ckq") {
			return "8"
		}
		return "48"
	}
	return ""
}

func cologneC(before, after byte) string {
	hard := isOneOf(after, "ahkoqux")
	if before == 0 {
		hard = hard || isOneOf(after, "lr")
	} else if isOneOf(before, "sz") {
		hard = false
	}
	if hard {
		return "4"
	}
	return "8"
}

func isOneOf(c byte, set string) bool { return c != 0 && strings.IndexByte(set, c) >= 0 }
