package pixel

import (
	"fmt"
	"slices"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
)

// Image is the pixel data of one instance, not yet decoded. It may be used by
// many at once.
type Image struct {
	Description
	limits  Limits
	decoder *FrameDecoder // nil for native pixel data
	native  []byte
	frames  [][][]byte // of encapsulated pixel data: the fragments of each frame
}

// Open takes the pixel data of ds, which was read in the transfer syntax ts,
// apart into frames and decodes nothing yet. ds must hold the values, not Bulk,
// and must not be changed while the Image is in use.
func Open(ds *dicom.DataSet, ts dicom.UID, l Limits) (*Image, error) {
	im, err := open(ds, ts, l.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("open pixel data: %w", err)
	}
	return im, nil
}

func open(ds *dicom.DataSet, ts dicom.UID, l Limits) (*Image, error) {
	e := pixelElement(ds)
	if e == nil || e.Empty() {
		return nil, ErrNoPixels
	}
	if e.Bulk != nil {
		return nil, dicom.ErrBulk
	}
	d, err := Describe(ds)
	if err != nil {
		return nil, err
	}
	if err := d.within(l); err != nil {
		return nil, err
	}
	im := &Image{Description: *d, limits: l}
	if e.Fragments == nil {
		if s, ok := encoding.Lookup(ts); ok && s.Encapsulated {
			return nil, fmt.Errorf("%w: native pixel data in an encapsulated transfer syntax", ErrSyntax)
		}
		return im, im.openNative(e)
	}
	decoder, ok := Decoder(ts)
	if !ok {
		return nil, fmt.Errorf("%w: no decoder for transfer syntax %s", ErrUnsupported, ts)
	}
	im.decoder = &decoder
	return im, im.openFragments(ds, e.Fragments)
}

// pixelElement returns the element that holds the pixels, of which there is one.
func pixelElement(ds *dicom.DataSet) *dicom.Element {
	for _, tag := range []dicom.Tag{dict.PixelData, dict.FloatPixelData, dict.DoubleFloatPixelData} {
		if e := ds.Get(tag); e != nil {
			return e
		}
	}
	return nil
}

func (im *Image) openNative(e *dicom.Element) error {
	im.Float = e.Tag != dict.PixelData
	if e.Tag == dict.FloatPixelData && im.BitsAllocated != 32 || e.Tag == dict.DoubleFloatPixelData && im.BitsAllocated != 64 {
		return fmt.Errorf("%w: Bits Allocated does not fit floating point samples", ErrSyntax)
	}
	need := (im.nativeBits()*int64(im.Frames) + 7) / 8
	if int64(len(e.Data)) < need {
		return fmt.Errorf("%w: %d bytes instead of %d", ErrSyntax, len(e.Data), need)
	}
	im.native = e.Data
	return nil
}

func (im *Image) openFragments(ds *dicom.DataSet, fragments [][]byte) error {
	f := Fragments{BasicOffsets: fragments[0], Lengths: make([]int64, len(fragments)-1)}
	fragments = fragments[1:]
	for i, b := range fragments {
		f.Lengths[i] = int64(len(b))
	}
	if e := ds.Get(dict.ExtendedOffsetTable); e != nil {
		f.ExtendedOffsets = e.Data
		if e := ds.Get(dict.ExtendedOffsetTableLengths); e != nil {
			f.ExtendedLengths = e.Data
		}
	}
	f.Starts = func(i int) bool { return StartsFrame(fragments[i]) }
	spans, err := f.Frames(im.Frames)
	if err != nil {
		return err
	}
	im.frames = make([][][]byte, len(spans))
	for i, s := range spans {
		im.frames[i] = fragments[s.From:s.To]
	}
	return nil
}

// Encoded returns frame i, counted from zero, as it is encapsulated, its
// fragments joined; nil for native pixel data.
func (im *Image) Encoded(i int) []byte {
	if im.decoder == nil || i < 0 || i >= len(im.frames) {
		return nil
	}
	if len(im.frames[i]) == 1 {
		return im.frames[i][0]
	}
	return slices.Concat(im.frames[i]...)
}

// Frame decodes frame i, counted from zero.
func (im *Image) Frame(i int) (*Frame, error) {
	if i < 0 || i >= im.Frames {
		return nil, fmt.Errorf("decode frame: %w: there is no frame %d", ErrSyntax, i+1)
	}
	if im.decoder != nil {
		return im.decoder.Decode(im.Encoded(i), &im.Description, im.limits)
	}
	out, err := nativeFrame(im.native, &im.Description, i)
	if err != nil {
		return nil, fmt.Errorf("decode frame: %w", err)
	}
	return newFrame(out, &im.Description)
}
