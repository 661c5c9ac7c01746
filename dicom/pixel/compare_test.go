//go:build unix

package pixel_test

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/pixel"
	"github.com/tresor-pacs/tresor/internal/corpus"
)

// TestCompareWithC compares the codecs with the C and C++ libraries of the field
// in one run, by processor time of one thread, which other work on the machine
// hardly changes: `make bench-codecs`. Of a program, the time that it takes for
// a picture of next to nothing is taken off.
func TestCompareWithC(t *testing.T) {
	if os.Getenv("TRESOR_BENCH") == "" {
		t.Skip("SKIPPED: TRESOR_BENCH is not set: make bench-codecs")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	c := &comparison{t: t, dir: t.TempDir()}
	ct := c.ct()
	fmt.Printf("%-34s %9s %9s  %s\n", "", "Tresor", "C library", "MB/s of samples; ratio")
	for _, k := range []struct {
		name           string
		ts             dicom.UID
		decode, encode func(in, out string) []string
	}{
		{"JPEG lossless SV1, DCMTK", dict.UIDJPEGLosslessSV1, dcmtk("dcmdjpeg"), dcmtk("dcmcjpeg", "+e1")},
		{"JPEG-LS, CharLS in DCMTK", dict.UIDJPEGLSLossless, dcmtk("dcmdjpls"), dcmtk("dcmcjpls", "+el")},
		{"RLE, DCMTK", dict.UIDRLELossless, dcmtk("dcmdrle"), dcmtk("dcmcrle")},
		{"JPEG 2000, OpenJPEG", dict.UIDJPEG2000Lossless, with("opj_decompress"), with("opj_compress")},
		{"HTJ2K, OpenJPH", dict.UIDHTJ2KLossless, with("ojph_expand"), with("ojph_compress", "-reversible", "true")},
		{"HTJ2K, OpenJPEG", dict.UIDHTJ2KLossless, with("opj_decompress"), nil},
	} {
		c.lossless(k.name, k.ts, ct, k.decode, k.encode)
	}
	c.baseline()
	c.firstFrame()
}

type comparison struct {
	t   *testing.T
	dir string
}

func dcmtk(tool string, options ...string) func(in, out string) []string {
	return func(in, out string) []string { return append(append([]string{tool}, options...), in, out) }
}

func with(tool string, options ...string) func(in, out string) []string {
	return func(in, out string) []string { return append([]string{tool, "-i", in, "-o", out}, options...) }
}

// ct returns a real CT slice, four times over.
func (c *comparison) ct() *pixel.Frame {
	_, im, err := openFile(c.t, corpus.Rows(c.t, "series/ct-head-phantom/I130.dcm")[0])
	if err != nil {
		c.t.Fatal(err)
	}
	f, err := im.Frame(0)
	if err != nil {
		c.t.Fatal(err)
	}
	big := &pixel.Frame{Description: f.Description}
	big.Rows, big.Columns, big.Signed = 2*f.Rows, 2*f.Columns, false
	row := f.Columns * 2
	for y := range big.Rows {
		big.Data = append(big.Data, bytes.Repeat(f.Data[y%f.Rows*row:][:row], 2)...)
	}
	return big
}

// small cuts a corner out of a frame.
func small(f *pixel.Frame) *pixel.Frame {
	s := &pixel.Frame{Description: f.Description}
	s.Rows, s.Columns = 64, 64
	for y := range s.Rows {
		s.Data = append(s.Data, f.Data[y*f.Columns*2:][:128]...)
	}
	return s
}

func (c *comparison) lossless(name string, ts dicom.UID, f *pixel.Frame, decode, encode func(in, out string) []string) {
	encoder, _ := pixel.Encoder(ts)
	decoder, _ := pixel.Decoder(ts)
	var code []byte
	ours := c.ours(func() error {
		var err error
		code, err = encoder.Encode(f)
		return err
	})
	mega := float64(f.FrameBytes()) / 1e6
	if encode != nil {
		theirs := c.theirs(encode, c.plain(f, ts), ".out", 3) - c.theirs(encode, c.plain(small(f), ts), ".out", 3)
		c.line(name+", encode", mega, ours, theirs)
	}
	ours = c.ours(func() error {
		_, err := decoder.Decode(code, &f.Description, pixel.Limits{})
		return err
	})
	theirs := c.theirs(decode, c.coded(f, ts), ".pgm", 3) - c.theirs(decode, c.coded(small(f), ts), ".pgm", 3)
	c.line(name+", decode", mega, ours, theirs)
}

func (c *comparison) line(name string, mega float64, ours, theirs time.Duration) {
	fmt.Printf("%-34s %9.0f %9.0f  %.2f\n", name, mega/ours.Seconds(), mega/theirs.Seconds(), theirs.Seconds()/ours.Seconds())
}

// ours returns the least processor time that f takes.
func (c *comparison) ours(f func() error) time.Duration {
	best := time.Hour
	for range 3 {
		runtime.GC()
		before := c.used()
		if err := f(); err != nil {
			c.t.Fatal(err)
		}
		best = min(best, c.used()-before)
	}
	return best
}

func (c *comparison) used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		c.t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// theirs returns the least processor time that a program takes for a file.
func (c *comparison) theirs(command func(in, out string) []string, in, suffix string, times int) time.Duration {
	best := time.Hour
	if encoded := filepath.Ext(in) == ".pgm"; encoded {
		suffix = ".j2c"
	} else if filepath.Ext(in) == ".dcm" {
		suffix = ".dcm"
	}
	args := command(in, filepath.Join(c.dir, "result"+suffix))
	for range times {
		cmd := exec.CommandContext(c.t.Context(), args[0], args[1:]...)
		cmd.Env = append(os.Environ(), "OPJ_NUM_THREADS=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			c.t.Fatalf("%v: %v\n%s", args, err, out)
		}
		best = min(best, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	}
	return best
}

// plain writes a frame as the programs take it that encode in the syntax.
func (c *comparison) plain(f *pixel.Frame, ts dicom.UID) string {
	if !isJ2K(ts) {
		return c.file(f, encoding.ExplicitLE.UID)
	}
	b := fmt.Appendf(nil, "P5\n%d %d\n%d\n", f.Columns, f.Rows, 1<<f.BitsStored-1)
	for i := 0; i < len(f.Data); i += 2 {
		b = append(b, f.Data[i+1], f.Data[i])
	}
	return c.write(fmt.Sprintf("plain%d.pgm", f.Rows), b)
}

// coded writes a frame as the programs take it that decode the syntax.
func (c *comparison) coded(f *pixel.Frame, ts dicom.UID) string {
	if !isJ2K(ts) {
		return c.file(f, ts)
	}
	encoder, _ := pixel.Encoder(ts)
	b, err := encoder.Encode(f)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.write(fmt.Sprintf("coded%d.j2c", f.Rows), b)
}

// file writes a frame as a DICOM file.
func (c *comparison) file(f *pixel.Frame, ts dicom.UID) string {
	ds := nativeDataSet(c.t, f.Description, f.Data)
	ds.PutUID(dict.SOPClassUID, dict.UIDCTImageStorage)
	ds.Delete(dict.IconImageSequence)
	b, err := encoding.Append(nil, encoding.ExplicitLE, ds)
	if err != nil {
		c.t.Fatal(err)
	}
	if b, err = transcode(b, encoding.ExplicitLE.UID, ts); err != nil {
		c.t.Fatal(err)
	}
	head, err := encoding.AppendMeta(nil, encoding.NewMeta(dict.UIDCTImageStorage, "1.2.3.4", ts))
	if err != nil {
		c.t.Fatal(err)
	}
	return c.write(fmt.Sprintf("in%d.dcm", f.Rows), append(head, b...))
}

func (c *comparison) write(name string, b []byte) string {
	path := filepath.Join(c.dir, name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}

// baseline compares the decoding of JPEG pictures in colour.
func (c *comparison) baseline() {
	picture := func(side int) []byte {
		m := image.NewRGBA(image.Rect(0, 0, side, side))
		for i := range m.Pix {
			x, y := i/4%side, i/4/side
			m.Pix[i] = byte(x*y/64 + x/3*(i%4) + y)
		}
		var b bytes.Buffer
		if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 90}); err != nil {
			c.t.Fatal(err)
		}
		return b.Bytes()
	}
	const side = 2048
	d := &pixel.Description{Rows: side, Columns: side, SamplesPerPixel: 3, BitsAllocated: 8, BitsStored: 8, HighBit: 7,
		Photometric: pixel.YBRFull422, Frames: 1}
	decoder, _ := pixel.Decoder(dict.UIDJPEGBaseline8Bit)
	code := picture(side)
	ours := c.ours(func() error {
		_, err := decoder.Decode(code, d, pixel.Limits{})
		return err
	})
	djpeg := func(in, out string) []string { return []string{"djpeg", "-outfile", out, in} }
	theirs := c.theirs(djpeg, c.write("big.jpg", code), ".ppm", 3) - c.theirs(djpeg, c.write("small.jpg", picture(16)), ".ppm", 3)
	c.line("JPEG baseline, libjpeg-turbo, decode", side*side*3/1e6, ours, theirs)
}

// firstFrame measures what a viewer waits for: a compressed CT slice as a JPEG
// picture.
func (c *comparison) firstFrame() {
	ds, im, err := openFile(c.t, corpus.Rows(c.t, "series/ct-head-phantom/I130.dcm")[0])
	if err != nil {
		c.t.Fatal(err)
	}
	f, err := im.Frame(0)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, ts := range []dicom.UID{dict.UIDJPEG2000Lossless, dict.UIDHTJ2KLossless, dict.UIDJPEGLSLossless} {
		encoder, _ := pixel.Encoder(ts)
		decoder, _ := pixel.Decoder(ts)
		code, err := encoder.Encode(f)
		if err != nil {
			c.t.Fatal(err)
		}
		took := c.ours(func() error {
			f, err := decoder.Decode(code, &f.Description, pixel.Limits{})
			if err != nil {
				return err
			}
			picture, err := f.Render(ds, 0, pixel.RenderOptions{})
			if err != nil {
				return err
			}
			return pixel.WriteJPEG(io.Discard, picture, 0, nil)
		})
		fmt.Printf("%s, %d by %d, decoded, windowed, as JPEG: %.0f ms of processor time\n", ts, f.Columns, f.Rows, took.Seconds()*1000)
	}
}
