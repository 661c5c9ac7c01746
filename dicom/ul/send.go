package ul

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"
)

// minSend is the shortest P-DATA-TF body that can carry data: a presentation
// data value item with two bytes, since fragments have even lengths.
const minSend = pdvHeader + 2

// outSize is the size of the buffer in which PDUs are built: room for a command
// set and a P-DATA-TF of DefaultMaxPDU behind it, sent by one system call.
const outSize = DefaultMaxPDU + 4<<10

var outBuffers = sync.Pool{New: func() any { return new([outSize]byte) }}

// output builds the P-DATA-TFs of one message.
type output struct {
	a       *Association
	id      uint8
	control uint8
	b       []byte // complete PDUs, then the one being built
	pdu     int    // where in b that begins; -1 if there is none
	begin   int    // where in b the message begins, after what was held
	flushed bool   // some of the message has been sent
}

// Send sends one message: the command set, and the data set if data is not nil,
// in as few system calls as the peer's maximum length allows, after what
// SendLater keeps. data is read until io.EOF straight into the PDU that will be
// sent. An odd number of bytes, which no valid data set has, is padded with a
// zero byte, as PS3.5 section A.5 asks for deflated ones.
//
// If data fails the error is a *SourceError.
func (a *Association) Send(contextID uint8, command []byte, data io.Reader) error {
	buf, n := a.held.take()
	defer outBuffers.Put(buf)
	o := output{a: a, id: contextID, b: buf[:n], pdu: -1}
	if err := o.message(command, data); err != nil {
		return err
	}
	return o.flush()
}

// message builds a message. If its data fails, and nothing of it was sent, what
// lies before it is sent all the same.
func (o *output) message(command []byte, data io.Reader) error {
	o.begin = len(o.b)
	o.control = controlCommand
	err := o.bytes(command)
	if err == nil && data != nil {
		o.control = 0
		err = o.stream(data)
	}
	var source *SourceError
	if o.begin > 0 && !o.flushed && errors.As(err, &source) {
		o.b = o.b[:o.begin]
		err = errors.Join(err, o.flush())
	}
	return err
}

// bytes writes a whole part.
func (o *output) bytes(part []byte) error {
	for {
		room, err := o.room()
		if err != nil {
			return err
		}
		n := copy(room, part)
		part = part[n:]
		o.b = o.b[:len(o.b)+n]
		if len(part) == 0 {
			o.finish(true)
			return nil
		}
	}
}

// stream writes what r has as a whole part.
func (o *output) stream(r io.Reader) error {
	empty := 0
	for {
		room, err := o.room()
		if err != nil {
			return err
		}
		n, err := r.Read(room)
		o.b = o.b[:len(o.b)+n]
		switch {
		case err == io.EOF:
			if len(o.b)%2 != o.pdu%2 {
				o.b = append(o.b, 0)
			}
			o.finish(true)
			return nil
		case err != nil:
			return o.sourceFailed(err)
		case n > 0:
			empty = 0
		default:
			if empty++; empty == maxEmptyReads {
				return o.sourceFailed(io.ErrNoProgress)
			}
		}
	}
}

// sourceFailed ends a message that cannot be completed. If the peer has seen its
// beginning, only an abort can end it.
func (o *output) sourceFailed(err error) error {
	if o.flushed {
		o.a.Abort()
	}
	return &SourceError{err}
}

// room returns where the next bytes of the PDU being built go, at least one. It
// completes that PDU if it is full, and begins one if there is none.
func (o *output) room() ([]byte, error) {
	if o.pdu >= 0 && len(o.b) == o.end() {
		o.finish(false)
	}
	if o.pdu < 0 {
		if cap(o.b)-len(o.b) < headerSize+min(o.a.maxSend, maxRecord) {
			if err := o.flush(); err != nil {
				return nil, err
			}
		}
		o.pdu = len(o.b)
		o.b = o.b[:o.pdu+headerSize+pdvHeader]
	}
	return o.b[len(o.b):o.end()], nil
}

// end is where the PDU being built is full: as long as the peer takes, or up to
// the end of the buffer, for which no PDU is shortened by more than what is held.
func (o *output) end() int { return min(o.pdu+headerSize+o.a.maxSend, cap(o.b)) }

// finish writes the headers of the PDU being built.
func (o *output) finish(last bool) {
	p := o.b[o.pdu:]
	p[0], p[1] = byte(PDUData), 0
	n := len(p) - headerSize
	binary.BigEndian.PutUint32(p[2:], uint32(n))
	binary.BigEndian.PutUint32(p[headerSize:], uint32(n-4))
	p[headerSize+4], p[headerSize+5] = o.id, o.control
	if last {
		p[headerSize+5] |= controlLast
	}
	o.pdu = -1
}

// flush sends the complete PDUs.
func (o *output) flush() error {
	_, err := o.a.event(Evt9, stimulus{pdu: o.b})
	if err != nil {
		return o.a.sendFailed(err)
	}
	o.flushed = o.flushed || len(o.b) > o.begin
	o.b, o.begin = o.b[:0], 0
	return nil
}
