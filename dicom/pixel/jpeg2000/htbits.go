package jpeg2000

import "encoding/binary"

// htForward reads a byte stream forwards, lowest bit first; the byte after one
// of all ones holds seven bits (T.814 sections 7.1.2 and 7.1.4).
type htForward struct {
	b    []byte
	fill byte // what follows the last byte
	last byte
	acc  uint64
	n    uint
}

// bits returns the next n bits, 32 at most.
func (r *htForward) bits(n uint) uint32 {
	if r.n < n {
		r.load(n)
	}
	v := uint32(r.acc & (1<<n - 1))
	r.acc >>= n
	r.n -= n
	return v
}

// load makes sure that n bits are there: four bytes at once if none of them is
// all ones, nor the one before.
func (r *htForward) load(n uint) {
	if len(r.b) >= 4 && r.last != 0xff {
		if v := binary.LittleEndian.Uint32(r.b); !hasOnes(v) {
			r.acc |= uint64(v) << r.n
			r.n += 32
			r.last, r.b = r.b[3], r.b[4:]
			return
		}
	}
	for r.n < n {
		v := r.fill
		if len(r.b) > 0 {
			v, r.b = r.b[0], r.b[1:]
		}
		if r.last == 0xff {
			r.acc |= uint64(v&0x7f) << r.n
			r.n += 7
		} else {
			r.acc |= uint64(v) << r.n
			r.n += 8
		}
		r.last = v
	}
}

// hasOnes reports whether one of the four bytes of v is all ones.
func hasOnes(v uint32) bool { return (^v-0x01010101)&v&0x80808080 != 0 }

// htBackward reads a byte stream backwards, lowest bit first; a byte whose seven
// low bits are ones, before one above 0x8f, holds seven bits (T.814 sections
// 7.1.3 and 7.1.5). Zeros follow the last byte.
type htBackward struct {
	b    []byte
	last byte
	acc  uint64
	n    uint
}

// fillUp makes sure that n bits, 32 at most, are there.
func (r *htBackward) fillUp(n uint) {
	if r.n < n {
		r.load(n)
	}
}

// load reads four bytes at once if none of them can hold seven bits.
func (r *htBackward) load(n uint) {
	if k := len(r.b) - 4; k >= 0 {
		if v := binary.BigEndian.Uint32(r.b[k:]); !hasOnes(v | 0x80808080) {
			r.acc |= uint64(v) << r.n
			r.n += 32
			r.last, r.b = r.b[k], r.b[:k]
			return
		}
	}
	for r.n < n {
		v := byte(0)
		if k := len(r.b) - 1; k >= 0 {
			v, r.b = r.b[k], r.b[:k]
		}
		r.acc |= uint64(v) << r.n
		if r.last > 0x8f && v&0x7f == 0x7f {
			r.acc &= 1<<(r.n+7) - 1
			r.n += 7
		} else {
			r.n += 8
		}
		r.last = v
	}
}

func (r *htBackward) bits(n uint) uint32 {
	r.fillUp(n)
	v := uint32(r.acc & (1<<n - 1))
	r.drop(n)
	return v
}

func (r *htBackward) drop(n uint) {
	r.acc >>= n
	r.n -= n
}

// htMEL decodes the runs of the adaptive run-length code (T.814 section 7.3.3).
type htMEL struct {
	b     []byte
	last  byte
	left  uint
	state uint8
	run   int
	one   bool
}

// melExponents gives the logarithm of a full run by state (T.814 table 2).
var melExponents = [13]uint8{0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5}

func (m *htMEL) bit() int {
	if m.left == 0 {
		m.left = 8
		if m.last == 0xff {
			m.left = 7
		}
		if m.last = 0xff; len(m.b) > 0 {
			m.last, m.b = m.b[0], m.b[1:]
		}
	}
	m.left--
	return int(m.last>>m.left) & 1
}

// symbol returns the next symbol.
func (m *htMEL) symbol() bool {
	if m.run == 0 && !m.one {
		e := melExponents[m.state]
		if m.bit() == 1 {
			m.run = 1 << e
			m.state = min(12, m.state+1)
		} else {
			for range e {
				m.run = m.run<<1 | m.bit()
			}
			m.state = max(1, m.state) - 1
			m.one = true
		}
	}
	if m.run > 0 {
		m.run--
		return false
	}
	m.one = false
	return true
}
