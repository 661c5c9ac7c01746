package pixel_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/pixel"
)

// scans are the scan scripts that jpegtran is given: all of one picture's
// coefficients band by band; band by band and bit by bit; everything from DC to
// the last bit with components apart.
var scans = map[string]string{
	"standard": "",
	"spectral selection": `0,1,2: 0-0, 0, 0; 0: 1-5, 0, 0; 0: 6-63, 0, 0;
		1: 1-63, 0, 0; 2: 1-63, 0, 0;`,
	"successive approximation": `0: 0-0, 0, 3; 1,2: 0-0, 0, 1; 0: 1-63, 0, 2; 1: 1-63, 0, 1; 2: 1-63, 0, 0;
		0: 0-0, 3, 2; 0: 0-0, 2, 1; 0: 1-63, 2, 1; 1,2: 0-0, 1, 0; 0: 0-0, 1, 0; 0: 1-63, 1, 0; 1: 1-63, 1, 0;`,
}

// A progressive stream has the samples of the sequential one with the same
// coefficients, which jpegtran makes of it.
func TestProgressiveIsSequential(t *testing.T) {
	jpegtran, err := exec.LookPath("jpegtran")
	if err != nil {
		t.Skip("SKIPPED: jpegtran of libjpeg-turbo-progs is not installed")
	}
	dir := t.TempDir()
	for _, size := range []image.Point{{8, 8}, {1, 1}, {67, 41}, {130, 96}} {
		m := image.NewRGBA(image.Rectangle{Max: size})
		for y := range size.Y {
			for x := range size.X {
				m.Set(x, y, color.RGBA{byte(x * 7), byte(y*5 + x*y), byte((x ^ y) * 11), 255})
			}
		}
		var sequential bytes.Buffer
		if err := jpeg.Encode(&sequential, m, &jpeg.Options{Quality: 92}); err != nil {
			t.Fatal(err)
		}
		d := &pixel.Description{Rows: size.Y, Columns: size.X, SamplesPerPixel: 3, BitsAllocated: 8, BitsStored: 8, HighBit: 7,
			Photometric: pixel.YBRFull422, Frames: 1}
		decoder, _ := pixel.Decoder(dict.UIDJPEGFullProgressionNonHierarchical1012)
		want, err := decoder.Decode(sequential.Bytes(), d, pixel.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		in := filepath.Join(dir, "in.jpg")
		if err := os.WriteFile(in, sequential.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		for name, script := range scans {
			for _, restart := range []string{"", "-restart 1", "-restart 3B"} {
				args := append(strings.Fields(restart), "-progressive")
				if script != "" {
					file := filepath.Join(dir, "scans")
					if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
						t.Fatal(err)
					}
					args = append(args, "-scans", file)
				}
				b, err := exec.Command(jpegtran, append(args, in)...).Output()
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				got, err := decoder.Decode(b, d, pixel.Limits{})
				if err != nil || !bytes.Equal(got.Data, want.Data) {
					t.Errorf("%v %s %s: other samples, %v", size, name, restart, err)
				}
				for n := 0; n < len(b)-2; n += 1 + len(b)/50 {
					if _, err := decoder.Decode(b[:n], d, pixel.Limits{}); err == nil {
						t.Errorf("%v %s: %d of %d bytes were enough", size, name, n, len(b))
						break
					}
				}
			}
		}
	}
}

// Each scan brings something that was not there: that bounds how many there are.
func TestProgressiveScansAdvance(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 8, 8))
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	stream := bytes.Replace(b.Bytes(), []byte{0xff, 0xc0}, []byte{0xff, 0xc2}, 1)
	d := &pixel.Description{Rows: 8, Columns: 8, SamplesPerPixel: 1, BitsAllocated: 8, BitsStored: 8, HighBit: 7,
		Photometric: pixel.Monochrome2, Frames: 1}
	decoder, _ := pixel.Decoder(dict.UIDJPEGFullProgressionNonHierarchical1012)
	// A scan of all coefficients is none of a progressive process.
	if _, err := decoder.Decode(stream, d, pixel.Limits{}); !errors.Is(err, pixel.ErrSyntax) {
		t.Error(err)
	}
	// The same scan twice brings what was there.
	gray, err := os.ReadFile("testdata/progressive-gray.jpg")
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(gray, []byte{0xff, 0xda})
	end := at + 2 + bytes.Index(gray[at+2:], []byte{0xff, 0xc4})
	twice := append(append(append([]byte(nil), gray[:end]...), gray[at:end]...), gray[end:]...)
	d.Rows, d.Columns = 24, 40
	if _, err := decoder.Decode(gray, d, pixel.Limits{}); err != nil {
		t.Error(err)
	}
	if _, err := decoder.Decode(twice, d, pixel.Limits{}); !errors.Is(err, pixel.ErrSyntax) {
		t.Error(err)
	}
}
