package jpeg2000

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

// Each context's codewords are a prefix code; the quads of context 0 without a
// significant sample have none, the run-length code tells them.
func TestQuadCodes(t *testing.T) {
	for i, codes := range [][]uint32{htFirstCodes[:], htOtherCodes[:]} {
		var owner [8 << 7]int
		for n, c := range codes {
			length, word := c&7, c>>3&0x7f
			if length == 0 || word>>length != 0 {
				t.Fatalf("table %d entry %d: codeword of %d bits", i, n, length)
			}
			pattern, known, ones := c>>19&15, c>>14&15, c>>10&15
			if known&^pattern != 0 || ones&^known != 0 {
				t.Errorf("table %d entry %d: exponents of samples not significant", i, n)
			}
			for v := word; v < 1<<7; v += 1 << length {
				at := c>>23<<7 | v
				if owner[at] != 0 {
					t.Fatalf("table %d entry %d: codeword also of entry %d", i, n, owner[at]-1)
				}
				owner[at] = n + 1
			}
		}
		for at, n := range owner {
			if n == 0 {
				t.Errorf("table %d: context %d has no codeword for %07b", i, at>>7, at&0x7f)
				break
			}
		}
	}
}

// The run-length code: full runs grow by state, and a one ends a shorter run
// (T.814 section 7.3.3).
func TestMEL(t *testing.T) {
	// Four full runs, of 1, 1, 1, 2; a one after a run of 0; a full run of 2; a
	// one after a run of 1.
	m := htMEL{b: []byte{0b11110010, 0xff}}
	var got []bool
	for range 10 {
		got = append(got, m.symbol())
	}
	want := []bool{false, false, false, false, false, true, false, false, false, true}
	if !slices.Equal(got, want) {
		t.Fatalf("symbols %v", got)
	}
}

func decodeHTBytes(b []byte, w, h, refinement int) error {
	var d blockDecoder
	k := &block{rect: rect{0, 0, w, h}, passes: 1, segs: []seg{{passes: 1, pieces: [][]byte{b}}}}
	if refinement > 0 {
		k.segs = append(k.segs, seg{passes: refinement, pieces: [][]byte{b}})
	}
	_, err := d.decode(k, 9, bandLL, styleHT)
	return err
}

func TestRefinementOfMissingPlanes(t *testing.T) {
	var d blockDecoder
	k := &block{rect: rect{0, 0, 4, 4}, passes: 2, segs: []seg{{passes: 1}, {passes: 1}}}
	if _, err := d.decode(k, 1, bandLL, styleHT); !errors.Is(err, ErrSyntax) {
		t.Fatal(err)
	}
}

// FuzzHTBlock looks for panics in the high-throughput block decoder.
func FuzzHTBlock(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := 2; n < 4000; n = n*3/2 + 1 {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		b[n-1], b[n-2] = byte(n/3>>4), b[n-2]&0xf0|byte(n/3&15)
		f.Add(b, byte(n), byte(n/2))
	}
	f.Fuzz(func(t *testing.T, b []byte, w, h byte) {
		err := decodeHTBytes(b, int(w%64)+1, int(h%64)+1, int(w/64)%3)
		if err != nil && !errors.Is(err, ErrSyntax) && !errors.Is(err, ErrUnsupported) {
			t.Fatal(err)
		}
	})
}
