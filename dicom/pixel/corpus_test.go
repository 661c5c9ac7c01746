package pixel_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/pixel"
	"github.com/tresor-pacs/tresor/internal/corpus"
)

// openFile reads a file of the corpus and opens its pixel data. A file without
// File Meta Information is read in the syntax that the manifest names.
func openFile(t testing.TB, row corpus.Row) (*dicom.DataSet, *pixel.Image, error) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(corpus.Dir(t), row.Path()))
	if err != nil {
		t.Fatal(err)
	}
	ts := dicom.UID(row["transfer_syntax"])
	var ds *dicom.DataSet
	if meta, d, err := encoding.ParseFile(b, encoding.Options{}); err == nil {
		ds = d
		ts = meta.UID(dicom.Tag(0x00020010))
	} else if ds, err = parseBare(b, ts); err != nil {
		return nil, nil, err
	}
	im, err := pixel.Open(ds, ts, pixel.Limits{})
	return ds, im, err
}

func parseBare(b []byte, ts dicom.UID) (*dicom.DataSet, error) {
	if ts == "" {
		ts = encoding.ImplicitLE.UID
	}
	syntax, ok := encoding.Lookup(ts)
	if !ok {
		return nil, fmt.Errorf("unknown transfer syntax %s", ts)
	}
	return encoding.Parse(b, syntax, encoding.Options{})
}

// notDecoded are the transfer syntaxes of the corpus that have pixels and no
// decoder, and why.
var notDecoded = map[string]string{
	"1.2.840.10008.1.2.4.100": "video: MPEG-2",
	"1.2.840.10008.1.2.4.102": "video: MPEG-4",
	"1.2.840.10008.1.2.4.110": "JPEG XL",
	"1.2.840.10008.1.2.4.112": "JPEG XL",
}

// Files in syntaxes without a decoder are refused as such, never decoded wrongly.
func TestCorpusNotDecoded(t *testing.T) {
	n := 0
	for _, row := range corpus.Rows(t) {
		why := notDecoded[row["transfer_syntax"]]
		if why == "" {
			continue
		}
		n++
		if _, _, err := openFile(t, row); !errors.Is(err, pixel.ErrUnsupported) {
			t.Errorf("%s (%s): %v", row.Path(), why, err)
		}
	}
	t.Logf("%d files in syntaxes without a decoder", n)
}

// Every row of the corpus whose pixels are known exactly decodes to the same
// bytes as the reference decoders make of it.
func TestCorpusExact(t *testing.T) {
	done := map[string]int{}
	for _, row := range corpus.Rows(t) {
		if row["pixel_status"] != "exact" || notDecoded[row["transfer_syntax"]] != "" {
			continue
		}
		if row["pixel_bytes"] == "0" {
			continue // 0 rows and 0 columns: there is nothing to compare
		}
		if testing.Short() && strings.HasPrefix(row.Path(), "series/") {
			continue
		}
		_, im, err := openFile(t, row)
		if err != nil {
			t.Errorf("%s: %v", row.Path(), err)
			continue
		}
		h := sha256.New()
		for i := range im.Frames {
			f, err := im.Frame(i)
			if err != nil {
				t.Errorf("%s: frame %d: %v", row.Path(), i+1, err)
				break
			}
			h.Write(f.Data)
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != row["pixel_sha256"] {
			t.Errorf("%s: %s %s %s: other pixels", row.Path(), row["transfer_syntax"], row["photometric"], row["bits_alloc_stored_sign_samples"])
		}
		done[row["transfer_syntax"]]++
	}
	t.Logf("exact: %v", done)
}

// Lossy rows are within the distance of the reference that the manifest allows:
// 2 for luminance (4 with 12 bits), 35 dB for subsampled chrominance.
func TestCorpusTolerance(t *testing.T) {
	done := map[string]int{}
	for _, row := range corpus.Rows(t) {
		if row["pixel_status"] != "tolerance" || notDecoded[row["transfer_syntax"]] != "" {
			continue
		}
		_, im, err := openFile(t, row)
		if err != nil {
			t.Errorf("%s: %v", row.Path(), err)
			continue
		}
		h := sha256.New()
		for i := range im.Frames {
			f, err := im.Frame(i)
			if err != nil {
				t.Errorf("%s: frame %d: %v", row.Path(), i+1, err)
				break
			}
			h.Write(f.Data)
			if i == 0 {
				compareFirst(t, row, f)
			}
		}
		same := "within"
		if hex.EncodeToString(h.Sum(nil)) == row["pixel_sha256"] {
			same = "equal"
		}
		done[row["transfer_syntax"]+" "+same]++
	}
	t.Logf("tolerance: %v", done)
}

// compareFirst compares a first frame with the reference's.
func compareFirst(t *testing.T, row corpus.Row, f *pixel.Frame) {
	t.Helper()
	ref, err := os.Open(filepath.Join(corpus.Dir(t), "expected", "pixels", row.Path()+".raw.gz"))
	if err != nil {
		return
	}
	defer ref.Close()
	z, err := gzip.NewReader(ref)
	if err != nil {
		t.Fatal(err)
	}
	want, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(want, f.Data) {
		return
	}
	if len(want) != len(f.Data) {
		t.Errorf("%s: %d bytes instead of %d", row.Path(), len(f.Data), len(want))
		return
	}
	allowed := 2
	if f.BitsStored > 8 {
		allowed = 4
	}
	other := pixel.Frame{Description: f.Description, Data: want}
	worst := make([]int, f.SamplesPerPixel)
	square := make([]float64, f.SamplesPerPixel)
	for i := range len(want) / f.SampleBytes() {
		s, d := i%f.SamplesPerPixel, int(f.Sample(i))-int(other.Sample(i))
		worst[s] = max(worst[s], d, -d)
		square[s] += float64(d * d)
	}
	for s := range worst {
		psnr := 10 * math.Log10(255*255*float64(f.Pixels())/square[s])
		if worst[s] > allowed && (s == 0 || psnr < 35) {
			t.Errorf("%s: component %d differs by up to %d, %.1f dB", row.Path(), s, worst[s], psnr)
		}
	}
}

// Rows that cannot be decoded or rendered fail with an error, in 2 seconds and
// 256 MB at most.
func TestCorpusHostile(t *testing.T) {
	for _, row := range corpus.Rows(t) {
		must := row.Expected() == "accept-store-reject-render" || row["pixel_status"] == "undecodable"
		if !must && !strings.HasSuffix(row.Path(), ".dcm") {
			continue
		}
		if !must && !strings.HasPrefix(row.Path(), "hostile/") {
			continue
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		ds, im, err := openFile(t, row)
		if err == nil {
			for i := 0; i < im.Frames && err == nil; i++ {
				_, err = im.Render(ds, i, pixel.RenderOptions{})
			}
		}
		runtime.ReadMemStats(&after)
		if must && err == nil {
			t.Errorf("%s: rendered: %s", row.Path(), row["why"])
		}
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("%s: took %v", row.Path(), d)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 256<<20 {
			t.Errorf("%s: allocated %d bytes", row.Path(), n)
		}
	}
}
