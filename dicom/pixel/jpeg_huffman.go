package pixel

import "math/bits"

// huffmanLook is the length of the codes that one look-up decodes.
const huffmanLook = 9

// huffman is a Huffman table for decoding (ISO/IEC 10918-1 annex C and F.2.2.3).
type huffman struct {
	defined bool
	values  [256]byte
	look    [1 << huffmanLook]uint16 // length<<8 | value; 0 if the code is longer
	maxCode [18]int32                // the largest code of each length, -1 if there is none
	offset  [17]int32                // values[code+offset] is the value of a code
}

// huffmanTables are the DC (or lossless) and AC tables.
type huffmanTables [2][4]huffman

// parse reads a DHT segment (ISO/IEC 10918-1 section B.2.4.2).
func (t *huffmanTables) parse(b []byte) error {
	for len(b) > 0 {
		if len(b) < 17 || b[0]>>4 > 1 || b[0]&15 > 3 {
			return jpegError("bad Huffman table")
		}
		n := 0
		for _, c := range b[1:17] {
			n += int(c)
		}
		if n > 256 || len(b) < 17+n {
			return jpegError("bad Huffman table")
		}
		if err := t[b[0]>>4][b[0]&15].build(b[1:17], b[17:17+n]); err != nil {
			return err
		}
		b = b[17+n:]
	}
	return nil
}

func (h *huffman) build(counts, values []byte) error {
	*h = huffman{defined: true}
	copy(h.values[:], values)
	code, k := int32(0), int32(0)
	for length := 1; length <= 16; length++ {
		h.offset[length] = k - code
		h.maxCode[length] = -1
		for range counts[length-1] {
			if code >= 1<<length {
				return jpegError("Huffman table with too many codes")
			}
			if length <= huffmanLook {
				from := code << (huffmanLook - length)
				for i := range int32(1) << (huffmanLook - length) {
					h.look[from+i] = uint16(length)<<8 | uint16(values[k])
				}
			}
			h.maxCode[length] = code
			code++
			k++
		}
		code <<= 1
	}
	return nil
}

// jpegBits reads the entropy-coded bits of one restart interval after the other.
type jpegBits struct {
	b    []byte
	pos  int
	acc  uint64 // the next bits, the first one highest
	n    int    // how many
	made int    // bits of acc that the stream does not have
}

// fill makes sure that at least 48 bits are there. Behind the end of the
// interval zeros are made; ended tells.
func (r *jpegBits) fill() {
	for r.n <= 56 {
		var v byte
		switch {
		case r.pos >= len(r.b):
			r.made += 8
		case r.b[r.pos] != 0xFF:
			v = r.b[r.pos]
			r.pos++
		case r.pos+1 < len(r.b) && r.b[r.pos+1] == 0:
			v = 0xFF
			r.pos += 2
		default:
			r.made += 8
		}
		r.acc |= uint64(v) << (56 - r.n)
		r.n += 8
	}
}

// ended reports whether more bits were taken than there were.
func (r *jpegBits) ended() bool { return r.n < r.made }

// symbol decodes one value; -1 for a code that the table does not have. 16 bits
// must be there.
func (r *jpegBits) symbol(h *huffman) int {
	if e := h.look[r.acc>>(64-huffmanLook)]; e != 0 {
		length := int(e >> 8)
		r.acc <<= length
		r.n -= length
		return int(e & 0xFF)
	}
	top := int32(r.acc >> 48)
	for length := huffmanLook + 1; length <= 16; length++ {
		code := top >> (16 - length)
		if code <= h.maxCode[length] {
			r.acc <<= length
			r.n -= length
			return int(h.values[(code+h.offset[length])&0xFF])
		}
	}
	return -1
}

// signed reads n bits, up to 16, as EXTEND of ISO/IEC 10918-1 section F.2.2.1
// understands them.
func (r *jpegBits) signed(n int) int32 {
	if n == 0 {
		return 0
	}
	v := int32(r.acc >> (64 - n))
	r.acc <<= n
	r.n -= n
	if v < 1<<(n-1) {
		v += -1<<n + 1
	}
	return v
}

// restart drops what is left of the interval and moves behind the restart
// marker number i, which must come next.
func (r *jpegBits) restart(i int) error {
	if r.ended() {
		return jpegError("entropy-coded data ends too early")
	}
	r.acc, r.n, r.made = 0, 0, 0
	for r.pos+1 < len(r.b) && r.b[r.pos] == 0xFF && r.b[r.pos+1] == 0xFF {
		r.pos++
	}
	if r.pos+1 >= len(r.b) || r.b[r.pos] != 0xFF || r.b[r.pos+1] != markerRST0+byte(i&7) {
		return jpegError("restart marker is missing")
	}
	r.pos += 2
	return nil
}

// bitSize returns the number of bits of the magnitude of v: SSSS of ISO/IEC
// 10918-1 section F.1.2.1.
func bitSize(v int32) int {
	if v < 0 {
		v = -v
	}
	return bits.Len32(uint32(v))
}
