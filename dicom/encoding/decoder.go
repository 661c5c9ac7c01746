package encoding

import (
	"encoding/binary"
	"io"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// Undefined is the length of an element or item that a delimiter ends (PS3.5
// section 7.1.1).
const Undefined = 0xFFFFFFFF

const (
	tagItem           dicom.Tag = 0xFFFEE000
	tagItemDelimiter  dicom.Tag = 0xFFFEE00D
	tagSequenceDelim  dicom.Tag = 0xFFFEE0DD
	groupDelimiters             = 0xFFFE
	noLimit                     = 1<<63 - 1
	pixelRepUnknown   int8      = -1
	sizeOfItemHeader            = 8
	sizeOfShortHeader           = 8
	sizeOfLongHeader            = 12
)

// Header is the header of one element in the stream.
type Header struct {
	Tag    dicom.Tag
	VR     dicom.VR
	AsUN   bool   // written as UN; VR is the registry's
	Length uint32 // Undefined too
	Offset int64  // of the header's first byte
	Value  int64  // offset of the value's first byte
}

// IsSequence reports whether the value consists of items: see Decoder.NextItem.
func (h *Header) IsSequence() bool { return h.VR == dicom.VRSQ }

// IsEncapsulated reports whether the value consists of fragments: see
// Decoder.NextFragment.
func (h *Header) IsEncapsulated() bool { return h.Length == Undefined && h.VR != dicom.VRSQ }

// level is one level of nesting: a data set, or a sequence.
type level struct {
	limit     int64 // offset that nothing of it may pass
	undefined bool  // a delimiter ends it; else it ends at limit
	sequence  bool
	explicit  bool
	big       bool
	any       bool      // there was an element
	last      dicom.Tag // the last one
	pixelRep  int8      // Pixel Representation, which VRs depend on
}

// rest says what of the current element is still in the stream.
type rest uint8

const (
	restNone      rest = iota
	restHeader         // its header was looked at only; next returns it again
	restValue          // remaining bytes of a value of defined length
	restSequence       // the items
	restFragments      // fragments, and remaining bytes of one
)

// Decoder reads one data set from a stream. It is for one goroutine.
//
// Either ReadUntil and ReadAll read elements into a data set; or Next and its
// companions walk over them, which needs no memory for values:
//
//	for {
//		h, err := d.Next()
//		if err == io.EOF {
//			break // the data set ended well
//		}
//		// d.Reader(), d.Value() or d.NextItem(), else the value is skipped
//	}
type Decoder struct {
	src          source
	o            Options
	levels       []level
	head         Header
	rest         rest
	remain       int64 // bytes of the value or fragment
	err          error // that ended the decoding
	frags        int   // fragments of the current element
	items        int   // elements and items so far
	kept         int64 // bytes that count against HeaderBytes
	stack        []dicom.Element
	sets         []dicom.DataSet
	inPlace      bool // the window is the decoder's own: values may be changed there
	encapsulated bool // the transfer syntax has fragments
}

// NewDecoder returns a decoder for the data set that r begins with. It reads
// ahead; the data set ends where r does.
func NewDecoder(r io.Reader, ts TransferSyntax, o Options) *Decoder {
	return newDecoder(newSource(r), ts, o)
}

// newDecoder returns a decoder that goes on where src stands.
func newDecoder(src *source, ts TransferSyntax, o Options) *Decoder {
	d := new(Decoder)
	d.reset(ts, o)
	if ts.Deflated {
		d.src.r = newInflater(wholeReader{src}, d.o.Limits)
	} else {
		d.src = *src
	}
	d.inPlace = true
	return d
}

func (d *Decoder) reset(ts TransferSyntax, o Options) {
	o.Limits = o.Limits.orDefault()
	d.o = o
	d.encapsulated = ts.Encapsulated
	d.levels = append(d.levels[:0], level{
		limit: noLimit, explicit: ts.ExplicitVR, big: ts.BigEndian, pixelRep: pixelRepUnknown,
	})
}

// Offset returns how far the (inflated) stream is consumed.
func (d *Decoder) Offset() int64 { return d.src.offset() }

// Next moves to the next element, over what is left of the current one. At the
// end of the data set, or of the item, it returns io.EOF.
func (d *Decoder) Next() (Header, error) {
	ok, err := d.next()
	if err != nil {
		return Header{}, err
	}
	if !ok {
		return Header{}, io.EOF
	}
	return d.head, nil
}

// next makes d.head the next element's header, with its value ahead. After an
// error there is no going on.
func (d *Decoder) next() (bool, error) {
	if d.err != nil {
		return false, d.err
	}
	ok, err := d.advance()
	d.err = err
	return ok, err
}

func (d *Decoder) advance() (bool, error) {
	if d.rest != restNone {
		if d.rest == restHeader {
			d.rest = d.valueRest()
			return true, nil
		}
		if err := d.skip(); err != nil {
			return false, err
		}
	}
	l := &d.levels[len(d.levels)-1]
	if l.sequence {
		return false, nil
	}
	offset := d.src.offset()
	if offset >= l.limit && !l.undefined {
		return false, nil
	}
	b := d.src.peek(maxHeader)
	if len(b) < sizeOfShortHeader || l.limit-offset < sizeOfShortHeader {
		return false, d.noHeader(l, b)
	}
	h := &d.head
	h.Offset = offset
	if l.big {
		h.Tag = dicom.NewTag(binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]))
	} else {
		h.Tag = dicom.NewTag(binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:]))
	}
	if h.Tag.Group() == groupDelimiters {
		return false, d.delimiter(l, b)
	}
	if err := d.checkOrder(l); err != nil {
		return false, err
	}
	var size int
	var err error
	if l.explicit {
		size, err = d.explicitHeader(l, b)
	} else {
		size, err = d.implicitHeader(l, b)
	}
	if err != nil {
		return false, err
	}
	h.Value = offset + int64(size)
	if h.Tag == dict.PixelRepresentation && h.Length == 2 && len(b) >= size+2 {
		l.pixelRep = int8(b[size]|b[size+1]) & 1
	}
	d.src.skipPeeked(size)
	d.rest = d.valueRest()
	return true, d.checkLength(l, size)
}

// noHeader is for when the stream or the enclosing item has no room for
// another header: the end, if it is where it should be.
func (d *Decoder) noHeader(l *level, b []byte) error {
	switch {
	case len(d.levels) > 1 && d.noRoom(l.limit, l.undefined):
		return syntaxError(d.src.offset(), l.last, "no room for another element in the item, or its delimiter is missing")
	case len(b) == 0 && len(d.levels) == 1 && d.src.err == io.EOF:
		return nil
	}
	return streamError(d.src.offset(), l.last, d.src.failure())
}

// noRoom reports whether what is open ends before another header could, and
// not for want of a longer stream.
func (d *Decoder) noRoom(limit int64, undefined bool) bool {
	return limit-d.src.offset() < sizeOfShortHeader && (!undefined || limit != d.levels[0].limit)
}

// delimiter is for tags of group FFFE where an element is expected.
func (d *Decoder) delimiter(l *level, b []byte) error {
	if d.head.Tag != tagItemDelimiter || !l.undefined {
		return syntaxError(d.head.Offset, d.head.Tag, "item or delimiter where an element is expected")
	}
	if binary.LittleEndian.Uint32(b[4:]) != 0 {
		return syntaxError(d.head.Offset, d.head.Tag, "delimiter with a length")
	}
	d.src.skipPeeked(sizeOfItemHeader)
	l.undefined, l.limit = false, d.src.offset() // it has ended
	return nil
}

// checkOrder holds the tag against the last one and what the data set may contain.
func (d *Decoder) checkOrder(l *level) error {
	t := d.head.Tag
	if l.any && t <= l.last {
		if t == l.last {
			return syntaxError(d.head.Offset, t, "element occurs twice")
		}
		return syntaxError(d.head.Offset, t, "tags do not ascend")
	}
	if (t.Group() == 0) != d.o.Command {
		return syntaxError(d.head.Offset, t, "group 0000 belongs into command sets, and nothing else")
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
	if h.Offset == 0 && h.VR == dicom.VR(b[4])<<8|dicom.VR(b[5]) {
		return 0, syntaxError(h.Offset, h.Tag, "explicit VR encoding where implicit was announced")
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
	if h.VR == dicom.VRUN && !d.isBulk(int64(h.Length)) && l.implicitVR(h.Tag) == dicom.VRSQ && d.startsWithItem() {
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
