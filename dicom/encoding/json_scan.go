package encoding

import (
	"fmt"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tresor-pacs/tresor/dicom"
)

// jsonScanner reads the tokens of RFC 8259 from memory, without recursion.
type jsonScanner struct {
	b       []byte
	pos     int
	skipped int // bytes that were passed over to come back to
}

// fail makes an error for the place that was reached.
func (s *jsonScanner) fail(tag dicom.Tag, what string) error {
	return syntaxError(int64(s.pos), tag, what)
}

// next skips white space and returns the byte behind it, 0 at the end.
func (s *jsonScanner) next() byte {
	for s.pos < len(s.b) {
		switch c := s.b[s.pos]; c {
		case ' ', '\n', '\r', '\t':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// take moves over c if it comes next.
func (s *jsonScanner) take(c byte) bool {
	if s.next() != c {
		return false
	}
	s.pos++
	return true
}

// more is called before each member of an array or object that end closes; it
// moves over the comma, or over end. n counts the members so far.
func (s *jsonScanner) more(n int, end byte) (bool, error) {
	if s.take(end) {
		return false, nil
	}
	if n > 0 && !s.take(',') {
		return false, s.fail(0, fmt.Sprintf("no , or %c in JSON", end))
	}
	return true, nil
}

// key reads the name of an object's member and the colon.
func (s *jsonScanner) key(scratch []byte) ([]byte, error) {
	if s.next() != '"' {
		return nil, s.fail(0, "no member name in JSON")
	}
	name, err := s.appendString(scratch)
	if err != nil {
		return nil, err
	}
	if !s.take(':') {
		return nil, s.fail(0, "no : in JSON")
	}
	return name, nil
}

// appendString reads the string that begins here and appends its text, which
// is valid UTF-8 whatever the input is.
func (s *jsonScanner) appendString(dst []byte) ([]byte, error) {
	s.pos++
	start := s.pos
	ascii := true
	for s.pos < len(s.b) {
		switch c := s.b[s.pos]; {
		case c == '"':
			dst = appendValid(dst, s.b[start:s.pos], ascii)
			s.pos++
			return dst, nil
		case c == '\\':
			dst = appendValid(dst, s.b[start:s.pos], ascii)
			var err error
			if dst, err = s.appendEscape(dst); err != nil {
				return dst, err
			}
			start, ascii = s.pos, true
		case c < 0x20:
			return dst, s.fail(0, "control character in a JSON string")
		default:
			ascii = ascii && c < utf8.RuneSelf
			s.pos++
		}
	}
	return dst, s.fail(0, "JSON string without end")
}

func appendValid(dst, b []byte, ascii bool) []byte {
	if ascii || utf8.Valid(b) {
		return append(dst, b...)
	}
	return append(dst, string([]rune(string(b)))...)
}

// appendEscape reads what a backslash begins. Half a surrogate pair becomes U+FFFD.
func (s *jsonScanner) appendEscape(dst []byte) ([]byte, error) {
	if s.pos+1 >= len(s.b) {
		return dst, s.fail(0, "JSON string without end")
	}
	c := s.b[s.pos+1]
	s.pos += 2
	switch c {
	case '"', '\\', '/':
		return append(dst, c), nil
	case 'b':
		return append(dst, '\b'), nil
	case 'f':
		return append(dst, '\f'), nil
	case 'n':
		return append(dst, '\n'), nil
	case 'r':
		return append(dst, '\r'), nil
	case 't':
		return append(dst, '\t'), nil
	case 'u':
		r, ok := s.hex4()
		if !ok {
			return dst, s.fail(0, "bad \\u in a JSON string")
		}
		if utf16.IsSurrogate(r) {
			r = s.lowSurrogate(r)
		}
		return utf8.AppendRune(dst, r), nil
	}
	return dst, s.fail(0, "bad escape in a JSON string")
}

func (s *jsonScanner) hex4() (rune, bool) {
	if s.pos+4 > len(s.b) {
		return 0, false
	}
	var r rune
	for _, c := range s.b[s.pos : s.pos+4] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	s.pos += 4
	return r, true
}

// lowSurrogate reads the second half of a pair if it comes next.
func (s *jsonScanner) lowSurrogate(high rune) rune {
	at := s.pos
	if at+6 <= len(s.b) && s.b[at] == '\\' && s.b[at+1] == 'u' {
		s.pos += 2
		if low, ok := s.hex4(); ok {
			if r := utf16.DecodeRune(high, low); r != utf8.RuneError {
				return r
			}
		}
		s.pos = at
	}
	return utf8.RuneError
}

// number reads a number and returns its token.
func (s *jsonScanner) number() ([]byte, error) {
	start := s.pos
	rest := func() []byte { return s.b[s.pos:] }
	if rest()[0] == '-' {
		s.pos++
	}
	whole := countDigits(rest())
	if whole == 0 || whole > 1 && rest()[0] == '0' {
		return nil, s.fail(0, "bad number in JSON")
	}
	s.pos += whole
	if r := rest(); len(r) > 0 && r[0] == '.' {
		n := countDigits(r[1:])
		if n == 0 {
			return nil, s.fail(0, "bad number in JSON")
		}
		s.pos += 1 + n
	}
	if r := rest(); len(r) > 0 && r[0]|0x20 == 'e' {
		s.pos++
		if r = r[1:]; len(r) > 0 && (r[0] == '+' || r[0] == '-') {
			r = r[1:]
			s.pos++
		}
		n := countDigits(r)
		if n == 0 {
			return nil, s.fail(0, "bad number in JSON")
		}
		s.pos += n
	}
	return s.b[start:s.pos], nil
}

// word moves over a literal.
func (s *jsonScanner) word(w string) bool {
	if s.next() != w[0] || len(s.b)-s.pos < len(w) || string(s.b[s.pos:s.pos+len(w)]) != w {
		return false
	}
	s.pos += len(w)
	return true
}

// maxSkips bounds how often the input may be passed over in all.
const maxSkips = 16

// skip moves over one value of whatever kind, checking no more than that
// brackets match and strings end: what matters is read again. Since that
// happens at every level of nesting, the sum of it is limited.
func (s *jsonScanner) skip() error {
	start := s.pos
	var open []byte
	for {
		switch c := s.next(); c {
		case 0:
			return s.fail(0, "JSON ends too early")
		case '{', '[':
			open = append(open, c+2) // the closing brackets of ASCII
			s.pos++
			continue
		case '}', ']':
			if len(open) == 0 || open[len(open)-1] != c {
				return s.fail(0, "brackets in JSON do not match")
			}
			open = open[:len(open)-1]
			s.pos++
		case '"':
			if err := s.skipString(); err != nil {
				return err
			}
		default:
			s.pos++
			if len(open) == 0 && !s.skipWord(c) {
				return s.fail(0, "no JSON value")
			}
		}
		if len(open) == 0 {
			break
		}
	}
	if s.skipped += s.pos - start; s.skipped > maxSkips*len(s.b) {
		return limitError(int64(s.pos), 0, "times the size of the input in values before their VR", maxSkips)
	}
	return nil
}

// skipWord moves to the end of the number or literal that c began.
func (s *jsonScanner) skipWord(c byte) bool {
	for s.pos < len(s.b) {
		switch s.b[s.pos] {
		case ',', '}', ']', ' ', '\n', '\r', '\t':
			return c != ',' && c != ':'
		}
		s.pos++
	}
	return c != ',' && c != ':'
}

func (s *jsonScanner) skipString() error {
	for s.pos++; s.pos < len(s.b); s.pos++ {
		switch s.b[s.pos] {
		case '"':
			s.pos++
			return nil
		case '\\':
			s.pos++
		}
	}
	s.pos = len(s.b)
	return s.fail(0, "JSON string without end")
}
