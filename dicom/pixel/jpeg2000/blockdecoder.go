package jpeg2000

// blockDecoder decodes code-blocks (T.800 annex D). It is used again and again,
// by one goroutine.
type blockDecoder struct {
	blockFlags
	data []int32 // twice the coefficient, plus the middle of what is unknown
	mq   mqDecoder
	raw  rawBits
	buf  []byte
	ht   htDecoder
}

// decode decodes a block of a band and returns its coefficients, row by row,
// doubled. They are valid until the next call.
func (d *blockDecoder) decode(b *block, bandPlanes, orient int, style byte) ([]int32, error) {
	planes := bandPlanes - int(b.zero)
	if planes < 1 || planes > 30 {
		return nil, malformed("block of %d bit-planes", planes)
	}
	d.prepare(b.width(), b.height())
	if cap(d.data) < d.w*d.h {
		d.data = make([]int32, d.w*d.h)
	}
	d.data = d.data[:d.w*d.h]
	clear(d.data)
	if style&styleHT != 0 {
		return d.data, d.decodeHT(b, planes, style)
	}
	d.sig, d.causal = &sigContext[orient], style&styleCausal != 0
	d.mq.cx.reset()
	pass := 0
	for i := range b.segs {
		s := &b.segs[i]
		raw := style&styleBypass != 0 && pass >= firstRaw && pass%3 != 0
		d.gather(s.pieces)
		if raw {
			d.raw = rawBits{b: d.buf[:len(d.buf)-2]}
		} else {
			d.mq.start(d.buf)
		}
		for range s.passes {
			plane := planes - 1 - (pass+2)/3
			if plane < 0 {
				return nil, malformed("more coding passes than bit-planes")
			}
			if err := d.pass(pass%3, uint(plane), raw, style); err != nil {
				return nil, err
			}
			pass++
		}
	}
	return d.data, nil
}

// gather puts the pieces of a segment into the buffer, with the two bytes after
// it at which the arithmetic decoder stops.
func (d *blockDecoder) gather(pieces [][]byte) {
	d.buf = d.buf[:0]
	for _, p := range pieces {
		d.buf = append(d.buf, p...)
	}
	d.buf = append(d.buf, 0xff, 0xff)
}

// pass runs one coding pass of a plane: 0 cleanup, 1 significance propagation,
// 2 refinement.
func (d *blockDecoder) pass(kind int, plane uint, raw bool, style byte) error {
	switch {
	case kind == 0:
		d.cleanup(plane)
		if style&styleSegSym != 0 {
			mark := uint32(0)
			for range 4 {
				mark = mark<<1 | d.mq.decode(ctxUniform)
			}
			if mark != 0xa {
				return malformed("segmentation symbol is wrong")
			}
		}
	case kind == 1 && raw:
		d.rawSignificance(plane)
	case kind == 1:
		d.significance(plane)
	case raw:
		d.rawRefinement(plane)
	default:
		d.refinement(plane)
	}
	if style&styleReset != 0 {
		d.mq.cx.reset()
	}
	if d.mq.over > maxOver {
		return malformed("code-block goes on after its bytes")
	}
	return nil
}

// sign decodes the sign of sample i of the column at p (T.800 section D.3.2).
func (d *blockDecoder) sign(p int, i uint) uint32 {
	c := signContext[d.signIndex(p, i)]
	return d.mq.decode(c&0x7f) ^ uint32(c>>7)
}

// set gives sample i of the column at x, y its first bit, of the given plane.
func (d *blockDecoder) set(x, y int, plane uint, sign uint32) {
	v := int32(3) << plane
	d.data[y*d.w+x] = (v ^ -int32(sign)) + int32(sign)
}

// significance is the significance propagation pass (T.800 section D.3.1).
func (d *blockDecoder) significance(plane uint) {
	for y, row := 0, d.stride+1; y < d.h; y, row = y+4, row+d.stride {
		n := uint(min(4, d.h-y))
		for x := range d.w {
			p := row + x
			if d.flags[p]&maskSig == 0 {
				continue
			}
			for i := range n {
				around := d.flags[p] >> (3 * i)
				if around&flagSelf != 0 || around&maskAround == 0 {
					continue
				}
				if d.mq.decode(d.sig[around&maskAround]) != 0 {
					s := d.sign(p, i)
					d.set(x, y+int(i), plane, s)
					d.become(p, i, s)
				}
				d.flags[p] |= 1 << (flagVisited + i)
			}
		}
	}
}

// rawSignificance is the same without the arithmetic coder (T.800 section D.6).
func (d *blockDecoder) rawSignificance(plane uint) {
	for y, row := 0, d.stride+1; y < d.h; y, row = y+4, row+d.stride {
		n := uint(min(4, d.h-y))
		for x := range d.w {
			p := row + x
			if d.flags[p]&maskSig == 0 {
				continue
			}
			for i := range n {
				around := d.flags[p] >> (3 * i)
				if around&flagSelf != 0 || around&maskAround == 0 {
					continue
				}
				if d.raw.bit() != 0 {
					s := d.raw.bit()
					d.set(x, y+int(i), plane, s)
					d.become(p, i, s)
				}
				d.flags[p] |= 1 << (flagVisited + i)
			}
		}
	}
}

// refinement is the magnitude refinement pass (T.800 section D.3.3).
func (d *blockDecoder) refinement(plane uint) {
	for y, row := 0, d.stride+1; y < d.h; y, row = y+4, row+d.stride {
		for x := range d.w {
			f := d.flags[row+x]
			if f&maskSelves == 0 {
				continue
			}
			for i := range uint(min(4, d.h-y)) {
				if f>>(3*i)&flagSelf == 0 || f>>(flagVisited+i)&1 != 0 {
					continue
				}
				d.refine(x, y+int(i), plane, d.mq.decode(refineContext(f, i)))
				f |= 1 << (flagRefined + i)
			}
			d.flags[row+x] = f
		}
	}
}

// maskSelves are the significances of a column's own four samples.
const maskSelves = flagSelf | flagSelf<<3 | flagSelf<<6 | flagSelf<<9

// rawRefinement is the same without the arithmetic coder.
func (d *blockDecoder) rawRefinement(plane uint) {
	for y, row := 0, d.stride+1; y < d.h; y, row = y+4, row+d.stride {
		for x := range d.w {
			f := d.flags[row+x]
			for i := range uint(min(4, d.h-y)) {
				if f>>(3*i)&flagSelf == 0 || f>>(flagVisited+i)&1 != 0 {
					continue
				}
				d.refine(x, y+int(i), plane, d.raw.bit())
				f |= 1 << (flagRefined + i)
			}
			d.flags[row+x] = f
		}
	}
}

// refine adds a bit of the given plane: it moves the middle of the interval by
// half of its width.
func (d *blockDecoder) refine(x, y int, plane uint, bit uint32) {
	v := &d.data[y*d.w+x]
	half := int32(1) << plane
	if (bit == 0) != (*v < 0) {
		half = -half
	}
	*v += half
}

// cleanup is the cleanup pass (T.800 section D.3.4). It ends the bit-plane.
func (d *blockDecoder) cleanup(plane uint) {
	for y, row := 0, d.stride+1; y < d.h; y, row = y+4, row+d.stride {
		n := uint(min(4, d.h-y))
		for x := range d.w {
			p := row + x
			i := uint(0)
			if n == 4 && d.flags[p]&(maskSig|maskVisited) == 0 {
				if d.mq.decode(ctxRun) == 0 {
					continue
				}
				i = uint(d.mq.decode(ctxUniform)<<1 | d.mq.decode(ctxUniform))
				s := d.sign(p, i)
				d.set(x, y+int(i), plane, s)
				d.become(p, i, s)
				i++
			}
			for ; i < n; i++ {
				f := d.flags[p]
				around := f >> (3 * i)
				if around&flagSelf != 0 || f>>(flagVisited+i)&1 != 0 {
					continue
				}
				if d.mq.decode(d.sig[around&maskAround]) != 0 {
					s := d.sign(p, i)
					d.set(x, y+int(i), plane, s)
					d.become(p, i, s)
				}
			}
			d.flags[p] &^= maskVisited
		}
	}
}
