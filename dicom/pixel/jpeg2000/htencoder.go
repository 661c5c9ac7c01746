package jpeg2000

import "math/bits"

// htEncoder encodes blocks with the high-throughput block coder: the cleanup
// pass of the lowest bit-plane alone, which holds the block without loss (T.814
// section 7.3, read backwards).
type htEncoder struct {
	mag   htForwardWriter
	vlc   htBackwardWriter
	mel   htMELWriter
	above []uint8 // as in htDecoder
	below []uint8
}

// htQuad is one quad on its way to the codeword.
type htQuad struct {
	pattern uint8
	v       [4]uint32 // twice the magnitude less one, and the sign, of those significant
	bound   int
	offset  int
	entry   *htEntry
}

// htChoices lists by context, pattern and whether an offset follows the entries
// among which an encoder may choose; see htTables.
var htChoices = [2][8 << 5][]htWord{htChoice(htFirstCodes[:]), htChoice(htOtherCodes[:])}

// htWord is an entry with its codeword.
type htWord struct {
	htEntry
	word uint8
}

func htChoice(codes []uint32) (t [8 << 5][]htWord) {
	for _, c := range codes {
		w := htWord{htEntryOf(c), uint8(c >> 3 & 0x7f)}
		at := c>>23<<5 | uint32(w.pattern)<<1 | c>>18&1
		t[at] = append(t[at], w)
	}
	return t
}

// encode encodes the w by h coefficients at the start of data, whose rows are
// stride apart. It returns a copy of the bytes, nil if all coefficients are 0.
func (e *htEncoder) encode(data []int32, stride, w, h int) []byte {
	all := int32(0)
	for y := range h {
		for _, v := range data[y*stride : y*stride+w] {
			all |= v
		}
	}
	if all == 0 {
		return nil
	}
	quads := (w + 1) / 2
	e.above, e.below = make([]uint8, 2*quads+3), make([]uint8, 2*quads+3)
	e.mag = htForwardWriter{out: e.mag.out[:0]}
	// The first byte read has the low bits of the suffix's length in its lower half.
	e.vlc = htBackwardWriter{out: e.vlc.out[:0], last: 0xff, acc: 15, n: 4}
	e.mel = htMELWriter{out: e.mel.out[:0], left: 8}
	for y := 0; y < h; y += 2 {
		e.quadRow(data[y*stride:], stride, w, min(2, h-y), y == 0)
		e.above, e.below = e.below, e.above
		clear(e.below)
	}
	return e.join()
}

// join puts the three streams behind each other (T.814 section 7.1.1).
func (e *htEncoder) join() []byte {
	mag, mel, vlc := e.mag.finish(), e.mel.finish(), e.vlc.finish()
	tail := len(mel) + len(vlc) + 1
	out := make([]byte, 0, len(mag)+tail)
	out = append(append(append(out, mag...), mel...), vlc...)
	out[len(out)-1] = out[len(out)-1]&0xf0 | byte(tail&15)
	return append(out, byte(tail>>4))
}

// quadRow encodes a row of quads, of which rows rows are in the block.
func (e *htEncoder) quadRow(data []int32, stride, w, rows int, first bool) {
	quads := (w + 1) / 2
	left := uint8(0)
	for q := 0; q < quads; q += 2 {
		var pair [2]htQuad
		for i := range min(2, quads-q) {
			k := &pair[i]
			k.read(data, stride, w, rows, q+i)
			e.quad(k, q+i, left, first)
			left = k.pattern
		}
		e.offsets(pair[0].offset, pair[1].offset, first)
		for i := range pair {
			e.samples(&pair[i])
		}
	}
}

// read takes the samples of quad q.
func (k *htQuad) read(data []int32, stride, w, rows, q int) {
	for i := range uint(4) {
		x, y := 2*q+int(i>>1), int(i&1)
		if x >= w || y >= rows {
			continue
		}
		if v := data[y*stride+x]; v != 0 {
			sign := uint32(v) >> 31
			k.v[i] = 2*((uint32(v)^-sign)+sign-1) | sign
			k.pattern |= 1 << i
		}
	}
}

// quad writes the codeword of quad q.
func (e *htEncoder) quad(k *htQuad, q int, left uint8, first bool) {
	context := htContext(e.above, q, left, first)
	if context == 0 {
		e.mel.symbol(k.pattern != 0)
	}
	if context == 0 && k.pattern == 0 {
		return
	}
	most, floor := 0, htFloor(e.above, q, k.pattern, first)
	var exponents [4]int
	for i := range uint(4) {
		if k.pattern>>i&1 == 1 {
			exponents[i] = bits.Len32(k.v[i] | 1)
			most = max(most, exponents[i])
		}
	}
	e.below[2*q+1], e.below[2*q+2] = uint8(exponents[1]), uint8(exponents[3])
	table, at := &htChoices[1], context<<5|int(k.pattern)<<1
	if first {
		table = &htChoices[0]
	}
	if k.pattern != 0 {
		k.bound = max(most, floor)
		k.offset = k.bound - floor
	}
	if k.offset > 0 {
		at |= 1
	}
	largest := uint8(0) // those whose exponent is the bound
	for i := range uint(4) {
		if k.pattern>>i&1 == 1 && exponents[i] == k.bound {
			largest |= 1 << i
		}
	}
	best := 1 << 10
	var word *htWord
	for i := range table[at] {
		c := &table[at][i]
		if cost := int(c.length) - bits.OnesCount8(c.known); largest&c.known == c.ones && cost < best {
			best, word = cost, c
		}
	}
	k.entry = &word.htEntry
	e.vlc.bits(uint32(word.word), uint(word.length))
}

// offsets writes the exponent offsets of a pair of quads.
func (e *htEncoder) offsets(a, b int, first bool) {
	switch {
	case a > 0 && b > 0 && first:
		large := a > 2 && b > 2
		e.mel.symbol(large)
		switch {
		case large:
			e.pair(a-2, b-2)
		case a > 2: // then b is one or two
			e.prefix(a)
			e.vlc.bits(uint32(b-1), 1)
			e.suffix(a)
			e.extension(a)
		default:
			e.prefix(a)
			e.pair(b, 0)
		}
	default:
		e.pair(a, b)
	}
}

// pair writes prefixes, then suffixes, then extensions. 0 is not written.
func (e *htEncoder) pair(a, b int) {
	for _, part := range []func(int){e.prefix, e.suffix, e.extension} {
		part(a)
		part(b)
	}
}

// prefix writes the prefix of u (T.814 table 3).
func (e *htEncoder) prefix(u int) {
	switch {
	case u == 0:
	case u <= 2:
		e.vlc.bits(uint32(u), uint(u))
	case u <= 4:
		e.vlc.bits(4, 3)
	default:
		e.vlc.bits(0, 3)
	}
}

func (e *htEncoder) suffix(u int) {
	switch {
	case u <= 2:
	case u <= 4:
		e.vlc.bits(uint32(u-3), 1)
	case u < 33:
		e.vlc.bits(uint32(u-5), 5)
	default:
		e.vlc.bits(uint32(28+(u-33)%4), 5)
	}
}

func (e *htEncoder) extension(u int) {
	if u >= 33 {
		e.vlc.bits(uint32((u-33)/4), 4)
	}
}

// samples writes magnitudes and signs.
func (e *htEncoder) samples(k *htQuad) {
	for i := range uint(4) {
		if k.pattern>>i&1 == 1 {
			m := uint(k.bound) - uint(k.entry.known>>i&1)
			e.mag.bits(k.v[i]&(1<<m-1), m)
		}
	}
}
