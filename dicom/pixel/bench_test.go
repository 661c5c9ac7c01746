package pixel_test

import (
	"fmt"
	"testing"

	"github.com/tresor-pacs/tresor/dicom/pixel"
	"github.com/tresor-pacs/tresor/internal/corpus"
)

// BenchmarkDecode decodes one real frame of each transfer syntax, the largest
// of the corpus. Bytes are those of the decoded frame.
func BenchmarkDecode(b *testing.B) {
	best := map[string]corpus.Row{}
	size := map[string]int64{}
	for _, row := range corpus.Rows(b, "conformance/") {
		ts := row["transfer_syntax"]
		if status := row["pixel_status"]; status != "exact" && status != "tolerance" || notDecoded[ts] != "" {
			continue
		}
		_, im, err := openFile(b, row)
		if err == nil && im.FrameBytes() > size[ts] && im.FrameBytes() < 1<<25 {
			best[ts], size[ts] = row, im.FrameBytes()
		}
	}
	for ts, row := range best {
		ds, im, err := openFile(b, row)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(ts, func(b *testing.B) {
			b.SetBytes(im.FrameBytes())
			b.ReportAllocs()
			for b.Loop() {
				if _, err := im.Frame(0); err != nil {
					b.Fatal(err)
				}
			}
		})
		if ts == "1.2.840.10008.1.2.1" {
			b.Run("render", func(b *testing.B) {
				b.SetBytes(im.FrameBytes())
				for b.Loop() {
					if _, err := im.Render(ds, 0, pixel.RenderOptions{}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkEncode encodes a real CT slice.
func BenchmarkEncode(b *testing.B) {
	rows := corpus.Rows(b, "series/ct-head-phantom/I130.dcm")
	_, im, err := openFile(b, rows[0])
	if err != nil {
		b.Fatal(err)
	}
	f, err := im.Frame(0)
	if err != nil {
		b.Fatal(err)
	}
	for _, ts := range pixel.EncodedSyntaxes() {
		encoder, _ := pixel.Encoder(ts)
		b.Run(string(ts), func(b *testing.B) {
			b.SetBytes(im.FrameBytes())
			var n int
			for b.Loop() {
				out, err := encoder.Encode(f)
				if err != nil {
					b.Fatal(err)
				}
				n = len(out)
			}
			b.ReportMetric(float64(im.FrameBytes())/float64(n), "ratio")
		})
	}
}

func ExampleDecoder() {
	decoder, ok := pixel.Decoder("1.2.840.10008.1.2.5") // RLE Lossless
	if !ok {
		return
	}
	d := &pixel.Description{Rows: 1, Columns: 4, SamplesPerPixel: 1, BitsAllocated: 8, BitsStored: 8,
		HighBit: 7, Frames: 1, Photometric: pixel.Monochrome2}
	encoded := make([]byte, 64, 66) // the header: one segment, behind it
	encoded[0], encoded[4] = 1, 64
	encoded = append(encoded, 0xFD, 7) // four times 7
	f, err := decoder.Decode(encoded, d, pixel.Limits{})
	fmt.Println(f.Data, err)
	// Output: [7 7 7 7] <nil>
}
