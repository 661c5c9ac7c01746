package pixel

import "encoding/binary"

// join makes interleaved samples of the planes, giving chrominance back the
// resolution of the picture.
func (dec *dctDecoder[T]) join(d *Description) []byte {
	out := make([]byte, d.FrameBytes())
	n, width := len(dec.planes), d.SampleBytes()
	line := make([]T, dec.header.columns+2*dec.hmax)
	sums := make([]int, dec.header.columns+1)
	for c := range dec.planes {
		p := &dec.planes[c]
		fx, fy := dec.hmax/dec.header.components[c].h, dec.vmax/dec.header.components[c].v
		for y := range d.Rows {
			row := p.row(y, fx, fy, line, sums)[:d.Columns]
			to := out[y*d.Columns*n*width+c*width:]
			if width == 1 {
				for x, v := range row {
					to[x*n] = byte(v)
				}
				continue
			}
			for x, v := range row {
				binary.LittleEndian.PutUint16(to[2*x*n:], uint16(v))
			}
		}
		p.samples = nil // no longer needed
	}
	return out
}

func (pl *dctPlane[T]) at(y int) []T { return pl.samples[y*pl.stride:][:pl.stride] }

// row returns row y of the picture for a plane that has one sample for fx by fy
// pixels. Where that is two by one or two by two, samples are interpolated as if
// they lay in the middle of their pixels, a quarter of the way to the next, as
// the field's libraries do; else they are repeated.
func (pl *dctPlane[T]) row(y, fx, fy int, line []T, sums []int) []T {
	smooth := fx == 2 && pl.width > 2
	switch {
	case fx == 1 && fy == 1:
		return pl.at(y)
	case smooth && fy == 1:
		spread(line, pl.at(y)[:pl.width])
		return line
	case smooth && fy == 2:
		near, far := y/2, y/2-1+y%2*2
		far = min(max(far, 0), pl.height-1)
		a, b := pl.at(near), pl.at(far)
		sums = sums[:pl.width]
		for x := range sums {
			sums[x] = 3*int(a[x]) + int(b[x])
		}
		spreadSums(line, sums)
		return line
	}
	from := pl.at(y / fy)
	for x, v := range from[:pl.width] {
		for i := range fx {
			if x*fx+i < len(line) {
				line[x*fx+i] = v
			}
		}
	}
	return line
}

// spread makes two samples of one, three quarters from it and one quarter from
// its neighbour. Rounding goes down and up in turn, so that it does not drift.
func spread[T uint8 | uint16](out, in []T) {
	last := len(in) - 1
	for x, v := range in {
		left, right := in[max(x-1, 0)], in[min(x+1, last)]
		out[2*x] = T((3*int(v) + int(left) + 1) >> 2)
		out[2*x+1] = T((3*int(v) + int(right) + 2) >> 2)
	}
}

// spreadSums is spread for samples that are already three quarters and one
// quarter of two rows, times four.
func spreadSums[T uint8 | uint16](out []T, in []int) {
	last := len(in) - 1
	for x, v := range in {
		left, right := in[max(x-1, 0)], in[min(x+1, last)]
		out[2*x] = T((3*v + left + 8) >> 4)
		out[2*x+1] = T((3*v + right + 7) >> 4)
	}
}
