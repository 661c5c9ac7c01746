package pixel

import (
	"image"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// maxAspect is the most that pixels may differ from squares: beyond, the
// numbers are not believed.
const maxAspect = 16

// displaySize returns the size of a picture with square pixels: the shorter
// side of a pixel is stretched (PS3.3 sections C.7.6.3.1.7 and 10.7).
func displaySize(ds *dicom.DataSet, columns, rows int) (int, int) {
	for _, tag := range []dicom.Tag{dict.PixelAspectRatio, dict.PixelSpacing, dict.ImagerPixelSpacing} {
		v, err := ds.Floats(tag) // vertical, horizontal
		if err != nil || len(v) < 2 || !(v[0] > 0) || !(v[1] > 0) {
			continue
		}
		switch ratio := v[0] / v[1]; {
		case ratio > 1.001 && ratio <= maxAspect:
			return columns, max(int(float64(rows)*ratio+0.5), 1)
		case ratio < 0.999 && ratio >= 1.0/maxAspect:
			return max(int(float64(columns)/ratio+0.5), 1), rows
		}
		return columns, rows
	}
	return columns, rows
}

// fit returns the size of a picture that fits into a box, in which 0 is no
// limit.
func fit(columns, rows, maxColumns, maxRows int) (int, int) {
	if maxColumns > 0 && columns > maxColumns {
		columns, rows = maxColumns, max(rows*maxColumns/columns, 1)
	}
	if maxRows > 0 && rows > maxRows {
		columns, rows = max(columns*maxRows/rows, 1), maxRows
	}
	return columns, rows
}

// scale returns the picture in another size: each pixel is the mean of those
// that it covers, or the one that it lies in.
func scale(picture image.Image, columns, rows int) image.Image {
	b := picture.Bounds()
	if b.Dx() == columns && b.Dy() == rows {
		return picture
	}
	size := image.Rect(0, 0, columns, rows)
	switch p := picture.(type) {
	case *image.Gray:
		out := image.NewGray(size)
		scaleSamples(out.Pix, p.Pix, 1, columns, rows, b.Dx(), b.Dy())
		return out
	case *image.RGBA:
		out := image.NewRGBA(size)
		scaleSamples(out.Pix, p.Pix, 4, columns, rows, b.Dx(), b.Dy())
		return out
	}
	return picture
}

func scaleSamples(out, in []byte, n, columns, rows, fromColumns, fromRows int) {
	for y := range rows {
		y0 := y * fromRows / rows
		y1 := max((y+1)*fromRows/rows, y0+1)
		for x := range columns {
			x0 := x * fromColumns / columns
			x1 := max((x+1)*fromColumns/columns, x0+1)
			for s := range n {
				sum := 0
				for v := y0; v < y1; v++ {
					for u := x0; u < x1; u++ {
						sum += int(in[(v*fromColumns+u)*n+s])
					}
				}
				count := (y1 - y0) * (x1 - x0)
				out[(y*columns+x)*n+s] = byte((sum + count/2) / count)
			}
		}
	}
}
