package pixel

import (
	"fmt"
	"image"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// drawOverlays draws the overlay planes of groups 6000 to 601E (PS3.3 section
// C.9.2) in white.
func drawOverlays(picture image.Image, ds *dicom.DataSet, frame int) (image.Image, error) {
	for group := dicom.Tag(0); group < 0x200000; group += 0x20000 {
		if !ds.Has(dict.OverlayData+group) || isShutterGroup(ds, dict.OverlayData+group) {
			continue
		}
		if err := drawOverlay(picture, ds, group, frame); err != nil {
			return nil, err
		}
	}
	return picture, nil
}

func drawOverlay(picture image.Image, ds *dicom.DataSet, group dicom.Tag, frame int) error {
	var rows, columns, frames, first int
	for _, f := range []struct {
		to      *int
		tag     dicom.Tag
		missing int
	}{
		{&rows, dict.OverlayRows, -1},
		{&columns, dict.OverlayColumns, -1},
		{&frames, dict.NumberOfFramesInOverlay, 1},
		{&first, dict.ImageFrameOrigin, 1},
	} {
		if err := intOf(ds, f.tag+group, f.missing, f.to); err != nil {
			return err
		}
	}
	data := ds.Get(dict.OverlayData + group).Data
	size := int64(rows) * int64(columns)
	if size > int64(len(data))*8 || int64(frames) > int64(len(data))*8 || size*int64(frames) > int64(len(data))*8 {
		return fmt.Errorf("%w: overlay data is shorter than its dimensions", ErrSyntax)
	}
	plane := 0 // without its own number of frames an overlay is for all
	if ds.Has(dict.NumberOfFramesInOverlay + group) {
		if plane = frame - (first - 1); plane < 0 || plane >= frames {
			return nil
		}
	}
	top, left := 0, 0
	if origin, err := ds.Ints(dict.OverlayOrigin + group); err == nil && len(origin) >= 2 {
		top, left = int(origin[0])-1, int(origin[1])-1
	}
	bounds := picture.Bounds()
	for y := max(0, -top); y < rows && y+top < bounds.Dy(); y++ {
		for x := max(0, -left); x < columns && x+left < bounds.Dx(); x++ {
			bit := int64(plane)*size + int64(y)*int64(columns) + int64(x)
			if data[bit>>3]>>(bit&7)&1 == 1 {
				paint(picture, x+left, y+top, 0xFF)
			}
		}
	}
	return nil
}
