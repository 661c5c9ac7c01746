package dicomweb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/pixel"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// pixels tells where the frames of an instance lie, so that one can be read
// without the others. It does not change.
type pixels struct {
	pixel.Description
	tag    dicom.Tag  // of the pixel data element
	bulk   dicom.Bulk // its value
	bits   int64      // of a native frame
	swap   int        // width of the words whose bytes are to be swapped, 0 if none
	frames [][]extent // of encapsulated frames: their fragments
}

// extent is a piece of the data set.
type extent struct{ off, n int64 }

// pixelTags are the elements that hold pixel data (PS3.3 section C.7.6.3).
var pixelTags = []dicom.Tag{dict.PixelData, dict.FloatPixelData, dict.DoubleFloatPixelData}

// pixelCache remembers the places of frames: a viewer asks for each frame of a
// multi-frame instance by itself. What is in it depends on the object alone, and
// is looked up after the archive has said that the session may read the object.
type pixelCache struct {
	mu   sync.Mutex
	of   map[archive.Location]*pixels
	size int // frames and fragments
}

// maxPixelCache bounds the cache, in fragments.
const maxPixelCache = 1 << 18

func (c *pixelCache) get(l archive.Location) *pixels {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of[l]
}

func (c *pixelCache) put(l archive.Location, p *pixels) {
	n := 16
	for _, f := range p.frames {
		n += 2 + len(f)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil || c.size+n > maxPixelCache {
		c.of, c.size = map[archive.Location]*pixels{}, 0
	}
	if n <= maxPixelCache {
		c.of[l] = p
		c.size += n
	}
}

// pixelsOf returns where the frames of an instance lie.
func (x *exchange) pixelsOf(s *stored) (*pixels, error) {
	cache := &x.service.pixels
	if p := cache.get(s.entry.Location); p != nil {
		return p, nil
	}
	p, err := locate(s)
	if err != nil {
		return nil, err
	}
	cache.put(s.entry.Location, p)
	return p, nil
}

func locate(s *stored) (*pixels, error) {
	header, err := s.header()
	if err != nil {
		return nil, err
	}
	var e *dicom.Element
	for _, t := range pixelTags {
		if e = header.Get(t); e != nil {
			break
		}
	}
	if e == nil || e.Bulk == nil {
		return nil, pixel.ErrNoPixels
	}
	d, err := pixel.Describe(header)
	if err != nil {
		return nil, err
	}
	p := &pixels{Description: *d, tag: e.Tag, bulk: *e.Bulk}
	if !s.syntax.Encapsulated {
		return p, p.native(s)
	}
	return p, p.encapsulated(s, header)
}

// native finds the size of a frame of native pixel data (PS3.5 section 8.1.1).
func (p *pixels) native(s *stored) error {
	samples := int64(p.SamplesPerPixel)
	if p.Photometric == pixel.YBRFull422 || p.Photometric == pixel.YBRPartial422 {
		samples = 2 // the chrominance of two pixels is shared
	}
	p.bits = int64(p.Rows) * int64(p.Columns) * samples * int64(p.BitsAllocated)
	if s.syntax.BigEndian && p.BitsAllocated > 8 {
		p.swap = p.BitsAllocated / 8
	}
	if need := (p.bits*int64(p.Frames) + 7) / 8; p.bits <= 0 || need > p.bulk.Length {
		return fmt.Errorf("%w: fewer bytes than the frames have", pixel.ErrSyntax)
	}
	return nil
}

// window reads item headers of encapsulated pixel data through a buffer, so that
// many small fragments cost few reads and large ones are not read.
type window struct {
	io.ReaderAt
	buf  [32 << 10]byte
	from int64
	n    int
}

// at returns n bytes at off, at most as many as a window has.
func (w *window) at(off int64, n int) ([]byte, error) {
	if off < w.from || off+int64(n) > w.from+int64(w.n) {
		m, err := w.ReadAt(w.buf[:], off)
		if err != nil && !(errors.Is(err, io.EOF) && m >= n) {
			return nil, err
		}
		w.from, w.n = off, m
	}
	return w.buf[off-w.from:][:n], nil
}

const (
	itemTag  = 0xE000FFFE // (FFFE,E000) as it lies in the stream
	endTag   = 0xE0DDFFFE // (FFFE,E0DD)
	itemHead = 8          // bytes of a tag and a length

	maxFragments = 1 << 20
	maxTable     = 64 << 20 // bytes of an offset table
)

// encapsulated finds the fragments of encapsulated pixel data (PS3.5 section
// A.4) and to which frames they belong.
func (p *pixels) encapsulated(s *stored, header *dicom.DataSet) error {
	w := &window{ReaderAt: s}
	var all []extent
	for at, end := p.bulk.Offset, p.bulk.Offset+p.bulk.Length; at+itemHead <= end; {
		b, err := w.at(at, itemHead)
		if err != nil {
			return err
		}
		tag, n := binary.LittleEndian.Uint32(b), int64(binary.LittleEndian.Uint32(b[4:]))
		if tag == endTag {
			break
		}
		if at += itemHead; tag != itemTag || at+n > end || len(all) > maxFragments {
			return fmt.Errorf("%w: fragments", pixel.ErrSyntax)
		}
		all = append(all, extent{at, n})
		at += n
	}
	if len(all) < 2 {
		return fmt.Errorf("%w: no fragments", pixel.ErrSyntax)
	}
	table, fragments := all[0], all[1:]
	f := pixel.Fragments{Lengths: make([]int64, len(fragments)), Starts: func(i int) bool {
		b, err := w.at(fragments[i].off, int(min(4, fragments[i].n)))
		return err == nil && pixel.StartsFrame(b)
	}}
	for i := range fragments {
		f.Lengths[i] = fragments[i].n
	}
	var err error
	if f.BasicOffsets, err = s.bytes(table); err != nil {
		return err
	}
	if f.ExtendedOffsets, err = s.value(header, dict.ExtendedOffsetTable); err != nil {
		return err
	}
	if f.ExtendedLengths, err = s.value(header, dict.ExtendedOffsetTableLengths); err != nil {
		return err
	}
	spans, err := f.Frames(p.Frames)
	if err != nil {
		return err
	}
	for _, span := range spans {
		p.frames = append(p.frames, fragments[span.From:span.To])
	}
	return nil
}

// bytes reads a piece of the data set into memory.
func (s *stored) bytes(e extent) ([]byte, error) {
	if e.n > maxTable {
		return nil, pixel.ErrLimit
	}
	b := make([]byte, e.n)
	_, err := s.ReadAt(b, e.off)
	if errors.Is(err, io.EOF) {
		err = nil // a full read may say it too
	}
	return b, err
}

// value returns the value of an element of bytes, from wherever it is.
func (s *stored) value(header *dicom.DataSet, t dicom.Tag) ([]byte, error) {
	e := header.Get(t)
	switch {
	case e == nil:
		return nil, nil
	case e.Bulk != nil:
		return s.bytes(extent{e.Bulk.Offset, e.Bulk.Length})
	}
	return e.Data, nil
}
