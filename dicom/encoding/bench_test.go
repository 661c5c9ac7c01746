package encoding

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/corpus"
)

// benchFiles are a CT slice and an MR of 2 MB.
var benchFiles = map[string]string{
	"CT": "conformance/ts-1-explicit-le/CT_small.dcm",
	"MR": "conformance/mod-mr/3.dcm",
}

func readBenchFile(b *testing.B, name string) []byte {
	b.Helper()
	data, err := os.ReadFile(filepath.Join(corpus.Dir(b), benchFiles[name]))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	b.ResetTimer()
	return data
}

func BenchmarkParseFile(b *testing.B) {
	for name := range benchFiles {
		b.Run(name, func(b *testing.B) {
			data := readBenchFile(b, name)
			for b.Loop() {
				if _, _, err := ParseFile(data, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for name := range benchFiles {
		b.Run(name, func(b *testing.B) {
			data := readBenchFile(b, name)
			_, ts, n, _ := ParseMeta(data)
			for b.Loop() {
				if _, err := Parse(data[n:], ts, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkHeader(b *testing.B) {
	for name := range benchFiles {
		b.Run(name, func(b *testing.B) {
			data := readBenchFile(b, name)
			for b.Loop() {
				f, err := NewFile(bytes.NewReader(data), Options{})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := f.Decoder().ReadUntil(new(dicom.DataSet), dict.PixelData); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkStream(b *testing.B) {
	for name := range benchFiles {
		b.Run(name, func(b *testing.B) {
			data := readBenchFile(b, name)
			for b.Loop() {
				f, err := NewFile(bytes.NewReader(data), Options{KeepUpTo: 64 << 10, BulkPixelData: true})
				if err != nil {
					b.Fatal(err)
				}
				if err := f.Decoder().ReadAll(new(dicom.DataSet)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	for name := range benchFiles {
		b.Run(name, func(b *testing.B) {
			data := readBenchFile(b, name)
			_, ts, n, _ := ParseMeta(data)
			ds, err := Parse(data[n:], ts, Options{})
			if err != nil {
				b.Fatal(err)
			}
			var out []byte
			for b.Loop() {
				out, _ = Append(out[:0], ts, ds)
			}
		})
	}
}
