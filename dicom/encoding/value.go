package encoding

import (
	"encoding/binary"
	"io"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// Reader returns the value of the current element, or of the current fragment,
// as it is encoded: in the byte order of the transfer syntax. A sequence's
// value cannot be read so. What is left of it when Next is called is skipped.
func (d *Decoder) Reader() io.Reader { return valueReader{d} }

type valueReader struct{ d *Decoder }

func (r valueReader) Read(p []byte) (int, error) {
	d := r.d
	if d.remain == 0 || d.rest != restValue && d.rest != restFragments {
		return 0, io.EOF
	}
	n, err := d.src.Read(p[:min(int64(len(p)), d.remain)])
	d.remain -= int64(n)
	if err != nil {
		return n, streamError(d.src.offset(), d.head.Tag, err)
	}
	return n, nil
}

// Value reads the current element into memory, or what Options leaves of it there.
func (d *Decoder) Value() (dicom.Element, error) {
	var e dicom.Element
	err := d.value(&e)
	return e, err
}

// value reads the current element.
func (d *Decoder) value(e *dicom.Element) error {
	h := &d.head
	e.Tag, e.VR, e.AsUN = h.Tag, h.VR, h.AsUN
	e.Undefined = h.Length == Undefined
	switch d.rest {
	case restValue:
		d.err = d.readValue(e)
	case restSequence:
		d.err = d.readSequence(e)
	case restFragments:
		d.err = d.readFragments(e)
	}
	return d.err
}

// isBulk reports whether a value of n bytes of the current element stays in the stream.
func (d *Decoder) isBulk(n int64) bool {
	return d.o.KeepUpTo > 0 && n > d.o.KeepUpTo || d.o.BulkPixelData && n > 0 && isPixelData(d.head.Tag)
}

func isPixelData(t dicom.Tag) bool {
	return t == dict.PixelData || t == dict.FloatPixelData || t == dict.DoubleFloatPixelData
}

func (d *Decoder) readValue(e *dicom.Element) error {
	h := &d.head
	n := int64(h.Length)
	if d.isBulk(n) {
		e.Bulk = &dicom.Bulk{Offset: h.Value, Length: n}
		return d.skip()
	}
	d.rest = restNone
	if n == 0 {
		return nil
	}
	if !mayBeLarge(h.VR) || d.o.KeepUpTo > 0 {
		if d.kept += n; d.kept > d.o.Limits.HeaderBytes {
			return limitError(h.Offset, h.Tag, "bytes of header", d.o.Limits.HeaderBytes)
		}
	}
	b, err := d.src.take(n)
	if err != nil {
		return streamError(h.Offset, h.Tag, err)
	}
	if l := &d.levels[len(d.levels)-1]; l.big && !h.AsUN {
		b = d.littleEndian(b, h.VR)
	}
	e.Data = b
	return nil
}

// mayBeLarge reports whether values of vr are bytes or numbers by the million.
func mayBeLarge(vr dicom.VR) bool {
	switch vr {
	case dicom.VROB, dicom.VROD, dicom.VROF, dicom.VROL, dicom.VROV, dicom.VROW, dicom.VRUN:
		return true
	}
	return false
}

// littleEndian turns a value from big to little endian, in a copy if b is not ours.
func (d *Decoder) littleEndian(b []byte, vr dicom.VR) []byte {
	if vr.WordSize() == 1 {
		return b
	}
	if !d.inPlace {
		b = append(make([]byte, 0, len(b)), b...)
	}
	swap(b, vr.WordSize())
	return b
}

// swap reverses the bytes of each whole word of b.
func swap(b []byte, word int) {
	switch word {
	case 2:
		for ; len(b) >= 2; b = b[2:] {
			b[0], b[1] = b[1], b[0]
		}
	case 4:
		for ; len(b) >= 4; b = b[4:] {
			binary.LittleEndian.PutUint32(b, binary.BigEndian.Uint32(b))
		}
	case 8:
		for ; len(b) >= 8; b = b[8:] {
			binary.LittleEndian.PutUint64(b, binary.BigEndian.Uint64(b))
		}
	}
}

func (d *Decoder) readSequence(e *dicom.Element) error {
	if d.head.Length == 0 {
		d.rest = restNone
		return nil
	}
	if err := d.enterSequence(); err != nil {
		return err
	}
	for {
		length, ok, err := d.nextItem()
		if err != nil || !ok {
			return err
		}
		ds := d.newDataSet()
		if err := d.readSet(ds); err != nil {
			return err
		}
		d.levels = d.levels[:len(d.levels)-1]
		e.Items = append(e.Items, dicom.Item{DataSet: ds, Undefined: length == Undefined})
	}
}

// newDataSet returns an empty data set; they are allocated by the dozen.
func (d *Decoder) newDataSet() *dicom.DataSet {
	if len(d.sets) == cap(d.sets) {
		d.sets = make([]dicom.DataSet, 0, min(max(4, 2*cap(d.sets)), 256))
	}
	d.sets = d.sets[:len(d.sets)+1]
	return &d.sets[len(d.sets)-1]
}

func (d *Decoder) readFragments(e *dicom.Element) error {
	if d.o.BulkPixelData || d.o.KeepUpTo > 0 {
		start := d.head.Value
		if err := d.skip(); err != nil {
			return err
		}
		e.Bulk = &dicom.Bulk{Offset: start, Length: d.src.offset() - start}
		return nil
	}
	e.Fragments = [][]byte{}
	for {
		length, ok, err := d.nextFragment()
		if err != nil || !ok {
			return err
		}
		b, err := d.src.take(int64(length))
		if err != nil {
			return streamError(d.src.offset(), e.Tag, err)
		}
		d.remain = 0
		e.Fragments = append(e.Fragments, b)
	}
}

// skip moves over what is left of the current element, checking its structure.
func (d *Decoder) skip() error {
	switch d.rest {
	case restHeader:
		d.rest = d.valueRest()
		return d.skip()
	case restValue:
		d.rest = restNone
		if err := d.src.discard(d.remain); err != nil {
			return streamError(d.head.Offset, d.head.Tag, err)
		}
	case restFragments:
		for {
			if _, ok, err := d.nextFragment(); err != nil || !ok {
				return err
			}
		}
	case restSequence:
		if err := d.enterSequence(); err != nil {
			return err
		}
		for {
			if _, ok, err := d.nextItem(); err != nil || !ok {
				return err
			}
			if err := d.leaveItem(); err != nil {
				return err
			}
		}
	}
	return nil
}
