package pixel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// FrameIndex knows where in an encoded data set the fragments of each frame of
// its encapsulated pixel data lie. It does not change.
type FrameIndex struct{ frames [][]extent }

// extent is a piece of the data set.
type extent struct{ off, n int64 }

const (
	itemStart    = 0xE000FFFE // (FFFE,E000) as it lies in the stream
	sequenceEnd  = 0xE0DDFFFE // (FFFE,E0DD)
	maxFragments = 2_000_000
	maxTable     = 64 << 20 // bytes of an offset table
	// maxEncodedFrame is the largest frame that is read: no codec makes one much
	// larger than the samples, which Limits bound.
	maxEncodedFrame = 512 << 20
)

// LocateFrames walks over the fragments of encapsulated pixel data (PS3.5 section
// A.4) whose value begins at off in r, and finds which of them belong to each of n
// frames. Fragments themselves are not read. end is where the value, or the data
// set, ends; header has the elements before it.
func LocateFrames(r io.ReaderAt, off, end int64, header *dicom.DataSet, n int) (*FrameIndex, error) {
	x, err := locate(&window{r: r}, off, end, header, n)
	if err != nil {
		return nil, fmt.Errorf("locate frames: %w", err)
	}
	return x, nil
}

func locate(w *window, at, end int64, header *dicom.DataSet, n int) (*FrameIndex, error) {
	var all []extent
	for at+itemHeader <= end {
		b, err := w.at(at, itemHeader)
		if err != nil {
			return nil, err
		}
		tag, length := binary.LittleEndian.Uint32(b), int64(binary.LittleEndian.Uint32(b[4:]))
		if tag == sequenceEnd {
			break
		}
		if at += itemHeader; tag != itemStart || length > end-at {
			return nil, fmt.Errorf("%w: no fragment where one is expected", ErrSyntax)
		}
		if len(all) > maxFragments {
			return nil, fmt.Errorf("%w: more than %d fragments", ErrLimit, maxFragments)
		}
		all = append(all, extent{at, length})
		at += length
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: no fragments", ErrSyntax)
	}
	return assign(w, header, all[0], all[1:], n)
}

// assign finds which fragments belong to each of n frames.
func assign(w *window, header *dicom.DataSet, table extent, fragments []extent, n int) (*FrameIndex, error) {
	f := Fragments{Lengths: make([]int64, len(fragments)), Starts: func(i int) bool {
		b, err := w.at(fragments[i].off, int(min(4, fragments[i].n)))
		return err == nil && StartsFrame(b)
	}}
	for i := range fragments {
		f.Lengths[i] = fragments[i].n
	}
	var err error
	if f.BasicOffsets, err = readTable(w.r, table); err != nil {
		return nil, err
	}
	if f.ExtendedOffsets, err = tableValue(w.r, header.Get(dict.ExtendedOffsetTable)); err != nil {
		return nil, err
	}
	if f.ExtendedLengths, err = tableValue(w.r, header.Get(dict.ExtendedOffsetTableLengths)); err != nil {
		return nil, err
	}
	spans, err := f.Frames(n)
	if err != nil {
		return nil, err
	}
	x := &FrameIndex{frames: make([][]extent, n)}
	for i, s := range spans {
		x.frames[i] = fragments[s.From:s.To]
	}
	return x, nil
}

// tableValue returns the value of an element, from wherever it is.
func tableValue(r io.ReaderAt, e *dicom.Element) ([]byte, error) {
	switch {
	case e == nil:
		return nil, nil
	case e.Bulk != nil:
		return readTable(r, extent{e.Bulk.Offset, e.Bulk.Length})
	}
	return e.Data, nil
}

// readTable reads an offset table into memory.
func readTable(r io.ReaderAt, e extent) ([]byte, error) {
	if e.n > maxTable {
		return nil, fmt.Errorf("%w: an offset table of %d bytes", ErrLimit, e.n)
	}
	b := make([]byte, e.n)
	if n, err := r.ReadAt(b, e.off); n < len(b) {
		return nil, fmt.Errorf("read an offset table: %w", err)
	}
	return b, nil
}

// Read reads frame i, counted from zero, from the data set that r has, its
// fragments joined.
func (x *FrameIndex) Read(r io.ReaderAt, i int) ([]byte, error) {
	if i < 0 || i >= len(x.frames) {
		return nil, fmt.Errorf("read a frame: %w: there is no frame %d", ErrSyntax, i+1)
	}
	var size int64
	for _, e := range x.frames[i] {
		size += e.n
	}
	if size > maxEncodedFrame {
		return nil, fmt.Errorf("read a frame: %w: %d bytes of fragments", ErrLimit, size)
	}
	b := make([]byte, size)
	at := int64(0)
	for _, e := range x.frames[i] {
		if n, err := r.ReadAt(b[at:at+e.n], e.off); int64(n) < e.n {
			return nil, fmt.Errorf("read a frame: %w", err)
		}
		at += e.n
	}
	return b, nil
}

// Size returns how many frames and fragments the index holds.
func (x *FrameIndex) Size() int {
	n := len(x.frames)
	for _, f := range x.frames {
		n += len(f)
	}
	return n
}

// window reads item headers through a buffer, so that many small fragments cost
// few reads and large ones are not read.
type window struct {
	r    io.ReaderAt
	buf  [16 << 10]byte
	from int64
	n    int
}

// at returns n bytes at off, at most as many as a window has.
func (w *window) at(off int64, n int) ([]byte, error) {
	if off < w.from || off+int64(n) > w.from+int64(w.n) {
		m, err := w.r.ReadAt(w.buf[:], off)
		if m < n {
			if errors.Is(err, io.EOF) {
				err = fmt.Errorf("%w: it ends within its fragments", ErrSyntax)
			}
			return nil, err
		}
		w.from, w.n = off, m
	}
	return w.buf[off-w.from:][:n], nil
}
