package jpeg2000

// blockFlags is the state by which contexts are formed for a code-block.
type blockFlags struct {
	w, h   int
	stride int
	flags  []uint32 // of stripes and columns, with a border all around
	sig    *[512]uint8
	causal bool
}

// prepare clears the flags for a block of w by h.
func (d *blockFlags) prepare(w, h int) {
	d.w, d.h, d.stride = w, h, w+2
	n := d.stride * ((h+3)/4 + 2)
	if cap(d.flags) < n {
		d.flags = make([]uint32, n)
	}
	d.flags = d.flags[:n]
	clear(d.flags)
}

// become marks sample i of the column at p significant, with its sign, for
// itself and its neighbours.
func (d *blockFlags) become(p int, i uint, sign uint32) {
	f, s := d.flags, d.stride
	f[p] |= flagSelf<<(3*i) | sign<<(flagSign+1+i)
	f[p-1] |= 1 << (3*i + 5)
	f[p+1] |= 1 << (3*i + 3)
	if i == 0 && !d.causal {
		f[p-s] |= 1<<16 | sign<<(flagSign+5)
		f[p-s-1] |= 1 << 17
		f[p-s+1] |= 1 << 15
	}
	if i == 3 {
		f[p+s] |= 1<<1 | sign<<flagSign
		f[p+s-1] |= 1 << 2
		f[p+s+1] |= 1 << 0
	}
}

// signIndex gathers the neighbours' significance and signs.
func (d *blockFlags) signIndex(p int, i uint) uint32 {
	f := d.flags[p]
	n := f >> (3 * i) & 0xaa
	n |= f >> (flagSign + i) & 1
	n |= d.flags[p-1] >> (flagSign + 1 + i) & 1 << 2
	n |= d.flags[p+1] >> (flagSign + 1 + i) & 1 << 4
	n |= f >> (flagSign + 2 + i) & 1 << 6
	return n
}

// The flags of four samples, one above the other in a stripe, are one word:
//
//	bits 0..17   significance of the samples and their neighbours, in rows from
//	             the one above to the one below, west, centre, east in each
//	bits 18..23  signs of the centre column, from the sample above to that below
//	bits 24..27  refined before
//	bits 28..31  coded in this bit-plane already
//
// Sample i has its neighbourhood in the nine bits from 3*i on, itself the
// fifth of them.
const (
	flagSelf    = 1 << 4
	flagSign    = 18
	flagRefined = 24
	flagVisited = 28
	maskSig     = 1<<18 - 1
	maskVisited = 0xf << flagVisited
	maskAround  = 0x1ef
)

// sigContext gives, for each kind of band, the context of significance by the
// nine bits of the neighbourhood (T.800 table D.1).
var sigContext = func() (t [4][512]uint8) {
	for n := range 512 {
		bit := func(i int) int { return n >> i & 1 }
		h, v := bit(3)+bit(5), bit(1)+bit(7)
		d := bit(0) + bit(2) + bit(6) + bit(8)
		t[bandLL][n] = sigPlain(h, v, d)
		t[bandLH][n] = t[bandLL][n]
		t[bandHL][n] = sigPlain(v, h, d)
		t[bandHH][n] = sigDiagonal(h+v, d)
	}
	return t
}()

func sigPlain(h, v, d int) uint8 {
	switch {
	case h == 2:
		return 8
	case h == 1 && v >= 1:
		return 7
	case h == 1 && d >= 1:
		return 6
	case h == 1:
		return 5
	case v > 0:
		return uint8(2 + v)
	}
	return uint8(min(d, 2))
}

func sigDiagonal(hv, d int) uint8 {
	switch {
	case d >= 3:
		return 8
	case d == 2:
		return uint8(6 + min(hv, 1))
	case d == 1:
		return uint8(3 + min(hv, 2))
	}
	return uint8(min(hv, 2))
}

// signContext gives the context of a sign, with the bit to flip it by in bit 7,
// for the significance of the neighbours in bits 1, 3, 5, 7 (north, west, east,
// south) and their signs in the bits below each (T.800 tables D.2 and D.3).
var signContext = func() (t [256]uint8) {
	for n := range 256 {
		one := func(i int) int { return (n >> (i + 1) & 1) * (1 - 2*(n>>i&1)) }
		v := max(-1, min(1, one(0)+one(6)))
		h := max(-1, min(1, one(2)+one(4)))
		flip := uint8(0)
		if h < 0 || h == 0 && v < 0 {
			h, v, flip = -h, -v, 0x80
		}
		if h == 1 {
			t[n] = uint8(ctxSign+3+v) | flip
		} else {
			t[n] = uint8(ctxSign+v) | flip
		}
	}
	return t
}()

// refineContext gives the context of the refinement of sample i (T.800 table D.4).
func refineContext(f uint32, i uint) uint8 {
	switch {
	case f>>(flagRefined+i)&1 != 0:
		return ctxRefine + 2
	case f>>(3*i)&maskAround != 0:
		return ctxRefine + 1
	}
	return ctxRefine
}
