package pixel_test

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/pixel"
)

// row makes a data set of one row of 16-bit pixels.
func row(t *testing.T, photometric string, signed bool, values ...int64) *dicom.DataSet {
	t.Helper()
	ds := &dicom.DataSet{}
	sign := int64(0)
	if signed {
		sign = 1
	}
	err := errors.Join(
		ds.PutInts(dict.SamplesPerPixel, dicom.VRUS, 1),
		ds.PutString(dict.PhotometricInterpretation, dicom.VRCS, photometric),
		ds.PutInts(dict.Rows, dicom.VRUS, 1),
		ds.PutInts(dict.Columns, dicom.VRUS, int64(len(values))),
		ds.PutInts(dict.BitsAllocated, dicom.VRUS, 16),
		ds.PutInts(dict.BitsStored, dicom.VRUS, 16),
		ds.PutInts(dict.HighBit, dicom.VRUS, 15),
		ds.PutInts(dict.PixelRepresentation, dicom.VRUS, sign),
	)
	if err != nil {
		t.Fatal(err)
	}
	var b []byte
	for _, v := range values {
		b = append(b, byte(v), byte(v>>8))
	}
	ds.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROW, Data: b})
	return ds
}

func renderRow(t *testing.T, ds *dicom.DataSet, o pixel.RenderOptions) image.Image {
	t.Helper()
	im, err := pixel.Open(ds, encoding.ExplicitLE.UID, pixel.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	picture, err := im.Render(ds, 0, o)
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

func TestWindows(t *testing.T) {
	for _, c := range []struct {
		name        string
		photometric string
		window      pixel.Window
		want        []byte // for -100, 0, 50, 100, 200
	}{
		{"linear", "MONOCHROME2", pixel.Window{Center: 50, Width: 101}, []byte{0, 1, 129, 255, 255}},
		{"linear by name", "MONOCHROME2", pixel.Window{Center: 50, Width: 101, Function: "LINEAR"}, []byte{0, 1, 129, 255, 255}},
		{"threshold", "MONOCHROME2", pixel.Window{Center: 50, Width: 1}, []byte{0, 0, 255, 255, 255}},
		{"exact", "MONOCHROME2", pixel.Window{Center: 50, Width: 100, Function: "LINEAR_EXACT"}, []byte{0, 0, 128, 255, 255}},
		{"sigmoid", "MONOCHROME2", pixel.Window{Center: 50, Width: 100, Function: "SIGMOID"}, []byte{1, 30, 128, 225, 254}},
		{"inverse", "MONOCHROME1", pixel.Window{Center: 50, Width: 100, Function: "LINEAR_EXACT"}, []byte{255, 255, 128, 0, 0}},
	} {
		ds := row(t, c.photometric, true, -100, 0, 50, 100, 200)
		got := renderRow(t, ds, pixel.RenderOptions{Window: &c.window}).(*image.Gray).Pix
		if !bytes.Equal(got, c.want) {
			t.Errorf("%s: %v instead of %v", c.name, got, c.want)
		}
	}
}

func TestRescaleThenWindowOfFunctionalGroups(t *testing.T) {
	ds := row(t, "MONOCHROME2", false, 0, 1000, 2000)
	transformation, voi, group := &dicom.DataSet{}, &dicom.DataSet{}, &dicom.DataSet{}
	err := errors.Join(
		transformation.PutString(dict.RescaleSlope, dicom.VRDS, "2"),
		transformation.PutString(dict.RescaleIntercept, dicom.VRDS, "-2000"),
		voi.PutString(dict.WindowCenter, dicom.VRDS, "0"),
		voi.PutString(dict.WindowWidth, dicom.VRDS, "4000"),
		voi.PutString(dict.VOILUTFunction, dicom.VRCS, "LINEAR_EXACT"),
	)
	if err != nil {
		t.Fatal(err)
	}
	group.PutItems(dict.PixelValueTransformationSequence, transformation)
	group.PutItems(dict.FrameVOILUTSequence, voi)
	ds.PutItems(dict.SharedFunctionalGroupsSequence, group)
	if got := renderRow(t, ds, pixel.RenderOptions{}).(*image.Gray).Pix; !bytes.Equal(got, []byte{0, 128, 255}) {
		t.Errorf("%v", got)
	}
}

func TestLookupTables(t *testing.T) {
	table := func(first int64, values ...int64) *dicom.DataSet {
		item := &dicom.DataSet{}
		if err := errors.Join(
			item.PutInts(dict.LUTDescriptor, dicom.VRSS, int64(len(values)), first, 8),
			item.PutInts(dict.LUTData, dicom.VRUS, values...),
		); err != nil {
			t.Fatal(err)
		}
		return item
	}
	ds := row(t, "MONOCHROME2", true, -300, -2, -1, 0, 9)
	ds.PutItems(dict.ModalityLUTSequence, table(-2, 3, 2, 1))
	ds.PutItems(dict.VOILUTSequence, table(1, 0, 100, 255))
	if got := renderRow(t, ds, pixel.RenderOptions{}).(*image.Gray).Pix; !bytes.Equal(got, []byte{255, 255, 100, 0, 0}) {
		t.Errorf("%v", got)
	}
}

func TestSegmentedPalette(t *testing.T) {
	ds := row(t, "PALETTE COLOR", false, 0, 1, 2, 3, 4, 5, 6)
	for _, tags := range [][2]dicom.Tag{
		{dict.RedPaletteColorLookupTableDescriptor, dict.SegmentedRedPaletteColorLookupTableData},
		{dict.GreenPaletteColorLookupTableDescriptor, dict.SegmentedGreenPaletteColorLookupTableData},
		{dict.BluePaletteColorLookupTableDescriptor, dict.SegmentedBluePaletteColorLookupTableData},
	} {
		if err := ds.PutInts(tags[0], dicom.VRUS, 7, 0, 16); err != nil {
			t.Fatal(err)
		}
		// Discrete 0, linear to 0x8000 in two steps, discrete 0xFF00; then the first
		// two again: 0, 0x4000, 0x8000.
		if err := ds.PutInts(tags[1], dicom.VRUS, 0, 1, 0, 1, 2, 0x8000, 0, 1, 0xFF00, 2, 2, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	picture := renderRow(t, ds, pixel.RenderOptions{}).(*image.RGBA)
	for x, want := range []byte{0, 0x40, 0x80, 0xFF, 0, 0x40, 0x80} {
		if c := picture.RGBAAt(x, 0); c.R != want || c.G != want || c.B != want || c.A != 0xFF {
			t.Errorf("entry %d: %v instead of %02x", x, c, want)
		}
	}
}

func TestOverlayAspectAndSize(t *testing.T) {
	ds := row(t, "MONOCHROME2", false, 0, 0, 0, 0)
	if err := errors.Join(
		ds.PutString(dict.PixelAspectRatio, dicom.VRIS, "3", "1"),
		ds.PutInts(dict.OverlayRows, dicom.VRUS, 1),
		ds.PutInts(dict.OverlayColumns, dicom.VRUS, 3),
		ds.PutInts(dict.OverlayOrigin, dicom.VRSS, 1, 2),
	); err != nil {
		t.Fatal(err)
	}
	ds.Put(dicom.Element{Tag: dict.OverlayData, VR: dicom.VROW, Data: []byte{5, 0}})
	picture := renderRow(t, ds, pixel.RenderOptions{}).(*image.Gray)
	if picture.Bounds() != image.Rect(0, 0, 4, 3) || !bytes.Equal(picture.Pix[8:], []byte{0, 255, 0, 255}) {
		t.Errorf("%v %v", picture.Bounds(), picture.Pix)
	}
	small := renderRow(t, ds, pixel.RenderOptions{FitColumns: 2, NoOverlays: true})
	if small.Bounds() != image.Rect(0, 0, 2, 1) {
		t.Errorf("%v", small.Bounds())
	}
	var b bytes.Buffer
	if err := pixel.WriteJPEG(&b, picture, 0, nil); err != nil {
		t.Fatal(err)
	}
	if got, err := jpeg.Decode(&b); err != nil || got.Bounds() != picture.Bounds() {
		t.Errorf("JPEG: %v", err)
	}
}

func FuzzRender(f *testing.F) {
	f.Add([]byte{0, 0, 1, 0, 2, 0}, []byte{3, 0, 0, 0, 16, 0}, []byte{0, 0, 1, 0, 5, 0, 1, 0, 2, 0, 9, 0}, byte(0))
	photometrics := []string{"PALETTE COLOR", "MONOCHROME2", "MONOCHROME1"}
	f.Fuzz(func(t *testing.T, pixels, descriptor, table []byte, kind byte) {
		if len(pixels) < 2 || len(pixels) > 1<<10 {
			return
		}
		ds := row(t, photometrics[int(kind)%3], kind&0x80 != 0, make([]int64, len(pixels)/2)...)
		ds.Get(dict.PixelData).Data = pixels
		for i := range dicom.Tag(3) {
			ds.Put(dicom.Element{Tag: dict.RedPaletteColorLookupTableDescriptor + i, VR: dicom.VRUS, Data: descriptor})
			ds.Put(dicom.Element{Tag: dict.RedPaletteColorLookupTableData + i + dicom.Tag(kind&1)*0x20, VR: dicom.VROW, Data: table})
		}
		item := &dicom.DataSet{}
		item.Put(dicom.Element{Tag: dict.LUTDescriptor, VR: dicom.VRUS, Data: descriptor})
		item.Put(dicom.Element{Tag: dict.LUTData, VR: dicom.VROW, Data: table})
		if kind&2 != 0 {
			ds.PutItems(dict.VOILUTSequence, item)
		}
		ds.Put(dicom.Element{Tag: dict.OverlayRows, VR: dicom.VRUS, Data: []byte{1, 0}})
		ds.Put(dicom.Element{Tag: dict.OverlayColumns, VR: dicom.VRUS, Data: descriptor})
		ds.Put(dicom.Element{Tag: dict.OverlayOrigin, VR: dicom.VRSS, Data: table})
		ds.Put(dicom.Element{Tag: dict.OverlayData, VR: dicom.VROW, Data: table})
		im, err := pixel.Open(ds, encoding.ExplicitLE.UID, pixel.Limits{})
		if err != nil {
			return
		}
		_, _ = im.Render(ds, 0, pixel.RenderOptions{FitColumns: int(kind)})
	})
}
