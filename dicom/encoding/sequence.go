package encoding

import (
	"encoding/binary"
	"io"

	"github.com/tresor-pacs/tresor/dicom"
)

// NextItem moves into the next item of the current sequence; Next then returns
// its elements up to io.EOF. It returns io.EOF after the last item. length is
// Undefined if a delimiter ends the item.
func (d *Decoder) NextItem() (length uint32, err error) {
	switch {
	case d.rest == restSequence:
		if err := d.enterSequence(); err != nil {
			return 0, err
		}
	case d.rest != restNone:
		if err := d.skip(); err != nil {
			return 0, err
		}
	}
	if err := d.leaveItem(); err != nil {
		return 0, err
	}
	length, ok, err := d.nextItem()
	if err == nil && !ok {
		err = io.EOF
	}
	return length, err
}

// leaveItem moves behind the item that is open on the current sequence, if any.
func (d *Decoder) leaveItem() error {
	if d.levels[len(d.levels)-1].sequence {
		return nil
	}
	if len(d.levels) < 2 {
		return syntaxError(d.src.offset(), d.head.Tag, "not in a sequence")
	}
	for {
		ok, err := d.next()
		if err != nil {
			return err
		}
		if !ok {
			d.levels = d.levels[:len(d.levels)-1]
			return nil
		}
	}
}

// enterSequence opens the sequence whose header is d.head.
func (d *Decoder) enterSequence() error {
	h := &d.head
	outer := &d.levels[len(d.levels)-1]
	if len(d.levels)/2 >= d.o.Limits.Depth {
		return limitError(h.Offset, h.Tag, "nested sequences", int64(d.o.Limits.Depth))
	}
	l := level{
		sequence: true, last: h.Tag, limit: outer.limit, pixelRep: outer.pixelRep,
		explicit: outer.explicit && !h.AsUN, big: outer.big && !h.AsUN,
	}
	if h.Length == Undefined {
		l.undefined = true
	} else {
		l.limit = h.Value + int64(h.Length)
	}
	d.rest = restNone
	d.levels = append(d.levels, l)
	return nil
}

// nextItem opens the next item of the sequence that is the current level, or
// closes the sequence. The caller pops the item's level at its end.
func (d *Decoder) nextItem() (length uint32, ok bool, err error) {
	l := &d.levels[len(d.levels)-1]
	offset := d.src.offset()
	if offset >= l.limit && !l.undefined {
		d.levels = d.levels[:len(d.levels)-1]
		return 0, false, nil
	}
	t, length, err := d.itemHeader(l, l.undefined, l.last)
	if err != nil {
		return 0, false, err
	}
	if t == tagSequenceDelim && l.undefined && length == 0 {
		d.levels = d.levels[:len(d.levels)-1]
		return 0, false, nil
	}
	if t != tagItem {
		return 0, false, syntaxError(offset, l.last, "no item where one is expected")
	}
	if d.items++; d.items > d.o.Limits.Elements {
		return 0, false, limitError(offset, l.last, "elements", int64(d.o.Limits.Elements))
	}
	item := level{limit: l.limit, explicit: l.explicit, big: l.big, pixelRep: l.pixelRep}
	if length == Undefined {
		item.undefined = true
	} else {
		item.limit = offset + sizeOfItemHeader + int64(length)
		if item.limit > l.limit {
			return 0, false, syntaxError(offset, l.last, "item exceeds its sequence")
		}
	}
	d.levels = append(d.levels, item)
	return length, true, nil
}

// itemHeader reads the header of an item or delimiter; undefined tells whether
// a delimiter ends the items.
func (d *Decoder) itemHeader(l *level, undefined bool, in dicom.Tag) (t dicom.Tag, length uint32, err error) {
	b := d.src.peek(sizeOfItemHeader)
	if d.noRoom(l.limit, undefined) {
		return 0, 0, syntaxError(d.src.offset(), in, "no room for another item in the sequence, or its delimiter is missing")
	}
	if len(b) < sizeOfItemHeader {
		return 0, 0, streamError(d.src.offset(), in, d.src.failure())
	}
	t, length = l.tag(b), binary.LittleEndian.Uint32(b[4:])
	if l.big {
		length = binary.BigEndian.Uint32(b[4:])
	}
	d.src.skipPeeked(sizeOfItemHeader)
	if d.kept += sizeOfItemHeader; d.kept > d.o.Limits.HeaderBytes {
		err = limitError(d.src.offset(), in, "bytes of header", d.o.Limits.HeaderBytes)
	}
	return t, length, err
}

// NextFragment moves to the next fragment of encapsulated pixel data, of which
// the first is the Basic Offset Table (PS3.5 section A.4), and returns its
// length. It returns io.EOF after the last one.
func (d *Decoder) NextFragment() (length uint32, err error) {
	if d.rest != restFragments {
		return 0, io.EOF
	}
	length, ok, err := d.nextFragment()
	if err == nil && !ok {
		err = io.EOF
	}
	return length, err
}

func (d *Decoder) nextFragment() (length uint32, ok bool, err error) {
	h := &d.head
	if err := d.src.discard(d.remain); err != nil {
		return 0, false, streamError(d.src.offset(), h.Tag, err)
	}
	d.remain = 0
	l := &d.levels[len(d.levels)-1]
	offset := d.src.offset()
	kept := d.kept
	t, length, err := d.itemHeader(l, true, h.Tag)
	if err != nil {
		return 0, false, err
	}
	d.kept = kept // Limits.Fragments bounds these
	switch {
	case t == tagSequenceDelim && length == 0:
		d.rest = restNone
		return 0, false, nil
	case t != tagItem:
		return 0, false, syntaxError(offset, h.Tag, "no fragment where one is expected")
	case length == Undefined:
		return 0, false, syntaxError(offset, h.Tag, "fragment of undefined length")
	case int64(length) > l.limit-d.src.offset():
		if len(d.levels) == 1 {
			return 0, false, streamError(offset, h.Tag, io.ErrUnexpectedEOF)
		}
		return 0, false, syntaxError(offset, h.Tag, "fragment exceeds the item it is in")
	case int64(length) > d.o.Limits.ValueLength:
		return 0, false, limitError(offset, h.Tag, "bytes in a fragment", d.o.Limits.ValueLength)
	}
	if d.frags++; d.frags > d.o.Limits.Fragments {
		return 0, false, limitError(offset, h.Tag, "fragments", int64(d.o.Limits.Fragments))
	}
	d.remain = int64(length)
	return length, true, nil
}
