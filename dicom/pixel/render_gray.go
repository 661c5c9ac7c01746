package pixel

import (
	"image"
	"math"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// value returns sample i as the number that it stands for.
func (f *Frame) value(i int) float64 {
	if f.Float {
		if f.BitsAllocated == 32 {
			return float64(math.Float32frombits(uint32(f.Sample(i))))
		}
		return math.Float64frombits(f.Sample(i))
	}
	return f.number(f.Sample(i))
}

// number extends the sign of a stored value.
func (f *Frame) number(v uint64) float64 {
	if f.Signed {
		shift := 64 - f.BitsStored
		return float64(int64(v<<shift) >> shift)
	}
	return float64(v)
}

// modality is the modality LUT or rescaling (PS3.3 section C.11.1).
type modality struct {
	table            *lut
	slope, intercept float64
}

func readModality(ds *dicom.DataSet, i int, signed bool) (modality, error) {
	table, err := readSequenceLUT(ds, dict.ModalityLUTSequence, 0, signed)
	if err != nil || table != nil {
		return modality{table: table}, err
	}
	for _, g := range groupsOf(ds, i, dict.PixelValueTransformationSequence) {
		slope, err := g.Float(dict.RescaleSlope)
		if err != nil || slope == 0 || math.IsInf(slope, 0) {
			continue // a slope of 0 would leave nothing to see
		}
		intercept, err := g.Float(dict.RescaleIntercept)
		if err != nil {
			intercept = 0
		}
		return modality{slope: slope, intercept: intercept}, nil
	}
	return modality{slope: 1}, nil
}

func (m *modality) apply(v float64) float64 {
	if m.table != nil {
		return float64(m.table.at(int(v)))
	}
	return v*m.slope + m.intercept
}

// readVOI returns the VOI transformation (PS3.3 section C.11.2) of frame i: to
// a number from 0 to 1. It is nil if there is none.
func readVOI(ds *dicom.DataSet, i int, o RenderOptions, signed bool) (func(float64) float64, error) {
	if o.Window != nil {
		return o.Window.function()
	}
	for _, g := range groupsOf(ds, i, dict.FrameVOILUTSequence) {
		centers, err := g.Floats(dict.WindowCenter)
		widths, err2 := g.Floats(dict.WindowWidth)
		if err == nil && err2 == nil && o.VOI >= 0 && o.VOI < min(len(centers), len(widths)) {
			w := Window{centers[o.VOI], widths[o.VOI], g.String(dict.VOILUTFunction)}
			if w.check() == nil {
				return w.function()
			}
		}
		table, err := readSequenceLUT(g, dict.VOILUTSequence, max(o.VOI-len(centers), 0), signed)
		if err != nil {
			return nil, err
		}
		if table != nil {
			return table.fraction, nil
		}
	}
	return nil, nil
}

// function returns the window as a function to a number from 0 to 1.
func (w Window) function() (func(float64) float64, error) {
	if err := w.check(); err != nil {
		return nil, err
	}
	switch w.Function {
	case "SIGMOID":
		return func(x float64) float64 { return 1 / (1 + math.Exp(-4*(x-w.Center)/w.Width)) }, nil
	case "LINEAR_EXACT":
		return func(x float64) float64 { return min(max((x-w.Center)/w.Width+0.5, 0), 1) }, nil
	}
	low, high := w.Center-0.5-(w.Width-1)/2, w.Center-0.5+(w.Width-1)/2
	return func(x float64) float64 {
		switch {
		case x <= low:
			return 0
		case x > high:
			return 1
		}
		return (x-(w.Center-0.5))/(w.Width-1) + 0.5
	}, nil
}

// fullRange is the transformation for a frame that has none: all of the range
// that 1 and 8 bits have, else from the least to the greatest value there is,
// but for padding (PS3.3 section C.7.5.1.1.2).
func (f *Frame) fullRange(ds *dicom.DataSet, m *modality) func(float64) float64 {
	low, high := math.Inf(1), math.Inf(-1)
	if f.BitsStored <= 8 && !f.Signed && m.table == nil {
		low, high = m.apply(0), m.apply(float64(uint(1)<<f.BitsStored-1))
		low, high = min(low, high), max(low, high)
	} else {
		padding, err := ds.Int(dict.PixelPaddingValue)
		to, err2 := ds.Int(dict.PixelPaddingRangeLimit)
		if err2 != nil {
			to = padding
		}
		from, to := min(padding, to), max(padding, to)
		for i := range f.Pixels() {
			v := f.value(i)
			if math.IsNaN(v) || math.IsInf(v, 0) || err == nil && v >= float64(from) && v <= float64(to) {
				continue
			}
			v = m.apply(v)
			low, high = min(low, v), max(high, v)
		}
	}
	if !(high > low) {
		return func(v float64) float64 { return min(max(v-low, 0), 1) }
	}
	return func(v float64) float64 { return min(max((v-low)/(high-low), 0), 1) }
}

// renderGray is the grayscale pipeline (PS3.4 section N.2.1).
func (f *Frame) renderGray(ds *dicom.DataSet, i int, o RenderOptions) (*image.Gray, error) {
	m, err := readModality(ds, i, f.Signed)
	if err != nil {
		return nil, err
	}
	voi, err := readVOI(ds, i, o, m.table == nil && (f.Signed || m.intercept < 0))
	if err != nil {
		return nil, err
	}
	if voi == nil {
		voi = f.fullRange(ds, &m)
	}
	presentation, err := readSequenceLUT(ds, dict.PresentationLUTSequence, 0, false)
	if err != nil {
		return nil, err
	}
	inverse := f.Photometric == Monochrome1 || ds.String(dict.PresentationLUTShape) == "INVERSE"
	shade := func(v float64) byte {
		y := voi(m.apply(v))
		if presentation != nil {
			y = presentation.fraction(float64(presentation.first) + y*float64(len(presentation.entries)-1))
		}
		if inverse {
			y = 1 - y
		}
		if !(y > 0) { // NaN too
			return 0
		}
		return byte(math.Round(255 * min(y, 1)))
	}
	picture := image.NewGray(image.Rect(0, 0, f.Columns, f.Rows))
	if f.Float || f.BitsStored > 16 || f.Pixels() < 1<<f.BitsStored {
		for i := range picture.Pix {
			picture.Pix[i] = shade(f.value(i))
		}
		return picture, nil
	}
	table := make([]byte, 1<<f.BitsStored)
	for v := range table {
		table[v] = shade(f.number(uint64(v)))
	}
	for i := range picture.Pix {
		picture.Pix[i] = table[f.Sample(i)]
	}
	return picture, nil
}
