package jpeg2000

// headerBits reads the bits of a packet header: most significant first, with a
// zero bit stuffed after each byte of ones (T.800 section B.10.1).
type headerBits struct {
	b     []byte
	pos   int
	last  byte
	left  uint
	short bool
}

func (r *headerBits) bit() int {
	if r.left == 0 {
		if r.pos >= len(r.b) {
			r.short = true
			return 0
		}
		r.left = 8
		if r.last == 0xff {
			r.left = 7
		}
		r.last = r.b[r.pos]
		r.pos++
	}
	r.left--
	return int(r.last>>r.left) & 1
}

func (r *headerBits) bits(n int) int {
	v := 0
	for range n {
		v = v<<1 | r.bit()
	}
	return v
}

// align passes over what is left of the last byte, and over the byte stuffed
// after it if it is all ones.
func (r *headerBits) align() {
	if r.last == 0xff && r.pos > 0 {
		r.pos++
		r.short = r.short || r.pos > len(r.b)
	}
	r.left, r.last = 0, 0
}

// passCount reads the number of coding passes (T.800 table B.4).
func (r *headerBits) passCount() int {
	if r.bit() == 0 {
		return 1
	}
	if r.bit() == 0 {
		return 2
	}
	if v := r.bits(2); v < 3 {
		return 3 + v
	}
	if v := r.bits(5); v < 31 {
		return 6 + v
	}
	return 37 + r.bits(7)
}
