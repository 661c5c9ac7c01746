package dicom

import (
	"strings"
	"unicode/utf8"
)

// PersonName is a value of representation PN: the name in up to three scripts
// (PS3.5 section 6.2.1).
type PersonName struct {
	Alphabetic  NameGroup // in single-byte characters
	Ideographic NameGroup // as written in Chinese characters, kanji, hanja
	Phonetic    NameGroup // in hiragana, katakana, hangul
}

// NameGroup is one component group of a person name: its five components
// (PS3.5 section 6.2.1.1).
type NameGroup struct {
	Family, Given, Middle, Prefix, Suffix string
}

// maxNameGroup is the most characters that PS3.5 table 6.2-1 permits in a group.
const maxNameGroup = 64

// ParsePersonName takes s apart at "=" and "^". It accepts everything: what
// follows a third "=" is dropped, and carets beyond the fourth stay in the
// suffix. Spaces and NULs around components, which are padding, go.
func ParsePersonName(s string) PersonName {
	var n PersonName
	s = TrimPadding(s, VRPN)
	for _, g := range []*NameGroup{&n.Alphabetic, &n.Ideographic, &n.Phonetic} {
		var group string
		group, s, _ = strings.Cut(s, "=")
		*g = parseNameGroup(group)
	}
	return n
}

// PersonName returns the first value of the element with tag t, empty if it is
// absent.
func (d *DataSet) PersonName(t Tag) PersonName { return ParsePersonName(d.String(t)) }

func parseNameGroup(s string) NameGroup {
	var g NameGroup
	for _, c := range []*string{&g.Family, &g.Given, &g.Middle, &g.Prefix} {
		var component string
		component, s, _ = strings.Cut(s, "^")
		*c = strings.Trim(component, " \x00")
	}
	g.Suffix = strings.Trim(strings.TrimRight(s, " ^\x00"), " \x00")
	return g
}

// String returns n in the form of PS3.5 section 6.2.1, without delimiters at
// the ends of groups or of the name.
func (n PersonName) String() string {
	s := n.Alphabetic.String() + "=" + n.Ideographic.String() + "=" + n.Phonetic.String()
	return strings.TrimRight(s, "=")
}

// String returns the components joined by carets, without those at the end.
func (g NameGroup) String() string {
	s := strings.Join([]string{g.Family, g.Given, g.Middle, g.Prefix, g.Suffix}, "^")
	return strings.TrimRight(s, "^")
}

// IsZero reports whether no group has a component.
func (n PersonName) IsZero() bool { return n == PersonName{} }

// IsZero reports whether all components are empty.
func (g NameGroup) IsZero() bool { return g == NameGroup{} }

// Valid reports whether n keeps the rules of PS3.5 sections 6.2 and 6.2.1: at
// most 64 characters a group, no backslash, no delimiter within a component and
// no control character.
func (n PersonName) Valid() bool {
	for _, g := range []NameGroup{n.Alphabetic, n.Ideographic, n.Phonetic} {
		if utf8.RuneCountInString(g.String()) > maxNameGroup {
			return false
		}
		for _, c := range []string{g.Family, g.Given, g.Middle, g.Prefix, g.Suffix} {
			if !utf8.ValidString(c) || strings.ContainsFunc(c, forbiddenInName) {
				return false
			}
		}
	}
	return true
}

func forbiddenInName(r rune) bool {
	return r < 0x20 || r >= 0x7F && r < 0xA0 || r == '\\' || r == '^' || r == '='
}

// Display returns the name as people write it: prefix, given, middle and family
// name, then the suffix after a comma. It takes the alphabetic group, or the
// first that is not empty.
func (n PersonName) Display() string {
	for _, g := range []NameGroup{n.Alphabetic, n.Ideographic, n.Phonetic} {
		if !g.IsZero() {
			return g.display()
		}
	}
	return ""
}

func (g NameGroup) display() string {
	var parts []string
	for _, c := range []string{g.Prefix, g.Given, g.Middle, g.Family} {
		if c != "" {
			parts = append(parts, c)
		}
	}
	s := strings.Join(parts, " ")
	switch {
	case g.Suffix == "":
		return s
	case s == "":
		return g.Suffix
	}
	return s + ", " + g.Suffix
}
