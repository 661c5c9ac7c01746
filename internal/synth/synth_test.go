package synth

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/peers"
)

// small is a study of every modality with small pictures.
func small() Options {
	return Options{Number: 7, Patient: 3, Modalities: Modalities(), Count: 2, Rows: 64, Columns: 72, Frames: 3}
}

var syntaxes = []dicom.UID{dict.UIDImplicitVRLittleEndian, dict.UIDExplicitVRLittleEndian,
	dict.UIDExplicitVRBigEndian, dict.UIDDeflatedExplicitVRLittleEndian}

func writeTo(t *testing.T, o *Object, uid dicom.UID) []byte {
	t.Helper()
	ts, ok := encoding.Lookup(uid)
	if !ok {
		t.Fatalf("no transfer syntax %s", uid)
	}
	var b bytes.Buffer
	if err := o.Write(&b, ts); err != nil {
		t.Fatalf("write %s: %v", uid, err)
	}
	if b.Len()&1 == 1 {
		t.Errorf("%s: odd length", uid)
	}
	return b.Bytes()
}

// What is streamed is what the library writes of the whole data set.
func TestStreamedAsWhole(t *testing.T) {
	for o := range New(1).Objects(small()) {
		for _, uid := range syntaxes {
			ts, _ := encoding.Lookup(uid)
			parsed, err := encoding.Parse(writeTo(t, o, uid), ts, encoding.Options{})
			if err != nil {
				t.Fatalf("%s in %s: %v", o.Class, uid, err)
			}
			got, err := encoding.Append(nil, encoding.ExplicitLE, parsed)
			if err != nil {
				t.Fatal(err)
			}
			want, err := encoding.Append(nil, encoding.ExplicitLE, o.DataSet())
			if err != nil {
				t.Fatal(err)
			}
			// In implicit VR pixel data is OW, whatever it was.
			if uid != dict.UIDImplicitVRLittleEndian && !bytes.Equal(got, want) || len(got) != len(want) {
				t.Errorf("%s in %s differs from the data set", o.Class, uid)
			}
		}
	}
}

// The same seed and number make the same bytes, on every machine and for ever:
// test data of others may rest on it.
func TestDeterministic(t *testing.T) {
	sum := func(seed uint64, number int) string {
		h := sha256.New()
		o := small()
		o.Number = number
		for ds := range New(seed).Study(o) {
			b, err := encoding.Append(nil, encoding.ExplicitLE, ds)
			if err != nil {
				t.Fatal(err)
			}
			h.Write(b)
		}
		return hex.EncodeToString(h.Sum(nil))
	}
	first := sum(1, 1)
	if first != sum(1, 1) {
		t.Error("the same seed and number made other bytes")
	}
	if first == sum(2, 1) || first == sum(1, 2) {
		t.Error("another seed or number made the same bytes")
	}
}

func TestCharacterSets(t *testing.T) {
	g := New(5)
	for n, name := range CharacterSets() {
		o := Options{Number: n, Patient: n, Modalities: []string{"SC"}, CharacterSet: name, Rows: 16, Columns: 16}
		for ds := range g.Study(o) {
			want := g.Patient(n, name).Name
			if got := ds.String(dict.PatientName); got != want || !strings.Contains(got, "^") {
				t.Errorf("%s: name %q, not %q", name, got, want)
			}
			if got, want := ds.String(dict.InstitutionName), scriptNamed(name).institution; got != want {
				t.Errorf("%s: institution %q, not %q", name, got, want)
			}
		}
	}
}

func TestUIDs(t *testing.T) {
	seen := map[dicom.UID]bool{}
	for _, number := range []int{1, 2} {
		o := small()
		o.Number = number
		for object := range New(1).Objects(o) {
			if !object.Instance.Valid() || seen[object.Instance] {
				t.Errorf("instance UID %s is invalid or was there", object.Instance)
			}
			seen[object.Instance] = true
			if !dict.IsStorageSOPClass(object.Class) {
				t.Errorf("%s is no storage SOP class", object.Class)
			}
			if got := object.Header.UID(dict.SOPInstanceUID); got != object.Instance {
				t.Errorf("SOP Instance UID %s, not %s", got, object.Instance)
			}
		}
	}
}

// Slices of one series differ from each other: a viewer that shows the wrong
// one can be found out.
func TestSlicesDiffer(t *testing.T) {
	seen := map[[32]byte]bool{}
	for ds := range New(1).Study(Options{Rows: 64, Columns: 64}) {
		sum := sha256.Sum256(ds.Get(dict.PixelData).Data)
		if seen[sum] {
			t.Error("two slices are equal")
		}
		seen[sum] = true
	}
	if len(seen) != perSeries {
		t.Errorf("%d slices, not %d", len(seen), perSeries)
	}
}

// A large object is written without being held whole.
func TestLargeObjectIsStreamed(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: writes 100 MB")
	}
	for o := range New(1).Objects(Options{Modalities: []string{"XA"}, Rows: 1024, Columns: 1024, Frames: 100}) {
		if o.Size() != 100<<20 {
			t.Errorf("%d bytes of pixels", o.Size())
		}
		w := &largest{}
		if err := o.Write(w, encoding.ExplicitLE); err != nil {
			t.Fatal(err)
		}
		if w.total < o.Size() || w.one > 2<<20 {
			t.Errorf("%d bytes written, %d at once", w.total, w.one)
		}
	}
}

type largest struct {
	total int64
	one   int
}

func (l *largest) Write(b []byte) (int, error) {
	l.total += int64(len(b))
	l.one = max(l.one, len(b))
	return len(b), nil
}

func TestRefusesCodecs(t *testing.T) {
	for o := range New(1).Objects(small()) {
		ts, _ := encoding.Lookup(dict.UIDJPEGBaseline8Bit)
		if err := o.Write(io.Discard, ts); err == nil {
			t.Error("wrote JPEG")
		}
	}
}

func TestPackBits(t *testing.T) {
	for _, row := range [][]byte{{}, {1}, {1, 1}, {1, 2}, {1, 1, 2, 2, 2, 3}, bytes.Repeat([]byte{7}, 300),
		[]byte(strings.Repeat("ab", 200)), append(bytes.Repeat([]byte{1}, 129), 2, 2, 3, 4, 4, 4)} {
		packed, got := appendPackBits(nil, row), []byte{}
		for i := 0; i < len(packed); {
			n := int(int8(packed[i]))
			switch i++; {
			case n >= 0:
				got = append(got, packed[i:i+n+1]...)
				i += n + 1
			case n > -128:
				got = append(got, bytes.Repeat(packed[i:i+1], 1-n)...)
				i++
			}
		}
		if !bytes.Equal(got, row) {
			t.Errorf("%v became %v", row, got)
		}
	}
}

func TestValidate(t *testing.T) {
	if err := small().Validate(); err != nil {
		t.Error(err)
	}
	for _, o := range []Options{{Modalities: []string{"XX"}}, {CharacterSet: "klingon"}, {Rows: -1}} {
		if o.Validate() == nil {
			t.Errorf("%+v passed", o)
		}
	}
}

// files writes a study of every modality and returns the paths by modality.
func files(t *testing.T, o Options, uid dicom.UID) []string {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for object := range New(1).Objects(o) {
		path := filepath.Join(dir, fmt.Sprintf("%s%d.dcm", object.Header.String(dict.Modality), len(paths)))
		if err := object.WriteFile(path, uid); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// DCMTK reads every modality in every transfer syntax without a complaint.
func TestDCMTKReads(t *testing.T) {
	peers.Need(t, "dcmdump", "dcmdrle")
	for _, uid := range syntaxes {
		args := append([]string{"-q", "+E", "+fo"}, files(t, small(), uid)...)
		if r := peers.Tool(t, "dcmdump", args...); r.Code != 0 || strings.Contains(r.Output, "E: ") || strings.Contains(r.Output, "W: ") {
			t.Errorf("dcmdump of %s: status %d\n%.1000s", uid, r.Code, r.Output)
		}
	}
}

// DCMTK decodes our RLE to the native pixels.
func TestDCMTKDecodesRLE(t *testing.T) {
	peers.Need(t, "dcmdrle")
	o := small()
	o.Modalities = []string{"CT", "US", "XA", "SC"}
	native, rle := files(t, o, dict.UIDExplicitVRLittleEndian), files(t, o, dict.UIDRLELossless)
	for i, file := range rle {
		if r := peers.Tool(t, "dcmdrle", file, file+".native"); r.Code != 0 {
			t.Errorf("dcmdrle: status %d\n%s", r.Code, r.Output)
			continue
		}
		if !bytes.Equal(pixelsOf(t, native[i]), pixelsOf(t, file+".native")) {
			t.Errorf("%s: RLE and native pixels differ", filepath.Base(file))
		}
	}
}

func pixelsOf(t *testing.T, file string) []byte {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	_, ds, err := encoding.ReadFile(f, encoding.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return ds.Get(dict.PixelData).Data
}

// dciodvfy compares with the IOD definitions of PS3.3.
func TestValidIODs(t *testing.T) {
	peers.Need(t, "dciodvfy")
	o := small()
	o.Modalities, o.Count = []string{"CT", "CT", "MR", "CR", "DX", "MG", "US", "XA", "PT", "SC", "SR", "DOC", "RTSTRUCT", "SEG"}, 1
	for _, file := range files(t, o, dict.UIDExplicitVRLittleEndian) {
		r := peers.Tool(t, "dciodvfy", file)
		for line := range strings.Lines(r.Output) {
			if strings.HasPrefix(line, "Error") {
				t.Errorf("%s: %s", filepath.Base(file), strings.TrimSpace(line))
			}
		}
	}
}

func BenchmarkCT(b *testing.B) {
	next := func() *Object {
		for o := range New(1).Objects(Options{Count: 1}) {
			return o
		}
		return nil
	}
	for b.Loop() {
		if err := next().Write(io.Discard, encoding.ExplicitLE); err != nil {
			b.Fatal(err)
		}
	}
}
