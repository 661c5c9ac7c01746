package jpeg2000

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// picture makes an image: noise, a slope, flat, extremes, sparse points.
func picture(r *rand.Rand, kind, width, height, components, bits int, signed bool) *Image {
	m := &Image{Header: Header{Width: width, Height: height}}
	low, top := int64(0), int64(1)<<bits-1
	if signed {
		low = -int64(1) << (bits - 1)
	}
	for c := range components {
		m.Components = append(m.Components, ComponentInfo{Bits: bits, Signed: signed})
		plane := make([]int32, width*height)
		for i := range plane {
			x, y := i%width, i/width
			v := int64(0)
			switch kind {
			case 0:
				v = r.Int64()
			case 1:
				v = int64(3*x+2*y+c) + r.Int64N(3)
			case 2:
				v = top / 3
			case 3:
				v = int64((x^y)&1) * top
			case 4:
				v = top * (r.Int64N(200) / 199)
			}
			plane[i] = int32(low + v&top)
		}
		m.Planes = append(m.Planes, plane)
	}
	return m
}

func roundTrip(t *testing.T, name string, m *Image) {
	t.Helper()
	for kind, encode := range encoders {
		roundTripIn(t, kind+" "+name, m, encode)
	}
}

// encoders are those of the package.
var encoders = map[string]func(*Image) ([]byte, error){"MQ": Encode, "HT": EncodeHT}

func roundTripIn(t *testing.T, name string, m *Image, encode func(*Image) ([]byte, error)) {
	t.Helper()
	b, err := encode(m)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	got, err := Decode(context.Background(), b, DefaultLimits())
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if !got.Reversible || got.ColourTransform != m.ColourTransform {
		t.Fatalf("%s: header", name)
	}
	for c := range m.Planes {
		if !slices.Equal(got.Planes[c], m.Planes[c]) {
			t.Fatalf("%s: component %d differs", name, c)
		}
		if got.Components[c].Bits != m.Components[c].Bits || got.Components[c].Signed != m.Components[c].Signed {
			t.Fatalf("%s: component %d is %+v", name, c, got.Components[c])
		}
	}
}

// What Encode encodes comes back bit for bit, whatever its bits, sign, samples
// and size.
func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	sizes := [][2]int{{1, 1}, {1, 9}, {13, 1}, {2, 2}, {5, 3}, {17, 66}, {65, 31}, {97, 130}}
	for bits := 1; bits <= encodeBits; bits++ {
		for _, signed := range []bool{false, true} {
			for _, components := range []int{1, 2, 3, 4} {
				for kind := range 5 {
					size := sizes[r.IntN(len(sizes))]
					m := picture(r, kind, size[0], size[1], components, bits, signed)
					m.ColourTransform = components > 2 && kind != 2
					roundTrip(t, fmt.Sprintf("%d bits, signed %v, %d components, kind %d, %v", bits, signed, components, kind, size), m)
				}
			}
		}
	}
}

func TestRoundTripLarge(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	roundTrip(t, "large", picture(r, 1, 700, 513, 1, 16, true))
	if testing.Short() {
		t.Skip("skipped: more than one precinct takes a second")
	}
	roundTrip(t, "wide", picture(r, 1, 33000, 3, 1, 8, false))
}

func TestEncodeRefuses(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	outside := picture(r, 1, 4, 4, 1, 8, false)
	outside.Planes[0][3] = 256
	unlike := picture(r, 1, 4, 4, 3, 8, false)
	unlike.ColourTransform, unlike.Components[1].Bits = true, 9
	short := picture(r, 1, 4, 4, 1, 8, false)
	short.Planes[0] = short.Planes[0][1:]
	for name, m := range map[string]*Image{"outside": outside, "unlike": unlike, "short": short,
		"empty": {}, "deep": picture(r, 0, 2, 2, 1, 25, false)} {
		if _, err := Encode(m); !errors.Is(err, ErrSyntax) && !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Part of an image is never shown as if it were whole.
func TestTruncated(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for kind, encode := range encoders {
		b, err := encode(picture(r, 1, 40, 24, 3, 8, false))
		if err != nil {
			t.Fatal(err)
		}
		for n := range len(b) - 2 {
			if _, err := Decode(context.Background(), b[:n], DefaultLimits()); !errors.Is(err, ErrSyntax) {
				t.Fatalf("%s: %d of %d bytes: %v", kind, n, len(b), err)
			}
		}
	}
}
