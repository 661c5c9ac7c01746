package encoding

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// Append appends ds to dst in the transfer syntax. Lengths are undefined where
// the elements and items say so. Group lengths are written as they are: see
// RemoveGroupLengths.
func Append(dst []byte, ts TransferSyntax, ds *dicom.DataSet) ([]byte, error) {
	if ts.Deflated {
		b := bytes.NewBuffer(dst)
		if err := Write(b, ts, ds); err != nil {
			return nil, err
		}
		return b.Bytes(), nil
	}
	e := encoder{buf: dst, layout: layoutOf(ts), encapsulated: ts.Encapsulated}
	if err := e.dataSet(ds); err != nil {
		return nil, err
	}
	return e.buf, nil
}

// Write writes ds to w in the transfer syntax, as Append does. Long values are
// not copied on their way.
func Write(w io.Writer, ts TransferSyntax, ds *dicom.DataSet) error {
	if !ts.Deflated {
		return writePlain(w, ts, ds)
	}
	packer := newDeflater(w)
	if err := writePlain(packer, ts, ds); err != nil {
		return err
	}
	return packer.Close()
}

func writePlain(w io.Writer, ts TransferSyntax, ds *dicom.DataSet) error {
	e := encoder{w: w, layout: layoutOf(ts), encapsulated: ts.Encapsulated}
	if err := e.dataSet(ds); err != nil {
		return err
	}
	return e.flush()
}

// layout is how headers and numbers are written.
type layout struct{ explicit, big bool }

func layoutOf(ts TransferSyntax) layout { return layout{ts.ExplicitVR, ts.BigEndian} }

// encoder collects what is written in buf, and passes it on to w, if there is
// one, between elements of the outermost data set.
type encoder struct {
	layout
	encapsulated bool
	buf          []byte
	w            io.Writer
	depth        int
}

const (
	flushAt     = 64 << 10 // bytes collected before they are passed on
	directFrom  = 16 << 10 // bytes of a value that is passed on without a copy
	maxShortLen = 0xFFFF
)

func (e *encoder) flush() error {
	if e.w == nil || len(e.buf) == 0 {
		return nil
	}
	_, err := e.w.Write(e.buf)
	e.buf = e.buf[:0]
	return err
}

func (e *encoder) dataSet(ds *dicom.DataSet) error {
	for el := range ds.All() {
		if err := e.element(el); err != nil {
			return err
		}
		if e.depth == 0 && len(e.buf) >= flushAt {
			if err := e.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *encoder) element(el *dicom.Element) error {
	switch {
	case el.Bulk != nil:
		return &Error{-1, el.Tag, dicom.ErrBulk}
	case el.Fragments != nil || el.Undefined && isFragments(el):
		return e.fragments(el)
	case el.VR == dicom.VRSQ || len(el.Items) > 0 || el.Undefined && el.VR == dicom.VRUN:
		return e.sequence(el)
	}
	return e.value(el)
}

// isFragments tells pixel data without a single fragment from an empty sequence.
func isFragments(el *dicom.Element) bool {
	return el.Tag == dict.PixelData && el.VR != dicom.VRSQ && len(el.Data) == 0
}

func (e *encoder) value(el *dicom.Element) error {
	n := len(el.Data)
	if n > 0xFFFFFFFE {
		return &Error{-1, el.Tag, fmt.Errorf("%w: value too long", ErrTransferSyntax)}
	}
	vr := writtenVR(el.VR, el.AsUN, n)
	e.header(el.Tag, vr, uint32(n))
	if word := el.VR.WordSize(); e.big && vr != dicom.VRUN && word > 1 {
		start := len(e.buf)
		e.buf = append(e.buf, el.Data...)
		swap(e.buf[start:], word)
		return nil
	}
	return e.raw(el.Data)
}

// writtenVR is the VR in the header of an explicit VR element. A value too
// long for the VR's length field makes it UN (PS3.5 section 6.2.2).
func writtenVR(vr dicom.VR, asUN bool, length int) dicom.VR {
	if asUN || vr == 0 || length > maxShortLen && !vr.Long() {
		return dicom.VRUN
	}
	return vr
}

// raw writes b as it is.
func (e *encoder) raw(b []byte) error {
	if e.w == nil || e.depth > 0 || len(b) < directFrom {
		e.buf = append(e.buf, b...)
		return nil
	}
	if err := e.flush(); err != nil {
		return err
	}
	_, err := e.w.Write(b)
	return err
}

// header writes an element's header.
func (e *encoder) header(t dicom.Tag, vr dicom.VR, length uint32) {
	e.buf = appendHeader(e.buf, e.layout, t, vr, length)
}

func appendHeader(b []byte, l layout, t dicom.Tag, vr dicom.VR, length uint32) []byte {
	b = appendTag(b, l.big, t)
	if !l.explicit {
		return binary.LittleEndian.AppendUint32(b, length)
	}
	b = append(b, byte(vr>>8), byte(vr))
	if vr.Long() {
		return appendUint32(append(b, 0, 0), l.big, length)
	}
	if l.big {
		return binary.BigEndian.AppendUint16(b, uint16(length))
	}
	return binary.LittleEndian.AppendUint16(b, uint16(length))
}

// appendItem appends the header of an item or delimiter.
func appendItem(b []byte, big bool, t dicom.Tag, length uint32) []byte {
	return appendUint32(appendTag(b, big, t), big, length)
}

func appendTag(b []byte, big bool, t dicom.Tag) []byte {
	if big {
		return binary.BigEndian.AppendUint32(b, uint32(t))
	}
	return append(b, byte(t>>16), byte(t>>24), byte(t), byte(t>>8))
}

func appendUint32(b []byte, big bool, n uint32) []byte {
	if big {
		return binary.BigEndian.AppendUint32(b, n)
	}
	return binary.LittleEndian.AppendUint32(b, n)
}

// sequence writes a sequence, each length once what it counts is written.
func (e *encoder) sequence(el *dicom.Element) error {
	asUN := el.AsUN || el.VR == dicom.VRUN
	vr := dicom.VRSQ
	if asUN {
		vr = dicom.VRUN
	}
	e.header(el.Tag, vr, Undefined)
	start, outer := len(e.buf), e.layout
	if asUN {
		e.layout = layout{}
	}
	e.depth++
	for _, item := range el.Items {
		if err := e.item(el.Tag, item); err != nil {
			return err
		}
	}
	e.depth--
	if el.Undefined {
		e.buf = appendItem(e.buf, e.big, tagSequenceDelim, 0)
	}
	e.layout = outer
	if el.Undefined {
		return nil
	}
	return e.setLength(el.Tag, start)
}

func (e *encoder) item(t dicom.Tag, item dicom.Item) error {
	e.buf = appendItem(e.buf, e.big, tagItem, Undefined)
	start := len(e.buf)
	if item.DataSet != nil {
		if err := e.dataSet(item.DataSet); err != nil {
			return err
		}
	}
	if item.Undefined {
		e.buf = appendItem(e.buf, e.big, tagItemDelimiter, 0)
		return nil
	}
	return e.setLength(t, start)
}

// setLength writes the length of what was written from start on into the four
// bytes before it.
func (e *encoder) setLength(t dicom.Tag, start int) error {
	n := len(e.buf) - start
	if n >= Undefined {
		return &Error{-1, t, fmt.Errorf("%w: sequence too long for a defined length", ErrTransferSyntax)}
	}
	appendUint32(e.buf[:start-4], e.big, uint32(n))
	return nil
}

func (e *encoder) fragments(el *dicom.Element) error {
	if !e.encapsulated {
		return &Error{-1, el.Tag, fmt.Errorf("%w: encapsulated pixel data in a native one", ErrTransferSyntax)}
	}
	e.header(el.Tag, el.VR, Undefined)
	for _, f := range el.Fragments {
		if len(f) > 0xFFFFFFFE {
			return &Error{-1, el.Tag, fmt.Errorf("%w: fragment too long", ErrTransferSyntax)}
		}
		e.buf = appendItem(e.buf, e.big, tagItem, uint32(len(f)))
		if err := e.raw(f); err != nil {
			return err
		}
		if e.depth == 0 && len(e.buf) >= flushAt {
			if err := e.flush(); err != nil {
				return err
			}
		}
	}
	e.buf = appendItem(e.buf, e.big, tagSequenceDelim, 0)
	return nil
}

// RemoveGroupLengths takes the group lengths (gggg,0000) out of ds and its
// items. They are retired (PS3.5 section 7.2), and wrong once a data set is
// changed or written in another transfer syntax.
func RemoveGroupLengths(ds *dicom.DataSet) {
	var found []dicom.Tag
	for e := range ds.All() {
		if e.Tag.IsGroupLength() {
			found = append(found, e.Tag)
		}
		for _, item := range e.Items {
			RemoveGroupLengths(item.DataSet)
		}
	}
	for _, t := range found {
		ds.Delete(t)
	}
}
