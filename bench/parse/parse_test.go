//go:build unix

package parse

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	other "github.com/suyashkumar/dicom"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
)

// files are read from the corpus that lies beside the project.
var files = []struct{ name, path string }{
	{"CT", "conformance/ts-1-explicit-le/CT_small.dcm"},
	{"MR", "conformance/mod-mr/3.dcm"},
	{"XA", "conformance/mod-xa/I_000000.dcm"},
	{"SR", "conformance/ts-1-explicit-le/sr-undefined-lengths.dcm"},
	{"JPEG", "conformance/ts-4.50-jpeg-baseline/IM00001.fragmented_no_bot_jpeg_baseline.50.dcm"},
	{"implicit", "conformance/ts-0-implicit-le/MR_small_implicit.dcm"},
}

// each runs both sides on every file that is there.
func each(b *testing.B, ours, theirs func(data []byte) error) {
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "corpus", f.path))
		if err != nil {
			b.Logf("skipped: ../shared/corpus has no %s", f.path)
			continue
		}
		for _, side := range []struct {
			name string
			read func([]byte) error
		}{{"tresor", ours}, {"suyashkumar", theirs}} {
			b.Run(f.name+"/"+side.name, func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				start := cpuTime(b)
				for b.Loop() {
					if err := side.read(data); err != nil {
						b.Skip(err)
					}
				}
				b.ReportMetric(float64(cpuTime(b)-start)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}

// cpuTime is what the process has used of all cores, garbage collection
// included; on a busy machine it says more than the time that passed.
func cpuTime(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// BenchmarkHeader reads everything up to the pixel data, from a stream.
func BenchmarkHeader(b *testing.B) {
	each(b, func(data []byte) error {
		f, err := encoding.NewFile(bytes.NewReader(data), encoding.Options{})
		if err != nil {
			return err
		}
		_, err = f.Decoder().ReadUntil(new(dicom.DataSet), dict.PixelData)
		return err
	}, func(data []byte) error {
		_, err := other.Parse(bytes.NewReader(data), int64(len(data)), nil, other.SkipPixelData())
		return err
	})
}

// BenchmarkHeaderInMemory does so where the file is in memory already.
func BenchmarkHeaderInMemory(b *testing.B) {
	each(b, func(data []byte) error {
		f, err := encoding.OpenBytes(data, encoding.Options{})
		if err != nil {
			return err
		}
		_, err = f.Decoder().ReadUntil(new(dicom.DataSet), dict.PixelData)
		return err
	}, func(data []byte) error {
		_, err := other.Parse(bytes.NewReader(data), int64(len(data)), nil, other.SkipPixelData())
		return err
	})
}

// BenchmarkWhole reads the whole file into memory, from a stream.
func BenchmarkWhole(b *testing.B) {
	each(b, func(data []byte) error {
		_, _, err := encoding.ReadFile(bytes.NewReader(data), encoding.Options{})
		return err
	}, func(data []byte) error {
		_, err := other.Parse(bytes.NewReader(data), int64(len(data)), nil)
		return err
	})
}

// BenchmarkWholeInMemory lets ours use the bytes where they are.
func BenchmarkWholeInMemory(b *testing.B) {
	each(b, func(data []byte) error {
		_, _, err := encoding.ParseFile(data, encoding.Options{})
		return err
	}, func(data []byte) error {
		_, err := other.Parse(bytes.NewReader(data), int64(len(data)), nil)
		return err
	})
}
