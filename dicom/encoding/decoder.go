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
	switch {
	case ts.Deflated:
		d.src.r = newInflater(wholeReader{src}, d.o.Limits)
		d.inPlace = true
	case src.r == nil: // all of it is in memory, and not ours
		d.src = *src
		d.levels[0].limit = src.base + int64(len(src.window))
	default:
		d.src = *src
		d.inPlace = true
	}
	return d
}

// NewBytesDecoder returns a decoder for a data set in memory. Values are parts
// of b wherever the encoding allows: b must not be changed after.
func NewBytesDecoder(b []byte, ts TransferSyntax, o Options) *Decoder {
	return newDecoder(&source{window: b, err: io.EOF}, ts, o)
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
	h.Offset, h.Tag = offset, l.tag(b)
	if h.Tag.Group() == groupDelimiters {
		return false, d.delimiter(l, b)
	}
	if err := d.checkOrder(l); err != nil {
		return false, err
	}
	return true, d.header(l, b)
}

// tag reads the tag that b begins with.
func (l *level) tag(b []byte) dicom.Tag {
	if l.big {
		return dicom.NewTag(binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]))
	}
	return dicom.NewTag(binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:]))
}

// header reads what follows the tag and moves to the value.
func (d *Decoder) header(l *level, b []byte) error {
	h := &d.head
	var size int
	var err error
	if l.explicit {
		size, err = d.explicitHeader(l, b)
	} else {
		size, err = d.implicitHeader(l, b)
	}
	if err != nil {
		return err
	}
	h.Value = h.Offset + int64(size)
	if h.Tag == dict.PixelRepresentation && h.Length == 2 && len(b) >= size+2 {
		l.pixelRep = int8(b[size]|b[size+1]) & 1
	}
	d.src.skipPeeked(size)
	d.rest = d.valueRest()
	return d.checkLength(l, size)
}

// noHeader is for when the stream or the enclosing item has no room for
// another header: the end, if it is where it should be.
func (d *Decoder) noHeader(l *level, b []byte) error {
	switch {
	case len(d.levels) > 1 && d.noRoom(l.limit, l.undefined):
		return syntaxError(d.src.offset(), l.last, "no room for another element in the item, or its delimiter is missing")
	case len(b) == 0 && len(d.levels) == 1 && d.src.err == io.EOF:
		return nil
	case len(b) == 1 && b[0] == 0 && d.src.offset()%2 == 1 && len(d.levels) == 1 && d.src.err == io.EOF:
		// The last value has an odd length, against PS3.5 section 7.1.1, and the
		// fragments that it came in an even one (PS3.8 section 9.3.5.1).
		d.src.skipPeeked(1)
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
