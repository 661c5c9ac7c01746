package jpeg2000

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tool returns the path of a program of OpenJPEG (Debian's libopenjp2-tools).
func tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("SKIPPED: %s of libopenjp2-tools is not installed", name)
	}
	return path
}

func run(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// raw writes the planes one after another, little endian, as OpenJPEG's rawl.
func raw(m *Image) []byte {
	var b []byte
	for c, plane := range m.Planes {
		for _, v := range plane {
			if m.Components[c].Bits > 8 {
				b = binary.LittleEndian.AppendUint16(b, uint16(v))
			} else {
				b = append(b, byte(v))
			}
		}
	}
	return b
}

func write(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// OpenJPEG decodes what Encode encodes.
func TestOracleEncode(t *testing.T) {
	decompress := tool(t, "opj_decompress")
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 24 {
		bits := 1 + r.IntN(16)
		m := picture(r, i%5, 1+r.IntN(150), 1+r.IntN(150), 1+i%2*2, bits, i%3 == 0)
		m.ColourTransform = i%4 == 1
		for kind, encode := range encoders {
			b, err := encode(m)
			if err != nil {
				t.Fatal(err)
			}
			in, out := filepath.Join(dir, "a.j2k"), filepath.Join(dir, "a.rawl")
			write(t, in, b)
			run(t, decompress, "-i", in, "-o", out)
			if distance(m, read(t, out)) != 0 {
				t.Errorf("%s, %d bits, %+v: OpenJPEG sees another image", kind, bits, m.Header)
			}
		}
	}
}

// oracleOptions are what opj_compress is told, for codestreams of every kind.
// OpenJPEG 2.5.0 cannot decode what it writes for "-TP R" with small tiles at
// the edges ("-T 3,2"), nor for progression changes of different orders that
// overlap: those are not here.
var oracleOptions = []string{
	"", "-n 1", "-n 7", "-p RLCP", "-p RPCL", "-p PCRL", "-p CPRL",
	"-p RPCL -c [32,32],[16,16]", "-p PCRL -c [64,32] -t 50,40", "-p CPRL -c [128,128],[32,64],[16,16] -n 4",
	"-b 4,4", "-b 1024,4", "-b 4,256", "-SOP -EPH", "-SOP -EPH -p RPCL -c [32,32]",
	"-t 33,47", "-t 33,47 -d 5,9", "-d 13,7 -n 4 -p PCRL -c [32,32]", "-TP L -r 20,10,1", "-t 64,64 -TP C",
	"-M 1", "-M 2", "-M 4", "-M 8", "-M 16", "-M 32", "-M 5", "-M 9", "-M 13", "-M 63", "-M 1 -r 20,8,1", "-M 4 -r 30,10,1", "-M 63 -r 20,8,1",
	"-r 40,20,10,5,1", "-r 40,20,10,5,1 -p RLCP -c [32,32]",
	"-ROI c=0,U=3", "-ROI c=0,U=9",
	"-t 64,64 -T 3,2 -d 5,9", "-t 64,64 -TP R", "-t 64,64 -d 5,9 -TP R", "-mct 0",
	"-POC T1=0,0,1,5,3,CPRL/T1=5,0,1,6,3,CPRL", "-n 4 -POC T1=0,0,1,2,3,RLCP/T1=2,0,1,4,3,PCRL -c [64,64]",
	"-r 20,5,1 -POC T1=0,0,1,6,3,LRCP/T1=0,0,3,6,3,RPCL",
}

// Decode makes of codestreams of every kind what OpenJPEG makes of them:
// exactly with the reversible wavelet, within one with the other.
func TestOracleDecode(t *testing.T) {
	compress, decompress := tool(t, "opj_compress"), tool(t, "opj_decompress")
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(5, 6))
	for i, options := range oracleOptions {
		for _, lossy := range []bool{false, true} {
			components, bits := 1+i%2*2, []int{8, 12, 16, 5}[i%4]
			m := picture(r, 1, 150, 120, components, bits, i%5 == 4)
			in, code, out := filepath.Join(dir, "a.rawl"), filepath.Join(dir, "a.j2k"), filepath.Join(dir, "b.rawl")
			write(t, in, raw(m))
			sign := "u"
			if i%5 == 4 {
				sign = "s"
			}
			args := append([]string{"-i", in, "-o", code, "-F", fmt.Sprintf("150,120,%d,%d,%s", components, bits, sign)}, strings.Fields(options)...)
			if lossy {
				args = append(args, "-I")
				if !strings.Contains(options, "-r") {
					args = append(args, "-r", "6")
				}
			}
			run(t, compress, args...)
			run(t, decompress, "-i", code, "-o", out)
			got, err := Decode(context.Background(), read(t, code), DefaultLimits())
			if err != nil {
				t.Errorf("%v: %v", args[6:], err)
				continue
			}
			if worst := distance(got, read(t, out)); worst > 1 || worst > 0 && !lossy {
				t.Errorf("%v: differs by %d from OpenJPEG", args[6:], worst)
			}
		}
	}
}

// distance returns the largest difference between the samples and OpenJPEG's.
func distance(m *Image, want []byte) int {
	got, worst := raw(m), 0
	if len(got) != len(want) {
		return 1 << 30
	}
	width := 1 + (m.Components[0].Bits-1)/8
	for i := 0; i < len(got); i += width {
		a, b := sample(m, got[i:i+width]), sample(m, want[i:i+width])
		worst = max(worst, a-b, b-a)
	}
	return worst
}

// sample reads a sample. OpenJPEG writes zeros above the bits of negative ones.
func sample(m *Image, b []byte) int {
	v := int32(b[0])
	if len(b) == 2 {
		v |= int32(b[1]) << 8
	}
	unused := 32 - m.Components[0].Bits
	if m.Components[0].Signed {
		return int(v << unused >> unused)
	}
	return int(v)
}
