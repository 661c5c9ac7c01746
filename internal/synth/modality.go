package synth

import (
	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// maker makes the instances of one modality. Each is declared in a file of its own.
type maker struct {
	modality string // Modality (0008,0060)
	class    dicom.UID
	count    int // instances in a series
	// fill adds to the object what its modality has beside the common attributes.
	fill func(s *study, o *Object, series, instance int)
}

// makers holds the modalities by the names that Options.Modalities takes.
var makers = map[string]maker{
	"CT":       ct,
	"MR":       mr,
	"PT":       pt,
	"CR":       cr,
	"DX":       dx,
	"MG":       mg,
	"US":       us,
	"XA":       xa,
	"SC":       sc,
	"SR":       sr,
	"DOC":      doc,
	"RTSTRUCT": rtstruct,
	"SEG":      seg,
}

// gray describes pictures of one unsigned sample in two bytes or in one (PS3.3
// section C.7.6.3), and sets how they are drawn.
func (o *Object) gray(rows, cols, bits, frames int, draw func(frame int) *canvas) {
	ds := o.Header
	allocated := 8
	if bits > 8 {
		allocated = 16
	}
	put(ds, dict.PhotometricInterpretation, "MONOCHROME2")
	o.describe(rows, cols, 1, allocated, bits)
	o.pixels = &pixels{frames: frames, size: rows * cols * allocated / 8, columns: cols, samples: 1, bytes: allocated / 8,
		draw: func(frame int, dst []byte) {
			c := draw(frame)
			if allocated == 16 {
				c.putInt(dst, bits)
			} else {
				c.putUint8(dst)
			}
		}}
}

// colour describes pictures of red, green and blue bytes, pixel by pixel.
func (o *Object) colour(rows, cols, frames int, draw func(frame int, dst []byte)) {
	put(o.Header, dict.PhotometricInterpretation, "RGB")
	o.describe(rows, cols, 3, 8, 8)
	putInt(o.Header, dict.PlanarConfiguration, 0)
	o.pixels = &pixels{frames: frames, size: rows * cols * 3, columns: cols, samples: 3, bytes: 1, draw: draw}
}

func (o *Object) describe(rows, cols, samples, allocated, stored int) {
	ds := o.Header
	putInt(ds, dict.SamplesPerPixel, int64(samples))
	putInt(ds, dict.Rows, int64(rows))
	putInt(ds, dict.Columns, int64(cols))
	putInt(ds, dict.BitsAllocated, int64(allocated))
	putInt(ds, dict.BitsStored, int64(stored))
	putInt(ds, dict.HighBit, int64(stored-1))
	putInt(ds, dict.PixelRepresentation, 0)
}

// size returns the rows and columns asked for, else those given.
func (s *study) size(rows, cols int) (int, int) {
	return orElse(s.Rows, rows), orElse(s.Columns, cols)
}
