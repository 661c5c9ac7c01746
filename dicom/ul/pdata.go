package ul

import (
	"encoding/binary"
	"io"
)

// A presentation data value item is its length, the presentation context ID, the
// message control header and a fragment (PS3.8 section 9.3.5.1, annex E).
const (
	pdvHeader = 4 + 1 + 1
	minPDV    = pdvHeader

	controlCommand = 0x01 // the fragment is of a command set, else of a data set
	controlLast    = 0x02 // it is the last one
)

// Part is a command set or a data set that comes in fragments. It is good until
// the next call of NextPart.
type Part struct {
	ContextID uint8
	Command   bool

	a    *Association
	left int   // bytes left of the fragment being read
	last bool  // it is the last fragment
	err  error // io.EOF after the last byte, or what went wrong
}

// NextPart skips what is left of the present part and returns the next one. The
// error is ErrReleased if the peer releases the association; everything but Send
// and Close is over then. Part is reused: there is no allocation.
func (a *Association) NextPart() (*Part, error) {
	p := &a.part
	if err := p.skip(); err != nil {
		return nil, err
	}
	a.in.mode = waitIdle
	id, control, n, err := a.fragment()
	if err != nil {
		return nil, err
	}
	a.in.mode, a.in.waited, a.in.bytes = waitMessage, 0, 0
	if _, ok := a.Context(id); !ok {
		return nil, a.violated(Evt19, invalid("a fragment on a presentation context that was not accepted"))
	}
	*p = Part{a: a, ContextID: id, Command: control&controlCommand != 0}
	p.begin(control, n)
	return p, nil
}

func (p *Part) begin(control uint8, n int) {
	p.left, p.last = n, control&controlLast != 0
	if n == 0 && p.last {
		p.err = io.EOF
	}
}

// skip reads the rest of the part and forgets it.
func (p *Part) skip() error {
	if p.a == nil || p.ContextID == 0 {
		return nil
	}
	for {
		b, err := p.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		p.advance(len(b))
	}
}

// fragment reads the header of the next presentation data value item and
// returns the length of its fragment.
func (a *Association) fragment() (id, control uint8, n int, err error) {
	for a.in.pdu == 0 {
		if err := a.receive(); err != nil {
			return 0, 0, 0, err
		}
	}
	if a.in.pdu < minPDV {
		return 0, 0, 0, a.violated(Evt19, invalid("bytes after the last fragment of a P-DATA-TF"))
	}
	if err := a.need(pdvHeader); err != nil {
		return 0, 0, 0, err
	}
	h := a.in.buffered()[:pdvHeader]
	length := binary.BigEndian.Uint32(h)
	switch {
	case length < 2:
		return 0, 0, 0, a.violated(Evt19, invalid("a presentation data value item without control header"))
	case length%2 != 0:
		return 0, 0, 0, a.violated(Evt19, invalid("a fragment of odd length"))
	case int64(length) > int64(a.in.pdu-4):
		return 0, 0, 0, a.violated(Evt19, invalid("a presentation data value item longer than its P-DATA-TF"))
	}
	id, control = h[4], h[5]
	a.in.r += pdvHeader
	a.in.pdu -= pdvHeader
	return id, control, int(length) - 2, nil
}

// next returns bytes of the part that are in the buffer, at least one, without
// using them up; io.EOF after the last.
func (p *Part) next() ([]byte, error) {
	for p.left == 0 && p.err == nil {
		if p.last {
			p.err = io.EOF
			break
		}
		p.continued()
	}
	if p.err != nil {
		return nil, p.err
	}
	if p.a.in.r == p.a.in.w {
		if p.err = p.a.fill(); p.err != nil {
			return nil, p.err
		}
	}
	b := p.a.in.buffered()
	return b[:min(len(b), p.left)], nil
}

// continued goes to the next fragment. The fragments of a part follow each other
// on one presentation context (PS3.8 annex E, PS3.7 section 6.3.1).
func (p *Part) continued() {
	id, control, n, err := p.a.fragment()
	if err == nil && (id != p.ContextID || (control&controlCommand != 0) != p.Command) {
		err = p.a.violated(Evt19, invalid("a fragment of something else before the last fragment"))
	}
	if err != nil {
		if err == ErrReleased {
			err = p.a.violated(Evt19, unexpectedPDU)
		}
		p.err = err
		return
	}
	p.begin(control, n)
}

func (p *Part) advance(n int) {
	p.a.in.r += n
	p.a.in.pdu -= n
	p.left -= n
}

// Read reads from the part; io.EOF after its last byte.
func (p *Part) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	have, err := p.next()
	if err != nil {
		return 0, err
	}
	n := copy(b, have)
	p.advance(n)
	return n, nil
}

// WriteTo passes the rest of the part on to w, as it lies in the buffer that the
// transport connection is read into. An error that is w's leaves the association
// as it is: the part can be read on.
func (p *Part) WriteTo(w io.Writer) (int64, error) {
	var total int64
	for {
		b, err := p.next()
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
		n, err := w.Write(b)
		p.advance(n)
		total += int64(n)
		if err == nil && n < len(b) {
			err = io.ErrShortWrite
		}
		if err != nil {
			return total, err
		}
	}
}
