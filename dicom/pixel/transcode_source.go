package pixel

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// frameSource has the frames of one instance as they are stored, of native ones
// in little endian. Frames are asked for in order, each once, but for the first.
type frameSource interface {
	frame(i int) ([]byte, error)
}

// encapsulatedFrames knows where the fragments of each frame lie.
type encapsulatedFrames struct {
	r      io.ReaderAt
	frames [][]extent
}

// extent is a piece of the data set.
type extent struct{ off, n int64 }

// locateFrames walks over the fragments of the pixel data that begins at at.
func locateFrames(r io.ReaderAt, size int64, header *dicom.DataSet, at int64, d *Description) (*encapsulatedFrames, error) {
	var all []extent
	for {
		var head [itemHeader]byte
		if _, err := r.ReadAt(head[:], at); err != nil {
			return nil, fmt.Errorf("%w: fragments: %w", ErrSyntax, err)
		}
		tag, n := binary.LittleEndian.Uint32(head[:]), int64(binary.LittleEndian.Uint32(head[4:]))
		if tag == sequenceEnd {
			break
		}
		at += itemHeader
		if tag != itemStart || n > size-at {
			return nil, fmt.Errorf("%w: no fragment where one is expected", ErrSyntax)
		}
		if len(all) > maxFragments {
			return nil, fmt.Errorf("%w: more than %d fragments", ErrLimit, maxFragments)
		}
		all = append(all, extent{at, n})
		at += n
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: no fragments", ErrSyntax)
	}
	return assign(r, header, all[0], all[1:], d.Frames)
}

const (
	itemStart    = 0xE000FFFE // (FFFE,E000) as it lies in the stream
	sequenceEnd  = 0xE0DDFFFE // (FFFE,E0DD)
	maxFragments = 2_000_000
	maxTable     = 64 << 20 // bytes of an offset table
)

// assign finds which fragments belong to each of n frames.
func assign(r io.ReaderAt, header *dicom.DataSet, table extent, fragments []extent, n int) (*encapsulatedFrames, error) {
	f := Fragments{Lengths: make([]int64, len(fragments)), Starts: func(i int) bool {
		b := make([]byte, min(4, fragments[i].n))
		_, err := r.ReadAt(b, fragments[i].off)
		return err == nil && StartsFrame(b)
	}}
	for i := range fragments {
		f.Lengths[i] = fragments[i].n
	}
	var err error
	if f.BasicOffsets, err = readExtent(r, table); err != nil {
		return nil, err
	}
	for tag, to := range map[dicom.Tag]*[]byte{
		dict.ExtendedOffsetTable: &f.ExtendedOffsets, dict.ExtendedOffsetTableLengths: &f.ExtendedLengths} {
		switch e := header.Get(tag); {
		case e == nil:
		case e.Bulk != nil:
			if *to, err = readExtent(r, extent{e.Bulk.Offset, e.Bulk.Length}); err != nil {
				return nil, err
			}
		default:
			*to = e.Data
		}
	}
	spans, err := f.Frames(n)
	if err != nil {
		return nil, err
	}
	source := &encapsulatedFrames{r: r, frames: make([][]extent, n)}
	for i, s := range spans {
		source.frames[i] = fragments[s.From:s.To]
	}
	return source, nil
}

// readExtent reads a table into memory.
func readExtent(r io.ReaderAt, e extent) ([]byte, error) {
	if e.n > maxTable {
		return nil, fmt.Errorf("%w: an offset table of %d bytes", ErrLimit, e.n)
	}
	b := make([]byte, e.n)
	if n, err := r.ReadAt(b, e.off); n < len(b) {
		return nil, fmt.Errorf("read an offset table: %w", err)
	}
	return b, nil
}

// frame implements frameSource. What lies in the file is not larger than the
// file is, but it may be larger than a frame can be.
func (s *encapsulatedFrames) frame(i int) ([]byte, error) {
	var size int64
	for _, e := range s.frames[i] {
		size += e.n
	}
	if size > maxEncodedFrame {
		return nil, fmt.Errorf("%w: %d bytes of fragments", ErrLimit, size)
	}
	b := make([]byte, size)
	at := int64(0)
	for _, e := range s.frames[i] {
		if n, err := s.r.ReadAt(b[at:at+e.n], e.off); int64(n) < e.n {
			return nil, fmt.Errorf("read fragments: %w", err)
		}
		at += e.n
	}
	return b, nil
}

// maxEncodedFrame is the largest frame that is decoded: no codec makes one much
// larger than the samples, which Limits bound.
const maxEncodedFrame = 512 << 20

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
