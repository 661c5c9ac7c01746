package pixel

import (
	"fmt"
)

// nativeFrame decodes frame i of native pixel data (PS3.5 section 8.1).
func nativeFrame(data []byte, d *Description, i int) (decoded, error) {
	bits := d.nativeBits()
	if d.BitsAllocated == 1 {
		return decoded{samples: unpackBits(data, int64(i)*bits, d.Pixels())}, nil
	}
	size := bits / 8
	if int64(len(data)) < (int64(i)+1)*size {
		return decoded{}, fmt.Errorf("%w: %d bytes are too few", ErrSyntax, len(data))
	}
	data = data[int64(i)*size:][:size]
	switch {
	case d.subsampled():
		return decoded{samples: expand422(data, d.SampleBytes()), photometric: full422(d.Photometric)}, nil
	case d.Planar:
		return decoded{samples: interleave(data, d.SamplesPerPixel, d.SampleBytes())}, nil
	}
	out := make([]byte, size)
	copy(out, data)
	return decoded{samples: out}, nil
}

// unpackBits returns n pixels of one bit, from bit number at on, as a byte
// each. The first pixel of a byte is its lowest bit.
func unpackBits(data []byte, at int64, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		p := at + int64(i)
		out[i] = data[p>>3] >> (p & 7) & 1
	}
	return out
}

// interleave makes colour-by-pixel of colour-by-plane.
func interleave(planes []byte, samples, width int) []byte {
	out := make([]byte, len(planes))
	pixels := len(planes) / samples / width
	for s := range samples {
		plane := planes[s*pixels*width:]
		for p := range pixels {
			copy(out[(p*samples+s)*width:][:width], plane[p*width:])
		}
	}
	return out
}

// expand422 gives every pixel its own chrominance samples: native data has Y1,
// Y2, Cb, Cr for two pixels.
func expand422(b []byte, width int) []byte {
	pairs := len(b) / (4 * width)
	out := make([]byte, 0, pairs*6*width)
	for i := range pairs {
		p := b[i*4*width:]
		chroma := p[2*width : 4*width]
		out = append(append(out, p[:width]...), chroma...)
		out = append(append(out, p[width:2*width]...), chroma...)
	}
	return out
}

// full422 is the interpretation of what expand422 returns.
func full422(p Photometric) Photometric {
	if p == YBRFull422 {
		return YBRFull
	}
	return p
}
