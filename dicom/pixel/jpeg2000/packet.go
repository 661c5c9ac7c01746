package jpeg2000

import "math/bits"

// packetReader reads the packets of one tile.
type packetReader struct {
	t       *tile
	body    []byte
	headers []byte // packed packet headers
	packed  bool
}

// next reads one packet: of component c, resolution r, precinct k, in the layer
// that follows the precinct's last. It reports false at the end of the bytes.
func (p *packetReader) next(ci, r, k int) (bool, error) {
	c := &p.t.comps[ci]
	pre := &c.res[r].precincts[k]
	if len(p.body) == 0 && (!p.packed || len(p.headers) == 0) {
		return false, nil
	}
	if pre.parts == nil {
		if err := p.t.build(c, r, k); err != nil {
			return false, err
		}
	}
	if p.t.sop && len(p.body) >= 6 && p.body[0] == 0xff && p.body[1] == markSOP&0xff {
		p.body = p.body[6:]
	}
	h := headerBits{b: p.body}
	if p.packed {
		h.b = p.headers
	}
	var adds []addition
	if h.bit() == 1 {
		for i := range pre.parts {
			var err error
			if adds, err = p.readPart(&h, c, pre.layers, &pre.parts[i], c.res[r].bands[i].planes, adds); err != nil {
				return false, err
			}
		}
	}
	h.align()
	if h.short {
		return false, malformed("packet header cut off")
	}
	rest := h.b[h.pos:]
	if p.t.eph && len(rest) >= 2 && rest[0] == 0xff && rest[1] == markEPH&0xff {
		rest = rest[2:]
	}
	if p.packed {
		p.headers = rest
	} else {
		p.body = rest
	}
	return true, p.readBody(adds)
}

// addition is what a packet adds to a segment of a block.
type addition struct {
	b         *block
	seg       int
	passes, n int
}

// readBody hands the packet's bytes to the blocks.
func (p *packetReader) readBody(adds []addition) error {
	for _, a := range adds {
		if a.n > len(p.body) {
			return malformed("packet cut off")
		}
		s := &a.b.segs[a.seg]
		s.passes += a.passes
		if a.n > 0 {
			s.pieces = append(s.pieces, p.body[:a.n])
		}
		p.body = p.body[a.n:]
	}
	return nil
}

// readPart reads the part of a packet header that is about one band (T.800
// section B.10).
func (p *packetReader) readPart(h *headerBits, c *tileComp, layer int, part *part, planes int, adds []addition) ([]addition, error) {
	for j := range part.blocks {
		b := &part.blocks[j]
		if b.included {
			if h.bit() == 0 {
				continue
			}
		} else {
			if !part.inclusion.below(h, j, int32(layer)+1) {
				continue
			}
			b.included = true
			zero := int32(1)
			for !part.zeroes.below(h, j, zero) {
				if zero++; h.short || zero > 80 {
					return nil, malformed("too many missing bit-planes")
				}
			}
			b.zero = uint8(zero - 1)
		}
		if h.short {
			return nil, malformed("packet header cut off")
		}
		passes := h.passCount()
		for h.bit() == 1 {
			if b.lblock++; b.lblock > 31 {
				return nil, malformed("length of too many bits")
			}
		}
		var err error
		if c.style&styleHT != 0 {
			adds, err = b.htLengths(h, passes, adds)
		} else {
			adds, err = b.lengths(h, passes, c.style, adds)
		}
		if err != nil {
			return nil, err
		}
	}
	return adds, nil
}

// lengths reads the lengths of the codeword segments over which the new passes
// are spread (T.800 section B.10.7, tables D.8 and D.9).
func (b *block) lengths(h *headerBits, passes int, style byte, adds []addition) ([]addition, error) {
	if b.passes+passes > maxPasses {
		return nil, malformed("too many coding passes")
	}
	for passes > 0 {
		if len(b.segs) == 0 || b.passes == segmentEnd(b.passes-1, style) {
			b.segs = append(b.segs, seg{})
		}
		used := min(segmentEnd(b.passes, style)-b.passes, passes)
		n := h.bits(int(b.lblock) + bits.Len(uint(used)) - 1)
		adds = append(adds, addition{b: b, seg: len(b.segs) - 1, passes: used, n: n})
		b.passes += used
		passes -= used
	}
	return adds, nil
}

// maxPasses is more than 31 bit-planes need: 3*31-2.
const maxPasses = 109

// segmentEnd returns the pass after the codeword segment that pass n is in.
func segmentEnd(n int, style byte) int {
	switch {
	case style&styleTermAll != 0:
		return n + 1
	case style&styleBypass == 0:
		return 1 << 30
	case n < firstRaw:
		return firstRaw
	case (n-firstRaw)%3 < 2: // significance propagation and refinement, raw
		return n - (n-firstRaw)%3 + 2
	}
	return n + 1 // cleanup
}

// firstRaw is the first pass that selective bypass codes raw (T.800 table D.9).
const firstRaw = 10

// htLengths reads the lengths of the cleanup segment and of the refinement
// segment of a high-throughput block. Passes that stand for missing bit-planes
// come first, in threes and without bytes (T.814 section B.3).
func (b *block) htLengths(h *headerBits, passes int, adds []addition) ([]addition, error) {
	if b.passes == 0 {
		absent := (passes - 1) / 3
		if int(b.zero)+absent > 80 {
			return nil, malformed("too many missing bit-planes")
		}
		b.zero += uint8(absent)
		passes -= 3 * absent
		b.segs = append(b.segs, seg{})
		n := h.bits(int(b.lblock) + bits.Len(uint(3*absent+1)) - 1)
		adds = append(adds, addition{b: b, passes: 1, n: n})
		b.passes, passes = 1, passes-1
	}
	if passes == 0 {
		return adds, nil
	}
	if b.passes+passes > 3 {
		return nil, unsupported("several sets of high-throughput passes in a block")
	}
	if len(b.segs) == 1 {
		b.segs = append(b.segs, seg{})
	}
	n := h.bits(int(b.lblock) + bits.Len(uint(passes)) - 1)
	adds = append(adds, addition{b: b, seg: 1, passes: passes, n: n})
	b.passes += passes
	return adds, nil
}
