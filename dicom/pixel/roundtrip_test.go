package pixel_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/pixel"
)

// pictures makes frames of one description: noise, slopes, flat areas, extremes.
func pictures(d pixel.Description, seed uint64) []*pixel.Frame {
	r := rand.New(rand.NewPCG(seed, 1))
	top := uint64(1)<<d.BitsStored - 1
	kinds := []func(x, y, s int) uint64{
		func(x, y, s int) uint64 { return r.Uint64() },
		func(x, y, s int) uint64 { return uint64(x*3+y*5+s*7) + r.Uint64N(3) },
		func(x, y, s int) uint64 { return uint64(x/5 + y/7 + s) },
		func(x, y, s int) uint64 { return uint64(x+y) & 1 * top },
		func(x, y, s int) uint64 { return 0 },
		func(x, y, s int) uint64 { return top * (r.Uint64N(40) / 39) },
		func(x, y, s int) uint64 { return uint64(int64(x-9) * int64(y-3)) }, // signed around zero
	}
	var out []*pixel.Frame
	for _, kind := range kinds {
		f := &pixel.Frame{Description: d}
		for y := range d.Rows {
			for x := range d.Columns {
				for s := range d.SamplesPerPixel {
					v := kind(x, y, s) & top
					for b := range d.SampleBytes() {
						f.Data = append(f.Data, byte(v>>(8*b)))
					}
				}
			}
		}
		out = append(out, f)
	}
	return out
}

// descriptions covers bits, sign, samples and awkward dimensions.
func descriptions() []pixel.Description {
	var all []pixel.Description
	sizes := [][2]int{{1, 1}, {1, 37}, {29, 1}, {7, 13}, {24, 40}}
	for stored := 1; stored <= 16; stored++ {
		for i, samples := range []int{1, 3, 4, 2} {
			size := sizes[(stored+i)%len(sizes)]
			d := pixel.Description{
				Rows: size[0], Columns: size[1], SamplesPerPixel: samples, BitsAllocated: 16,
				BitsStored: stored, HighBit: stored - 1, Signed: stored%2 == 1, Frames: 1,
				Photometric: pixel.Monochrome2,
			}
			if samples == 3 {
				d.Photometric = pixel.RGB
			}
			all = append(all, d)
			d.Rows, d.Columns = 24, 40
			if stored <= 8 {
				d.BitsAllocated = 8
			}
			all = append(all, d)
		}
	}
	for _, bits := range []int{1, 32, 64} {
		d := pixel.Description{Rows: 5, Columns: 7, SamplesPerPixel: 1, BitsAllocated: bits,
			BitsStored: bits, HighBit: bits - 1, Frames: 1, Photometric: pixel.Monochrome2}
		all = append(all, d)
	}
	return all
}

// What an encoder takes comes back bit for bit.
func TestLosslessRoundTrip(t *testing.T) {
	for _, ts := range pixel.EncodedSyntaxes() {
		encoder, _ := pixel.Encoder(ts)
		decoder, ok := pixel.Decoder(ts)
		if !ok {
			t.Fatalf("%s: encoder without decoder", ts)
		}
		refused := map[string]bool{}
		for i, d := range descriptions() {
			for k, f := range pictures(d, uint64(i)) {
				name := fmt.Sprintf("%s: %dx%dx%d of %d/%d bits, picture %d", ts, d.Rows, d.Columns, d.SamplesPerPixel, d.BitsStored, d.BitsAllocated, k)
				before := bytes.Clone(f.Data)
				b, err := encoder.Encode(f)
				if errors.Is(err, pixel.ErrUnsupported) {
					refused[fmt.Sprintf("%d bits, %d samples", d.BitsAllocated, d.SamplesPerPixel)] = true
					continue
				}
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if !bytes.Equal(before, f.Data) {
					t.Fatalf("%s: the encoder changed its input", name)
				}
				if len(b)%2 == 1 {
					b = append(b, 0)
				}
				g, err := decoder.Decode(b, &d, pixel.Limits{})
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if !bytes.Equal(f.Data, g.Data) {
					t.Fatalf("%s: other pixels", name)
				}
			}
		}
		t.Logf("%s refuses %v", ts, refused)
	}
}

// A frame that ends too early is refused: damage never shows as a picture.
func TestTruncatedFramesAreRefused(t *testing.T) {
	d := pixel.Description{Rows: 24, Columns: 40, SamplesPerPixel: 3, BitsAllocated: 8, BitsStored: 8,
		HighBit: 7, Frames: 1, Photometric: pixel.RGB}
	f := pictures(d, 7)[0]
	for _, ts := range pixel.EncodedSyntaxes() {
		encoder, _ := pixel.Encoder(ts)
		decoder, _ := pixel.Decoder(ts)
		b, err := encoder.Encode(f)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(b)-4; n += 1 + len(b)/97 {
			if _, err := decoder.Decode(b[:n], &d, pixel.Limits{}); err == nil {
				t.Errorf("%s: %d of %d bytes were enough", ts, n, len(b))
				break
			}
		}
	}
}

func fuzzDecoder(f *testing.F, ts dicom.UID) {
	decoder, ok := pixel.Decoder(ts)
	if !ok {
		f.Fatalf("no decoder for %s", ts)
	}
	shapes := []pixel.Description{
		{Rows: 24, Columns: 40, SamplesPerPixel: 1, BitsAllocated: 8, BitsStored: 8, HighBit: 7, Frames: 1, Photometric: pixel.Monochrome2},
		{Rows: 7, Columns: 13, SamplesPerPixel: 3, BitsAllocated: 8, BitsStored: 8, HighBit: 7, Frames: 1, Photometric: pixel.RGB},
		{Rows: 24, Columns: 40, SamplesPerPixel: 1, BitsAllocated: 16, BitsStored: 12, HighBit: 11, Frames: 1, Photometric: pixel.Monochrome2},
		{Rows: 5, Columns: 9, SamplesPerPixel: 1, BitsAllocated: 1, BitsStored: 1, Frames: 1, Photometric: pixel.Monochrome2},
	}
	if ts == "1.2.840.10008.1.2.4.81" {
		ts = "1.2.840.10008.1.2.4.80"
	}
	if encoder, ok := pixel.Encoder(ts); ok {
		for i, d := range shapes {
			for _, p := range pictures(d, 3) {
				if b, err := encoder.Encode(p); err == nil {
					f.Add(b, byte(i))
				}
			}
		}
	}
	files, err := filepath.Glob("testdata/*.jpg")
	if err != nil {
		f.Fatal(err)
	}
	for i, name := range files { // of the first two shapes, in the reverse order
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, byte(1-i))
	}
	f.Fuzz(func(t *testing.T, frame []byte, shape byte) {
		d := shapes[int(shape)%len(shapes)]
		got, err := decoder.Decode(frame, &d, pixel.Limits{})
		if err == nil && int64(len(got.Data)) != d.FrameBytes() {
			t.Fatal("frame of another size")
		}
		if err != nil && !errors.Is(err, pixel.ErrSyntax) && !errors.Is(err, pixel.ErrLimit) && !errors.Is(err, pixel.ErrUnsupported) {
			t.Fatalf("untyped error: %v", err)
		}
	})
}

func FuzzRLE(f *testing.F)          { fuzzDecoder(f, "1.2.840.10008.1.2.5") }
func FuzzJPEGLossless(f *testing.F) { fuzzDecoder(f, "1.2.840.10008.1.2.4.57") }
func FuzzDeflated(f *testing.F)     { fuzzDecoder(f, "1.2.840.10008.1.2.8.1") }
func FuzzJPEG(f *testing.F)         { fuzzDecoder(f, "1.2.840.10008.1.2.4.51") }
func FuzzJPEGLS(f *testing.F)       { fuzzDecoder(f, "1.2.840.10008.1.2.4.81") }
func FuzzJPEG2000(f *testing.F)     { fuzzDecoder(f, "1.2.840.10008.1.2.4.90") }
func FuzzHTJ2K(f *testing.F)        { fuzzDecoder(f, "1.2.840.10008.1.2.4.201") }
