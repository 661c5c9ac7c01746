package jpeg2000

import "slices"

// htForwardWriter writes what htForward reads.
type htForwardWriter struct {
	out []byte
	acc uint64
	n   uint // bits in acc
}

// bits writes the n low bits of v, 32 at most.
func (w *htForwardWriter) bits(v uint32, n uint) {
	w.acc |= uint64(v) << w.n
	w.n += n
	for room := w.room(); w.n >= room; room = w.room() {
		w.out = append(w.out, byte(w.acc&(1<<room-1)))
		w.acc >>= room
		w.n -= room
	}
}

// room is how many bits the next byte takes: the one after a byte of ones seven.
func (w *htForwardWriter) room() uint {
	if len(w.out) > 0 && w.out[len(w.out)-1] == 0xff {
		return 7
	}
	return 8
}

// finish ends the stream of the cleanup pass: a decoder sees ones behind its
// end, so that the last byte is filled with ones, and not written if it is full
// of them. A segment never ends in a byte of ones (T.814 section 7.1.2).
func (w *htForwardWriter) finish() []byte {
	if w.n > 0 {
		room := w.room()
		w.bits(uint32(1)<<(room-w.n)-1, room-w.n)
	}
	for len(w.out) > 0 && w.out[len(w.out)-1] == 0xff {
		w.out = w.out[:len(w.out)-1]
	}
	return w.out
}

// htBackwardWriter writes what htBackward reads. Its bytes are in the order in
// which they are read.
type htBackwardWriter struct {
	out  []byte
	last byte
	acc  uint64
	n    uint
}

// bits writes the n low bits of v, 32 at most.
func (w *htBackwardWriter) bits(v uint32, n uint) {
	w.acc |= uint64(v) << w.n
	w.n += n
	for w.n >= 8 || w.n == 7 && w.stuffed() {
		w.emit()
	}
}

// stuffed reports whether the next byte has seven bits.
func (w *htBackwardWriter) stuffed() bool { return w.last > 0x8f && w.acc&0x7f == 0x7f }

func (w *htBackwardWriter) emit() {
	size := uint(8)
	if w.stuffed() {
		size = 7
	}
	w.last = byte(w.acc & (1<<size - 1))
	w.out = append(w.out, w.last)
	w.acc >>= size
	w.n -= min(size, w.n)
}

// finish returns the bytes in the order of the codestream.
func (w *htBackwardWriter) finish() []byte {
	for w.n > 0 {
		w.emit()
	}
	slices.Reverse(w.out)
	return w.out
}

// htMELWriter writes what htMEL reads.
type htMELWriter struct {
	out   []byte
	acc   byte
	left  uint // bits free in acc
	state uint8
	run   int
}

func (m *htMELWriter) bit(v int) {
	m.left--
	m.acc |= byte(v) << m.left
	if m.left > 0 {
		return
	}
	m.out = append(m.out, m.acc)
	m.left = 8
	if m.acc == 0xff {
		m.left = 7
	}
	m.acc = 0
}

// symbol writes one symbol.
func (m *htMELWriter) symbol(one bool) {
	e := melExponents[m.state]
	if !one {
		if m.run++; m.run == 1<<e {
			m.bit(1)
			m.run, m.state = 0, min(12, m.state+1)
		}
		return
	}
	m.bit(0)
	for e > 0 {
		e--
		m.bit(m.run >> e & 1)
	}
	m.run, m.state = 0, max(1, m.state)-1
}

// finish ends a run by saying that it is longer, and the last byte with zeros.
func (m *htMELWriter) finish() []byte {
	if m.run > 0 {
		m.bit(1)
	}
	if m.left < 8 { // not begun, or the one that must follow a byte of ones
		m.out = append(m.out, m.acc)
	}
	return m.out
}
