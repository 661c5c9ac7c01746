package pixel_test

import (
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/pixel"
	"github.com/tresor-pacs/tresor/internal/corpus"
)

// dcm2pnmDiffers names, by the beginning of their paths, the files that DCMTK
// 3.6.7 shows otherwise, and why.
var dcm2pnmDiffers = map[string]string{
	"conformance/mod-enhanced/6_1":                    "it does not read functional groups",
	"conformance/mod-enhanced/CT0012":                 "it does not read functional groups",
	"conformance/mod-enhanced/IM-0001":                "it does not read functional groups",
	"conformance/mod-mg/dbt-synthetic":                "it does not read functional groups",
	"conformance/ts-5-rle/CT0012":                     "it does not read functional groups",
	"conformance/mod-seg/liver":                       "its 1-bit pixels are grey, not white",
	"conformance/mod-seg/partial_overlaps":            "its 1-bit pixels are grey, not white",
	"conformance/mod-seg/seg_image_ct_binary":         "its 1-bit pixels are grey, not white",
	"conformance/render/onebit":                       "its 1-bit pixels are grey, not white",
	"conformance/mod-pr/overlay.dcm":                  "it shows retired overlays in unused bits",
	"conformance/mod-us/color-px":                     "it leaves pixels that are not square",
	"conformance/mod-sc/SC_ybr_full_uncompressed.dcm": "it rounds twice",
}

func differs(name string) string {
	for prefix, why := range dcm2pnmDiffers {
		if strings.HasPrefix(name, prefix) {
			return why
		}
	}
	return ""
}

// Pictures are those of DCMTK's dcm2pnm, but for rounding.
func TestRenderLikeDCMTK(t *testing.T) {
	tool, err := exec.LookPath("dcm2pnm")
	if err != nil {
		t.Skip("skipped: dcm2pnm is not installed")
	}
	dir := os.Getenv("TRESOR_RENDER_DIR") // keeps the pictures, to look at
	if dir == "" {
		dir = t.TempDir()
	}
	compared := 0
	for _, row := range corpus.Rows(t, "conformance/render/", "conformance/mod-", "conformance/ts-5", "conformance/ts-1-") {
		ts := row["transfer_syntax"]
		native := strings.HasPrefix(ts, "1.2.840.10008.1.2.1") || ts == "1.2.840.10008.1.2" || ts == "1.2.840.10008.1.2.5"
		if row["pixel_status"] != "exact" || !native {
			continue
		}
		name := strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(row.Path(), "conformance/"), ".dcm"), "/", "_")
		ds, im, err := openFile(t, row)
		if err != nil {
			t.Errorf("%s: %v", row.Path(), err)
			continue
		}
		got, err := im.Render(ds, 0, pixel.RenderOptions{})
		if err != nil {
			t.Errorf("%s: %v", row.Path(), err)
			continue
		}
		writePicture(t, filepath.Join(dir, name+".png"), got)
		out := filepath.Join(dir, name+".dcmtk.png")
		args := append([]string{"-q", "+on", "+F", "1"}, voiFlags(ds, im)...)
		if b, err := exec.Command(tool, append(args, filepath.Join(corpus.Dir(t), row.Path()), out)...).CombinedOutput(); err != nil {
			t.Logf("%s: dcm2pnm: %v %s", row.Path(), err, b)
			continue
		}
		comparePictures(t, row.Path(), got, readPicture(t, out))
		compared++
	}
	t.Logf("%d pictures compared", compared)
}

// voiFlags tells dcm2pnm what Render does of its own.
func voiFlags(ds *dicom.DataSet, im *pixel.Image) []string {
	switch {
	case im.SamplesPerPixel > 1 || im.Photometric == pixel.PaletteColor:
		return nil
	case ds.Get(dict.WindowCenter) != nil && !ds.Get(dict.WindowCenter).Empty():
		return []string{"+Wi", "1"}
	case len(ds.Items(dict.VOILUTSequence)) > 0:
		return []string{"+Wl", "1"}
	case im.BitsStored <= 8 && !im.Signed:
		return nil
	}
	return []string{"+Wm"}
}

func writePicture(t *testing.T, path string, picture image.Image) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := pixel.WritePNG(f, picture, nil); err != nil {
		t.Fatal(err)
	}
}

func readPicture(t *testing.T, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	picture, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

func comparePictures(t *testing.T, name string, got, want image.Image) {
	t.Helper()
	if why := differs(name); why != "" {
		t.Logf("%s: not compared: %s", name, why)
		return
	}
	if got.Bounds() != want.Bounds() {
		t.Errorf("%s: %v instead of %v", name, got.Bounds(), want.Bounds())
		return
	}
	worst, off := 0, 0
	for y := range got.Bounds().Dy() {
		for x := range got.Bounds().Dx() {
			var p, q [3]uint32
			p[0], p[1], p[2], _ = got.At(x, y).RGBA()
			q[0], q[1], q[2], _ = want.At(x, y).RGBA()
			for i := range p {
				d := int(p[i]>>8) - int(q[i]>>8)
				worst = max(worst, d, -d)
				if d > 1 || d < -1 {
					off++
				}
			}
		}
	}
	if worst > 1 {
		t.Errorf("%s: differs by up to %d, %d samples", name, worst, off)
	}
}
