package pixel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/pixel/jpeg2000"
)

var (
	_ = register(dict.UIDJPEG2000Lossless, decodeJPEG2000)
	_ = register(dict.UIDJPEG2000, decodeJPEG2000)
	_ = register(dict.UIDHTJ2KLossless, decodeJPEG2000)
	_ = register(dict.UIDHTJ2KLosslessRPCL, decodeJPEG2000)
	_ = register(dict.UIDHTJ2K, decodeJPEG2000)
	_ = registerEncoder(dict.UIDJPEG2000Lossless, encodeJPEG2000)
	_ = registerEncoder(dict.UIDJPEG2000, encodeJPEG2000)
	_ = registerEncoder(dict.UIDHTJ2KLossless, encodeHTJ2K)
	_ = registerEncoder(dict.UIDHTJ2KLosslessRPCL, encodeHTJ2K)
	_ = registerEncoder(dict.UIDHTJ2K, encodeHTJ2K)
)

// isJPEG2000 reports whether a transfer syntax has frames of JPEG 2000.
func isJPEG2000(ts dicom.UID) bool {
	switch ts {
	case dict.UIDJPEG2000Lossless, dict.UIDJPEG2000, dict.UIDHTJ2KLossless, dict.UIDHTJ2KLosslessRPCL, dict.UIDHTJ2K:
		return true
	}
	return false
}

// reversibleColour reports whether the encoder uses the reversible component
// transform.
func reversibleColour(d *Description) bool {
	return d.SamplesPerPixel == 3 && (d.Photometric == RGB || d.Photometric == YBRRCT)
}

// jpeg2000Time is how long one frame may take: the largest that Limits allow
// takes seconds, and bytes made to waste time could take much longer.
const jpeg2000Time = 30 * time.Second

// decodeJPEG2000 decodes a frame of JPEG 2000 or HTJ2K (PS3.5 sections A.4.4
// and A.4.11). The component transform is undone.
func decodeJPEG2000(frame []byte, d *Description, _ Limits) (decoded, error) {
	limits := jpeg2000.DefaultLimits()
	limits.Samples = min(limits.Samples, int64(d.Pixels())*int64(d.SamplesPerPixel))
	limits.Components = d.SamplesPerPixel
	ctx, cancel := context.WithTimeout(context.Background(), jpeg2000Time)
	defer cancel()
	head, err := jpeg2000.DecodeHeader(frame, limits)
	if err != nil {
		return decoded{}, jpeg2000Error(err)
	}
	if head.Width != d.Columns || head.Height != d.Rows || len(head.Components) != d.SamplesPerPixel {
		return decoded{}, fmt.Errorf("%w: JPEG 2000 image of %d by %d by %d", ErrSyntax, head.Width, head.Height, len(head.Components))
	}
	for _, c := range head.Components {
		if c.Bits > d.BitsAllocated {
			return decoded{}, fmt.Errorf("%w: JPEG 2000 samples of %d bits", ErrSyntax, c.Bits)
		}
	}
	m, err := jpeg2000.Decode(ctx, frame, limits)
	if err != nil {
		return decoded{}, jpeg2000Error(err)
	}
	out := decoded{samples: make([]byte, d.FrameBytes())}
	for i := range m.Planes {
		jpeg2000Samples(out.samples, m, i, d)
	}
	if d.Photometric == YBRRCT || d.Photometric == YBRICT {
		out.photometric = RGB
	}
	return out, nil
}

// jpeg2000Samples writes the samples of one component where they belong.
func jpeg2000Samples(out []byte, m *jpeg2000.Image, component int, d *Description) {
	width := d.SampleBytes()
	stride, at := width*d.SamplesPerPixel, width*component
	info := m.Components[component]
	whole := info.Width == m.Width && info.Height == m.Height
	for y := range m.Height {
		for x := range m.Width {
			var v int32
			if whole {
				v = m.Planes[component][y*m.Width+x]
			} else {
				v = m.At(component, x, y)
			}
			for b := range width {
				out[at+b] = byte(v >> min(8*b, 31))
			}
			at += stride
		}
	}
}

// jpeg2000Error gives the codec's errors the kinds of this package.
func jpeg2000Error(err error) error {
	switch {
	case errors.Is(err, jpeg2000.ErrUnsupported):
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	case errors.Is(err, jpeg2000.ErrLimit), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", ErrLimit, err)
	}
	return fmt.Errorf("%w: %w", ErrSyntax, err)
}

// encodeJPEG2000 encodes a frame without loss. RGB goes through the reversible
// component transform, which the data set then names YBR_RCT (PS3.5 section
// 8.2.4).
func encodeJPEG2000(samples []byte, d *Description) ([]byte, error) {
	return encodeJ2K(samples, d, jpeg2000.Encode)
}

// encodeHTJ2K is encodeJPEG2000 with the high-throughput block coder.
func encodeHTJ2K(samples []byte, d *Description) ([]byte, error) {
	return encodeJ2K(samples, d, jpeg2000.EncodeHT)
}

func encodeJ2K(samples []byte, d *Description, encode func(*jpeg2000.Image) ([]byte, error)) ([]byte, error) {
	if d.Float || d.BitsStored > 24 {
		return nil, fmt.Errorf("%w: JPEG 2000 of samples of %d bits", ErrUnsupported, d.BitsStored)
	}
	m := &jpeg2000.Image{Header: jpeg2000.Header{Width: d.Columns, Height: d.Rows,
		ColourTransform: reversibleColour(d)}}
	width, unused := d.SampleBytes(), 32-d.BitsStored
	stride := width * d.SamplesPerPixel
	for c := range d.SamplesPerPixel {
		plane := make([]int32, d.Pixels())
		for i := range plane {
			v := uint32(0)
			for b, s := range samples[i*stride+c*width:][:width] {
				v |= uint32(s) << (8 * b)
			}
			if d.Signed {
				plane[i] = int32(v<<unused) >> unused
			} else {
				plane[i] = int32(v << unused >> unused)
			}
		}
		m.Components = append(m.Components, jpeg2000.ComponentInfo{Bits: d.BitsStored, Signed: d.Signed})
		m.Planes = append(m.Planes, plane)
	}
	b, err := encode(m)
	if err != nil {
		return nil, jpeg2000Error(err)
	}
	return b, nil
}
