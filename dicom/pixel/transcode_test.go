package pixel_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/pixel"
	"github.com/tresor-pacs/tresor/internal/corpus"
)

var nativeSyntaxes = []dicom.UID{
	dict.UIDExplicitVRLittleEndian, dict.UIDImplicitVRLittleEndian,
	dict.UIDExplicitVRBigEndian, dict.UIDDeflatedExplicitVRLittleEndian,
}

// nativeDataSet makes a data set of frames, as d describes them.
func nativeDataSet(t testing.TB, d pixel.Description, data []byte) *dicom.DataSet {
	t.Helper()
	ds := new(dicom.DataSet)
	ds.PutString(dict.SOPInstanceUID, dicom.VRUI, "1.2.3.4")
	ds.PutString(dict.PatientName, dicom.VRPN, "Invented^Ilse")
	ds.PutString(dict.PhotometricInterpretation, dicom.VRCS, string(d.Photometric))
	numbers := map[dicom.Tag]int{
		dict.SamplesPerPixel: d.SamplesPerPixel, dict.Rows: d.Rows, dict.Columns: d.Columns,
		dict.BitsAllocated: d.BitsAllocated, dict.BitsStored: d.BitsStored, dict.HighBit: d.HighBit,
		dict.PixelRepresentation: map[bool]int{true: 1}[d.Signed],
	}
	if d.SamplesPerPixel > 1 {
		numbers[dict.PlanarConfiguration] = map[bool]int{true: 1}[d.Planar]
	}
	for tag, v := range numbers {
		if err := ds.PutInts(tag, dicom.VRUS, int64(v)); err != nil {
			t.Fatal(err)
		}
	}
	ds.PutString(dict.NumberOfFrames, dicom.VRIS, fmt.Sprint(d.Frames))
	icon := new(dicom.DataSet)
	icon.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROW, Data: []byte{1, 2, 3, 4}})
	ds.Put(dicom.Element{Tag: dict.IconImageSequence, VR: dicom.VRSQ, Items: []dicom.Item{{DataSet: icon}}})
	vr := dicom.VROW
	if d.BitsAllocated == 8 {
		vr = dicom.VROB
	}
	ds.Put(dicom.Element{Tag: dict.PixelData, VR: vr, Data: dicom.Pad(data, dicom.VROB)})
	return ds
}

// nativeFrames joins frames as native pixel data has them in the form that d
// asks for: the inverse of what decoding does, written apart from it.
func nativeFrames(d pixel.Description, frames []*pixel.Frame) []byte {
	var out []byte
	bit := 0
	width, samples := d.SampleBytes(), d.SamplesPerPixel
	cell := func(f *pixel.Frame, p, s int) []byte {
		v := f.Sample(p*samples + s)
		if d.Signed && v>>(d.BitsStored-1)&1 == 1 {
			v |= ^uint64(0) << d.BitsStored
		}
		v <<= d.HighBit + 1 - d.BitsStored
		b := make([]byte, width)
		for i := range b {
			b[i] = byte(v >> (8 * i))
		}
		return b
	}
	for _, f := range frames {
		for i := range d.Pixels() * samples {
			switch {
			case d.BitsAllocated == 1:
				if bit%8 == 0 {
					out = append(out, 0)
				}
				out[bit/8] |= f.Data[i] << (bit % 8)
				bit++
			case d.Planar:
				out = append(out, cell(f, i%d.Pixels(), i/d.Pixels())...)
			default:
				out = append(out, cell(f, i/samples, i%samples)...)
			}
		}
	}
	return out
}

// lookup returns the encoding of a transfer syntax of the registry.
func lookup(t testing.TB, uid dicom.UID) encoding.TransferSyntax {
	t.Helper()
	ts, ok := encoding.Lookup(uid)
	if !ok {
		t.Fatalf("unknown transfer syntax %s", uid)
	}
	return ts
}

func transcode(b []byte, from, to dicom.UID) ([]byte, error) {
	t, err := pixel.NewTranscoder(context.Background(), bytes.NewReader(b), int64(len(b)), from, to, pixel.TranscodeOptions{})
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.WriteTo(context.Background(), &out); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// samples decodes all frames.
func samples(t testing.TB, b []byte, ts dicom.UID) (*dicom.DataSet, []byte, pixel.Photometric) {
	t.Helper()
	ds, err := encoding.Parse(b, lookup(t, ts), encoding.Options{})
	if err != nil {
		t.Fatalf("%s: %v", ts, err)
	}
	im, err := pixel.Open(ds, ts, pixel.Limits{})
	if err != nil {
		t.Fatalf("%s: %v", ts, err)
	}
	var all []byte
	var photometric pixel.Photometric
	for i := range im.Frames {
		f, err := im.Frame(i)
		if err != nil {
			t.Fatalf("%s: %v", ts, err)
		}
		all, photometric = append(all, f.Data...), f.Photometric
	}
	return ds, all, photometric
}

// shapes covers what the Image Pixel module can say, each with three frames.
func shapes() []pixel.Description {
	list := descriptions()
	for _, p := range []pixel.Photometric{pixel.Monochrome1, pixel.PaletteColor, pixel.YBRFull, pixel.RGB} {
		d := pixel.Description{Rows: 6, Columns: 10, SamplesPerPixel: 1, BitsAllocated: 8, BitsStored: 8, HighBit: 7, Photometric: p}
		if p == pixel.YBRFull || p == pixel.RGB {
			d.SamplesPerPixel = 3
			list = append(list, d)
			d.Planar = true
		}
		list = append(list, d)
	}
	shifted := pixel.Description{Rows: 6, Columns: 10, SamplesPerPixel: 1, BitsAllocated: 16, BitsStored: 12, HighBit: 15, Photometric: pixel.Monochrome2}
	list = append(list, shifted)
	shifted.HighBit, shifted.Signed = 12, true
	list = append(list, shifted)
	for i := range list {
		list[i].Frames = 3
	}
	return list
}

// Whatever bits, sign, samples and photometric interpretation are, and whichever
// transfer syntaxes lie between, the samples come back bit for bit, and nothing
// but what belongs to the pixels has changed.
func TestTranscodeIsExact(t *testing.T) {
	targets := slices.Concat(nativeSyntaxes, pixel.EncodedSyntaxes())
	tried, refused := 0, map[string]int{}
	for i, d := range shapes() {
		frames := pictures(d, uint64(i))[:3]
		ds := nativeDataSet(t, d, nativeFrames(d, frames))
		var want []byte
		for _, f := range frames {
			want = append(want, f.Data...)
		}
		for j, from := range nativeSyntaxes {
			native, err := encoding.Append(nil, lookup(t, from), ds)
			if err != nil {
				t.Fatal(err)
			}
			to := targets[(i+7*j)%len(targets)]
			for _, to := range []dicom.UID{to, targets[(i*5+j)%len(targets)]} {
				name := fmt.Sprintf("%+v from %s to %s", d, from, to)
				b, err := transcode(native, from, to)
				if errors.Is(err, pixel.ErrUnsupported) {
					refused[string(to)]++
					continue
				}
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				tried++
				sameInstance(t, name, ds, want, b, to)
				for k := range 2 { // and on to another one, and from there back
					next := targets[(i+3*j+k*5+1)%len(targets)]
					c, err := transcode(b, to, next)
					if errors.Is(err, pixel.ErrUnsupported) {
						continue
					}
					if err != nil {
						t.Fatalf("%s and %s: %v", name, next, err)
					}
					sameInstance(t, name+" and "+string(next), ds, want, c, next)
					back, err := transcode(c, next, dict.UIDExplicitVRLittleEndian)
					if err != nil {
						t.Fatalf("%s, %s and back: %v", name, next, err)
					}
					sameInstance(t, name+" and back", ds, want, back, dict.UIDExplicitVRLittleEndian)
				}
			}
		}
	}
	t.Logf("%d conversions, refused: %v", tried, refused)
	if tried < 300 {
		t.Errorf("only %d conversions", tried)
	}
}

// sameInstance compares a transcoded data set with the one it was made of.
func sameInstance(t *testing.T, name string, old *dicom.DataSet, want, b []byte, ts dicom.UID) {
	t.Helper()
	ds, got, decoded := samples(t, b, ts)
	if !bytes.Equal(got, want) {
		t.Fatalf("%s: other samples", name)
	}
	if p := pixel.Photometric(old.String(dict.PhotometricInterpretation)); decoded != p {
		t.Fatalf("%s: %s became %s", name, p, decoded)
	}
	may := []dicom.Tag{dict.PhotometricInterpretation, dict.PlanarConfiguration, dict.HighBit, dict.PixelData}
	if ds.Len() != old.Len() {
		t.Fatalf("%s: %d elements instead of %d", name, ds.Len(), old.Len())
	}
	for e := range old.All() {
		o := ds.Get(e.Tag)
		if o == nil || !slices.Contains(may, e.Tag) && !bytes.Equal(o.Data, e.Data) || len(o.Items) != len(e.Items) {
			t.Fatalf("%s: %v has changed", name, e.Tag)
		}
	}
	icon := ds.Items(dict.IconImageSequence)[0].DataSet.Get(dict.PixelData)
	if !bytes.Equal(icon.Data, []byte{1, 2, 3, 4}) {
		t.Fatalf("%s: the icon has changed", name)
	}
	samplesPerPixel, _ := old.Int(dict.SamplesPerPixel)
	colour := decoded == pixel.RGB && samplesPerPixel == 3
	photometric, planar := pixel.Photometric(ds.String(dict.PhotometricInterpretation)), int64(0)
	if rct := photometric == pixel.YBRRCT; rct != (colour && isJ2K(ts)) {
		t.Fatalf("%s: Photometric Interpretation %s", name, photometric)
	}
	if ts == dict.UIDRLELossless {
		planar = 1
	}
	native := lookup(t, ts).Native()
	if is, err := ds.Int(dict.PlanarConfiguration); samplesPerPixel > 1 && !native && (err != nil || is != planar) {
		t.Fatalf("%s: Planar Configuration %d", name, is)
	}
	if !native {
		fragments := ds.Get(dict.PixelData).Fragments
		frames, _ := old.Int(dict.NumberOfFrames)
		if int64(len(fragments)) != frames+1 || len(fragments[0]) != 0 {
			t.Fatalf("%s: %d fragments", name, len(fragments))
		}
	}
}

func isJ2K(ts dicom.UID) bool {
	return ts == dict.UIDJPEG2000Lossless || ts == dict.UIDJPEG2000 ||
		ts == dict.UIDHTJ2KLossless || ts == dict.UIDHTJ2KLosslessRPCL || ts == dict.UIDHTJ2K
}

// Every file of the corpus that can be decoded comes out of another transfer
// syntax with the same samples; with TRESOR_LONG set, large ones too, and of all.
func TestTranscodeCorpus(t *testing.T) {
	done := map[dicom.UID]int{}
	refused := map[string]int{}
	long := os.Getenv("TRESOR_LONG") != ""
	for n, row := range corpus.Rows(t, "conformance/") {
		status := row["pixel_status"]
		size, err := strconv.Atoi(row["pixel_bytes"])
		if status != "exact" && status != "tolerance" || err != nil || size == 0 || size > 10_000_000 || size > 1_000_000 && !long {
			continue
		}
		file, err := os.ReadFile(filepath.Join(corpus.Dir(t), row.Path()))
		if err != nil {
			t.Fatal(err)
		}
		_, from, at, err := encoding.ParseMeta(file)
		if _, decodes := pixel.Decoder(from.UID); err != nil || from.Encapsulated && !decodes {
			continue
		}
		b := file[at:]
		_, want, _ := samples(t, b, from.UID)
		targets := pixel.TranscodeTargets(from.UID)[1:]
		if !long {
			targets = targets[n%len(targets):][:1]
		}
		for _, to := range targets {
			out, err := transcode(b, from.UID, to)
			if errors.Is(err, pixel.ErrUnsupported) {
				refused[row.Path()]++
				continue
			}
			if err != nil {
				t.Errorf("%s to %s: %v", row.Path(), to, err)
				continue
			}
			if _, got, _ := samples(t, out, to); !bytes.Equal(got, want) {
				t.Errorf("%s to %s: other samples", row.Path(), to)
			}
			done[to]++
		}
	}
	t.Logf("%v, refused %v", done, refused)
}

// Chrominance that native pixel data shares between two pixels gets to be each
// pixel's own, and the data set says so.
func TestTranscodeSubsampled(t *testing.T) {
	d := pixel.Description{Rows: 2, Columns: 4, SamplesPerPixel: 3, BitsAllocated: 8, BitsStored: 8, HighBit: 7,
		Photometric: pixel.YBRFull422, Frames: 1}
	ds := nativeDataSet(t, d, []byte{1, 2, 50, 60, 3, 4, 51, 61, 5, 6, 52, 62, 7, 8, 53, 63})
	b, err := encoding.Append(nil, encoding.ExplicitLE, ds)
	if err != nil {
		t.Fatal(err)
	}
	b, err = transcode(b, encoding.ExplicitLE.UID, dict.UIDJPEGLSLossless)
	if err != nil {
		t.Fatal(err)
	}
	ds, got, _ := samples(t, b, dict.UIDJPEGLSLossless)
	want := []byte{1, 50, 60, 2, 50, 60, 3, 51, 61, 4, 51, 61, 5, 52, 62, 6, 52, 62, 7, 53, 63, 8, 53, 63}
	if p := ds.String(dict.PhotometricInterpretation); p != "YBR_FULL" || !bytes.Equal(got, want) {
		t.Errorf("%s %v", p, got)
	}
}

// What would lose something is refused before a byte is written.
func TestTranscodeRefuses(t *testing.T) {
	d := pixel.Description{Rows: 2, Columns: 2, SamplesPerPixel: 1, BitsAllocated: 16, BitsStored: 12, HighBit: 11,
		Photometric: pixel.Monochrome2, Frames: 1}
	withBits := nativeDataSet(t, d, []byte{1, 0, 2, 0x10, 3, 0, 4, 0})
	overlay := nativeDataSet(t, d, make([]byte, 8))
	overlay.PutInts(dicom.NewTag(0x6000, 0x0102), dicom.VRUS, 12)
	float := nativeDataSet(t, d, nil)
	float.Delete(dict.PixelData)
	float.Put(dicom.Element{Tag: dict.FloatPixelData, VR: dicom.VROF, Data: make([]byte, 16)})
	none := nativeDataSet(t, d, nil)
	none.Delete(dict.PixelData)
	partial := d
	partial.SamplesPerPixel, partial.Photometric, partial.BitsAllocated, partial.BitsStored, partial.HighBit = 3, pixel.YBRPartial422, 8, 8, 7
	for name, ds := range map[string]*dicom.DataSet{
		"bits outside of Bits Stored": withBits, "an overlay in the pixels": overlay, "floating point": float,
		"no pixels": none, "no name for all samples": nativeDataSet(t, partial, make([]byte, 8)),
	} {
		b, err := encoding.Append(nil, encoding.ExplicitLE, ds)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := transcode(b, encoding.ExplicitLE.UID, dict.UIDJPEGLSLossless); !errors.Is(err, pixel.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
		if out, err := transcode(b, encoding.ExplicitLE.UID, encoding.ImplicitLE.UID); err != nil || len(out) == 0 {
			t.Errorf("%s: between native syntaxes: %v", name, err)
		}
	}
	if _, err := transcode(nil, dict.UIDMPEG2MPML, encoding.ExplicitLE.UID); !errors.Is(err, pixel.ErrUnsupported) {
		t.Errorf("video: %v", err)
	}
}

// A data set that was lossy once says so when its transfer syntax no longer does.
func TestTranscodeKeepsLossyFlag(t *testing.T) {
	for _, row := range corpus.Rows(t, "conformance/ts-4.50") {
		file, err := os.ReadFile(filepath.Join(corpus.Dir(t), row.Path()))
		if err != nil {
			t.Fatal(err)
		}
		_, from, at, err := encoding.ParseMeta(file)
		if err != nil || from.UID != dict.UIDJPEGBaseline8Bit {
			continue
		}
		out, err := transcode(file[at:], from.UID, encoding.ExplicitLE.UID)
		if err != nil {
			t.Errorf("%s: %v", row.Path(), err)
			continue
		}
		ds, _, _ := samples(t, out, encoding.ExplicitLE.UID)
		if ds.String(dict.LossyImageCompression) != "01" {
			t.Errorf("%s: Lossy Image Compression %q", row.Path(), ds.String(dict.LossyImageCompression))
		}
	}
}

// A cancelled transcoding ends.
func TestTranscodeCancelled(t *testing.T) {
	d := pixel.Description{Rows: 16, Columns: 16, SamplesPerPixel: 1, BitsAllocated: 8, BitsStored: 8, HighBit: 7,
		Photometric: pixel.Monochrome2, Frames: 3}
	b, err := encoding.Append(nil, encoding.ExplicitLE, nativeDataSet(t, d, make([]byte, 3*256)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	tr, err := pixel.NewTranscoder(ctx, bytes.NewReader(b), int64(len(b)), encoding.ExplicitLE.UID, dict.UIDRLELossless, pixel.TranscodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := tr.WriteTo(ctx, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// endless is a data set whose pixel data is zeros without end.
type endless struct{ head []byte }

func (e endless) ReadAt(p []byte, off int64) (int, error) {
	clear(p)
	if off < int64(len(e.head)) {
		copy(p, e.head[off:])
	}
	return len(p), nil
}

// Memory does not grow with the number of frames.
func TestTranscodeStreams(t *testing.T) {
	const frames, size = 256, 1 << 20
	d := pixel.Description{Rows: 1024, Columns: 1024, SamplesPerPixel: 1, BitsAllocated: 8, BitsStored: 8, HighBit: 7,
		Photometric: pixel.Monochrome2, Frames: frames}
	head, err := encoding.Append(nil, encoding.ExplicitLE, nativeDataSet(t, d, nil))
	if err != nil {
		t.Fatal(err)
	}
	head = append(head[:len(head)-4], 0, 0, 0, frames*size>>24)
	ctx := context.Background()
	tr, err := pixel.NewTranscoder(ctx, endless{head}, int64(len(head))+frames*size, encoding.ExplicitLE.UID, dict.UIDRLELossless, pixel.TranscodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w := &heapWatcher{}
	if err := tr.WriteTo(ctx, w); err != nil {
		t.Fatal(err)
	}
	if w.n < frames*size/128 || w.most > 64<<20 {
		t.Errorf("%d bytes written, %d bytes of memory", w.n, w.most)
	}
}

// heapWatcher collects garbage now and then and looks at what is left.
type heapWatcher struct {
	n, calls int64
	most     uint64
}

func (w *heapWatcher) Write(p []byte) (int, error) {
	w.n += int64(len(p))
	if w.calls++; w.calls%16 == 0 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		w.most = max(w.most, m.HeapAlloc)
	}
	return len(p), nil
}

func FuzzTranscode(f *testing.F) {
	d := pixel.Description{Rows: 4, Columns: 6, SamplesPerPixel: 1, BitsAllocated: 16, BitsStored: 12, HighBit: 11,
		Photometric: pixel.Monochrome2, Frames: 2}
	native, err := encoding.Append(nil, encoding.ExplicitLE, nativeDataSet(f, d, make([]byte, 96)))
	if err != nil {
		f.Fatal(err)
	}
	syntaxes := slices.Concat(nativeSyntaxes, pixel.EncodedSyntaxes())
	for i, to := range syntaxes {
		if b, err := transcode(native, encoding.ExplicitLE.UID, to); err == nil {
			f.Add(b, byte(i), byte(i+1))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, from, to byte) {
		a, z := syntaxes[int(from)%len(syntaxes)], syntaxes[int(to)%len(syntaxes)]
		out, err := transcode(b, a, z)
		// The same syntax means the same bytes, and implicit VR takes VRs from the
		// registry, where those of the input may be others.
		if err == nil && a != z && z != dict.UIDImplicitVRLittleEndian {
			if _, err := encoding.Parse(out, lookup(t, z), encoding.Options{}); err != nil {
				t.Fatalf("from %s to %s: what was written cannot be read: %v", a, z, err)
			}
		}
	})
}
