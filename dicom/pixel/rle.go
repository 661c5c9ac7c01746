package pixel

import (
	"encoding/binary"
	"fmt"

	"github.com/tresor-pacs/tresor/dicom/dict"
)

var (
	_ = register(dict.UIDRLELossless, decodeRLE)
	_ = registerEncoder(dict.UIDRLELossless, encodeRLE)
)

const (
	rleHeader   = 64 // the number of segments and 15 offsets (PS3.5 section G.5)
	rleSegments = 15
)

// decodeRLE decodes a frame of RLE Lossless (PS3.5 annex G): one segment for
// each byte of a sample, the most significant first, sample by sample.
func decodeRLE(frame []byte, d *Description, _ Limits) (decoded, error) {
	width, pixels := d.SampleBytes(), d.Pixels()
	segments, err := rleSplit(frame, d.SamplesPerPixel*width)
	if err != nil {
		return decoded{}, err
	}
	if d.BitsAllocated == 1 {
		packed := make([]byte, (pixels+7)/8)
		if err := rleDecode(packed, 1, segments[0]); err != nil {
			return decoded{}, err
		}
		return decoded{samples: unpackBits(packed, 0, pixels)}, nil
	}
	for _, s := range segments { // two bytes make 128 at most
		if len(s) < pixels/64 {
			return decoded{}, fmt.Errorf("%w: RLE segment of %d bytes for %d pixels", ErrSyntax, len(s), pixels)
		}
	}
	out := make([]byte, d.FrameBytes())
	stride := d.SamplesPerPixel * width
	for i, s := range segments {
		at := i/width*width + width - 1 - i%width
		if err := rleDecode(out[at:], stride, s); err != nil {
			return decoded{}, err
		}
	}
	return decoded{samples: out}, nil
}

// rleSplit returns the n segments of a frame.
func rleSplit(frame []byte, n int) ([][]byte, error) {
	if len(frame) < rleHeader {
		return nil, fmt.Errorf("%w: RLE header of %d bytes", ErrSyntax, len(frame))
	}
	if got := binary.LittleEndian.Uint32(frame); n > rleSegments || got != uint32(n) {
		return nil, fmt.Errorf("%w: %d RLE segments instead of %d", ErrSyntax, got, n)
	}
	segments := make([][]byte, n)
	end := uint32(len(frame))
	for i := n - 1; i >= 0; i-- {
		from := binary.LittleEndian.Uint32(frame[4+4*i:])
		if from < rleHeader || from > end {
			return nil, fmt.Errorf("%w: RLE segment %d begins outside of the frame", ErrSyntax, i+1)
		}
		segments[i], end = frame[from:end], from
	}
	return segments, nil
}

// rleDecode fills every stride-th byte of out from a segment (PS3.5 section
// G.3.2). The segment may make one byte more, if it was padded before it was
// encoded, and may end with bytes that make nothing.
func rleDecode(out []byte, stride int, segment []byte) error {
	at, extra := 0, 0
	for len(segment) > 0 && extra <= 1 {
		n := int(int8(segment[0]))
		segment = segment[1:]
		switch {
		case n >= 0 && at >= len(out) && extra == 0 && len(segment) == 0:
			return nil // a padding byte
		case n >= 0:
			if n++; n > len(segment) {
				return fmt.Errorf("%w: RLE segment ends within a run", ErrSyntax)
			}
			for _, v := range segment[:n] {
				if at >= len(out) {
					extra++
					continue
				}
				out[at] = v
				at += stride
			}
			segment = segment[n:]
		case n > -128:
			if len(segment) == 0 {
				return fmt.Errorf("%w: RLE segment ends within a run", ErrSyntax)
			}
			v := segment[0]
			segment = segment[1:]
			for range 1 - n {
				if at >= len(out) {
					extra++
					continue
				}
				out[at] = v
				at += stride
			}
		}
	}
	if at < len(out) || extra > 1 {
		return fmt.Errorf("%w: RLE segment of another size than the frame's", ErrSyntax)
	}
	return nil
}

func encodeRLE(samples []byte, d *Description) ([]byte, error) {
	width, row := d.SampleBytes(), d.Columns
	n := d.SamplesPerPixel * width
	if n > rleSegments {
		return nil, fmt.Errorf("%w: RLE of %d segments", ErrUnsupported, n)
	}
	if d.BitsAllocated == 1 {
		samples = packBits(samples)
		row = len(samples) // rows do not begin at a byte
	}
	out := make([]byte, rleHeader, rleHeader+len(samples)/2)
	binary.LittleEndian.PutUint32(out, uint32(n))
	line := make([]byte, row)
	for i := range n {
		if len(out) > 1<<32-1-2*len(samples) {
			return nil, fmt.Errorf("%w: RLE frame of more than 4 GiB", ErrUnsupported)
		}
		binary.LittleEndian.PutUint32(out[4+4*i:], uint32(len(out)))
		at := i/width*width + width - 1 - i%width
		for at < len(samples) {
			for x := range line {
				line[x] = samples[at]
				at += n
			}
			out = rleAppend(out, line)
		}
		if len(out)%2 == 1 {
			out = append(out, 0)
		}
	}
	return out, nil
}

// rleAppend encodes one row, which is encoded apart from others (PS3.5 section
// G.3.1).
func rleAppend(out, row []byte) []byte {
	for len(row) > 0 {
		run := 1
		for run < len(row) && run < 128 && row[run] == row[0] {
			run++
		}
		if run > 1 {
			out = append(out, byte(1-run), row[0])
			row = row[run:]
			continue
		}
		for run < len(row) && run < 128 && (run+2 >= len(row) || row[run] != row[run+1] || row[run] != row[run+2]) {
			run++
		}
		out = append(append(out, byte(run-1)), row[:run]...)
		row = row[run:]
	}
	return out
}
