package encoding

import (
	"encoding/binary"
	"io"
	"math/bits"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// checkOrder holds the tag against the last one and what the data set may contain.
func (d *Decoder) checkOrder(l *level) error {
	t := d.head.Tag
	if l.any && t <= l.last {
		if t == l.last {
			return syntaxError(d.head.Offset, t, "element occurs twice")
		}
		return syntaxError(d.head.Offset, t, "tags do not ascend")
	}
	switch g := t.Group(); {
	case (g == 0) != d.o.Command:
		return syntaxError(d.head.Offset, t, "group 0000 belongs into command sets, and nothing else")
	case g == metaGroup: // in a file it would pass for File Meta Information
		return syntaxError(d.head.Offset, t, "group 0002 in a data set")
	}
	l.any, l.last = true, t
	if d.items++; d.items > d.o.Limits.Elements {
		return limitError(d.head.Offset, t, "elements", int64(d.o.Limits.Elements))
	}
	return nil
}

// explicitHeader reads VR and length as PS3.5 section 7.1.2 has them.
func (d *Decoder) explicitHeader(l *level, b []byte) (int, error) {
	h := &d.head
	h.AsUN = false
	h.VR = dicom.VR(b[4])<<8 | dicom.VR(b[5])
	if b[4]-'A' > 'Z'-'A' || b[5]-'A' > 'Z'-'A' {
		return 0, syntaxError(h.Offset, h.Tag, "no value representation: implicit VR encoding, or out of step")
	}
	if h.Offset == 0 && !known(h.Tag) && plausible(otherOrder(h.Tag), h.VR) {
		return 0, syntaxError(h.Offset, h.Tag, "in the other byte order than announced")
	}
	if !h.VR.Long() {
		if l.big {
			h.Length = uint32(binary.BigEndian.Uint16(b[6:]))
		} else {
			h.Length = uint32(binary.LittleEndian.Uint16(b[6:]))
		}
		return sizeOfShortHeader, nil
	}
	if len(b) < sizeOfLongHeader {
		return 0, streamError(h.Offset, h.Tag, d.src.failure())
	}
	if l.big {
		h.Length = binary.BigEndian.Uint32(b[8:])
	} else {
		h.Length = binary.LittleEndian.Uint32(b[8:])
	}
	if h.VR == dicom.VRUN {
		d.interpretUN(l)
	}
	return sizeOfLongHeader, nil
}

// otherOrder returns the tag that the same bytes are in the other byte order.
func otherOrder(t dicom.Tag) dicom.Tag {
	return dicom.NewTag(bits.ReverseBytes16(t.Group()), bits.ReverseBytes16(t.Element()))
}

// interpretUN gives an element written as UN the VR that the registry has for
// its tag. One of undefined length is a sequence whatever its tag is (PS3.5
// section 6.2.2, note 2).
func (d *Decoder) interpretUN(l *level) {
	h := &d.head
	if h.Length == Undefined {
		if h.Tag != dict.PixelData || !d.encapsulated {
			h.VR, h.AsUN = dicom.VRSQ, true
		}
		return
	}
	vr := l.implicitVR(h.Tag)
	if vr == dicom.VRUN || vr == dicom.VRSQ || h.Length%uint32(numberSize(vr)) != 0 {
		return // SQ: the value decides, see startsWithItem
	}
	h.VR, h.AsUN = vr, true
}

// numberSize is the size of one number of a binary VR, 1 for others.
func numberSize(vr dicom.VR) int {
	if vr == dicom.VRAT {
		return 4
	}
	return vr.WordSize()
}

// implicitHeader reads the length as PS3.5 section 7.1.3 has it, and finds the VR.
func (d *Decoder) implicitHeader(l *level, b []byte) (int, error) {
	h := &d.head
	h.AsUN = false
	h.Length = binary.LittleEndian.Uint32(b[4:])
	h.VR = l.implicitVR(h.Tag)
	if h.Length == Undefined && h.VR == dicom.VRUN {
		h.VR = dicom.VRSQ
	}
	if h.Offset == 0 {
		vr := dicom.VR(b[4])<<8 | dicom.VR(b[5])
		if vr.Valid() && (plausible(h.Tag, vr) || plausible(otherOrder(h.Tag), vr)) {
			return 0, syntaxError(h.Offset, h.Tag, "explicit VR encoding where implicit was announced")
		}
	}
	return sizeOfShortHeader, nil
}

// implicitVR returns the VR of the registry, with choices decided as PS3.5
// section A.1 has it.
func (l *level) implicitVR(t dicom.Tag) dicom.VR {
	vr, choice := dict.VRChoice(t)
	if choice == dict.USOrSS && l.pixelRep == 1 {
		return dicom.VRSS
	}
	return vr
}

// valueRest tells what kind of value follows d.head.
func (d *Decoder) valueRest() rest {
	h := &d.head
	switch {
	case h.VR == dicom.VRSQ:
		return restSequence
	case h.Length == Undefined:
		d.frags, d.remain = 0, 0
		return restFragments
	}
	d.remain = int64(h.Length)
	return restValue
}

// checkLength refuses lengths that PS3.5 does not allow or that pass the end
// of the enclosing item.
func (d *Decoder) checkLength(l *level, size int) error {
	h := &d.head
	if d.kept += int64(size); d.kept > d.o.Limits.HeaderBytes {
		return limitError(h.Offset, h.Tag, "bytes of header", d.o.Limits.HeaderBytes)
	}
	if h.Length == Undefined {
		switch {
		case h.VR == dicom.VRSQ:
			return nil
		case h.Tag != dict.PixelData || h.VR != dicom.VROB && h.VR != dicom.VROW && h.VR != dicom.VRUN:
			return syntaxError(h.Offset, h.Tag, "undefined length where only sequences and pixel data may have one")
		case !d.encapsulated:
			return syntaxError(h.Offset, h.Tag, "encapsulated pixel data in a native transfer syntax")
		}
		return nil
	}
	if int64(h.Length) > l.limit-h.Value {
		if len(d.levels) == 1 {
			return streamError(h.Offset, h.Tag, io.ErrUnexpectedEOF)
		}
		return syntaxError(h.Offset, h.Tag, "element exceeds the item it is in")
	}
	if int64(h.Length) > d.o.Limits.ValueLength {
		return limitError(h.Offset, h.Tag, "bytes in a value", d.o.Limits.ValueLength)
	}
	if h.VR == dicom.VRUN && l.implicitVR(h.Tag) == dicom.VRSQ && d.startsWithItem() {
		h.VR, h.AsUN = dicom.VRSQ, true
		d.rest = restSequence
	}
	return nil
}

// startsWithItem reports whether the value ahead looks like the items of a
// sequence in implicit VR little endian.
func (d *Decoder) startsWithItem() bool {
	if d.head.Length == 0 {
		return true
	}
	b := d.src.peek(sizeOfItemHeader)
	if d.head.Length < sizeOfItemHeader || len(b) < sizeOfItemHeader {
		return false
	}
	n := binary.LittleEndian.Uint32(b[4:])
	return b[0] == 0xFE && b[1] == 0xFF && b[2] == 0x00 && b[3] == 0xE0 &&
		(n == Undefined || n <= d.head.Length-sizeOfItemHeader)
}
