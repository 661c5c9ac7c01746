package dicom

import (
	"errors"
	"strings"
)

// AETitle names an application entity (PS3.8 section 9.3.2): 1 to 16 characters
// of the default character repertoire without its padding. It is a name and
// proves nothing about who uses it.
type AETitle string

// MaxAETitleLength is the longest an AE title may be, in characters.
const MaxAETitleLength = 16

// The ways in which a string is no AE title. They do not quote it: it may come
// from a stranger.
var (
	errAETitleEmpty  = errors.New("AE title: empty or only spaces")
	errAETitleLong   = errors.New("AE title: more than 16 characters")
	errAETitleLetter = errors.New("AE title: a backslash, a control character or one outside of ASCII")
)

// ParseAETitle reads an AE title. Leading and trailing spaces are not
// significant (PS3.5 section 6.2) and are removed. Backslashes, control
// characters and characters outside of the default repertoire are refused.
func ParseAETitle(s string) (AETitle, error) {
	s = strings.Trim(s, " ")
	if s == "" {
		return "", errAETitleEmpty
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c > 0x7E || c == '\\' {
			return "", errAETitleLetter
		}
	}
	if len(s) > MaxAETitleLength {
		return "", errAETitleLong
	}
	return AETitle(s), nil
}

// Valid reports whether a is an AE title as ParseAETitle returns it.
func (a AETitle) Valid() bool {
	p, err := ParseAETitle(string(a))
	return err == nil && p == a
}
