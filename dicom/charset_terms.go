package dicom

import "strings"

// definedTerm is one defined term of Specific Character Set (PS3.3 tables
// C.12-2 to C.12-5).
type definedTerm struct {
	term      string
	scheme    scheme
	extension bool      // the term announces escape sequences
	subsets   []*subset // what is designated, G0 first
}

// definedTerms holds PS3.3 tables C.12-2 (without code extensions), C.12-3 and
// C.12-4 (with them) and C.12-5. The first is the empty term of a missing first value.
var definedTerms = []definedTerm{
	{term: "", subsets: []*subset{subsetASCII}},
	{term: "ISO_IR 6", subsets: []*subset{subsetASCII}},
	{term: "ISO_IR 100", subsets: []*subset{subsetASCII, subsetLatin1}},
	{term: "ISO_IR 101", subsets: []*subset{subsetASCII, subsetLatin2}},
	{term: "ISO_IR 109", subsets: []*subset{subsetASCII, subsetLatin3}},
	{term: "ISO_IR 110", subsets: []*subset{subsetASCII, subsetLatin4}},
	{term: "ISO_IR 144", subsets: []*subset{subsetASCII, subsetCyrillic}},
	{term: "ISO_IR 127", subsets: []*subset{subsetASCII, subsetArabic}},
	{term: "ISO_IR 126", subsets: []*subset{subsetASCII, subsetGreek}},
	{term: "ISO_IR 138", subsets: []*subset{subsetASCII, subsetHebrew}},
	{term: "ISO_IR 148", subsets: []*subset{subsetASCII, subsetLatin5}},
	{term: "ISO_IR 203", subsets: []*subset{subsetASCII, subsetLatin9}},
	{term: "ISO_IR 13", subsets: []*subset{subsetRomaji, subsetKatakana}},
	{term: "ISO_IR 166", subsets: []*subset{subsetASCII, subsetThai}},

	{term: "ISO 2022 IR 6", extension: true, subsets: []*subset{subsetASCII}},
	{term: "ISO 2022 IR 100", extension: true, subsets: []*subset{subsetASCII, subsetLatin1}},
	{term: "ISO 2022 IR 101", extension: true, subsets: []*subset{subsetASCII, subsetLatin2}},
	{term: "ISO 2022 IR 109", extension: true, subsets: []*subset{subsetASCII, subsetLatin3}},
	{term: "ISO 2022 IR 110", extension: true, subsets: []*subset{subsetASCII, subsetLatin4}},
	{term: "ISO 2022 IR 144", extension: true, subsets: []*subset{subsetASCII, subsetCyrillic}},
	{term: "ISO 2022 IR 127", extension: true, subsets: []*subset{subsetASCII, subsetArabic}},
	{term: "ISO 2022 IR 126", extension: true, subsets: []*subset{subsetASCII, subsetGreek}},
	{term: "ISO 2022 IR 138", extension: true, subsets: []*subset{subsetASCII, subsetHebrew}},
	{term: "ISO 2022 IR 148", extension: true, subsets: []*subset{subsetASCII, subsetLatin5}},
	{term: "ISO 2022 IR 203", extension: true, subsets: []*subset{subsetASCII, subsetLatin9}},
	{term: "ISO 2022 IR 13", extension: true, subsets: []*subset{subsetRomaji, subsetKatakana}},
	{term: "ISO 2022 IR 166", extension: true, subsets: []*subset{subsetASCII, subsetThai}},

	{term: "ISO 2022 IR 87", extension: true, subsets: []*subset{subsetKanji}},
	{term: "ISO 2022 IR 159", extension: true, subsets: []*subset{subsetKanjiSupplement}},
	{term: "ISO 2022 IR 149", extension: true, subsets: []*subset{subsetHangul}},
	{term: "ISO 2022 IR 58", extension: true, subsets: []*subset{subsetHanzi}},

	{term: "ISO_IR 192", scheme: schemeUTF8},
	{term: "GB18030", scheme: schemeGB18030},
	{term: "GBK", scheme: schemeGBK},
}

// termAliases are what devices are known to write in place of defined terms;
// letters and digits alone.
var termAliases = map[string]string{
	"UTF8":     "ISO_IR 192",
	"ISO88591": "ISO_IR 100",
	"ISO88592": "ISO_IR 101",
	"LATIN1":   "ISO_IR 100",
	"ASCII":    "ISO_IR 6",
	"GB2312":   "GBK",
	"ISOIR87":  "ISO 2022 IR 87",
	"ISOIR159": "ISO 2022 IR 159",
	"ISOIR149": "ISO 2022 IR 149",
	"ISOIR58":  "ISO 2022 IR 58",
}

// termIndex finds a term by its letters and digits alone, so that ISO-IR 100,
// ISO_IR_100 and iso ir 100 are the same.
var termIndex = func() map[string]*definedTerm {
	index := make(map[string]*definedTerm, 2*len(definedTerms))
	for i := range definedTerms[1:] {
		d := &definedTerms[i+1]
		index[bareTerm(d.term)] = d
	}
	for alias, term := range termAliases {
		index[alias] = index[bareTerm(term)]
	}
	return index
}()

func lookupTerm(t string) *definedTerm { return termIndex[bareTerm(t)] }

// bareTerm returns the letters, in upper case, and digits of t.
func bareTerm(t string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, t)
}
