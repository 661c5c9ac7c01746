package jpeg2000

import "math/bits"

// htDecoder decodes the cleanup pass of a high-throughput block (T.814 section
// 7.3): quads of two by two samples, in pairs.
type htDecoder struct {
	mel htMEL
	vlc htBackward
	mag htForward
	// above holds the exponents of the samples above the row of quads, 0 for
	// those not significant, from index 1 on; below those of the row.
	above, below []uint8
	planes       int // of what is missing under the cleanup pass
}

// htEntry is a codeword of the quads' code, looked up by its context and the
// next seven bits.
type htEntry struct {
	pattern     uint8 // significance: top left, bottom left, top right, bottom right
	known, ones uint8 // of exponents
	offset      bool
	length      uint8
}

// htTables are for the first row of quads and for the others.
var htTables = [2][8 << 7]htEntry{htTable(htFirstCodes[:]), htTable(htOtherCodes[:])}

func htTable(codes []uint32) (t [8 << 7]htEntry) {
	for _, c := range codes {
		e := htEntryOf(c)
		for v := c >> 3 & 0x7f; v < 1<<7; v += 1 << e.length {
			t[c>>23<<7|v] = e
		}
	}
	return t
}

// htEntryOf unpacks an entry of the code.
func htEntryOf(c uint32) htEntry {
	return htEntry{pattern: uint8(c >> 19 & 15), offset: c>>18&1 == 1, known: uint8(c >> 14 & 15),
		ones: uint8(c >> 10 & 15), length: uint8(c & 7)}
}

// decodeHT decodes a high-throughput block.
func (d *blockDecoder) decodeHT(b *block, planes int, style byte) error {
	if len(b.segs) > 1 && planes < 2 {
		return malformed("refinement of bit-planes that are not there")
	}
	if err := d.cleanupHT(b, planes); err != nil || len(b.segs) == 1 {
		return err
	}
	d.gather(b.segs[1].pieces)
	d.refineHT(d.buf[:len(d.buf)-2], b.segs[1].passes, uint(planes-2), style&styleCausal != 0)
	return nil
}

// cleanupHT decodes the cleanup pass.
func (d *blockDecoder) cleanupHT(b *block, planes int) error {
	d.gather(b.segs[0].pieces)
	buf := d.buf[:len(d.buf)-2]
	if len(buf) < 2 {
		return malformed("high-throughput block of %d bytes", len(buf))
	}
	n := len(buf)
	tail := int(buf[n-1])<<4 | int(buf[n-2]&15)
	if tail < 2 || tail > n || tail > 4079 {
		return malformed("impossible length of a block's suffix")
	}
	last := buf[n-2]
	buf[n-1], buf[n-2] = 0xff, last|15
	h := &d.ht
	h.planes = planes - 1
	h.mag = htForward{b: buf[:n-tail], fill: 0xff}
	h.mel = htMEL{b: buf[n-tail:]}
	h.vlc = htBackward{b: buf[n-tail : n-2], last: last | 15, acc: uint64(last >> 4), n: 4}
	if last>>4&7 == 7 {
		h.vlc.acc, h.vlc.n = 7, 3
	}
	quads := (d.w + 1) / 2
	h.above, h.below = grown(h.above, 2*quads+3), grown(h.below, 2*quads+3)
	for y := 0; y < d.h; y += 2 {
		if err := d.quadRow(y, quads); err != nil {
			return err
		}
		h.above, h.below = h.below, h.above
		clear(h.below)
	}
	return nil
}

// grown returns n zeros, in b if there is room.
func grown(b []uint8, n int) []uint8 {
	if cap(b) < n {
		return make([]uint8, n)
	}
	clear(b[:n])
	return b[:n]
}

// quadRow decodes the row of quads at y.
func (d *blockDecoder) quadRow(y, quads int) error {
	h := &d.ht
	first := y == 0
	left := uint8(0) // the pattern of the quad before
	for q := 0; q < quads; q += 2 {
		var e [2]htEntry
		n := min(2, quads-q)
		for i := range n {
			e[i] = h.quad(q+i, left, first)
			left = e[i].pattern
		}
		u := h.offsets(e[0].offset, e[1].offset, first)
		for i := range n {
			if err := d.samples(y, q+i, &e[i], u[i], first); err != nil {
				return err
			}
		}
	}
	return nil
}

// htContext returns the context of quad q (T.814 section 7.3.5): of left, the
// pattern of the quad before it, and of above, the exponents of the row of samples
// above it.
func htContext(above []uint8, q int, left uint8, first bool) int {
	if first {
		return int(htFirstContext[left&15])
	}
	a := above[2*q:][:4]
	context := 0
	if a[0]|a[1] != 0 {
		context = 1
	}
	if left&12 != 0 {
		context |= 2
	}
	if a[2]|a[3] != 0 {
		context |= 4
	}
	return context
}

// htFirstContext is the context in the first row of quads by the pattern of the
// quad before.
var htFirstContext = func() (t [16]uint8) {
	for left := range t {
		t[left] = uint8(left >> 2 << 1)
		if left&3 != 0 {
			t[left] |= 1
		}
	}
	return t
}()

// htFloor returns the exponent to which a quad's offset is added (T.814 section
// 7.3.7).
func htFloor(above []uint8, q int, pattern uint8, first bool) int {
	if first || pattern&(pattern-1) == 0 {
		return 1
	}
	a := above[2*q : 2*q+4]
	return max(1, int(max(a[0], a[1], a[2], a[3]))-1)
}

// quad decodes the codeword of quad q (T.814 section 7.3.5).
func (h *htDecoder) quad(q int, left uint8, first bool) htEntry {
	context := htContext(h.above, q, left, first)
	table := &htTables[1]
	if first {
		table = &htTables[0]
	}
	if context == 0 && !h.mel.symbol() {
		return htEntry{}
	}
	h.vlc.fillUp(7)
	e := table[context<<7|int(h.vlc.acc&0x7f)]
	h.vlc.drop(uint(e.length))
	return e
}

// offsets decodes the exponent offsets of a pair of quads (T.814 section 7.3.6).
func (h *htDecoder) offsets(one, two, first bool) (u [2]int) {
	switch {
	case one && two && first:
		if h.mel.symbol() {
			u = h.pair()
			return [2]int{u[0] + 2, u[1] + 2}
		}
		a := h.prefix()
		if a > 2 { // the second can then be one or two only
			b := 1 + int(h.vlc.bits(1))
			return [2]int{h.suffix(a), b}
		}
		return [2]int{a, h.suffix(h.prefix())}
	case one && two:
		return h.pair()
	case one:
		u[0] = h.suffix(h.prefix())
	case two:
		u[1] = h.suffix(h.prefix())
	}
	return u
}

// pair decodes two offsets: prefixes, then suffixes, then extensions.
func (h *htDecoder) pair() [2]int {
	a, b := h.prefix(), h.prefix()
	a, b = h.base(a), h.base(b)
	return [2]int{h.extend(a), h.extend(b)}
}

func (h *htDecoder) suffix(prefix int) int { return h.extend(h.base(prefix)) }

// prefix decodes one of 1, 2, 3, 5 (T.814 table 3).
func (h *htDecoder) prefix() int {
	h.vlc.fillUp(3)
	n := bits.TrailingZeros8(uint8(h.vlc.acc&7) | 8)
	h.vlc.drop(uint(min(n+1, 3)))
	return [4]int{1, 2, 3, 5}[n]
}

// base adds the suffix that the prefix has.
func (h *htDecoder) base(prefix int) int {
	switch prefix {
	case 3:
		return 3 + int(h.vlc.bits(1))
	case 5:
		return 5 + int(h.vlc.bits(5))
	}
	return prefix
}

// extend adds the extension, which follows the largest suffixes.
func (h *htDecoder) extend(u int) int {
	if u >= 5+28 {
		return u + 4*int(h.vlc.bits(4))
	}
	return u
}

// samples decodes the magnitudes and signs of quad q (T.814 section 7.3.8).
func (d *blockDecoder) samples(y, q int, e *htEntry, u int, first bool) error {
	h := &d.ht
	if e.pattern == 0 {
		return nil
	}
	bound := u + htFloor(h.above, q, e.pattern, first)
	if bound+h.planes > 29 {
		return malformed("exponent of %d bits", bound)
	}
	for left := e.pattern; left != 0; left &= left - 1 {
		i := uint(bits.TrailingZeros8(left))
		m := uint(bound) - uint(e.known>>i&1)
		v := h.mag.bits(m) | uint32(e.ones>>i&1)<<m
		x, row := 2*q+int(i>>1), y+int(i&1)
		if i&1 == 1 {
			h.below[x+1] = uint8(bits.Len32(v | 1))
		}
		if x >= d.w || row >= d.h {
			return malformed("sample outside of its block")
		}
		c := int32(v|1) + 2
		c <<= h.planes
		if v&1 == 1 {
			c = -c
		}
		d.data[row*d.w+x] = c
	}
	return nil
}
