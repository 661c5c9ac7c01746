package jpeg2000

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
)

// Encode encodes an image without loss: the reversible wavelet of up to five
// levels, one tile, one layer, code-blocks of 64 by 64. Components are not
// subsampled, and of 24 bits at most. If m.ColourTransform is set, the first
// three components, which must then be alike, go through the reversible
// component transform. The rest of what Header says is ignored.
func Encode(m *Image) ([]byte, error) { return encode(m, false) }

// EncodeHT is Encode with the high-throughput block coder (T.814), packets in
// the order of resolutions, as many of these as it takes to have one with a side
// of 64 samples, and the tile-part's length in the main header.
func EncodeHT(m *Image) ([]byte, error) { return encode(m, true) }

func encode(m *Image, ht bool) ([]byte, error) {
	s, err := encodeStream(m, ht)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	t, err := s.newTile(0, &budget{})
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	if err := t.analyse(m); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	out := s.appendHeaders()
	start := len(out)
	out = append(out, 0xff, 0x90, 0, 10, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0x93)
	t.encodeBlocks()
	err = t.packets(s.components, nil, func(c, r, k int) (bool, error) {
		out = appendPacket(out, &t.comps[c].res[r].precincts[k])
		return true, nil
	})
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	if len(out)-start > math.MaxUint32 {
		return nil, fmt.Errorf("encode: %w", tooMuch("tile of %d bytes", len(out)-start))
	}
	length := uint32(len(out) - start)
	binary.BigEndian.PutUint32(out[start+6:], length)
	if ht {
		binary.BigEndian.PutUint32(out[start-4:], length) // in the TLM segment
	}
	return append(out, 0xff, 0xd9), nil
}

const (
	encodeLevels = 5
	encodeGuard  = 2
	encodeBlock  = 6 // the logarithm of a code-block's sides
	encodeBits   = 24
	// encodeThumbnail is the largest shorter side of EncodeHT's lowest resolution,
	// which is what PS3.5 section 10.18 asks for.
	encodeThumbnail = 64
)

// encodeStream checks the image and chooses the parameters.
func encodeStream(m *Image, ht bool) (*stream, error) {
	if m.Width < 1 || m.Height < 1 || len(m.Components) == 0 || len(m.Components) > 16384 || len(m.Planes) != len(m.Components) {
		return nil, malformed("image without samples")
	}
	s := &stream{size: &size{x1: m.Width, y1: m.Height, tdx: m.Width, tdy: m.Height,
		tilesWide: 1, tilesHigh: 1, components: slices.Clone(m.Components)}}
	code := coding{xcb: encodeBlock, ycb: encodeBlock, reversible: true}
	for code.levels < encodeLevels && min(m.Width, m.Height)>>code.levels > 1 {
		code.levels++
	}
	for ht && ceilShift(min(m.Width, m.Height), code.levels) > encodeThumbnail {
		code.levels++
	}
	for r := range code.precinct {
		code.precinct[r] = [2]uint8{15, 15}
	}
	p := &params{common: common{layers: 1, mct: m.ColourTransform}}
	if ht {
		p.order, code.style = orderRPCL, styleHT
	}
	for i := range s.components {
		c := &s.components[i]
		if c.Bits < 1 || c.Bits > encodeBits || len(m.Planes[i]) != m.Width*m.Height {
			return nil, unsupported("component %d: %d bits, %d samples", i, c.Bits, len(m.Planes[i]))
		}
		c.Width, c.Height, c.DX, c.DY = m.Width, m.Height, 1, 1
		p.coding = append(p.coding, code)
		p.quant = append(p.quant, encodeQuant(c.Bits, code.levels, m.ColourTransform))
	}
	if c := s.components; m.ColourTransform && (len(c) < 3 || c[0] != c[1] || c[0] != c[2]) {
		return nil, unsupported("component transform of unlike components")
	}
	p.roi = make([]uint8, len(p.coding))
	s.main, s.tiles = p, []tileData{{params: p}}
	return s, nil
}

// encodeQuant gives each band the exponent that its range needs (T.800 equation
// E-5); the component transform adds a bit.
func encodeQuant(bits, levels int, mct bool) quant {
	q := quant{guard: encodeGuard, nsteps: 3*levels + 1}
	if mct {
		bits++
	}
	for b := range q.nsteps {
		gain := 0
		if b > 0 {
			gain = 1 + (b-1)%3/2
		}
		q.steps[b].exponent = uint8(bits + gain)
	}
	return q
}

// appendHeaders writes the main header.
func (s *stream) appendHeaders() []byte {
	be := binary.BigEndian
	n := len(s.components)
	ht := s.main.coding[0].style == styleHT
	b := []byte{0xff, 0x4f, 0xff, 0x51}
	b = be.AppendUint16(b, uint16(38+3*n))
	capabilities := uint16(0)
	if ht {
		capabilities = 1 << 14 // see CAP
	}
	b = be.AppendUint16(b, capabilities)
	for _, v := range []int{s.x1, s.y1, 0, 0, s.tdx, s.tdy, 0, 0} {
		b = be.AppendUint32(b, uint32(v))
	}
	b = be.AppendUint16(b, uint16(n))
	for _, c := range s.components {
		v := byte(c.Bits - 1)
		if c.Signed {
			v |= 0x80
		}
		b = append(b, v, 1, 1)
	}
	mct := byte(0)
	if s.main.mct {
		mct = 1
	}
	if ht { // part 15, reversible, one set of passes in a block (T.814 section A.3)
		b = append(b, 0xff, 0x50, 0, 8, 0, 2, 0, 0)
		b = be.AppendUint16(b, s.magnitudes())
	}
	b = append(b, 0xff, 0x52, 0, 12, 0, s.main.order, 0, 1, mct,
		byte(s.main.coding[0].levels), encodeBlock-2, encodeBlock-2, s.main.coding[0].style, 1)
	for i := range s.main.quant {
		q := &s.main.quant[i]
		switch {
		case i == 0:
			b = append(b, 0xff, 0x5c)
			b = be.AppendUint16(b, uint16(3+q.nsteps))
		case *q == s.main.quant[0]:
			continue
		case n > 256:
			b = append(b, 0xff, 0x5d)
			b = be.AppendUint16(be.AppendUint16(b, uint16(5+q.nsteps)), uint16(i))
		default:
			b = append(b, 0xff, 0x5d)
			b = append(be.AppendUint16(b, uint16(4+q.nsteps)), byte(i))
		}
		b = append(b, encodeGuard<<5)
		for _, st := range q.steps[:q.nsteps] {
			b = append(b, st.exponent<<3)
		}
	}
	if ht { // one tile-part, of a length that is not yet known (T.800 section A.7.1)
		b = append(b, 0xff, 0x55, 0, 8, 0, 0x40, 0, 0, 0, 0)
	}
	return b
}

// magnitudes codes how many bit-planes the bands have at most (T.814 section A.3).
func (s *stream) magnitudes() uint16 {
	most := 0
	for _, q := range s.main.quant {
		for _, st := range q.steps[:q.nsteps] {
			most = max(most, q.guard+int(st.exponent)-1)
		}
	}
	switch {
	case most <= 8:
		return 0
	case most < 28:
		return uint16(most - 8)
	}
	return uint16(13 + most/4)
}

// analyse makes coefficients of the image's samples, and the code-blocks.
func (t *tile) analyse(m *Image) error {
	for i := range t.comps {
		c, info := &t.comps[i], &m.Components[i]
		low, high, level := int32(0), int32(1)<<info.Bits-1, int32(1)<<(info.Bits-1)
		if info.Signed {
			low, high, level = -level, level-1, 0
		}
		c.ints = make([]int32, len(m.Planes[i]))
		for j, v := range m.Planes[i] {
			if v < low || v > high {
				return malformed("sample out of the range of %d bits", info.Bits)
			}
			c.ints[j] = v - level
		}
	}
	if t.mct {
		forwardRCT(t.comps[0].ints, t.comps[1].ints, t.comps[2].ints)
	}
	for i := range t.comps {
		c := &t.comps[i]
		forward(c, workersFor(len(c.ints)))
		for r := range c.res {
			for k := range c.res[r].precincts {
				if err := t.build(c, r, k); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// forwardRCT is the reversible transform (T.800 section G.2.1).
func forwardRCT(r, g, b []int32) {
	for i := range r {
		x, y, z := r[i], g[i], b[i]
		r[i], g[i], b[i] = (x+2*y+z)>>2, z-y, x-y
	}
}

// encodeBlocks encodes the code-blocks. It leaves in each what a packet header
// says of it, and its bytes.
func (t *tile) encodeBlocks() {
	var jobs []job
	samples := 0
	for i := range t.comps {
		c := &t.comps[i]
		samples += len(c.ints)
		c.eachBlock(func(b *band, k *block) { jobs = append(jobs, job{c, b, k}) })
	}
	var next atomic.Int64
	workers := workersFor(samples)
	share(workers, workers, func(int, int) {
		var e blockEncoder
		var h htEncoder
		for i := int(next.Add(1)) - 1; i < len(jobs); i = int(next.Add(1)) - 1 {
			c, b, k := jobs[i].c, jobs[i].b, jobs[i].k
			data := c.ints[b.offset+(k.y0-b.y0)*c.width()+k.x0-b.x0:]
			if c.style == styleHT {
				k.keep(b.planes-1, 1, h.encode(data, c.width(), k.width(), k.height()))
			} else {
				planes, out := e.encode(data, c.width(), k.width(), k.height(), b.orient)
				k.keep(b.planes-planes, 3*planes-2, out)
			}
		}
	})
}

// keep notes the bytes of a block without its zero highest bit-planes; none if all
// its coefficients are 0.
func (b *block) keep(zero, passes int, out []byte) {
	b.zero = uint8(zero)
	if len(out) > 0 {
		b.included, b.passes = true, passes
		b.segs = []seg{{passes: passes, pieces: [][]byte{out}}}
	}
}

// appendPacket writes the one packet of a precinct.
func appendPacket(out []byte, pre *precinct) []byte {
	w := newHeaderWriter()
	w.bits(1, 1)
	for i := range pre.parts {
		pre.parts[i].write(w)
	}
	out = append(out, w.finish()...)
	for i := range pre.parts {
		for j := range pre.parts[i].blocks {
			if b := &pre.parts[i].blocks[j]; b.included {
				out = append(out, b.segs[0].pieces[0]...)
			}
		}
	}
	return out
}

// write writes the part of a packet header that is about one band.
func (p *part) write(w *headerWriter) {
	if len(p.blocks) == 0 {
		return
	}
	for j := range p.blocks {
		b := &p.blocks[j]
		p.zeroes.nodes[j].value, p.inclusion.nodes[j].value = int32(b.zero), 1
		if b.included {
			p.inclusion.nodes[j].value = 0
		}
	}
	p.zeroes.settle()
	p.inclusion.settle()
	for j := range p.blocks {
		b := &p.blocks[j]
		p.inclusion.write(w, j, 1)
		if b.included {
			p.zeroes.write(w, j, int32(b.zero)+1)
			w.passCount(b.passes)
			w.length(len(b.segs[0].pieces[0]), b.passes)
		}
	}
}
