package pixel

import (
	"fmt"
	"image"
	"slices"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// shutterTags are the attributes of the Display Shutter and Bitmap Display
// Shutter modules.
var shutterTags = []dicom.Tag{
	dict.ShutterShape, dict.ShutterLeftVerticalEdge, dict.ShutterRightVerticalEdge,
	dict.ShutterUpperHorizontalEdge, dict.ShutterLowerHorizontalEdge,
	dict.CenterOfCircularShutter, dict.RadiusOfCircularShutter, dict.VerticesOfThePolygonalShutter,
	dict.ShutterPresentationValue, dict.ShutterOverlayGroup,
}

// maxVertices bounds a polygonal shutter: each row of the picture is compared
// with each edge.
const maxVertices = 4096

// drawShutter covers what lies outside of the display shutter of frame i (PS3.3
// sections C.7.6.11 and C.7.6.15). What is visible lies within all of its shapes.
func drawShutter(picture image.Image, ds *dicom.DataSet, i int) error {
	for _, g := range groupsOf(ds, i, dict.FrameDisplayShutterSequence) {
		shapes := g.Strings(dict.ShutterShape)
		if len(shapes) == 0 {
			continue
		}
		value, err := g.Int(dict.ShutterPresentationValue)
		if err != nil {
			value = 0 // black
		}
		for _, shape := range slices.Compact(shapes) {
			visible, err := shutterShape(g, ds, shape, picture.Bounds())
			if err != nil {
				return err
			}
			if visible != nil {
				cover(picture, visible, byte(value>>8))
			}
		}
		return nil
	}
	return nil
}

// shutterShape returns which pixels a shape leaves visible; nil for a shape that
// is not known.
func shutterShape(g, ds *dicom.DataSet, shape string, bounds image.Rectangle) (func(x, y int) bool, error) {
	bad := fmt.Errorf("%w: display shutter", ErrSyntax)
	switch shape {
	case "RECTANGULAR":
		var edge [4]int64
		for i, t := range []dicom.Tag{dict.ShutterLeftVerticalEdge, dict.ShutterRightVerticalEdge, dict.ShutterUpperHorizontalEdge, dict.ShutterLowerHorizontalEdge} {
			v, err := g.Int(t)
			if err != nil {
				return nil, bad
			}
			edge[i] = v
		}
		return func(x, y int) bool {
			column, row := int64(x)+1, int64(y)+1
			return column >= edge[0] && column <= edge[1] && row >= edge[2] && row <= edge[3]
		}, nil
	case "CIRCULAR":
		center, err := g.Floats(dict.CenterOfCircularShutter) // row, column
		radius, err2 := g.Float(dict.RadiusOfCircularShutter)
		if err != nil || err2 != nil || len(center) < 2 {
			return nil, bad
		}
		return func(x, y int) bool {
			dx, dy := float64(x+1)-center[1], float64(y+1)-center[0]
			return dx*dx+dy*dy <= radius*radius
		}, nil
	case "POLYGONAL":
		v, err := g.Floats(dict.VerticesOfThePolygonalShutter)
		if err != nil || len(v) < 6 || len(v)%2 != 0 || len(v) > 2*maxVertices {
			return nil, bad
		}
		return polygon(v), nil
	case "BITMAP":
		return bitmapShutter(g, ds)
	}
	return nil, nil
}

// polygon returns which pixels lie within the vertices, pairs of row and column:
// those from which a line to the left crosses an odd number of edges.
func polygon(v []float64) func(x, y int) bool {
	row, crossings := -1, []float64(nil)
	return func(x, y int) bool {
		if y != row { // pixels are asked for row by row
			row, crossings = y, crossings[:0]
			at := float64(y) + 1
			for i := 0; i < len(v); i += 2 {
				j := (i + 2) % len(v)
				if (v[i] <= at) != (v[j] <= at) {
					crossings = append(crossings, v[i+1]+(at-v[i])/(v[j]-v[i])*(v[j+1]-v[i+1]))
				}
			}
		}
		inside := false
		for _, c := range crossings {
			if c <= float64(x)+1 {
				inside = !inside
			}
		}
		return inside
	}
}

// bitmapShutter is an overlay whose ones are covered (PS3.3 section C.7.6.15).
func bitmapShutter(g, ds *dicom.DataSet) (func(x, y int) bool, error) {
	bad := fmt.Errorf("%w: bitmap shutter", ErrSyntax)
	number, err := g.Int(dict.ShutterOverlayGroup)
	if err != nil || number < 0x6000 || number > 0x601E || number%2 != 0 {
		return nil, bad
	}
	group := dicom.Tag(number-0x6000) << 16
	rows, err := ds.Int(dict.OverlayRows + group)
	columns, err2 := ds.Int(dict.OverlayColumns + group)
	e := ds.Get(dict.OverlayData + group)
	if err != nil || err2 != nil || e == nil || rows < 0 || columns < 0 || rows > 0xFFFF || columns > 0xFFFF || rows*columns > int64(len(e.Data))*8 {
		return nil, bad
	}
	top, left := 0, 0
	if origin, err := ds.Ints(dict.OverlayOrigin + group); err == nil && len(origin) >= 2 {
		top, left = int(origin[0])-1, int(origin[1])-1
	}
	return func(x, y int) bool {
		x, y = x-left, y-top
		if x < 0 || y < 0 || x >= int(columns) || y >= int(rows) {
			return true
		}
		bit := y*int(columns) + x
		return e.Data[bit>>3]>>(bit&7)&1 == 0
	}, nil
}

// cover paints what is not visible.
func cover(picture image.Image, visible func(x, y int) bool, shade byte) {
	b := picture.Bounds()
	for y := range b.Dy() {
		for x := range b.Dx() {
			if !visible(x, y) {
				paint(picture, x, y, shade)
			}
		}
	}
}

// paint sets a pixel to a shade of grey.
func paint(picture image.Image, x, y int, shade byte) {
	switch p := picture.(type) {
	case *image.Gray:
		p.Pix[p.PixOffset(x, y)] = shade
	case *image.RGBA:
		at := p.PixOffset(x, y)
		p.Pix[at], p.Pix[at+1], p.Pix[at+2] = shade, shade, shade
	}
}
