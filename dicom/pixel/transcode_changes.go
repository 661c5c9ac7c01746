package pixel

import (
	"fmt"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
)

// changes returns which attributes change with the transfer syntax: those of
// the Image Pixel module (PS3.5 section 8.2), and the tables that tell where
// frames lie.
func (t *Transcoder) changes(header *dicom.DataSet) (*encoding.Pixels, error) {
	p := &encoding.Pixels{
		Elements: new(dicom.DataSet),
		Without:  []dicom.Tag{dict.ExtendedOffsetTable, dict.ExtendedOffsetTableLengths},
		VR:       dicom.VROB, Length: encoding.Undefined,
	}
	photometric, err := encodedAs(t.to.UID, t.first)
	if err != nil {
		return nil, err
	}
	if photometric != Photometric(header.String(dict.PhotometricInterpretation)) {
		p.Elements.PutString(dict.PhotometricInterpretation, dicom.VRCS, string(photometric))
	}
	numbers := []struct {
		tag dicom.Tag
		v   int
	}{{dict.HighBit, t.d.BitsStored - 1}}
	if t.d.SamplesPerPixel > 1 {
		numbers = append(numbers, struct {
			tag dicom.Tag
			v   int
		}{dict.PlanarConfiguration, planarIn(t.to.UID)})
	}
	for _, n := range numbers {
		if is, err := header.Int(n.tag); err != nil || is != int64(n.v) {
			if err := p.Elements.PutInts(n.tag, dicom.VRUS, int64(n.v)); err != nil {
				return nil, err
			}
		}
	}
	if onlyLossy(t.from.UID) && header.String(dict.LossyImageCompression) == "" {
		// Once the syntax no longer tells it, this must (PS3.3 section C.7.6.1.1.5).
		p.Elements.PutString(dict.LossyImageCompression, dicom.VRCS, "01")
	}
	if t.to.Encapsulated {
		return p, nil
	}
	if t.d.BitsAllocated > 8 || !t.to.ExplicitVR {
		p.VR = dicom.VROW
	}
	p.Length, err = t.nativeLength()
	return p, err
}

// encodedAs returns the photometric interpretation of f in the transfer syntax.
func encodedAs(to dicom.UID, f *Frame) (Photometric, error) {
	switch {
	case isJPEG2000(to) && reversibleColour(&f.Description):
		return YBRRCT, nil
	case f.SamplesPerPixel == 3 && (f.subsampled() || f.Photometric == YBRFull422 ||
		f.Photometric == YBRPartial422 || f.Photometric == YBRPartial420):
		// Decoded frames have all samples, for which some interpretations have no name.
		return "", fmt.Errorf("%w: %s with all its samples", ErrUnsupported, f.Photometric)
	case f.Photometric == YBRRCT || f.Photometric == YBRICT:
		return "", fmt.Errorf("%w: %s outside of JPEG 2000", ErrUnsupported, f.Photometric)
	}
	return f.Photometric, nil
}

// planarIn returns the Planar Configuration that goes with a transfer syntax: RLE
// has a segment for each sample (PS3.5 section G.2), in the others it is the
// codec that decides, and 0 is asked for (PS3.5 sections 8.2.1 to 8.2.4).
func planarIn(to dicom.UID) int {
	if to == dict.UIDRLELossless {
		return 1
	}
	return 0
}

// onlyLossy reports whether a transfer syntax has no lossless form.
func onlyLossy(ts dicom.UID) bool {
	return ts == dict.UIDJPEGBaseline8Bit || ts == dict.UIDJPEGExtended12Bit
}

// lossless refuses data sets of which decoding takes something away.
func (t *Transcoder) lossless(header *dicom.DataSet) error {
	if t.d.BitsStored == t.d.BitsAllocated {
		return nil
	}
	for group := uint16(0x6000); group < 0x6020; group += 2 {
		embedded := header.Has(dicom.NewTag(group, 0x0102)) && !header.Has(dicom.NewTag(group, 0x3000))
		if at, err := header.Int(dicom.NewTag(group, 0x0102)); embedded && err == nil && at != 0 {
			return fmt.Errorf("%w: an overlay lies in unused bits of the pixels", ErrUnsupported)
		}
	}
	return nil
}

// unusedClear reports whether the bits that Bits Stored leaves out of native
// pixel data are 0, or the sign's where pixels have one. They have no meaning
// (PS3.5 section 8.1.1), but now and then somebody's data is in them.
func unusedClear(b []byte, d *Description) bool {
	if d.Float || d.BitsStored == d.BitsAllocated || d.BitsAllocated > 32 {
		return true
	}
	width := d.SampleBytes()
	low := d.HighBit + 1 - d.BitsStored
	lowMask := uint32(1)<<low - 1
	highMask := uint32(1<<d.BitsAllocated-1) &^ (uint32(1)<<(d.HighBit+1) - 1)
	for ; len(b) >= width; b = b[width:] {
		var v uint32
		for i := range width {
			v |= uint32(b[i]) << (8 * i)
		}
		if v&lowMask != 0 {
			return false
		}
		negative := d.Signed && v>>d.HighBit&1 == 1
		if high := v & highMask; high != 0 && !(negative && high == highMask) {
			return false
		}
	}
	return true
}
