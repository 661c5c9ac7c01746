package dicom

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

const esc = 0x1B

// iso2022 is what the code elements G0 and G1 hold at one place of a value.
type iso2022 struct {
	g0, g1 *subset
}

// designate makes s the holder of its code element.
func (st *iso2022) designate(s *subset) {
	if s.g1 {
		st.g1 = s
		return
	}
	st.g0 = s
}

// begin designates a set of the first value of Specific Character Set. A set
// of two bytes in G0 is never active from the start: without an escape
// sequence the text would have no delimiters (PS3.5 section 6.1.2.4).
func (st *iso2022) begin(s *subset) {
	if !s.wide || s.g1 {
		st.designate(s)
	}
}

// reset does what PS3.5 section 6.1.2.5.3 asks at delimiters. Where the first
// set has no G1, one that was designated stays: old devices go on using it.
func (st *iso2022) reset(initial iso2022) {
	st.g0 = initial.g0
	if initial.g1 != nil {
		st.g1 = initial.g1
	}
}

// appendISO2022 decodes text in single-byte sets, with escape sequences or without.
func (cs *CharacterSet) appendISO2022(dst, b []byte, vr VR) []byte {
	st := cs.initial
	for i := 0; i < len(b); {
		c := b[i]
		switch {
		case c == esc:
			var n int
			dst, n = cs.appendEscape(dst, b[i:], &st)
			i += n
		case c >= 0xA0:
			var n int
			dst, n = appendG1(dst, b[i:], st.g1)
			i += n
		case c >= 0x80: // C1 controls are no part of the repertoire
			dst = utf8.AppendRune(dst, utf8.RuneError)
			i++
		case c > 0x20 && c < 0x7F && st.g0.wide:
			var n int
			dst, n = appendWideG0(dst, b[i:], &st, cs.initial, vr)
			i += n
		default:
			dst = appendG0(dst, c, &st, cs.initial, vr)
			i++
		}
	}
	return dst
}

// appendEscape handles the escape sequence that b begins with and returns how
// many bytes it took. Sets that are not declared are switched to as well,
// provided that code extensions are.
func (cs *CharacterSet) appendEscape(dst, b []byte, st *iso2022) ([]byte, int) {
	if cs.escapes {
		for _, s := range allSubsets {
			if bytes.HasPrefix(b, []byte(s.escape)) {
				st.designate(s)
				return dst, len(s.escape)
			}
		}
	}
	return utf8.AppendRune(dst, utf8.RuneError), 1
}

// appendG1 decodes the character with high bits that b begins with.
func appendG1(dst, b []byte, g1 *subset) ([]byte, int) {
	if g1 == nil {
		return utf8.AppendRune(dst, utf8.RuneError), 1
	}
	if !g1.wide {
		return utf8.AppendRune(dst, g1.single(b[0]&0x7F)), 1
	}
	if len(b) < 2 || !wideByte(b[0]&0x7F) || b[1] < 0xA1 || b[1] == 0xFF {
		return utf8.AppendRune(dst, utf8.RuneError), 1
	}
	return utf8.AppendRune(dst, g1.double(b[0]&0x7F, b[1]&0x7F)), 2
}

// appendWideG0 decodes the two-byte character that b begins with. A delimiter
// that stands alone, because the device forgot to switch back, is taken as one.
func appendWideG0(dst, b []byte, st *iso2022, initial iso2022, vr VR) ([]byte, int) {
	if len(b) >= 2 && wideByte(b[1]) {
		return utf8.AppendRune(dst, st.g0.double(b[0], b[1])), 2
	}
	if isDelimiter(b[0], vr) {
		return appendG0(dst, b[0], st, initial, vr), 1
	}
	return utf8.AppendRune(dst, utf8.RuneError), 1
}

// appendG0 decodes a byte without its high bit where G0 is not wide, and any
// control character or space.
func appendG0(dst []byte, c byte, st *iso2022, initial iso2022, vr VR) []byte {
	switch {
	case isDelimiter(c, vr):
		st.reset(initial)
		return append(dst, c)
	case c <= 0x20 || c == 0x7F || st.g0.wide:
		return append(dst, c)
	}
	return utf8.AppendRune(dst, st.g0.single(c))
}

func wideByte(c byte) bool { return c >= 0x21 && c <= 0x7E }

// isDelimiter reports whether the initial sets become active at c (PS3.5
// section 6.1.2.5.3).
func isDelimiter(c byte, vr VR) bool {
	switch c {
	case '\t', '\n', '\f', '\r':
		return true
	case '\\':
		return vr.MultiValued()
	case '^', '=':
		return vr == VRPN
	}
	return false
}

// appendUTF8 appends b with U+FFFD for each byte that is not UTF-8, and for
// escape characters, which have no place here.
func appendUTF8(dst, b []byte) []byte {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 || r == esc {
			dst = utf8.AppendRune(dst, utf8.RuneError)
		} else {
			dst = append(dst, b[:n]...)
		}
		b = b[n:]
	}
	return dst
}

// appendUTF8OrASCII appends b if it is valid UTF-8, else its ASCII with U+FFFD
// for each other byte; for escape characters in any case.
func appendUTF8OrASCII(dst, b []byte) []byte {
	valid := utf8.Valid(b)
	for _, c := range b {
		if c == esc || c >= utf8.RuneSelf && !valid {
			dst = utf8.AppendRune(dst, utf8.RuneError)
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}

// appendGB18030 decodes GB18030, and GBK, which is a part of it.
func appendGB18030(dst, b []byte) []byte {
	out, err := simplifiedchinese.GB18030.NewDecoder().Bytes(b)
	if err != nil {
		return appendUTF8OrASCII(dst, b)
	}
	return appendUTF8(dst, out)
}

// DecodeValues returns the values of b as text, without their padding (PS3.5
// sections 6.2 and 6.4). Values are told apart after decoding, since in GBK,
// GB18030 and the two-byte sets of ISO 2022 the second byte of a character may
// look like a backslash. An empty value of b has no values; empty values
// between backslashes count.
func (cs *CharacterSet) DecodeValues(b []byte, vr VR) []string {
	return SplitValues(cs.Decode(b, vr), vr)
}

// SplitValues is DecodeValues for text that is decoded already.
func SplitValues(s string, vr VR) []string {
	if trimmed := TrimPadding(s, vr); trimmed == "" {
		return nil
	} else if !vr.MultiValued() || strings.IndexByte(s, '\\') < 0 {
		return []string{trimmed}
	}
	values := strings.Split(s, `\`)
	for i, v := range values {
		values[i] = TrimPadding(v, vr)
	}
	return values
}

// TrimPadding removes the spaces that PS3.5 table 6.2-1 calls insignificant
// from one value of vr, and the NULs that some devices pad with instead:
// trailing ones always, leading ones where vr is not free text.
func TrimPadding(s string, vr VR) string {
	s = strings.TrimRight(s, " \x00")
	switch vr {
	case VRLT, VRST, VRUT, VRUC, VRUR:
		return s
	}
	return strings.TrimLeft(s, " ")
}
