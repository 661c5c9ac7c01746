package jpeg2000

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// FuzzDecode looks for panics, errors of no kind, images outside of the limits
// and their headers, and more than seconds of work.
func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	for kind := range 5 {
		m := picture(r, kind, 40, 24, 1+kind%2*2, 4+3*kind, kind == 3)
		m.ColourTransform = kind == 1
		b, err := Encode(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add(append(header(8, 8, 4, 4), tilePart(0, 0, 0)...))
	files, err := filepath.Glob("testdata/*.j2k")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	limits := Limits{Samples: 1 << 20, Components: 4, Tiles: 256}
	f.Fuzz(func(t *testing.T, b []byte) {
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		m, err := Decode(ctx, b, limits)
		if d := time.Since(start); d > 4*time.Second {
			t.Fatalf("took %v", d)
		}
		if err != nil {
			for _, kind := range []error{ErrSyntax, ErrLimit, ErrUnsupported, context.DeadlineExceeded} {
				if errors.Is(err, kind) {
					return
				}
			}
			t.Fatalf("error of no kind: %v", err)
		}
		for i, c := range m.Components {
			if len(m.Planes[i]) != c.Width*c.Height {
				t.Fatalf("component %d has %d samples", i, len(m.Planes[i]))
			}
		}
	})
}
