package seal

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/tink-crypto/tink-go/v2/streamingaead/subtle"
)

// sizes are plaintext lengths around every border of the format.
var sizes = []int{0, 1, 15, 16, firstPlain - 1, firstPlain, firstPlain + 1,
	firstPlain + segmentPlain - 1, firstPlain + segmentPlain, firstPlain + segmentPlain + 1,
	firstPlain + 4*segmentPlain, 5*SegmentSize + 3, 1<<20 + 11}

func sealed(t testing.TB, plain, key, ad []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, key, ad, make([]byte, 2*SegmentSize))
	if err != nil {
		t.Fatal(err)
	}
	for rest, n := plain, 1; len(rest) > 0; n = n*5 + 1 { // writes of many sizes
		k := min(n, len(rest))
		if m, err := w.Write(rest[:k]); m != k || err != nil {
			t.Fatalf("wrote %d of %d, %v", m, k, err)
		}
		rest = rest[k:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if int64(out.Len()) != SealedSize(int64(len(plain))) {
		t.Fatalf("%d bytes sealed to %d, want %d", len(plain), out.Len(), SealedSize(int64(len(plain))))
	}
	return out.Bytes()
}

func opened(b, key, ad []byte) ([]byte, error) {
	r, err := NewReader(bytes.NewReader(b), int64(len(b)), key, ad)
	if err != nil {
		return nil, err
	}
	p := make([]byte, r.Size())
	if len(p) == 0 {
		return p, nil
	}
	n, err := r.ReadAt(p, 0)
	return p[:n], err
}

func TestStreamAgainstTink(t *testing.T) {
	key, ad := random(KeySize), []byte("object 1")
	oracle, err := subtle.NewAESGCMHKDF(key, "SHA256", KeySize, SegmentSize, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range sizes {
		plain := random(size)
		r, err := oracle.NewDecryptingReader(bytes.NewReader(sealed(t, plain, key, ad)), ad)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes: Tink opens ours: %v", size, err)
		}
		var theirs bytes.Buffer
		w, err := oracle.NewEncryptingWriter(&theirs, ad)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(plain); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := opened(theirs.Bytes(), key, ad); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes: we open Tink's: %v", size, err)
		}
	}
}

func TestReadAnywhere(t *testing.T) {
	key := random(KeySize)
	plain := random(1<<20 + 11)
	b := sealed(t, plain, key, nil)
	r, err := NewReader(bytes.NewReader(b), int64(len(b)), key, nil)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		off := rng.IntN(len(plain))
		p := make([]byte, rng.IntN(200_000))
		n, err := r.ReadAt(p, int64(off))
		want := plain[off:min(len(plain), off+len(p))]
		if !bytes.Equal(p[:n], want) || (n < len(p)) != (err == io.EOF) {
			t.Fatalf("read of %d at %d: %d, %v", len(p), off, n, err)
		}
	}
}

func TestSection(t *testing.T) {
	key := random(KeySize)
	for _, size := range sizes {
		plain := random(size)
		b := sealed(t, plain, key, nil)
		r, err := NewReader(bytes.NewReader(b), int64(len(b)), key, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range [][2]int{{0, size}, {0, size + 10}, {size / 3, size / 2}, {1, size}, {size, 5}, {firstPlain, segmentPlain}, {firstPlain - 1, 2}} {
			from := min(part[0], size)
			want := plain[from:min(size, from+part[1])]
			s := r.Section(int64(part[0]), int64(part[1]))
			got, err := io.ReadAll(struct{ io.Reader }{s})
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("size %d, part %v: read %d, %v", size, part, len(got), err)
			}
			var all bytes.Buffer
			if n, err := r.Section(int64(part[0]), int64(part[1])).WriteTo(&all); err != nil || n != int64(len(want)) || !bytes.Equal(all.Bytes(), want) {
				t.Errorf("size %d, part %v: wrote %d, %v", size, part, n, err)
			}
			for _, chunk := range []int{7777, 100_000, 300_000} {
				s, got := r.Section(int64(part[0]), int64(part[1])), []byte(nil)
				for p := make([]byte, chunk); ; {
					n, err := s.Read(p)
					got = append(got, p[:n]...)
					if err == io.EOF {
						break
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				if !bytes.Equal(got, want) {
					t.Errorf("size %d, part %v in reads of %d: %d bytes", size, part, chunk, len(got))
				}
			}
		}
	}
	b := sealed(t, make([]byte, 1000), key, nil)
	r, _ := NewReader(bytes.NewReader(b), int64(len(b)), key, nil)
	if err := iotest.TestReader(r.Section(0, 1000), make([]byte, 1000)); err != nil {
		t.Error(err)
	}
}

// segments splits a sealed stream into header and segments.
func segments(b []byte) [][]byte {
	out := [][]byte{b[:HeaderSize], b[HeaderSize:min(len(b), SegmentSize)]}
	for at := SegmentSize; at < len(b); at += SegmentSize {
		out = append(out, b[at:min(len(b), at+SegmentSize)])
	}
	return out
}

func TestTamperedStream(t *testing.T) {
	key, ad := random(KeySize), []byte("ad")
	plain := random(firstPlain + 3*segmentPlain) // four full segments
	good := sealed(t, plain, key, ad)
	parts := segments(good)
	other := segments(sealed(t, plain, key, ad)) // same key, another salt
	join := func(p ...[]byte) []byte { return bytes.Join(p, nil) }
	bad := map[string][]byte{
		"empty":                  {},
		"header only":            parts[0],
		"first two swapped":      join(parts[0], parts[2][:len(parts[1])], parts[1], parts[2][len(parts[1]):], parts[3], parts[4]),
		"two swapped":            join(parts[0], parts[1], parts[3], parts[2], parts[4]),
		"last doubled":           join(good, parts[4]),
		"middle one left out":    join(parts[0], parts[1], parts[3], parts[4]),
		"header of another":      join(other[0], parts[1], parts[2], parts[3], parts[4]),
		"segment of another":     join(parts[0], parts[1], other[2], parts[3], parts[4]),
		"bytes after the end":    join(good, []byte("x")),
		"segment after the end":  join(good, make([]byte, 100)),
		"header of other length": join([]byte{39}, good[1:]),
	}
	for n := 1; n < 5; n++ {
		bad["cut after segment "+string('0'+rune(n))] = join(parts[:n]...)
	}
	for _, at := range []int{1, 40, HeaderSize + 1, SegmentSize - 1, SegmentSize, len(good) - 17, len(good) - 1} {
		bad["cut inside at "+string(rune('a'+len(bad)))] = good[:at]
		flipped := bytes.Clone(good)
		flipped[at] ^= 0x80
		bad["changed at "+string(rune('a'+len(bad)))] = flipped
	}
	for name, b := range bad {
		if _, err := opened(b, key, ad); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := opened(good, random(KeySize), ad); !errors.Is(err, ErrDamaged) {
		t.Errorf("another key: %v", err)
	}
	if _, err := opened(good, key, []byte("AD")); !errors.Is(err, ErrDamaged) {
		t.Errorf("other associated data: %v", err)
	}
	if got, err := opened(good, key, ad); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("untouched: %v", err)
	}
}

// TestUndamagedPart checks that damage elsewhere does not hide what is whole,
// and that what is damaged is never returned.
func TestUndamagedPart(t *testing.T) {
	key := random(KeySize)
	plain := random(firstPlain + 3*segmentPlain)
	b := sealed(t, plain, key, nil)
	b[2*SegmentSize+5] ^= 1
	r, err := NewReader(bytes.NewReader(b), int64(len(b)), key, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, firstPlain+segmentPlain)
	if _, err := r.ReadAt(p, 0); err != nil || !bytes.Equal(p, plain[:len(p)]) {
		t.Errorf("the part before: %v", err)
	}
	p = make([]byte, len(plain))
	n, err := r.ReadAt(p, 0)
	if !errors.Is(err, ErrDamaged) || n != firstPlain+segmentPlain {
		t.Errorf("all of it: %d, %v", n, err)
	}
	if !bytes.Equal(p[n:n+1000], make([]byte, 1000)) {
		t.Error("bytes that were not authenticated were left in the buffer")
	}
}

func TestWriterFailures(t *testing.T) {
	fail := errors.New("disk")
	w, err := NewWriter(writerFunc(func([]byte) (int, error) { return 0, fail }), random(KeySize), nil, make([]byte, SegmentSize))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if n, err := w.Write(make([]byte, 10*SegmentSize)); !errors.Is(err, fail) || n > SegmentSize {
			t.Errorf("%d, %v", n, err)
		}
	}
	if err := w.Close(); !errors.Is(err, fail) {
		t.Errorf("closed: %v", err)
	}
	for _, n := range []int{0, SegmentSize - 1, SegmentSize + 1} {
		if _, err := NewWriter(io.Discard, random(KeySize), nil, make([]byte, n)); err == nil {
			t.Errorf("took a buffer of %d bytes", n)
		}
	}
	if _, err := NewWriter(io.Discard, nil, nil, make([]byte, SegmentSize)); err == nil {
		t.Error("took no key")
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func FuzzReader(f *testing.F) {
	key := make([]byte, KeySize)
	f.Add(sealed(f, []byte("seed"), key, nil), int64(0), 4)
	f.Fuzz(func(t *testing.T, b []byte, off int64, n int) {
		r, err := NewReader(bytes.NewReader(b), int64(len(b)), key, nil)
		if err != nil {
			return
		}
		_, _ = r.ReadAt(make([]byte, min(max(n, 0), 1<<20)), off)
		_, _ = r.Section(off, int64(n)).WriteTo(io.Discard)
	})
}

func BenchmarkWriter(b *testing.B) {
	key, buf, p := random(KeySize), make([]byte, 16*SegmentSize), random(128<<10)
	for _, chunk := range []int{16 << 10, 128 << 10} {
		b.Run(map[int]string{16 << 10: "16K", 128 << 10: "128K"}[chunk], func(b *testing.B) {
			w, err := NewWriter(io.Discard, key, nil, buf)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(chunk))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := w.Write(p[:chunk]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReader(b *testing.B) {
	key := random(KeySize)
	s := sealed(b, random(16<<20), key, nil)
	r, err := NewReader(bytes.NewReader(s), int64(len(s)), key, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("WriteTo", func(b *testing.B) {
		b.SetBytes(r.Size())
		b.ReportAllocs()
		for b.Loop() {
			if _, err := r.Section(0, r.Size()).WriteTo(io.Discard); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ReadAt256K", func(b *testing.B) {
		b.SetBytes(256 << 10)
		b.ReportAllocs()
		p, off := make([]byte, 256<<10), int64(0)
		for b.Loop() {
			if off+int64(len(p)) > r.Size() {
				off = 0
			}
			if _, err := r.ReadAt(p, off); err != nil {
				b.Fatal(err)
			}
			off += int64(len(p))
		}
	})
}
