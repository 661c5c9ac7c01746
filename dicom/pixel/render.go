package pixel

import (
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// RenderOptions are for Image.Render. The zero value shows a frame as the data
// set says.
type RenderOptions struct {
	Window     *Window // instead of the data set's VOI transformation
	VOI        int     // which of the data set's windows or VOI LUTs, from 0
	NoOverlays bool
	// FitColumns and FitRows are a box into which the picture is made to fit by
	// making it smaller; 0 is no limit.
	FitColumns, FitRows int
}

// Render makes a picture of frame i, counted from zero: the grayscale or colour
// pipeline of PS3.4 section N.2 with the transformations that ds, the data set
// that the Image was opened from, holds, its overlays, and square pixels. It
// returns an *image.Gray or an opaque *image.RGBA. Overlays in unused bits of
// the pixel data, which PS3.3 has retired, are not shown.
func (im *Image) Render(ds *dicom.DataSet, i int, o RenderOptions) (image.Image, error) {
	f, err := im.Frame(i)
	if err != nil {
		return nil, err
	}
	picture, err := f.render(ds, i, o)
	if err != nil {
		return nil, fmt.Errorf("render frame: %w", err)
	}
	if !o.NoOverlays {
		if picture, err = drawOverlays(picture, ds, i); err != nil {
			return nil, fmt.Errorf("render frame: %w", err)
		}
	}
	columns, rows := displaySize(ds, im.Columns, im.Rows)
	columns, rows = fit(columns, rows, o.FitColumns, o.FitRows)
	if int64(columns)*int64(rows)*4 > im.limits.FrameBytes {
		return nil, fmt.Errorf("render frame: %w: %d by %d pixels", ErrLimit, columns, rows)
	}
	return scale(picture, columns, rows), nil
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

// WritePNG writes a rendered picture as PNG, without loss.
func WritePNG(w io.Writer, picture image.Image) error {
	e := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := e.Encode(w, picture); err != nil {
		return fmt.Errorf("write PNG: %w", err)
	}
	return nil
}

// WriteJPEG writes a rendered picture as baseline JPEG with a quality from 1 to
// 100; 0 is 90.
func WriteJPEG(w io.Writer, picture image.Image, quality int) error {
	if quality == 0 {
		quality = 90
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
