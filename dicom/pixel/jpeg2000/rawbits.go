package jpeg2000

// rawBits reads the segments that selective bypass leaves to no entropy coder:
// most significant bit first, a zero stuffed after a byte of ones (T.800
// section D.6). After the end come ones.
type rawBits struct {
	b    []byte
	last byte
	left uint
}

func (r *rawBits) bit() uint32 {
	if r.left == 0 {
		r.left = 8
		if r.last == 0xff {
			r.left = 7
		}
		if r.last = 0xff; len(r.b) > 0 {
			r.last, r.b = r.b[0], r.b[1:]
		}
	}
	r.left--
	return uint32(r.last>>r.left) & 1
}
