package pixel

import (
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"math"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// RenderOptions are for Image.Render. The zero value shows a frame as the data
// set says.
type RenderOptions struct {
	Window     *Window // instead of the data set's VOI transformation
	VOI        int     // which of the data set's windows or VOI LUTs, from 0
	NoOverlays bool
	// Presentation is a softcopy presentation state that applies to the frame
	// (PS3.4 annex N): its transformations stand in place of the data set's, and
	// Window and VOI are not looked at. Its graphic annotations are not drawn.
	Presentation *dicom.DataSet
	// Region is the part of the picture that is shown; nil is all of it. It is
	// mirrored left to right with FlipColumns, and top to bottom with FlipRows.
	Region                *Region
	FlipColumns, FlipRows bool
	// FitColumns and FitRows are a box into which the picture is made to fit by
	// making it smaller; 0 is no limit. With Enlarge it is made larger too.
	FitColumns, FitRows int
	Enlarge             bool
}

// Render makes a picture of frame i, counted from zero: Image.Frame and
// Frame.Render in one.
func (im *Image) Render(ds *dicom.DataSet, i int, o RenderOptions) (image.Image, error) {
	f, err := im.Frame(i)
	if err != nil {
		return nil, err
	}
	return f.show(ds, i, o, im.limits.FrameBytes)
}

// Render makes a picture of f, which is frame i, counted from zero, of ds: the
// grayscale or colour pipeline of PS3.4 section N.2 with the transformations
// that ds or a presentation state holds, its display shutter, its overlays, and
// square pixels. It returns an *image.Gray or an opaque *image.RGBA. The pixel
// data itself need not be in ds. Overlays in unused bits of the pixel data,
// which PS3.3 has retired, are not shown.
func (f *Frame) Render(ds *dicom.DataSet, i int, o RenderOptions) (image.Image, error) {
	return f.show(ds, i, o, DefaultLimits().FrameBytes)
}

func (f *Frame) show(ds *dicom.DataSet, i int, o RenderOptions, limit int64) (image.Image, error) {
	how, source := ds, f
	if o.Presentation != nil {
		how, o.Window, o.VOI = presented(ds, o.Presentation, i), nil, 0
		if f.Photometric == Monochrome1 { // the state itself says what is white
			copied := *f
			copied.Photometric, source = Monochrome2, &copied
		}
	}
	picture, err := source.render(how, i, o)
	if err == nil {
		err = drawShutter(picture, how, i)
	}
	if err == nil && !o.NoOverlays {
		picture, err = drawOverlays(picture, how, i)
	}
	if err != nil {
		return nil, fmt.Errorf("render frame: %w", err)
	}
	return arrange(picture, how, layoutOf(ds, o.Presentation, i, picture.Bounds()), o, limit)
}

// arrange cuts, turns and scales a picture.
func arrange(picture image.Image, ds *dicom.DataSet, l layout, o RenderOptions, limit int64) (image.Image, error) {
	columns, rows := displaySize(ds, l.area.Dx(), l.area.Dy())
	if l.magnified > 0 {
		columns, rows = magnify(columns, l.magnified), magnify(rows, l.magnified)
	}
	if err := affordable(columns, rows, limit); err != nil {
		return nil, err
	}
	if err := affordable(l.area.Dx(), l.area.Dy(), limit); err != nil {
		return nil, err
	}
	plain := l.turns == 0 && !l.flip && o.Region == nil && !o.FlipColumns && !o.FlipRows && l.magnified == 0
	picture = crop(picture, l.area)
	if !plain {
		picture = turn(scale(picture, columns, rows), l.turns, l.flip, false)
		if o.Region != nil {
			picture = crop(picture, o.Region.of(picture.Bounds()))
		}
		picture = turn(picture, 0, o.FlipColumns, o.FlipRows)
		columns, rows = picture.Bounds().Dx(), picture.Bounds().Dy()
	}
	if l.magnified > 0 { // the size is given: what does not fit is cut off (PS3.18 section 9.5.2.3)
		return crop(picture, centred(picture.Bounds(), o.FitColumns, o.FitRows)), nil
	}
	columns, rows = fit(columns, rows, o.FitColumns, o.FitRows)
	if b := picture.Bounds(); o.Enlarge {
		columns, rows = enlarge(columns, rows, o.FitColumns, o.FitRows)
		if err := affordable(columns, rows, limit); err != nil {
			return nil, err
		}
		if columns > b.Dx() && rows > b.Dy() {
			return grow(picture, columns, rows), nil
		}
	}
	return scale(picture, columns, rows), nil
}

// affordable reports whether a picture of the size is within a limit of bytes.
func affordable(columns, rows int, limit int64) error {
	if int64(columns)*int64(rows)*4 > limit {
		return fmt.Errorf("render frame: %w: %d by %d pixels", ErrLimit, columns, rows)
	}
	return nil
}

// magnify multiplies a length, which stays a number that can be multiplied.
func magnify(n int, by float64) int {
	return int(min(max(math.Round(float64(n)*by), 1), 1<<24))
}

// centred returns the middle of a picture that fits into a box; 0 is no limit.
func centred(b image.Rectangle, columns, rows int) image.Rectangle {
	if columns > 0 && columns < b.Dx() {
		b.Min.X = (b.Dx() - columns) / 2
		b.Max.X = b.Min.X + columns
	}
	if rows > 0 && rows < b.Dy() {
		b.Min.Y = (b.Dy() - rows) / 2
		b.Max.Y = b.Min.Y + rows
	}
	return b
}

func (f *Frame) render(ds *dicom.DataSet, i int, o RenderOptions) (image.Image, error) {
	switch f.Photometric {
	case Monochrome1, Monochrome2:
		if f.SamplesPerPixel != 1 {
			break
		}
		return f.renderGray(ds, i, o)
	case PaletteColor:
		if f.SamplesPerPixel != 1 || f.Float {
			break
		}
		return f.renderPalette(ds)
	case RGB, YBRFull, YBRFull422, YBRPartial422, YBRPartial420, YBRICT, YBRRCT:
		if f.SamplesPerPixel != 3 || f.Float {
			break
		}
		return f.renderColour(), nil
	}
	return nil, fmt.Errorf("%w: photometric interpretation with %d samples", ErrUnsupported, f.SamplesPerPixel)
}

// WritePNG writes a rendered picture as PNG, without loss, with an ICC profile
// unless that is nil.
func WritePNG(w io.Writer, picture image.Image, profile []byte) error {
	if profile != nil {
		w = &inserter{w: w, after: pngHeader, piece: pngProfile(profile)}
	}
	e := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := e.Encode(w, picture); err != nil {
		return fmt.Errorf("write PNG: %w", err)
	}
	return nil
}

// WriteJPEG writes a rendered picture as baseline JPEG with a quality from 1 to
// 100, for which 0 is 90, and with an ICC profile unless that is nil.
func WriteJPEG(w io.Writer, picture image.Image, quality int, profile []byte) error {
	if quality == 0 {
		quality = 90
	}
	if profile != nil {
		w = &inserter{w: w, after: len("\xff\xd8"), piece: jpegProfile(profile)}
	}
	if err := jpeg.Encode(w, picture, &jpeg.Options{Quality: quality}); err != nil {
		return fmt.Errorf("write JPEG: %w", err)
	}
	return nil
}

// groupsOf returns where the attributes of frame i may be: its functional
// groups, the shared ones (PS3.3 section C.7.6.16), the data set.
func groupsOf(ds *dicom.DataSet, i int, macro dicom.Tag) []*dicom.DataSet {
	var out []*dicom.DataSet
	add := func(items []dicom.Item, i int) {
		if i < len(items) {
			if m := items[i].Items(macro); len(m) > 0 {
				out = append(out, m[0].DataSet)
			}
		}
	}
	add(ds.Items(dict.PerFrameFunctionalGroupsSequence), i)
	add(ds.Items(dict.SharedFunctionalGroupsSequence), 0)
	return append(out, ds)
}

// Window is a window of the VOI LUT module (PS3.3 section C.11.2.1.2).
type Window struct {
	Center, Width float64
	Function      string // LINEAR, which "" stands for, LINEAR_EXACT or SIGMOID
}

// check reports whether the width is one that the function has.
func (w Window) check() error {
	switch {
	case w.Function != "" && w.Function != "LINEAR" && w.Function != "LINEAR_EXACT" && w.Function != "SIGMOID":
		return fmt.Errorf("%w: VOI LUT function", ErrUnsupported)
	case !(w.Width > 0) || w.Width < 1 && (w.Function == "" || w.Function == "LINEAR"):
		return fmt.Errorf("%w: window width out of range", ErrSyntax)
	}
	return nil
}
