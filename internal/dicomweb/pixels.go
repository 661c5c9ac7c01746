package dicomweb

import (
	"fmt"
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
	tag    dicom.Tag         // of the pixel data element
	bulk   dicom.Bulk        // its value
	bits   int64             // of a native frame
	swap   int               // width of the words whose bytes are to be swapped, 0 if none
	frames *pixel.FrameIndex // of encapsulated frames
}

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

// maxTable bounds the lookup tables and overlays that a picture needs, in bytes.
const maxTable = 64 << 20

// maxPixelCache bounds the cache, in fragments.
const maxPixelCache = 1 << 18

func (c *pixelCache) get(l archive.Location) *pixels {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of[l]
}

func (c *pixelCache) put(l archive.Location, p *pixels) {
	n := 16
	if p.frames != nil {
		n += p.frames.Size()
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
	p.frames, err = pixel.LocateFrames(s, p.bulk.Offset, p.bulk.Offset+p.bulk.Length, header, p.Frames)
	return p, err
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
