package dicom

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// ErrNotRepresentable is wrapped by the error of encoding text of which some
// character is not in the character set.
var ErrNotRepresentable = errors.New("character is not in the specific character set")

// Encode returns s, the text of an element of representation vr, in cs, with
// escape sequences where the set has them, back to the first set before each
// delimiter and at the end (PS3.5 section 6.1.2.5.3). Values are separated by
// backslashes already; padding is the caller's affair.
//
// If a character cannot be represented the error wraps ErrNotRepresentable. It
// does not tell which one.
func (cs *CharacterSet) Encode(s string, vr VR) ([]byte, error) {
	b, lost := cs.appendEncode(make([]byte, 0, len(s)+8), s, vr)
	if lost > 0 {
		return nil, fmt.Errorf("encode %v text: %d times: %w", vr, lost, ErrNotRepresentable)
	}
	return b, nil
}

// EncodeLossy is Encode with a question mark for each character that cannot be
// represented. It returns how many those are.
func (cs *CharacterSet) EncodeLossy(s string, vr VR) (b []byte, lost int) {
	return cs.appendEncode(make([]byte, 0, len(s)+8), s, vr)
}

func (cs *CharacterSet) appendEncode(dst []byte, s string, vr VR) ([]byte, int) {
	switch {
	case !vr.UsesCharacterSet() || cs.undeclared:
		return appendASCII(dst, s)
	case cs.scheme == schemeUTF8:
		return appendStrictUTF8(dst, s)
	case cs.scheme == schemeGB18030:
		return appendGB(dst, s, simplifiedchinese.GB18030.NewEncoder())
	case cs.scheme == schemeGBK:
		return appendGB(dst, s, simplifiedchinese.GBK.NewEncoder())
	}
	e := iso2022Encoder{cs: cs, st: cs.initial, dst: dst, vr: vr}
	for _, r := range s {
		e.encode(r)
	}
	e.restore()
	return e.dst, e.lost
}

func appendASCII(dst []byte, s string) ([]byte, int) {
	lost := 0
	for _, r := range s {
		if r >= utf8.RuneSelf || r == esc {
			r = '?'
			lost++
		}
		dst = append(dst, byte(r))
	}
	return dst, lost
}

func appendStrictUTF8(dst []byte, s string) ([]byte, int) {
	lost := 0
	for i, r := range s {
		bad := r == esc
		if r == utf8.RuneError {
			_, n := utf8.DecodeRuneInString(s[i:])
			bad = n == 1
		}
		if bad {
			r = '?'
			lost++
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst, lost
}

func appendGB(dst []byte, s string, enc *encoding.Encoder) ([]byte, int) {
	lost := 0
	var in [utf8.UTFMax]byte
	for _, r := range s {
		if r < utf8.RuneSelf && r != esc {
			dst = append(dst, byte(r))
			continue
		}
		out, err := enc.Bytes(in[:utf8.EncodeRune(in[:], r)])
		if r == utf8.RuneError || err != nil || len(out) < 2 {
			out = []byte{'?'}
			lost++
		}
		dst = append(dst, out...)
	}
	return dst, lost
}

// iso2022Encoder writes one value element.
type iso2022Encoder struct {
	cs   *CharacterSet
	st   iso2022
	dst  []byte
	vr   VR
	lost int
}

func (e *iso2022Encoder) encode(r rune) {
	switch {
	case r < utf8.RuneSelf && isDelimiter(byte(r), e.vr):
		e.restore()
		e.dst = append(e.dst, byte(r))
		return
	case r == ' ' || r < 0x20 && r != esc:
		e.restoreG0()
		e.dst = append(e.dst, byte(r))
		return
	}
	if s, code, ok := e.find(r); ok {
		if s != e.st.g0 && s != e.st.g1 {
			e.dst = append(e.dst, s.escape...)
			e.st.designate(s)
		}
		e.emit(s, code)
		return
	}
	e.restoreG0()
	e.dst = append(e.dst, '?')
	e.lost++
}

// find looks for r in the active sets, then in the first ones, then in those
// that an escape sequence may switch to.
func (e *iso2022Encoder) find(r rune) (*subset, uint16, bool) {
	for _, s := range []*subset{e.st.g0, e.st.g1, e.cs.initial.g0, e.cs.initial.g1} {
		if s != nil {
			if code, ok := s.tables().encode[r]; ok {
				return s, code, true
			}
		}
	}
	if e.cs.escapes {
		for _, s := range e.cs.extensions {
			if code, ok := s.tables().encode[r]; ok {
				return s, code, true
			}
		}
	}
	return nil, 0, false
}

func (e *iso2022Encoder) emit(s *subset, code uint16) {
	if s.wide {
		e.dst = append(e.dst, byte(code>>8))
	}
	e.dst = append(e.dst, byte(code))
}

// restore makes the first sets active again. A set in G1 that the first value
// has no counterpart for is forgotten: it is designated anew when it is needed.
func (e *iso2022Encoder) restore() {
	e.restoreG0()
	if first := e.cs.initial.g1; first != nil && e.st.g1 != first {
		e.dst = append(e.dst, first.escape...)
	}
	e.st.g1 = e.cs.initial.g1
}

func (e *iso2022Encoder) restoreG0() {
	if e.st.g0 != e.cs.initial.g0 {
		e.dst = append(e.dst, e.cs.initial.g0.escape...)
		e.st.g0 = e.cs.initial.g0
	}
}
