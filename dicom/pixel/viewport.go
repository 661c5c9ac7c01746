package pixel

import (
	"image"
	"image/draw"
	"math"
)

// Region is a part of a picture: its edges as fractions of width and height,
// from 0 to 1 (PS3.18 section 9.5.1.2.5).
type Region struct{ Left, Top, Right, Bottom float64 }

// of returns the region in pixels of a picture; it has one at least.
func (r Region) of(b image.Rectangle) image.Rectangle {
	at := func(f float64, n int) int {
		if math.IsNaN(f) {
			return 0
		}
		return int(math.Round(min(max(f, 0), 1) * float64(n)))
	}
	out := image.Rect(at(r.Left, b.Dx()), at(r.Top, b.Dy()), at(r.Right, b.Dx()), at(r.Bottom, b.Dy()))
	if out.Dx() == 0 {
		out.Min.X = min(out.Min.X, b.Dx()-1)
		out.Max.X = out.Min.X + 1
	}
	if out.Dy() == 0 {
		out.Min.Y = min(out.Min.Y, b.Dy()-1)
		out.Max.Y = out.Min.Y + 1
	}
	return out
}

// empty returns a black picture of the kind of p.
func empty(p image.Image, size image.Rectangle) draw.Image {
	if _, gray := p.(*image.Gray); gray {
		return image.NewGray(size)
	}
	out := image.NewRGBA(size)
	for i := 3; i < len(out.Pix); i += 4 {
		out.Pix[i] = 0xFF
	}
	return out
}

// crop returns a part of a picture; what reaches beyond is black.
func crop(p image.Image, area image.Rectangle) image.Image {
	if area == p.Bounds() {
		return p
	}
	out := empty(p, image.Rect(0, 0, area.Dx(), area.Dy()))
	draw.Draw(out, out.Bounds().Intersect(p.Bounds().Sub(area.Min)), p, image.Pt(max(area.Min.X, 0), max(area.Min.Y, 0)), draw.Src)
	return out
}

// turn returns a picture turned clockwise by quarters, then mirrored left to
// right, then top to bottom.
func turn(p image.Image, quarters int, mirror, mirrorRows bool) image.Image {
	if quarters == 0 && !mirror && !mirrorRows {
		return p
	}
	w, h := p.Bounds().Dx(), p.Bounds().Dy()
	size := image.Rect(0, 0, w, h)
	if quarters%2 == 1 {
		size = image.Rect(0, 0, h, w)
	}
	out := empty(p, size)
	for y := range size.Dy() {
		for x := range size.Dx() {
			u, v := x, y
			if mirror {
				u = size.Dx() - 1 - u
			}
			if mirrorRows {
				v = size.Dy() - 1 - v
			}
			switch quarters {
			case 1:
				u, v = v, h-1-u
			case 2:
				u, v = w-1-u, h-1-v
			case 3:
				u, v = w-1-v, u
			}
			copyPixel(out, x, y, p, u, v)
		}
	}
	return out
}

func copyPixel(to draw.Image, x, y int, from image.Image, u, v int) {
	switch p := from.(type) {
	case *image.Gray:
		to.(*image.Gray).Pix[to.(*image.Gray).PixOffset(x, y)] = p.Pix[p.PixOffset(u, v)]
	case *image.RGBA:
		copy(to.(*image.RGBA).Pix[to.(*image.RGBA).PixOffset(x, y):][:4], p.Pix[p.PixOffset(u, v):][:4])
	}
}

// grow returns the picture in a larger size, each pixel between those of the
// source that lie about it.
func grow(picture image.Image, columns, rows int) image.Image {
	b := picture.Bounds()
	size := image.Rect(0, 0, columns, rows)
	switch p := picture.(type) {
	case *image.Gray:
		out := image.NewGray(size)
		growSamples(out.Pix, p.Pix, 1, columns, rows, b.Dx(), b.Dy())
		return out
	case *image.RGBA:
		out := image.NewRGBA(size)
		growSamples(out.Pix, p.Pix, 4, columns, rows, b.Dx(), b.Dy())
		return out
	}
	return picture
}

// between returns the two source positions about position i of n, and the
// weight of the second one in 256ths.
func between(i, n, from int) (a, b, weight int) {
	at := ((2*i+1)*from*256/n - 256) / 2
	at = min(max(at, 0), (from-1)*256)
	a = at >> 8
	return a, min(a+1, from-1), at & 255
}

func growSamples(out, in []byte, n, columns, rows, fromColumns, fromRows int) {
	for y := range rows {
		y0, y1, wy := between(y, rows, fromRows)
		for x := range columns {
			x0, x1, wx := between(x, columns, fromColumns)
			for s := range n {
				top := int(in[(y0*fromColumns+x0)*n+s])*(256-wx) + int(in[(y0*fromColumns+x1)*n+s])*wx
				bottom := int(in[(y1*fromColumns+x0)*n+s])*(256-wx) + int(in[(y1*fromColumns+x1)*n+s])*wx
				out[(y*columns+x)*n+s] = byte((top*(256-wy) + bottom*wy + 1<<15) >> 16)
			}
		}
	}
}

// enlarge returns the largest size with the proportions of columns and rows that
// fits into a box.
func enlarge(columns, rows, maxColumns, maxRows int) (int, int) {
	if maxColumns <= 0 || maxRows <= 0 || columns >= maxColumns || rows >= maxRows {
		return columns, rows
	}
	if int64(columns)*int64(maxRows) > int64(rows)*int64(maxColumns) {
		return maxColumns, max(int(int64(rows)*int64(maxColumns)/int64(columns)), 1)
	}
	return max(int(int64(columns)*int64(maxRows)/int64(rows)), 1), maxRows
}
