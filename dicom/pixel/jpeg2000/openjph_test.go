package jpeg2000

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// openjph returns the path of a program of OpenJPH (Debian's openjph-tools).
func openjph(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("SKIPPED: %s of openjph-tools is not installed", name)
	}
	return path
}

// pnm reads the planes of a binary PGM or PPM file.
func pnm(t testing.TB, b []byte) [][]int32 {
	t.Helper()
	var kind string
	var width, height, top int
	if _, err := fmt.Fscanf(bytes.NewReader(b), "%s\n%d %d\n%d\n", &kind, &width, &height, &top); err != nil {
		t.Fatal(err)
	}
	components, size := 1, 1
	if kind == "P6" {
		components = 3
	}
	if top > 255 {
		size = 2
	}
	b = b[len(b)-width*height*components*size:]
	planes := make([][]int32, components)
	for i := 0; i < len(b); i += size {
		v := int32(b[i])
		if size == 2 {
			v = int32(binary.BigEndian.Uint16(b[i:]))
		}
		c := i / size % components
		planes[c] = append(planes[c], v)
	}
	return planes
}

// asPNM is the inverse of pnm.
func asPNM(m *Image) []byte {
	kind, top := 5, 1<<m.Components[0].Bits-1
	if len(m.Planes) == 3 {
		kind = 6
	}
	b := fmt.Appendf(nil, "P%d\n%d %d\n%d\n", kind, m.Width, m.Height, top)
	for i := range m.Planes[0] {
		for c := range m.Planes {
			if top > 255 {
				b = binary.BigEndian.AppendUint16(b, uint16(m.Planes[c][i]))
			} else {
				b = append(b, byte(m.Planes[c][i]))
			}
		}
	}
	return b
}

// OpenJPH decodes what EncodeHT encodes.
func TestOpenJPHDecodes(t *testing.T) {
	expand := openjph(t, "ojph_expand")
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(3, 2))
	for i := range 24 {
		m := picture(r, i%5, 1+r.IntN(150), 1+r.IntN(150), 1+i%2*2, []int{8, 12, 16}[i%3], false)
		m.ColourTransform = i%4 == 1
		b, err := EncodeHT(m)
		if err != nil {
			t.Fatal(err)
		}
		in, out := filepath.Join(dir, "a.j2c"), filepath.Join(dir, "a"+[]string{".pgm", ".ppm"}[i%2])
		write(t, in, b)
		run(t, expand, "-i", in, "-o", out)
		for c, plane := range pnm(t, read(t, out)) {
			if !slices.Equal(plane, m.Planes[c]) {
				t.Errorf("%+v: OpenJPH sees another image", m.Header)
				break
			}
		}
	}
}

// openjphOptions are what ojph_compress is told.
var openjphOptions = []string{
	"", "-num_decomps 1", "-num_decomps 7", "-num_decomps 0", "-block_size {4,4}", "-block_size {4,1024}", "-block_size {1024,4}", "-block_size {32,32}",
	"-prog_order LRCP", "-prog_order RLCP", "-prog_order RPCL", "-prog_order PCRL", "-prog_order CPRL",
	"-precincts {128,128},{64,64},{32,32} -prog_order PCRL", "-tile_size {33,47}", "-tile_size {64,64} -tile_offset {5,9} -image_offset {13,11}",
	"-colour_trans false",
}

// Decode makes of OpenJPH's codestreams what OpenJPH makes of them: exactly with
// the reversible wavelet, within one with the other.
func TestOpenJPHEncodes(t *testing.T) {
	compress, expand := openjph(t, "ojph_compress"), openjph(t, "ojph_expand")
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(5, 6))
	for i, options := range openjphOptions {
		for _, reversible := range []bool{true, false} {
			m := picture(r, 1, 150, 120, 1+i%2*2, []int{8, 12, 16}[i%3], false)
			suffix := []string{".pgm", ".ppm"}[i%2]
			in, code, out := filepath.Join(dir, "a"+suffix), filepath.Join(dir, "a.j2c"), filepath.Join(dir, "b"+suffix)
			write(t, in, asPNM(m))
			args := append([]string{"-i", in, "-o", code, "-reversible", fmt.Sprint(reversible)}, strings.Fields(options)...)
			if !reversible {
				args = append(args, "-qstep", []string{"0.001", "0.01", "0.1"}[i%3])
			}
			run(t, compress, args...)
			run(t, expand, "-i", code, "-o", out)
			got, err := Decode(context.Background(), read(t, code), DefaultLimits())
			if err != nil {
				t.Errorf("%v: %v", args[4:], err)
				continue
			}
			for c, plane := range pnm(t, read(t, out)) {
				worst := int32(0)
				for j, v := range plane {
					worst = max(worst, v-got.Planes[c][j], got.Planes[c][j]-v)
				}
				if worst > 1 || worst > 0 && reversible {
					t.Errorf("%v: component %d differs by %d from OpenJPH", args[4:], c, worst)
				}
			}
		}
	}
}
