package pixel_test

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/tresor-pacs/tresor/dicom/pixel"
)

func u32(v ...uint32) (b []byte) {
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, x)
	}
	return b
}

func u64(v ...uint64) (b []byte) {
	for _, x := range v {
		b = binary.LittleEndian.AppendUint64(b, x)
	}
	return b
}

func TestFramesOfFragments(t *testing.T) {
	starts := func(at ...int) func(int) bool { return func(i int) bool { return slices.Contains(at, i) } }
	for _, c := range []struct {
		name   string
		f      pixel.Fragments
		frames int
		want   []pixel.Span // nil: an error
	}{
		{"one frame of three", pixel.Fragments{Lengths: []int64{2, 4, 6}}, 1, []pixel.Span{{0, 3}}},
		{"one frame, a wrong table", pixel.Fragments{Lengths: []int64{2, 4}, BasicOffsets: u32(77)}, 1, []pixel.Span{{0, 2}}},
		{"one each", pixel.Fragments{Lengths: []int64{2, 4}}, 2, []pixel.Span{{0, 1}, {1, 2}}},
		{"basic table", pixel.Fragments{Lengths: []int64{2, 4, 6}, BasicOffsets: u32(0, 22)}, 2, []pixel.Span{{0, 2}, {2, 3}}},
		{"basic table between fragments", pixel.Fragments{Lengths: []int64{2, 4, 6}, BasicOffsets: u32(0, 20)}, 2, nil},
		{"basic table beyond", pixel.Fragments{Lengths: []int64{2, 4}, BasicOffsets: u32(0, 9999)}, 2, nil},
		{"basic table not from zero", pixel.Fragments{Lengths: []int64{2, 4, 6}, BasicOffsets: u32(10, 22)}, 2, nil},
		{"basic table twice the same", pixel.Fragments{Lengths: []int64{2, 4}, BasicOffsets: u32(0, 0)}, 2, nil},
		{"basic table backwards", pixel.Fragments{Lengths: []int64{2, 4, 2}, BasicOffsets: u32(0, 22, 10)}, 3, nil},
		{"markers", pixel.Fragments{Lengths: []int64{2, 4, 6}, Starts: starts(0, 1)}, 2, []pixel.Span{{0, 1}, {1, 3}}},
		{"too many markers", pixel.Fragments{Lengths: []int64{2, 4, 6}, Starts: starts(0, 1, 2)}, 2, nil},
		{"no markers", pixel.Fragments{Lengths: []int64{2, 4, 6}}, 2, nil},
		{"first fragment begins nothing", pixel.Fragments{Lengths: []int64{2, 4, 6}, Starts: starts(1, 2)}, 2, nil},
		{"no fragments", pixel.Fragments{}, 1, nil},
		{"no frames", pixel.Fragments{Lengths: []int64{2}}, 0, nil},
		{"extended table", pixel.Fragments{Lengths: []int64{2, 4}, ExtendedOffsets: u64(0, 10), ExtendedLengths: u64(1, 4)}, 2, []pixel.Span{{0, 1}, {1, 2}}},
		{"extended table without lengths", pixel.Fragments{Lengths: []int64{2, 4}, ExtendedOffsets: u64(0, 10)}, 2, nil},
		{"extended table, wrong length", pixel.Fragments{Lengths: []int64{2, 4}, ExtendedOffsets: u64(0, 10), ExtendedLengths: u64(2, 5)}, 2, nil},
		{"extended table, greatest offset", pixel.Fragments{Lengths: []int64{2, 4}, ExtendedOffsets: u64(0, 1<<64-1), ExtendedLengths: u64(2, 4)}, 2, nil},
	} {
		got, err := c.f.Frames(c.frames)
		if c.want == nil {
			if !errors.Is(err, pixel.ErrSyntax) {
				t.Errorf("%s: %v, %v instead of an error", c.name, got, err)
			}
		} else if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v instead of %v", c.name, got, err, c.want)
		}
	}
}

// The limits are deliberate: a change shows here.
func TestDefaultLimits(t *testing.T) {
	if l := pixel.DefaultLimits(); l.FrameBytes != 128<<20 || l.Frames != 1<<20 {
		t.Errorf("%+v", l)
	}
	d := pixel.Description{Rows: 20000, Columns: 20000, SamplesPerPixel: 1, BitsAllocated: 8, BitsStored: 8, HighBit: 7, Frames: 1}
	for _, ts := range pixel.DecodedSyntaxes() {
		decoder, _ := pixel.Decoder(ts)
		if _, err := decoder.Decode([]byte{0xFF, 0xD8}, &d, pixel.Limits{}); !errors.Is(err, pixel.ErrLimit) {
			t.Errorf("%s: %v", ts, err)
		}
	}
}
