package encoding

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/tresor-pacs/tresor/dicom"
)

// maxExactInteger is the largest integer that every reader of JSON keeps
// exactly. Larger ones of SV and UV are strings (PS3.18 table F.2.3-1).
const maxExactInteger = 1 << 53

// binarySize returns the length of one number of vr, 0 if vr is none of binary numbers.
func binarySize(vr dicom.VR) int {
	switch vr {
	case dicom.VRUS, dicom.VRSS:
		return 2
	case dicom.VRUL, dicom.VRSL, dicom.VRFL, dicom.VRAT:
		return 4
	case dicom.VRFD, dicom.VRSV, dicom.VRUV:
		return 8
	}
	return 0
}

// numbers writes binary numbers. Bytes that do not make up a whole one at the
// end are left out.
func (e *jsonEncoder) numbers(b []byte, vr dicom.VR) {
	size := binarySize(vr)
	if size == 0 || len(b) < size {
		return
	}
	e.dst = append(e.dst, `,"Value":[`...)
	for ; len(b) >= size; b = b[size:] {
		e.dst = append(appendBinaryNumber(e.dst, b, vr, true), ',')
	}
	e.dst[len(e.dst)-1] = ']'
}

// appendBinaryNumber appends the number that b begins with in decimal, a tag in
// eight hexadecimal digits. For JSON, what is no exact number there is quoted.
func appendBinaryNumber(dst, b []byte, vr dicom.VR, json bool) []byte {
	switch vr {
	case dicom.VRUS:
		return strconv.AppendUint(dst, uint64(binary.LittleEndian.Uint16(b)), 10)
	case dicom.VRSS:
		return strconv.AppendInt(dst, int64(int16(binary.LittleEndian.Uint16(b))), 10)
	case dicom.VRUL:
		return strconv.AppendUint(dst, uint64(binary.LittleEndian.Uint32(b)), 10)
	case dicom.VRSL:
		return strconv.AppendInt(dst, int64(int32(binary.LittleEndian.Uint32(b))), 10)
	case dicom.VRAT:
		t := dicom.NewTag(binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:]))
		return quoted(dst, json, func(dst []byte) []byte { return appendHex(dst, t) })
	case dicom.VRUV:
		v := binary.LittleEndian.Uint64(b)
		return quoted(dst, json && v > maxExactInteger, func(dst []byte) []byte {
			return strconv.AppendUint(dst, v, 10)
		})
	case dicom.VRSV:
		v := int64(binary.LittleEndian.Uint64(b))
		return quoted(dst, json && (v > maxExactInteger || v < -maxExactInteger), func(dst []byte) []byte {
			return strconv.AppendInt(dst, v, 10)
		})
	case dicom.VRFL:
		return appendFloat(dst, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), 32, json)
	}
	return appendFloat(dst, math.Float64frombits(binary.LittleEndian.Uint64(b)), 64, json)
}

func quoted(dst []byte, quote bool, write func([]byte) []byte) []byte {
	if !quote {
		return write(dst)
	}
	return append(write(append(dst, '"')), '"')
}

// appendFloat writes the fewest digits that give the same number back. JSON has
// no tokens for NaN and the infinities: there they are strings.
func appendFloat(dst []byte, f float64, bits int, json bool) []byte {
	word := ""
	switch {
	case math.IsNaN(f):
		word = "NaN"
	case math.IsInf(f, 1):
		word = "inf"
	case math.IsInf(f, -1):
		word = "-inf"
	default:
		return strconv.AppendFloat(dst, f, 'g', -1, bits)
	}
	return quoted(dst, json, func(dst []byte) []byte { return append(dst, word...) })
}

// What a decimal may have at most to be written as a JSON number: readers with
// 64-bit floats must not overflow.
const (
	maxDecimalLength   = 32
	maxDecimalExponent = 270
)

// decimal writes a value of DS or IS as a number if it is one, else as a string.
func (e *jsonEncoder) decimal(s []byte) {
	if out, ok := appendDecimal(e.dst, s); ok {
		e.dst = out
		return
	}
	e.dst = appendJSONString(e.dst, s)
}

// appendDecimal appends the decimal string s (PS3.5 section 6.2, DS) in the
// syntax of JSON: with its digits, but without plus and leading zeros.
func appendDecimal(dst, s []byte) ([]byte, bool) {
	if len(s) > maxDecimalLength {
		return dst, false
	}
	start := len(dst)
	if s[0] == '+' || s[0] == '-' {
		if s[0] == '-' {
			dst = append(dst, '-')
		}
		s = s[1:]
	}
	whole := countDigits(s)
	digits := s[:whole]
	for len(digits) > 0 && digits[0] == '0' {
		digits = digits[1:]
	}
	if len(digits) == 0 {
		digits = []byte{'0'}
	}
	dst = append(dst, digits...)
	s = s[whole:]
	fraction := 0
	if len(s) > 0 && s[0] == '.' {
		if fraction = countDigits(s[1:]); fraction > 0 {
			dst = append(dst, s[:1+fraction]...)
		}
		s = s[1+fraction:]
	}
	if whole+fraction == 0 {
		return dst[:start], false
	}
	if len(s) > 0 {
		exponent, err := strconv.ParseInt(string(s[1:]), 10, 16)
		if s[0]|0x20 != 'e' || err != nil || exponent > maxDecimalExponent || exponent < -maxDecimalExponent {
			return dst[:start], false
		}
		dst = strconv.AppendInt(append(dst, 'e'), exponent, 10)
	}
	return dst, true
}

func countDigits(s []byte) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
