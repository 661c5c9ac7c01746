package jpeg2000

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"testing"
)

// ct makes something like a computed tomogram: 512 by 512, 12 bits, rounded
// bodies, noise, air around.
func ct() *Image {
	r := rand.New(rand.NewPCG(1, 2))
	m := picture(r, 2, 512, 512, 1, 12, false)
	for i := range m.Planes[0] {
		x, y := i%512-256, i/512-256
		v := 10 + r.IntN(12)
		if d := x*x + y*y*3/2; d < 200*200 {
			v = 1000 + d/256 + r.IntN(24)
			if (x/37+y/29)%3 == 0 {
				v += 180
			}
		}
		m.Planes[0][i] = int32(v)
	}
	return m
}

func BenchmarkDecode(b *testing.B) {
	for kind, encode := range encoders {
		b.Run(kind, func(b *testing.B) {
			code, err := encode(ct())
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(512 * 512 * 2)
			for b.Loop() {
				if _, err := Decode(context.Background(), code, DefaultLimits()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	for kind, encode := range encoders {
		b.Run(kind, func(b *testing.B) {
			m := ct()
			b.SetBytes(512 * 512 * 2)
			for b.Loop() {
				if _, err := encode(m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkOpenJPEG times the programs on the same image, with what it takes to
// start them: subtract the time that an image of one pixel takes.
func BenchmarkOpenJPEG(b *testing.B) {
	compress, decompress := tool(b, "opj_compress"), tool(b, "opj_decompress")
	dir := b.TempDir()
	code, in, out := filepath.Join(dir, "a.j2k"), filepath.Join(dir, "a.rawl"), filepath.Join(dir, "b.rawl")
	small, tiny := filepath.Join(dir, "s.j2k"), filepath.Join(dir, "s.rawl")
	write(b, in, raw(ct()))
	write(b, tiny, []byte{1, 1})
	run(b, compress, "-i", in, "-o", code, "-F", "512,512,1,12,u")
	run(b, compress, "-i", tiny, "-o", small, "-F", "1,1,1,12,u", "-n", "1")
	b.Run("decompress", func(b *testing.B) {
		for b.Loop() {
			run(b, decompress, "-i", code, "-o", out)
		}
	})
	b.Run("compress", func(b *testing.B) {
		for b.Loop() {
			run(b, compress, "-i", in, "-o", code, "-F", "512,512,1,12,u")
		}
	})
	b.Run("start", func(b *testing.B) {
		for b.Loop() {
			run(b, decompress, "-i", small, "-o", out)
		}
	})
}
