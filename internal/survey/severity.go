package survey

import (
	"fmt"
	"math"
)

// Vector is what a severity is computed from, and nothing else is: two equal
// vectors have equal severities. Its printed form begins with DXA1.
type Vector struct {
	Network  byte // N: P public, I internal (RFC 1918), L loopback
	TLS      byte // T: N none, Y yes, M mutual, X nothing was spoken
	Access   byte // A: A any caller, R every association rejected, C certificate, H by HTTP, X no DICOM
	Query    byte // Q: P permitted, R refused, U undecided, N not offered, X not asked
	Studies  byte // S: power of ten of the number of studies, X unknown
	Retrieve byte // R: N negotiated, X not
	Write    byte // W: A a Storage context was accepted, X not
	Flaw     byte // V: N none known, P possible, K confirmed and reached before login
	End      byte // E: Y end of life, N not
	// Dark says that a private address must not answer here: no mitigation.
	Dark bool
}

// String writes the vector.
func (v Vector) String() string {
	s := fmt.Sprintf("DXA1/N:%c/T:%c/A:%c/Q:%c/S:%c/R:%c/W:%c/V:%c/E:%c",
		v.Network, v.TLS, v.Access, v.Query, v.Studies, v.Retrieve, v.Write, v.Flaw, v.End)
	if v.Dark {
		s += "/D:Y"
	}
	return s
}

// base is the severity before additions.
func (v Vector) base() float64 {
	switch {
	case v.Access == 'C':
		return 1
	case v.Access == 'X':
		return 0
	case v.Access == 'H' && v.Query == 'P':
		return 9
	case v.Query == 'P':
		switch {
		case v.Studies == 'X':
			return 8
		case v.Studies < '3':
			return 8.5
		case v.Studies < '5':
			return 9
		}
		return 9.5
	case v.Query == 'U':
		return 6
	case v.Access == 'A' && v.Write == 'A':
		return 5.5
	case v.TLS == 'Y' && v.Query == 'R':
		return 2
	case v.Access == 'A':
		return 4
	}
	return 3
}

// Severity returns 0 to 10, rounded to a tenth.
func (v Vector) Severity() float64 {
	s := v.base()
	if s == 0 {
		return 0
	}
	if v.Retrieve == 'N' {
		s += 0.3
	}
	if v.TLS == 'N' {
		s += 0.2
	}
	if v.Flaw == 'K' {
		s += 0.3
	}
	if v.End == 'Y' {
		s += 0.2
	}
	s = min(s, 10)
	if v.Network == 'I' && !v.Dark {
		s -= 2
	}
	return math.Round(max(s, 0)*10) / 10
}

// Colour sorts a severity into the three colours of the report.
func Colour(severity float64) string {
	switch {
	case severity >= 7:
		return "red"
	case severity >= 3:
		return "yellow"
	}
	return "green"
}

// power returns the power of ten of n as a digit.
func power(n int64) byte {
	p := byte('0')
	for ; n >= 10 && p < '9'; n /= 10 {
		p++
	}
	return p
}
