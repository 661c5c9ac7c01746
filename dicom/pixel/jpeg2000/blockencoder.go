package jpeg2000

import "math/bits"

// blockEncoder encodes code-blocks (T.800 annex D) without any code-block style.
type blockEncoder struct {
	blockFlags
	mags  []uint32
	signs []uint32
	mq    mqEncoder
}

// encode encodes the w by h coefficients at the start of data, whose rows are
// stride apart. It returns the number of bit-planes and the bytes, a copy.
func (e *blockEncoder) encode(data []int32, stride, w, h, orient int) (planes int, out []byte) {
	e.prepare(w, h)
	e.sig = &sigContext[orient]
	e.mags, e.signs = e.mags[:0], e.signs[:0]
	all := uint32(0)
	for y := range h {
		for _, v := range data[y*stride : y*stride+w] {
			sign := uint32(v) >> 31
			m := uint32(v)
			if sign == 1 {
				m = -m
			}
			e.mags, e.signs = append(e.mags, m), append(e.signs, sign)
			all |= m
		}
	}
	planes = bits.Len32(all)
	if planes == 0 {
		return 0, nil
	}
	e.mq.start()
	for plane := uint(planes); plane > 0; {
		plane--
		if plane != uint(planes-1) {
			e.significance(plane)
			e.refinement(plane)
		}
		e.cleanup(plane)
	}
	return planes, append([]byte(nil), e.mq.finish()...)
}

// sample codes whether sample i of the column at p becomes significant in the
// plane, and its sign if it does.
func (e *blockEncoder) sample(p int, i uint, at int, plane uint, around uint32) {
	bit := e.mags[at] >> plane & 1
	e.mq.encode(e.sig[around&maskAround], bit)
	if bit == 1 {
		e.sign(p, i, at)
	}
}

func (e *blockEncoder) sign(p int, i uint, at int) {
	c := signContext[e.signIndex(p, i)]
	e.mq.encode(c&0x7f, e.signs[at]^uint32(c>>7))
	e.become(p, i, e.signs[at])
}

func (e *blockEncoder) significance(plane uint) {
	for y, row := 0, e.stride+1; y < e.h; y, row = y+4, row+e.stride {
		for x := range e.w {
			p := row + x
			if e.flags[p]&maskSig == 0 {
				continue
			}
			for i := range uint(min(4, e.h-y)) {
				around := e.flags[p] >> (3 * i)
				if around&flagSelf != 0 || around&maskAround == 0 {
					continue
				}
				e.sample(p, i, (y+int(i))*e.w+x, plane, around)
				e.flags[p] |= 1 << (flagVisited + i)
			}
		}
	}
}

func (e *blockEncoder) refinement(plane uint) {
	for y, row := 0, e.stride+1; y < e.h; y, row = y+4, row+e.stride {
		for x := range e.w {
			f := e.flags[row+x]
			for i := range uint(min(4, e.h-y)) {
				if f>>(3*i)&flagSelf == 0 || f>>(flagVisited+i)&1 != 0 {
					continue
				}
				e.mq.encode(refineContext(f, i), e.mags[(y+int(i))*e.w+x]>>plane&1)
				f |= 1 << (flagRefined + i)
			}
			e.flags[row+x] = f
		}
	}
}

func (e *blockEncoder) cleanup(plane uint) {
	for y, row := 0, e.stride+1; y < e.h; y, row = y+4, row+e.stride {
		n := uint(min(4, e.h-y))
		for x := range e.w {
			p := row + x
			i := uint(0)
			if n == 4 && e.flags[p]&(maskSig|maskVisited) == 0 {
				for i < 4 && e.mags[(y+int(i))*e.w+x]>>plane&1 == 0 {
					i++
				}
				if i == 4 {
					e.mq.encode(ctxRun, 0)
					continue
				}
				e.mq.encode(ctxRun, 1)
				e.mq.encode(ctxUniform, uint32(i>>1))
				e.mq.encode(ctxUniform, uint32(i&1))
				e.sign(p, i, (y+int(i))*e.w+x)
				i++
			}
			for ; i < n; i++ {
				f := e.flags[p]
				if f>>(3*i)&flagSelf == 0 && f>>(flagVisited+i)&1 == 0 {
					e.sample(p, i, (y+int(i))*e.w+x, plane, f>>(3*i))
				}
			}
			e.flags[p] &^= maskVisited
		}
	}
}
