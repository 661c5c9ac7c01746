package dicom

import (
	"math"
	"strconv"
	"strings"
)

// Ints returns the values of e as integers: binary ones, IS, and DS where it
// has no fraction.
func (e *Element) Ints() ([]int64, error) {
	switch {
	case e.Bulk != nil:
		return nil, ErrBulk
	case e.Empty():
		return nil, nil
	}
	switch e.VR {
	case VRUS, VRSS, VRUL, VRSL, VRSV, VRUV, VRAT:
		if len(e.Data)%e.VR.numberSize() != 0 {
			return nil, ErrBadValue
		}
		n := e.integers()
		if e.VR == VRUV {
			for _, v := range n {
				if v < 0 { // above what int64 holds
					return nil, ErrBadValue
				}
			}
		}
		return n, nil
	case VRIS, VRDS, VRUN:
		return parseValues(e.Data, parseInt)
	}
	return nil, ErrBadValue
}

// Floats returns the values of e as floating point numbers: those of Ints, DS,
// and the binary ones.
func (e *Element) Floats() ([]float64, error) {
	switch e.VR {
	case VRFL, VRFD, VROF, VROD:
		switch {
		case e.Bulk != nil:
			return nil, ErrBulk
		case len(e.Data)%e.VR.WordSize() != 0:
			return nil, ErrBadValue
		}
		return e.reals(), nil
	case VRDS, VRIS, VRUN:
		if e.Bulk != nil {
			return nil, ErrBulk
		}
		return parseValues(e.Data, parseFloat)
	}
	n, err := e.Ints()
	if err != nil {
		return nil, err
	}
	f := make([]float64, len(n))
	for i, v := range n {
		f[i] = float64(v)
	}
	return f, nil
}

// parseValues reads numbers separated by backslashes. All of b empty means no
// values; an empty one among others is an error.
func parseValues[N any](b []byte, parse func(string) (N, bool)) ([]N, error) {
	text := strings.Trim(string(b), " \x00")
	if text == "" {
		return nil, nil
	}
	values := make([]N, 0, 1+strings.Count(text, `\`))
	for s := range strings.SplitSeq(text, `\`) {
		v, ok := parse(strings.Trim(s, " \x00"))
		if !ok {
			return nil, ErrBadValue
		}
		values = append(values, v)
	}
	return values, nil
}

func parseInt(s string) (int64, bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	// Some devices write an integer as 1.0 or 1e2.
	f, ok := parseFloat(s)
	if !ok || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// parseFloat reads what PS3.5 section 6.2 calls a decimal string; the words
// and hexadecimal forms that strconv knows besides are refused.
func parseFloat(s string) (float64, bool) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c == '+', c == '-', c == '.', c == 'e', c == 'E':
		default:
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}
