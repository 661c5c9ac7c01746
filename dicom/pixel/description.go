package pixel

import (
	"fmt"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// Photometric is a value of Photometric Interpretation (PS3.3 section C.7.6.3.1.2).
type Photometric string

// The interpretations that PS3.3 defines and does not retire.
const (
	Monochrome1   Photometric = "MONOCHROME1"
	Monochrome2   Photometric = "MONOCHROME2"
	PaletteColor  Photometric = "PALETTE COLOR"
	RGB           Photometric = "RGB"
	YBRFull       Photometric = "YBR_FULL"
	YBRFull422    Photometric = "YBR_FULL_422"
	YBRPartial422 Photometric = "YBR_PARTIAL_422"
	YBRPartial420 Photometric = "YBR_PARTIAL_420"
	YBRICT        Photometric = "YBR_ICT"
	YBRRCT        Photometric = "YBR_RCT"
)

// Description is what the Image Pixel module says of pixel data (PS3.3 section
// C.7.6.3).
type Description struct {
	Rows, Columns   int
	SamplesPerPixel int
	BitsAllocated   int // of a sample: 1, 8, 16, 32 or 64
	BitsStored      int
	HighBit         int
	Signed          bool // Pixel Representation: two's complement
	Float           bool // Float or Double Float Pixel Data
	Planar          bool // Planar Configuration: colour-by-plane, in native data
	Photometric     Photometric
	Frames          int
}

// Describe reads the Image Pixel module of ds. What is missing but follows from
// the rest, as Samples Per Pixel of one, is filled in; what contradicts itself
// is an error.
func Describe(ds *dicom.DataSet) (*Description, error) {
	d := &Description{Photometric: Photometric(ds.String(dict.PhotometricInterpretation))}
	for _, f := range []struct {
		to      *int
		tag     dicom.Tag
		missing int // the value if it is absent; -1 if it must be there
	}{
		{&d.Rows, dict.Rows, -1},
		{&d.Columns, dict.Columns, -1},
		{&d.BitsAllocated, dict.BitsAllocated, -1},
		{&d.SamplesPerPixel, dict.SamplesPerPixel, 1},
		{&d.Frames, dict.NumberOfFrames, 1},
	} {
		if err := intOf(ds, f.tag, f.missing, f.to); err != nil {
			return nil, err
		}
	}
	d.Float = ds.Has(dict.FloatPixelData) || ds.Has(dict.DoubleFloatPixelData)
	var representation, planar int
	for _, f := range []struct {
		to      *int
		tag     dicom.Tag
		missing int
	}{
		{&d.BitsStored, dict.BitsStored, d.BitsAllocated},
		{&d.HighBit, dict.HighBit, -2},
		{&representation, dict.PixelRepresentation, 0},
		{&planar, dict.PlanarConfiguration, 0},
	} {
		if f.tag == dict.HighBit {
			f.missing = d.BitsStored - 1
		}
		if err := intOf(ds, f.tag, f.missing, f.to); err != nil {
			return nil, err
		}
	}
	d.Signed = representation == 1
	d.Planar = planar == 1 && d.SamplesPerPixel > 1
	if d.Float {
		d.BitsStored, d.HighBit, d.Signed = d.BitsAllocated, d.BitsAllocated-1, false
	}
	return d, d.check()
}

func intOf(ds *dicom.DataSet, tag dicom.Tag, missing int, to *int) error {
	e := ds.Get(tag)
	if e == nil || e.Empty() {
		if missing < 0 {
			return fmt.Errorf("%w: %v is missing", ErrSyntax, tag)
		}
		*to = missing
		return nil
	}
	v, err := ds.Int(tag)
	if err != nil && tag == dict.NumberOfFrames {
		*to = 1 // text that is no number: what can be seen is the first frame
		return nil
	}
	if err != nil || v < 0 || v > 1<<31-1 {
		return fmt.Errorf("%w: %v is not a number in range", ErrSyntax, tag)
	}
	*to = int(v)
	return nil
}

func (d *Description) check() error {
	bad := func(what string) error { return fmt.Errorf("%w: %s", ErrSyntax, what) }
	switch {
	case d.Rows < 1 || d.Rows > 65535 || d.Columns < 1 || d.Columns > 65535:
		return bad("Rows or Columns out of range")
	case d.Frames < 1:
		return bad("no frames")
	case d.SamplesPerPixel < 1 || d.SamplesPerPixel > 4:
		return bad("Samples Per Pixel out of range")
	case d.BitsAllocated != 1 && d.BitsAllocated != 8 && d.BitsAllocated != 16 &&
		d.BitsAllocated != 32 && d.BitsAllocated != 64:
		return bad("Bits Allocated is not 1, 8, 16, 32 or 64")
	case d.BitsStored < 1 || d.BitsStored > d.BitsAllocated:
		return bad("Bits Stored out of range")
	case d.HighBit >= d.BitsAllocated || d.HighBit < d.BitsStored-1:
		return bad("High Bit out of range")
	case d.Float && d.BitsAllocated < 32:
		return bad("floating point samples of less than 32 bits")
	case d.BitsAllocated == 1 && d.SamplesPerPixel != 1:
		return bad("pixels of several 1-bit samples")
	}
	return nil
}

// SampleBytes returns the size of a sample in a decoded frame.
func (d *Description) SampleBytes() int { return (d.BitsAllocated + 7) / 8 }

// FrameBytes returns the size of a decoded frame.
func (d *Description) FrameBytes() int64 {
	return int64(d.Rows) * int64(d.Columns) * int64(d.SamplesPerPixel) * int64(d.SampleBytes())
}

// Pixels returns the number of pixels of a frame.
func (d *Description) Pixels() int { return d.Rows * d.Columns }

// within checks d against l.
func (d *Description) within(l Limits) error {
	if d.FrameBytes() > l.FrameBytes {
		return fmt.Errorf("%w: a frame of %d bytes", ErrLimit, d.FrameBytes())
	}
	if d.Frames > l.Frames {
		return fmt.Errorf("%w: %d frames", ErrLimit, d.Frames)
	}
	return nil
}

// nativeBits returns the size of a frame in native pixel data, in bits: frames
// of 1-bit pixels follow each other without padding (PS3.5 section 8.1.1).
func (d *Description) nativeBits() int64 {
	bits := int64(d.Pixels()) * int64(d.SamplesPerPixel) * int64(d.BitsAllocated)
	if d.subsampled() {
		return bits / 3 * 2
	}
	return bits
}

// subsampled reports whether native data has one pair of chrominance samples
// for two pixels (PS3.3 section C.7.6.3.1.2).
func (d *Description) subsampled() bool {
	return d.SamplesPerPixel == 3 && d.Columns%2 == 0 &&
		(d.Photometric == YBRFull422 || d.Photometric == YBRPartial422)
}
