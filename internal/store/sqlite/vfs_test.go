package sqlite

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/ncruces/go-sqlite3/vfs"
	"lukechampine.com/adiantum"
)

// plainFile is a file in memory.
type plainFile struct {
	vfs.File
	b []byte
}

func (f *plainFile) ReadAt(p []byte, off int64) (int, error) {
	if off >= int64(len(f.b)) {
		return 0, io.EOF
	}
	n := copy(p, f.b[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *plainFile) WriteAt(p []byte, off int64) (int, error) {
	if n := off + int64(len(p)); n > int64(len(f.b)) {
		f.b = append(f.b, make([]byte, n-int64(len(f.b)))...)
	}
	return copy(f.b[off:], p), nil
}

// A sealed file reads as what was written to it, in whatever pieces, and holds
// none of it.
func TestSealedFile(t *testing.T) {
	for _, kind := range []struct {
		name   string
		blocks func(int64) (int64, int64)
	}{{"pages", pageBlock}, {"log", walBlock}} {
		t.Run(kind.name, func(t *testing.T) {
			below := new(plainFile)
			f := &sealedFile{File: below, cipher: adiantum.New(key), kind: 'x', blocks: kind.blocks}
			model := new(plainFile)
			r := rand.New(rand.NewPCG(5, 6))
			for range 400 {
				off, n := r.Int64N(10*pageSize), 1+r.IntN(2*pageSize)
				if r.IntN(2) == 0 {
					start, size := kind.blocks(off)
					off, n = start, int(size)
				}
				off = min(off, int64(len(model.b))) // SQLite leaves no holes that it reads
				p := bytes.Repeat([]byte("SMITH^JOHN"), n/10+1)[:n]
				if got, err := f.WriteAt(p, off); got != n || err != nil {
					t.Fatalf("write: %d, %v", got, err)
				}
				if _, err := model.WriteAt(p, off); err != nil {
					t.Fatal(err)
				}
				off, n = r.Int64N(int64(len(model.b))), 1+r.IntN(2*pageSize)
				n = min(n, len(model.b)-int(off))
				got := make([]byte, n)
				if _, err := f.ReadAt(got, off); err != nil {
					t.Fatalf("read: %v", err)
				}
				if !bytes.Equal(got, model.b[off:off+int64(n)]) {
					t.Fatal("reads what was not written")
				}
			}
			if bytes.Contains(below.b, []byte("SMITH")) {
				t.Error("a name on the disk")
			}
			if n, err := f.ReadAt(make([]byte, 10), 100*pageSize); n != 0 || err != io.EOF {
				t.Errorf("behind the end: %d, %v", n, err)
			}
		})
	}
}

func TestWALBlock(t *testing.T) {
	for _, c := range []struct{ off, start, size int64 }{
		{0, 0, 32}, {31, 0, 32}, {32, 32, 24}, {55, 32, 24}, {56, 56, 4096}, {4151, 56, 4096}, {4152, 4152, 24}, {4176, 4176, 4096},
	} {
		if start, size := walBlock(c.off); start != c.start || size != c.size {
			t.Errorf("block of %d: %d, %d", c.off, start, size)
		}
	}
}
