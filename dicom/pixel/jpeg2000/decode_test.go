package jpeg2000

import (
	"context"
	"errors"
	"testing"
)

// header makes a main header of one 8-bit component, up to the first SOT.
func header(width, height, tileWidth, tileHeight uint32) []byte {
	be := func(v uint32) []byte { return []byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)} }
	b := []byte{0xff, 0x4f, 0xff, 0x51, 0, 41, 0, 0}
	for _, v := range []uint32{width, height, 0, 0, tileWidth, tileHeight, 0, 0} {
		b = append(b, be(v)...)
	}
	b = append(b, 0, 1, 7, 1, 1)
	b = append(b, 0xff, 0x52, 0, 12, 0, 0, 0, 1, 0, 1, 4, 4, 0, 1)
	return append(b, 0xff, 0x5c, 0, 7, 0x40, 0x40, 0x48, 0x48, 0x50)
}

// tilePart makes a tile-part of the given body.
func tilePart(index byte, body ...byte) []byte {
	n := 14 + len(body)
	return append([]byte{0xff, 0x90, 0, 10, 0, index, 0, 0, byte(n >> 8), byte(n), 0, 1, 0xff, 0x93}, body...)
}

// What a header claims is refused before anything is allocated for it.
func TestHeaderLimits(t *testing.T) {
	for _, c := range []struct {
		name string
		b    []byte
		want error
	}{
		{"15 TB", append(header(4000000000, 4000000000, 4000000000, 4000000000), tilePart(0, 0, 0)...), ErrLimit},
		{"many tiles", append(header(4096, 4096, 1, 1), tilePart(0, 0, 0)...), ErrLimit},
		{"fewer bytes than tiles", append(header(4096, 4096, 16, 4096), tilePart(0, 0, 0)...), ErrSyntax},
		{"no tile", header(8, 8, 8, 8), ErrSyntax},
		{"empty image", append(header(0, 8, 8, 8), tilePart(0, 0, 0)...), ErrSyntax},
		{"tile without extent", append(header(8, 8, 0, 8), tilePart(0, 0, 0)...), ErrSyntax},
		{"nothing", nil, ErrSyntax},
		{"another file", []byte("\x89PNG\r\n\x1a\n"), ErrSyntax},
	} {
		allocated := testing.AllocsPerRun(1, func() {
			if _, err := Decode(context.Background(), c.b, DefaultLimits()); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", c.name, err)
			}
		})
		if allocated > 100 {
			t.Errorf("%s: %v allocations", c.name, allocated)
		}
	}
}

// A tile whose packets are all empty is an image of the middle of the range.
func TestEmptyPackets(t *testing.T) {
	b := append(header(8, 8, 8, 8), tilePart(0, 0, 0)...)
	m, err := Decode(context.Background(), b, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range m.Planes[0] {
		if v != 128 {
			t.Fatalf("sample %d", v)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	b := append(header(8, 8, 8, 8), tilePart(0, 0, 0)...)
	if _, err := Decode(ctx, b, DefaultLimits()); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}
