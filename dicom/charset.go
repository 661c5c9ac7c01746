package dicom

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"
)

// tagSpecificCharacterSet is (0008,0005): this package cannot import the dictionary.
const tagSpecificCharacterSet Tag = 0x00080005

// ErrCharacterSet is wrapped by errors about values of Specific Character Set
// (0008,0005) that are unknown or may not stand together.
var ErrCharacterSet = errors.New("unsupported specific character set")

// CharacterSet decodes and encodes the text of a data set as its Specific
// Character Set (0008,0005) says (PS3.5 section 6.1, PS3.3 section C.12.1.1.2).
// It never changes and may be used by many at once.
//
// Decoding does not fail: what the set does not define becomes U+FFFD, the
// replacement character, and the result is always valid UTF-8.
type CharacterSet struct {
	terms      []string
	scheme     scheme
	undeclared bool      // nothing, or nothing known, was declared: UTF-8 is recognised
	initial    iso2022   // what is active where a value begins
	extensions []*subset // what escape sequences may switch to, in the order of the terms
	escapes    bool      // code extension is in use (PS3.5 section 6.1.2.5)
}

// scheme tells the ways to encode text apart.
type scheme uint8

const (
	schemeISO2022 scheme = iota // single-byte sets, and those that escape sequences switch to
	schemeUTF8                  // ISO_IR 192
	schemeGB18030               // GB18030 and its subset GBK
	schemeGBK
)

// DefaultCharacterSet is the set of a data set without Specific Character Set:
// ISO_IR 6, that is ASCII (PS3.5 section 6.1.2.1). Many old devices write other
// bytes without saying so. Those that are valid UTF-8 are taken for it, since
// hardly any other text looks like that; all others become U+FFFD.
func DefaultCharacterSet() *CharacterSet { return defaultCharacterSet }

// UTF8CharacterSet is ISO_IR 192.
func UTF8CharacterSet() *CharacterSet { return utf8CharacterSet }

var (
	defaultCharacterSet = &CharacterSet{initial: iso2022{g0: subsetASCII}, undeclared: true}
	utf8CharacterSet    = &CharacterSet{terms: []string{"ISO_IR 192"}, scheme: schemeUTF8}
)

// ParseCharacterSet returns the character set for the values of Specific
// Character Set, in their order; the first may be empty (PS3.3 section
// C.12.1.1.2). Spellings seen in the field, such as "ISO-IR 100", are accepted.
//
// With an unknown term, or with terms that may not stand together, it returns
// an error that wraps ErrCharacterSet and a set that makes the best of the rest:
// it is never nil.
func ParseCharacterSet(terms ...string) (*CharacterSet, error) {
	var err error
	var defs []*definedTerm
	for i, t := range terms {
		t = strings.Trim(t, " \x00")
		if t == "" {
			if i == 0 {
				defs = append(defs, &definedTerms[0])
			}
			continue
		}
		def := lookupTerm(t)
		if def == nil {
			err = errors.Join(err, fmt.Errorf("%w: %.32q", ErrCharacterSet, t))
			continue
		}
		defs = append(defs, def)
	}
	if len(defs) == 0 || len(defs) == 1 && defs[0].term == "" {
		return defaultCharacterSet, err
	}
	cs, combineErr := combineTerms(defs)
	return cs, errors.Join(err, combineErr)
}

// combineTerms makes the set of terms that are all known.
func combineTerms(defs []*definedTerm) (*CharacterSet, error) {
	first := defs[0]
	if first.scheme != schemeISO2022 {
		var err error
		if len(defs) > 1 {
			err = fmt.Errorf("%w: %s does not permit code extensions", ErrCharacterSet, first.term)
		}
		if first.scheme == schemeUTF8 {
			return utf8CharacterSet, err
		}
		return &CharacterSet{terms: []string{first.term}, scheme: first.scheme}, err
	}
	cs := &CharacterSet{}
	cs.initial.g0 = subsetASCII
	var err error
	for i, def := range defs {
		if def.scheme != schemeISO2022 {
			err = errors.Join(err, fmt.Errorf("%w: %s cannot extend another set", ErrCharacterSet, def.term))
			continue
		}
		cs.terms = append(cs.terms, def.term)
		// A plain ISO_IR term among several is a slip for its ISO 2022 twin.
		cs.escapes = cs.escapes || def.extension || i > 0
		for _, s := range def.subsets {
			cs.extensions = append(cs.extensions, s)
			if i == 0 {
				cs.initial.begin(s)
			}
		}
	}
	if cs.escapes && first.term == "" {
		cs.extensions = append([]*subset{subsetASCII}, cs.extensions...)
	}
	return cs, err
}

// Terms returns the values of Specific Character Set that name cs, without
// misspellings; none for the default repertoire.
func (cs *CharacterSet) Terms() []string {
	return append([]string(nil), cs.terms...)
}

// IsUTF8 reports whether cs is ISO_IR 192.
func (cs *CharacterSet) IsUTF8() bool { return cs.scheme == schemeUTF8 }

// Decode returns the text of b, the value of an element of representation vr.
// Backslashes between values, padding and the delimiters of person names stay.
// A representation that Specific Character Set does not govern is decoded by
// the default repertoire (PS3.5 section 6.1.2.3).
func (cs *CharacterSet) Decode(b []byte, vr VR) string {
	if cs.isPlain(b, vr) {
		return string(b)
	}
	return string(cs.AppendDecode(make([]byte, 0, len(b)+len(b)/2+utf8.UTFMax), b, vr))
}

// AppendDecode is Decode that appends the text to dst. It does not allocate
// where dst has room and the set is not GBK or GB18030.
func (cs *CharacterSet) AppendDecode(dst, b []byte, vr VR) []byte {
	if cs.isPlain(b, vr) {
		return append(dst, b...)
	}
	if !vr.UsesCharacterSet() {
		return appendUTF8OrASCII(dst, b)
	}
	switch {
	case cs.undeclared:
		return appendUTF8OrASCII(dst, b)
	case cs.scheme == schemeUTF8:
		return appendUTF8(dst, b)
	case cs.scheme == schemeGB18030 || cs.scheme == schemeGBK:
		return appendGB18030(dst, b)
	}
	return cs.appendISO2022(dst, b, vr)
}

// isPlain reports whether the bytes of b are their own decoding.
func (cs *CharacterSet) isPlain(b []byte, vr VR) bool {
	romaji := cs.initial.g0 == subsetRomaji && vr.UsesCharacterSet()
	for _, c := range b {
		if c >= utf8.RuneSelf || c == esc || romaji && (c == '\\' || c == '~') {
			return false
		}
	}
	return true
}

// CharacterSet returns the set that governs the text of d: its own Specific
// Character Set, else that of the data set whose item d is, else the default
// one (PS3.3 section C.12.1.1.2).
func (d *DataSet) CharacterSet() *CharacterSet {
	for depth := 0; d != nil && depth < maxCharacterSetDepth; depth++ {
		if e := d.Get(tagSpecificCharacterSet); e != nil {
			return declaredCharacterSet(e.Data)
		}
		d = d.parent
	}
	return defaultCharacterSet
}

// maxCharacterSetDepth bounds the walk to the root should data sets ever be
// made each other's parents by mistake.
const maxCharacterSetDepth = 1024

// declared remembers the sets that values of (0008,0005) stand for. Peers
// choose these values: what does not fit is parsed anew each time.
var declared struct {
	sync.RWMutex
	sets map[string]*CharacterSet
}

const (
	maxDeclaredSets = 256
	maxDeclaredSize = 256
)

func declaredCharacterSet(value []byte) *CharacterSet {
	if len(value) > maxDeclaredSize {
		value = value[:maxDeclaredSize]
	}
	declared.RLock()
	cs := declared.sets[string(value)]
	declared.RUnlock()
	if cs != nil {
		return cs
	}
	cs, _ = ParseCharacterSet(strings.Split(string(value), `\`)...)
	declared.Lock()
	defer declared.Unlock()
	if declared.sets == nil {
		declared.sets = make(map[string]*CharacterSet)
	}
	if len(declared.sets) < maxDeclaredSets {
		declared.sets[string(value)] = cs
	}
	return cs
}
