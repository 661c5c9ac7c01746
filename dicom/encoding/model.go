package encoding

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tresor-pacs/tresor/dicom"
)

// modelBuilder makes elements of the text that the JSON and XML models hold.
type modelBuilder struct {
	o       *JSONOptions
	at      Path
	count   int    // of elements and items
	foreign bool   // text that is not ASCII was seen
	value   []byte // one value
	joined  []byte // all values of an element
	values  int    // in joined
	block   []byte // memory from which values are cut
}

// counted counts one element or item.
func (m *modelBuilder) counted(offset int64, tag dicom.Tag) error {
	if m.count++; m.count > m.o.Limits.Elements {
		return limitError(offset, tag, "elements", int64(m.o.Limits.Elements))
	}
	return nil
}

// assemble makes a data set of elements in whatever order. Group lengths, which
// the models do not have, and empty tags are dropped.
func (m *modelBuilder) assemble(elements []dicom.Element, offset int64) (*dicom.DataSet, error) {
	byTag := func(a, b dicom.Element) int { return int(int64(a.Tag) - int64(b.Tag)) }
	if !slices.IsSortedFunc(elements, byTag) {
		slices.SortFunc(elements, byTag)
	}
	ds := new(dicom.DataSet)
	for i, e := range elements {
		if i > 0 && elements[i-1].Tag == e.Tag {
			return nil, syntaxError(offset, e.Tag, "the same element twice")
		}
		if e.Tag.IsGroupLength() {
			continue
		}
		if e.Tag == tagCharacterSet {
			e = dicom.Element{Tag: e.Tag, VR: dicom.VRCS, Data: []byte(utf8Term)}
		}
		ds.Put(e)
	}
	return ds, nil
}

// finish declares UTF-8 where text needs it and nothing was said.
func (m *modelBuilder) finish(ds *dicom.DataSet) {
	if m.foreign && !ds.Has(tagCharacterSet) {
		ds.Put(dicom.Element{Tag: tagCharacterSet, VR: dicom.VRCS, Data: []byte(utf8Term)})
	}
}

// begin starts the value of an element that is no sequence.
func (m *modelBuilder) begin() { m.joined, m.values = m.joined[:0], 0 }

// add adds one value, which is text; "" stands for an empty one.
func (m *modelBuilder) add(e *dicom.Element, text []byte, offset int64) error {
	m.values++
	if e.VR.IsText() || e.VR == dicom.VRUN {
		if m.values > 1 {
			m.joined = append(m.joined, '\\')
		}
		return m.addText(e, text, offset)
	}
	if len(text) == 0 {
		return syntaxError(offset, e.Tag, "empty value among numbers")
	}
	var ok bool
	if m.joined, ok = appendBinary(m.joined, e.VR, text); !ok {
		return syntaxError(offset, e.Tag, "value that does not fit its VR")
	}
	return nil
}

func (m *modelBuilder) addText(e *dicom.Element, text []byte, offset int64) error {
	switch {
	case m.values > 1 && !e.VR.MultiValued() && e.VR != dicom.VRUN:
		return syntaxError(offset, e.Tag, "more than one value")
	case e.VR == dicom.VRDS && len(text) > maxDS:
		// Others write all digits of a float, more than DS can hold.
		if f, ok := parseFloat(string(text), 64); ok && !math.IsInf(f, 0) && !math.IsNaN(f) {
			text = []byte(dicom.FormatDS(f))
		}
	case e.VR == dicom.VRIS && bytes.ContainsAny(text, ".eE"):
		if v, ok := parseInteger(string(text)); ok {
			text = strconv.AppendInt(nil, v, 10)
		}
	}
	if !m.foreign {
		m.foreign = slices.ContainsFunc(text, func(c byte) bool { return c >= utf8.RuneSelf })
	}
	m.joined = append(m.joined, text...)
	return nil
}

// maxDS is the length of a decimal string (PS3.5 table 6.2-1).
const maxDS = 16

// end gives e the values that were added.
func (m *modelBuilder) end(e *dicom.Element, offset int64) error {
	if int64(len(m.joined)) > m.o.Limits.ValueLength {
		return limitError(offset, e.Tag, "bytes in a value", m.o.Limits.ValueLength)
	}
	m.joined = dicom.Pad(m.joined, e.VR)
	e.Data = m.keep(m.joined)
	return nil
}

// setBase64 gives e the bytes that base64 text stands for.
func (m *modelBuilder) setBase64(e *dicom.Element, text []byte, offset int64) error {
	var err error
	if m.joined, err = decodeBase64(m.joined[:0], text); err != nil {
		return syntaxError(offset, e.Tag, "bad base64")
	}
	if e.VR == dicom.VRSQ {
		return syntaxError(offset, e.Tag, "bytes for a sequence")
	}
	return m.end(e, offset)
}

// decodeBase64 appends what text stands for. White space, by which XML writers
// break lines, is passed over, and padding may be missing.
func decodeBase64(dst, text []byte) ([]byte, error) {
	if bytes.ContainsAny(text, " \t\r\n") {
		text = bytes.Join(bytes.Fields(text), nil)
	}
	enc := base64.StdEncoding
	if len(text)%4 != 0 {
		enc = base64.RawStdEncoding
	}
	return enc.AppendDecode(dst, text)
}

// resolve asks for the value of a reference.
func (m *modelBuilder) resolve(e *dicom.Element, uri string) error {
	if m.o.ResolveURI == nil {
		return nil
	}
	resolved := *e // so that not every element ends up on the heap
	err := m.o.ResolveURI(m.at, &resolved, uri)
	*e = resolved
	return err
}

const modelBlock = 4 << 10

// keep returns a copy of b, nil if it is empty. Small ones share memory.
func (m *modelBuilder) keep(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	if len(b) > modelBlock/4 {
		return bytes.Clone(b)
	}
	if cap(m.block)-len(m.block) < len(b) {
		m.block = make([]byte, 0, modelBlock)
	}
	start := len(m.block)
	m.block = append(m.block, b...)
	return m.block[start:len(m.block):len(m.block)]
}

// appendBinary appends the number that text stands for as vr stores it.
func appendBinary(dst []byte, vr dicom.VR, text []byte) ([]byte, bool) {
	v, ok := parseShort(text)
	if !ok && vr != dicom.VRAT {
		return appendLongBinary(dst, vr, string(text))
	}
	switch vr {
	case dicom.VRUS:
		return binary.LittleEndian.AppendUint16(dst, uint16(v)), v <= math.MaxUint16
	case dicom.VRUL:
		return binary.LittleEndian.AppendUint32(dst, uint32(v)), v <= math.MaxUint32
	case dicom.VRAT:
		t, ok := parseHexTag(text)
		dst = binary.LittleEndian.AppendUint16(dst, t.Group())
		return binary.LittleEndian.AppendUint16(dst, t.Element()), ok
	}
	return appendLongBinary(dst, vr, string(text))
}

// parseShort reads up to nine digits, which most numbers are.
func parseShort(text []byte) (v uint64, ok bool) {
	if len(text) == 0 || len(text) > 9 || countDigits(text) < len(text) {
		return 0, false
	}
	for _, c := range text {
		v = v*10 + uint64(c-'0')
	}
	return v, true
}

// appendLongBinary is appendBinary for whatever is not so simple.
func appendLongBinary(dst []byte, vr dicom.VR, s string) ([]byte, bool) {
	switch vr {
	case dicom.VRFL:
		f, ok := parseFloat(s, 32)
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(f))), ok
	case dicom.VRFD:
		f, ok := parseFloat(s, 64)
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f)), ok
	case dicom.VRUV:
		v, err := strconv.ParseUint(s, 10, 64)
		return binary.LittleEndian.AppendUint64(dst, v), err == nil
	}
	v, ok := parseInteger(s)
	switch vr {
	case dicom.VRUS:
		return binary.LittleEndian.AppendUint16(dst, uint16(v)), ok && v >= 0 && v <= math.MaxUint16
	case dicom.VRSS:
		return binary.LittleEndian.AppendUint16(dst, uint16(v)), ok && v == int64(int16(v))
	case dicom.VRUL:
		return binary.LittleEndian.AppendUint32(dst, uint32(v)), ok && v >= 0 && v <= math.MaxUint32
	case dicom.VRSL:
		return binary.LittleEndian.AppendUint32(dst, uint32(v)), ok && v == int64(int32(v))
	case dicom.VRSV:
		return binary.LittleEndian.AppendUint64(dst, uint64(v)), ok
	}
	return dst, false
}

// parseInteger reads an integer, also one written as 1.0 or 1e3.
func parseInteger(s string) (int64, bool) {
	if v, err := strconv.ParseInt(s, 10, 64); err == nil {
		return v, true
	}
	f, ok := parseFloat(s, 64)
	return int64(f), ok && f == math.Trunc(f) && math.Abs(f) <= maxExactInteger
}

// parseFloat reads a decimal number, NaN or an infinity. What is beyond the
// range of the type is an infinity too.
func parseFloat(s string, bits int) (float64, bool) {
	if strings.ContainsAny(s, "xX_") { // forms of Go
		return 0, false
	}
	f, err := strconv.ParseFloat(s, bits)
	return f, err == nil || errors.Is(err, strconv.ErrRange)
}
