package pixel

import (
	"fmt"
	"io"
)

// frameSource has the frames of one instance as they are stored, of native ones
// in little endian. Frames are asked for in order, each once, but for the first.
type frameSource interface {
	frame(i int) ([]byte, error)
}

// encapsulatedFrames are those of a FrameIndex.
type encapsulatedFrames struct {
	r     io.ReaderAt
	index *FrameIndex
}

// frame implements frameSource.
func (s *encapsulatedFrames) frame(i int) ([]byte, error) { return s.index.Read(s.r, i) }

// nativeFrames reads native pixel data from its beginning.
type nativeFrames struct {
	r    io.Reader // in little endian
	d    *Description
	next int
	last byte // the byte within which the next frame begins
	left int  // how many of its bits are the next frame's
}

// frame implements frameSource.
func (s *nativeFrames) frame(i int) ([]byte, error) {
	if i != s.next {
		return nil, fmt.Errorf("%w: frames are read in order", ErrUnsupported)
	}
	s.next++
	bits := s.d.nativeBits()
	if s.d.BitsAllocated == 1 {
		return s.bits(int(bits))
	}
	b := make([]byte, bits/8)
	if _, err := io.ReadFull(s.r, b); err != nil {
		return nil, fmt.Errorf("%w: pixel data is too short: %w", ErrSyntax, err)
	}
	return b, nil
}

// bits reads n pixels of one bit, which begin within a byte or before one (PS3.5
// section 8.1.1), and returns them from the lowest bit of the first byte on.
func (s *nativeFrames) bits(n int) ([]byte, error) {
	more := make([]byte, (n-min(n, s.left)+7)/8)
	if _, err := io.ReadFull(s.r, more); err != nil {
		return nil, fmt.Errorf("%w: pixel data is too short: %w", ErrSyntax, err)
	}
	all := append([]byte{s.last}, more...)
	from := 8 - s.left
	out := packBits(unpackBits(all, int64(from), n))
	s.last, s.left = all[len(all)-1], 8*len(all)-from-n
	return out, nil
}
