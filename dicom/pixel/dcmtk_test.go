package pixel_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/pixel"
)

// instance makes a file's content of encapsulated frames.
func instance(t *testing.T, ts dicom.UID, d pixel.Description, frame []byte) []byte {
	t.Helper()
	ds := &dicom.DataSet{}
	ds.PutUID(dict.SOPClassUID, dict.UIDSecondaryCaptureImageStorage)
	ds.PutUID(dict.SOPInstanceUID, "1.2.3.4")
	sign := int64(0)
	if d.Signed {
		sign = 1
	}
	err := ds.PutString(dict.PhotometricInterpretation, dicom.VRCS, string(d.Photometric))
	for tag, v := range map[dicom.Tag]int64{
		dict.Rows: int64(d.Rows), dict.Columns: int64(d.Columns), dict.SamplesPerPixel: int64(d.SamplesPerPixel),
		dict.BitsAllocated: int64(d.BitsAllocated), dict.BitsStored: int64(d.BitsStored),
		dict.HighBit: int64(d.HighBit), dict.PixelRepresentation: sign, dict.PlanarConfiguration: 0,
	} {
		if tag == dict.PlanarConfiguration && d.SamplesPerPixel == 1 {
			continue
		}
		if err == nil {
			err = ds.PutInts(tag, dicom.VRUS, v)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(frame)%2 == 1 {
		frame = append(frame, 0)
	}
	ds.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROB, Undefined: true, Fragments: [][]byte{{}, frame}})
	var b bytes.Buffer
	if err := encoding.WriteFile(&b, encoding.NewMeta(dict.UIDSecondaryCaptureImageStorage, "1.2.3.4", ts), ds); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What our encoders write, DCMTK reads, and gets the same pixels.
func TestDCMTKReadsWhatWeEncode(t *testing.T) {
	dir := t.TempDir()
	tools := map[dicom.UID]string{
		dict.UIDJPEGLosslessSV1: "dcmdjpeg",
		dict.UIDJPEGLSLossless:  "dcmdjpls",
		dict.UIDRLELossless:     "dcmdrle",
	}
	shapes := []pixel.Description{
		{Rows: 24, Columns: 40, SamplesPerPixel: 1, BitsAllocated: 8, BitsStored: 8, HighBit: 7, Frames: 1, Photometric: pixel.Monochrome2},
		{Rows: 24, Columns: 40, SamplesPerPixel: 3, BitsAllocated: 8, BitsStored: 8, HighBit: 7, Frames: 1, Photometric: pixel.RGB},
		{Rows: 24, Columns: 40, SamplesPerPixel: 1, BitsAllocated: 16, BitsStored: 12, HighBit: 11, Frames: 1, Photometric: pixel.Monochrome2},
		{Rows: 24, Columns: 40, SamplesPerPixel: 1, BitsAllocated: 16, BitsStored: 16, HighBit: 15, Signed: true, Frames: 1, Photometric: pixel.Monochrome2},
	}
	for ts, name := range tools {
		tool, err := exec.LookPath(name)
		if err != nil {
			t.Logf("skipped: %s is not installed", name)
			continue
		}
		encoder, _ := pixel.Encoder(ts)
		for i, d := range shapes {
			for k, f := range pictures(d, 5) {
				if k > 3 {
					break
				}
				frame, err := encoder.Encode(f)
				if err != nil {
					t.Fatal(err)
				}
				in, out := filepath.Join(dir, "in.dcm"), filepath.Join(dir, "out.dcm")
				if err := os.WriteFile(in, instance(t, ts, d, frame), 0o600); err != nil {
					t.Fatal(err)
				}
				if b, err := exec.Command(tool, in, out).CombinedOutput(); err != nil {
					t.Errorf("%s: shape %d, picture %d: %v %s", name, i, k, err, b)
					continue
				}
				b, err := os.ReadFile(out)
				if err != nil {
					t.Fatal(err)
				}
				_, ds, err := encoding.ParseFile(b, encoding.Options{})
				if err != nil {
					t.Fatal(err)
				}
				im, err := pixel.Open(ds, encoding.ExplicitLE.UID, pixel.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				got, err := im.Frame(0)
				if err != nil || !bytes.Equal(got.Data, f.Data) {
					t.Errorf("%s: shape %d, picture %d: other pixels (%v)", name, i, k, err)
				}
			}
		}
	}
}

// dcmtkEncoded is what DCMTK can make that we then decode as it does itself.
var dcmtkEncoded = []struct {
	encode, decode string
	colour         bool // dcmdjpeg would turn colours into RGB
	flags          [][]string
}{
	{"dcmcjpls", "dcmdjpls", true, [][]string{
		{"+en", "+md", "2"}, {"+en", "+md", "5", "+is"}, {"+el", "+is"}, {"+el", "+in"}, {"+el", "+il"},
	}},
	{"dcmcjpeg", "dcmdjpeg", false, [][]string{
		{"+el", "+sv", "2"}, {"+el", "+sv", "3"}, {"+el", "+sv", "4"}, {"+el", "+sv", "5"},
		{"+el", "+sv", "6"}, {"+el", "+sv", "7"}, {"+el", "+sv", "6", "+pt", "2"}, {"+e1"}, {"+ee", "+q", "60"},
	}},
}

// What DCMTK encodes, we decode as it does itself.
func TestWeReadWhatDCMTKEncodes(t *testing.T) {
	shapes := []pixel.Description{
		{Rows: 40, Columns: 64, SamplesPerPixel: 1, BitsAllocated: 16, BitsStored: 12, HighBit: 11, Frames: 1, Photometric: pixel.Monochrome2},
		{Rows: 40, Columns: 64, SamplesPerPixel: 3, BitsAllocated: 8, BitsStored: 8, HighBit: 7, Frames: 1, Photometric: pixel.RGB},
	}
	dir := t.TempDir()
	for _, c := range dcmtkEncoded {
		encode, err := exec.LookPath(c.encode)
		decode, err2 := exec.LookPath(c.decode)
		if err != nil || err2 != nil {
			t.Logf("skipped: %s or %s is not installed", c.encode, c.decode)
			continue
		}
		for i, d := range shapes {
			if d.SamplesPerPixel > 1 && !c.colour {
				continue
			}
			for k, f := range pictures(d, 11)[:2] {
				native := filepath.Join(dir, "native.dcm")
				if err := os.WriteFile(native, nativeInstance(t, d, f.Data), 0o600); err != nil {
					t.Fatal(err)
				}
				for _, flags := range c.flags {
					packed, plain := filepath.Join(dir, "packed.dcm"), filepath.Join(dir, "plain.dcm")
					if b, err := exec.Command(encode, append(flags, native, packed)...).CombinedOutput(); err != nil {
						t.Errorf("%s %v: %v %s", c.encode, flags, err, b)
						continue
					}
					if b, err := exec.Command(decode, packed, plain).CombinedOutput(); err != nil {
						t.Fatalf("%s: %v %s", c.decode, err, b)
					}
					if got, want := firstFrame(t, packed), firstFrame(t, plain); !bytes.Equal(got, want) {
						t.Errorf("%s %v: shape %d, picture %d: other pixels", c.encode, flags, i, k)
					}
				}
			}
		}
	}
}

func nativeInstance(t *testing.T, d pixel.Description, data []byte) []byte {
	t.Helper()
	_, ds, err := encoding.ParseFile(instance(t, dict.UIDRLELossless, d, []byte{0, 0}), encoding.Options{})
	if err != nil {
		t.Fatal(err)
	}
	vr := dicom.VROB
	if d.BitsAllocated > 8 {
		vr = dicom.VROW
	}
	ds.Put(dicom.Element{Tag: dict.PixelData, VR: vr, Data: data})
	var b bytes.Buffer
	if err := encoding.WriteFile(&b, encoding.NewMeta(dict.UIDSecondaryCaptureImageStorage, "1.2.3.4", encoding.ExplicitLE.UID), ds); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func firstFrame(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	meta, ds, err := encoding.ParseFile(b, encoding.Options{})
	if err != nil {
		t.Fatal(err)
	}
	im, err := pixel.Open(ds, meta.UID(dict.TransferSyntaxUID), pixel.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := im.Frame(0)
	if err != nil {
		t.Fatal(err)
	}
	return f.Data
}
