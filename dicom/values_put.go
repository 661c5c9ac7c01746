package dicom

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// PutString puts an element of the text representation vr: the values encoded
// by the character set of d, joined by backslashes and padded to even length.
// Characters that the set lacks are an error; the element is there all the
// same, with replacements.
func (d *DataSet) PutString(t Tag, vr VR, values ...string) error {
	text := strings.Join(values, `\`)
	b, err := d.CharacterSet().Encode(text, vr)
	if err != nil {
		b, _ = d.CharacterSet().EncodeLossy(text, vr)
	}
	d.Put(Element{Tag: t, VR: vr, Data: Pad(b, vr)})
	if err != nil {
		return fmt.Errorf("%v: %w", t, err)
	}
	return nil
}

// Pad makes the length of b even as PS3.5 section 6.2 asks for values of vr: with
// a NUL behind UIDs and bytes, with a space behind text.
func Pad(b []byte, vr VR) []byte {
	if len(b)%2 == 0 {
		return b
	}
	if vr.IsText() && vr != VRUI {
		return append(b, ' ')
	}
	return append(b, 0)
}

// PutUID puts an element of VR UI.
func (d *DataSet) PutUID(t Tag, uid UID) {
	d.Put(Element{Tag: t, VR: VRUI, Data: Pad([]byte(uid), VRUI)})
}

// PutInts puts an element whose values are integers: of a binary integer
// representation, IS or DS. A value that does not fit is an error, and the data
// set stays as it was.
func (d *DataSet) PutInts(t Tag, vr VR, values ...int64) error {
	var b []byte
	for i, v := range values {
		switch vr {
		case VRIS, VRDS:
			if i > 0 {
				b = append(b, '\\')
			}
			b = strconv.AppendInt(b, v, 10)
			continue
		}
		if !fits(vr, v) {
			return fmt.Errorf("%v: an integer as %v: %w", t, vr, ErrBadValue)
		}
		switch vr.numberSize() {
		case 2:
			b = binary.LittleEndian.AppendUint16(b, uint16(v))
		case 4:
			if vr == VRAT {
				v = v>>16&0xFFFF | v&0xFFFF<<16
			}
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		default:
			b = binary.LittleEndian.AppendUint64(b, uint64(v))
		}
	}
	d.Put(Element{Tag: t, VR: vr, Data: Pad(b, vr)})
	return nil
}

// fits reports whether the binary integer representation vr can hold v.
func fits(vr VR, v int64) bool {
	switch vr {
	case VRUS:
		return v >= 0 && v <= math.MaxUint16
	case VRSS:
		return v >= math.MinInt16 && v <= math.MaxInt16
	case VRUL, VRAT:
		return v >= 0 && v <= math.MaxUint32
	case VRSL:
		return v >= math.MinInt32 && v <= math.MaxInt32
	case VRUV:
		return v >= 0
	}
	return vr == VRSV
}

// PutFloats puts an element whose values are floating point numbers: of VR FL,
// FD, OF, OD or DS. What a decimal string cannot hold is an error, and the data
// set stays as it was.
func (d *DataSet) PutFloats(t Tag, vr VR, values ...float64) error {
	var b []byte
	for i, v := range values {
		switch vr {
		case VRFL, VROF:
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
		case VRFD, VROD:
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		case VRDS:
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("%v: %w", t, ErrBadValue)
			}
			if i > 0 {
				b = append(b, '\\')
			}
			b = append(b, FormatDS(v)...)
		default:
			return fmt.Errorf("%v: a float as %v: %w", t, vr, ErrBadValue)
		}
	}
	d.Put(Element{Tag: t, VR: vr, Data: Pad(b, vr)})
	return nil
}

// FormatDS writes v, which must be finite, as a decimal string: as exactly as
// the 16 characters of PS3.5 section 6.2 allow.
func FormatDS(v float64) string {
	const limit = 16
	s := strconv.FormatFloat(v, 'g', -1, 64)
	for precision := limit; len(s) > limit; precision-- {
		s = strconv.FormatFloat(v, 'g', precision, 64)
	}
	return s
}

// PutItems puts a sequence whose items are the data sets, with defined lengths.
// It takes them over: they become part of d.
func (d *DataSet) PutItems(t Tag, items ...*DataSet) {
	e := Element{Tag: t, VR: VRSQ, Items: make([]Item, len(items))}
	for i, item := range items {
		e.Items[i].DataSet = item
	}
	d.Put(e)
}
