package dicom

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// Reasons for which an element yields no numbers. Errors wrap them with the tag.
var (
	ErrNoValue  = errors.New("no value")
	ErrBulk     = errors.New("the value was left in the stream")
	ErrBadValue = errors.New("the value does not fit its value representation")
)

// String returns the first value of the element with tag t as text without
// padding, decoded by the character set of d; "" if it is absent, empty or bulk.
func (d *DataSet) String(t Tag) string {
	if e := d.Get(t); e != nil {
		return e.String(d.CharacterSet)
	}
	return ""
}

// Strings returns all values of the element with tag t as String does.
// Numbers come in decimal, tags as eight hexadecimal digits. Sequences, bytes
// and bulk values have none.
func (d *DataSet) Strings(t Tag) []string {
	if e := d.Get(t); e != nil {
		return e.Strings(d.CharacterSet)
	}
	return nil
}

// UID returns the first value of the element with tag t without its padding. It
// is not checked: see UID.Valid.
func (d *DataSet) UID(t Tag) UID { return UID(d.String(t)) }

// Int returns the first value of the element with tag t as an integer; the
// error wraps ErrNoValue if it is absent or empty.
func (d *DataSet) Int(t Tag) (int64, error) { return first(d, t, (*Element).Ints) }

// Ints returns all values of the element with tag t as integers, none if it is
// absent or empty.
func (d *DataSet) Ints(t Tag) ([]int64, error) { return all(d, t, (*Element).Ints) }

// Float returns the first value of the element with tag t; the error wraps
// ErrNoValue if it is absent or empty. Text such as NaN or an exponent out of
// range is an error; a binary value may be NaN or infinite.
func (d *DataSet) Float(t Tag) (float64, error) { return first(d, t, (*Element).Floats) }

// Floats returns all values of the element with tag t, none if it is absent or empty.
func (d *DataSet) Floats(t Tag) ([]float64, error) { return all(d, t, (*Element).Floats) }

// Items returns the items of the sequence with tag t, none if it is absent.
func (d *DataSet) Items(t Tag) []Item {
	if e := d.Get(t); e != nil {
		return e.Items
	}
	return nil
}

func all[N any](d *DataSet, t Tag, values func(*Element) ([]N, error)) ([]N, error) {
	e := d.Get(t)
	if e == nil {
		return nil, nil
	}
	n, err := values(e)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", t, err)
	}
	return n, nil
}

func first[N any](d *DataSet, t Tag, values func(*Element) ([]N, error)) (N, error) {
	n, err := all(d, t, values)
	if err == nil && len(n) == 0 {
		err = fmt.Errorf("%v: %w", t, ErrNoValue)
	}
	if err != nil {
		var none N
		return none, err
	}
	return n[0], nil
}

// Empty reports whether e has no value: no bytes, no items, no fragments.
func (e *Element) Empty() bool {
	return len(e.Data) == 0 && len(e.Items) == 0 && len(e.Fragments) == 0 && e.Bulk == nil
}

// String returns the first value of e as DataSet.String does. The function is
// asked for the character set only if the value needs one.
func (e *Element) String(characterSet func() *CharacterSet) string {
	if plain, ok := e.plainText(); ok {
		return firstValue(plain, e.VR)
	}
	if values := e.Strings(characterSet); len(values) > 0 {
		return values[0]
	}
	return ""
}

// plainText returns the value of a text element if every character set reads
// it as ASCII.
func (e *Element) plainText() (string, bool) {
	if !e.VR.IsText() && e.VR != VRUN {
		return "", false
	}
	for _, c := range e.Data {
		// ESC begins a code extension; JIS X 0201 has other characters at \ and ~.
		if c >= 0x7E || c == 0x1B || c == '\\' && e.VR.UsesCharacterSet() {
			return "", false
		}
	}
	return string(e.Data), true
}

func firstValue(s string, vr VR) string {
	if vr.MultiValued() {
		for i := 0; i < len(s); i++ {
			if s[i] == '\\' {
				s = s[:i]
				break
			}
		}
	}
	return TrimPadding(s, vr)
}

// Strings returns all values of e as DataSet.Strings does.
func (e *Element) Strings(characterSet func() *CharacterSet) []string {
	switch e.VR {
	case VRAT:
		return format(e.integers(), func(n int64) string { return Tag(n).Hex() })
	case VRUV:
		return format(e.integers(), func(n int64) string { return strconv.FormatUint(uint64(n), 10) })
	case VRUS, VRSS, VRUL, VRSL, VRSV:
		return format(e.integers(), func(n int64) string { return strconv.FormatInt(n, 10) })
	case VRFL:
		return format(e.reals(), func(f float64) string { return strconv.FormatFloat(f, 'g', -1, 32) })
	case VRFD:
		return format(e.reals(), func(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) })
	case VRUN:
		return characterSet().DecodeValues(e.Data, VRLO)
	}
	if e.VR.IsText() {
		return characterSet().DecodeValues(e.Data, e.VR)
	}
	return nil
}

func format[N any](values []N, text func(N) string) []string {
	if len(values) == 0 {
		return nil
	}
	s := make([]string, len(values))
	for i, v := range values {
		s[i] = text(v)
	}
	return s
}

// integers reads the whole binary integers of e.
func (e *Element) integers() []int64 {
	size := e.VR.numberSize()
	b := e.Data
	n := make([]int64, 0, len(b)/size)
	for ; len(b) >= size; b = b[size:] {
		n = append(n, integer(e.VR, b))
	}
	return n
}

// numberSize is the size of one number of a binary VR.
func (v VR) numberSize() int {
	if v == VRAT {
		return 4
	}
	return v.WordSize()
}

func integer(vr VR, b []byte) int64 {
	switch vr {
	case VRUS:
		return int64(binary.LittleEndian.Uint16(b))
	case VRSS:
		return int64(int16(binary.LittleEndian.Uint16(b)))
	case VRAT: // group, then element (PS3.5 section 6.2)
		return int64(NewTag(binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:])))
	case VRUL:
		return int64(binary.LittleEndian.Uint32(b))
	case VRSL:
		return int64(int32(binary.LittleEndian.Uint32(b)))
	}
	return int64(binary.LittleEndian.Uint64(b))
}

// reals reads the whole binary floating point numbers of e.
func (e *Element) reals() []float64 {
	size := e.VR.WordSize()
	b := e.Data
	f := make([]float64, 0, len(b)/size)
	for ; len(b) >= size; b = b[size:] {
		if size == 4 {
			f = append(f, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
		} else {
			f = append(f, math.Float64frombits(binary.LittleEndian.Uint64(b)))
		}
	}
	return f
}
