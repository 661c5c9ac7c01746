package pixel

import (
	"io"
)

// Native returns the samples of the frame as native pixel data has them in little
// endian (PS3.5 section 8.1): pixels of one bit lie eight in a byte, and the
// unused bits of signed samples repeat the sign, which programs rely on that take
// a pixel cell for a number. It may be f.Data itself.
func (f *Frame) Native() []byte {
	switch {
	case f.BitsAllocated == 1:
		return packBits(f.Data)
	case !f.Signed || f.BitsStored == f.BitsAllocated:
		return f.Data
	}
	out := make([]byte, len(f.Data))
	width := f.SampleBytes()
	unused := 64 - f.BitsStored
	for i := 0; i+width <= len(out); i += width {
		v := uint64(0)
		for b := range width {
			v |= uint64(f.Data[i+b]) << (8 * b)
		}
		v = uint64(int64(v<<unused) >> unused)
		for b := range width {
			out[i+b] = byte(v >> (8 * b))
		}
	}
	return out
}

// packer writes frames of native pixel data behind each other.
type packer struct {
	w    io.Writer
	odd  bool
	part []byte // pixels of one bit that do not yet fill a byte
}

func (p *packer) frame(f *Frame) error {
	if f.BitsAllocated != 1 {
		return p.write(f.Native())
	}
	pixels := f.Data
	if len(p.part) > 0 {
		pixels = append(p.part, pixels...)
	}
	whole := len(pixels) &^ 7
	p.part = append([]byte(nil), pixels[whole:]...)
	return p.write(packBits(pixels[:whole]))
}

func (p *packer) write(b []byte) error {
	p.odd = p.odd != (len(b)%2 == 1)
	_, err := p.w.Write(b)
	return err
}

// end writes what is left, and the byte that makes the length even.
func (p *packer) end() error {
	if len(p.part) > 0 {
		if err := p.write(packBits(p.part)); err != nil {
			return err
		}
	}
	if p.odd {
		return p.write([]byte{0})
	}
	return nil
}
