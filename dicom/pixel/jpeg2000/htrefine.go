package jpeg2000

// htRefiner decodes the refinement passes of a high-throughput block: one
// significance propagation pass, and one magnitude refinement pass, of the
// bit-plane under that of the cleanup pass (T.814 sections 7.4 and 7.5). They
// share a segment: one is read from its beginning, the other from its end.
type htRefiner struct {
	d      *blockDecoder
	stride int
	// state has a border of one sample on each side.
	state []uint8
}

// What a sample of htRefiner.state is.
const (
	htSignificant = 1 << iota // at all
	htNew                     // since the significance propagation pass
)

// refineHT decodes passes refinement passes, one or two, of the plane.
func (d *blockDecoder) refineHT(segment []byte, passes int, plane uint, causal bool) {
	r := &htRefiner{d: d, stride: d.w + 2}
	r.state = make([]uint8, r.stride*(d.h+2))
	for y := range d.h {
		for x, v := range d.data[y*d.w : y*d.w+d.w] {
			if v != 0 {
				r.state[r.at(x, y)] = htSignificant
			}
		}
	}
	r.propagate(segment, plane, causal)
	if passes > 1 {
		r.refine(segment, plane)
	}
}

func (r *htRefiner) at(x, y int) int { return (y+1)*r.stride + x + 1 }

// propagate is the significance propagation pass: stripes of four rows, in each
// the samples column by column, as in T.800 section D.3.1; but the signs of four
// columns come after their significances.
func (r *htRefiner) propagate(segment []byte, plane uint, causal bool) {
	d := r.d
	bits := htForward{b: segment}
	for top := 0; top < d.h; top += 4 {
		rows := min(4, d.h-top)
		for left := 0; left < d.w; left += 4 {
			columns := min(4, d.w-left)
			var found [16][2]int
			n := 0
			for x := left; x < left+columns; x++ {
				for y := top; y < top+rows; y++ {
					if r.member(x, y, causal && y == top+3) && bits.bits(1) == 1 {
						r.state[r.at(x, y)] = htSignificant | htNew
						found[n] = [2]int{x, y}
						n++
					}
				}
			}
			for _, p := range found[:n] {
				d.set(p[0], p[1], plane, bits.bits(1))
			}
		}
	}
}

// member reports whether the pass codes a sample: one that is not significant
// and has a neighbour that is. The row below does not count if it is of another
// stripe and the code-block style says so (T.800 section D.7).
func (r *htRefiner) member(x, y int, withoutBelow bool) bool {
	p := r.at(x, y)
	if r.state[p] != 0 {
		return false
	}
	s, up, down := r.state, p-r.stride, p+r.stride
	around := s[up-1] | s[up] | s[up+1] | s[p-1] | s[p+1]
	if !withoutBelow {
		around |= s[down-1] | s[down] | s[down+1]
	}
	return around != 0
}

// refine is the magnitude refinement pass, of the samples that the cleanup pass
// has found.
func (r *htRefiner) refine(segment []byte, plane uint) {
	d := r.d
	bits := htBackward{b: segment, last: 0xff}
	for top := 0; top < d.h; top += 4 {
		for x := range d.w {
			for y := top; y < min(top+4, d.h); y++ {
				if r.state[r.at(x, y)] == htSignificant {
					d.refine(x, y, plane, bits.bits(1))
				}
			}
		}
	}
}
