package pixel

import (
	"image"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// renderPalette shows palette colour (PS3.3 section C.7.9).
func (f *Frame) renderPalette(ds *dicom.DataSet) (*image.RGBA, error) {
	var colours [3]*lut
	for i, tags := range [3][3]dicom.Tag{
		{dict.RedPaletteColorLookupTableDescriptor, dict.RedPaletteColorLookupTableData, dict.SegmentedRedPaletteColorLookupTableData},
		{dict.GreenPaletteColorLookupTableDescriptor, dict.GreenPaletteColorLookupTableData, dict.SegmentedGreenPaletteColorLookupTableData},
		{dict.BluePaletteColorLookupTableDescriptor, dict.BluePaletteColorLookupTableData, dict.SegmentedBluePaletteColorLookupTableData},
	} {
		var err error
		if colours[i], err = readPalette(ds, tags[0], tags[1], tags[2], f.Signed); err != nil {
			return nil, err
		}
	}
	picture := image.NewRGBA(image.Rect(0, 0, f.Columns, f.Rows))
	for i := range f.Pixels() {
		v := int(f.value(i))
		p := picture.Pix[4*i:][:4]
		for c, l := range colours {
			p[c] = eightBits(uint64(l.at(v)), l.bits)
		}
		p[3] = 0xFF
	}
	return picture, nil
}

// eightBits brings a number of so many bits to eight.
func eightBits(v uint64, bits int) byte {
	if bits > 8 {
		return byte(v >> (bits - 8))
	}
	return byte(v * 255 / (1<<bits - 1))
}

// renderColour shows samples of three colours (PS3.3 section C.7.6.3.1.2).
func (f *Frame) renderColour() *image.RGBA {
	picture := image.NewRGBA(image.Rect(0, 0, f.Columns, f.Rows))
	bias := uint64(0)
	if f.Signed {
		bias = 1 << (f.BitsStored - 1)
	}
	for i := range f.Pixels() {
		p := picture.Pix[4*i:][:4]
		for c := range 3 {
			p[c] = eightBits(f.Sample(3*i+c)^bias, f.BitsStored)
		}
		switch f.Photometric {
		case YBRFull, YBRFull422, YBRICT:
			ybrFull(p)
		case YBRPartial422, YBRPartial420:
			ybrPartial(p)
		case YBRRCT:
			ybrRCT(p)
		}
		p[3] = 0xFF
	}
	return picture
}

func limit8(v int32) byte { return byte(min(max(v, 0), 255)) }

// ybrFull makes R, G, B of luminance and chrominance of full range, in 16
// fractional bits.
func ybrFull(p []byte) {
	y, b, r := int32(p[0])<<16+1<<15, int32(p[1])-128, int32(p[2])-128
	p[0] = limit8((y + 91881*r) >> 16)           // 1.402
	p[1] = limit8((y - 22554*b - 46802*r) >> 16) // 0.344136, 0.714136
	p[2] = limit8((y + 116130*b) >> 16)          // 1.772
}

// ybrPartial is ybrFull for luminance from 16 to 235 and chrominance from 16 to
// 240.
func ybrPartial(p []byte) {
	y, b, r := 76309*(int32(p[0])-16)+1<<15, int32(p[1])-128, int32(p[2])-128
	p[0] = limit8((y + 104597*r) >> 16)
	p[1] = limit8((y - 25675*b - 53279*r) >> 16)
	p[2] = limit8((y + 132201*b) >> 16)
}

// ybrRCT undoes the reversible component transformation for samples that no
// codec has undone it for.
func ybrRCT(p []byte) {
	y, b, r := int32(p[0]), int32(p[1])-128, int32(p[2])-128
	g := y - (b+r)>>2
	p[0], p[1], p[2] = limit8(r+g), limit8(g), limit8(b+g)
}
