package export_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/export"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/store/storetest"
	"github.com/tresor-pacs/tresor/internal/synth"
)

// silent is a trail that keeps nothing.
type silent struct{}

func (silent) Append(context.Context, audit.Event) (uint64, error) { return 1, nil }

// stored is what was sent, by SOP Instance UID.
type stored map[dicom.UID][]byte

// exported stores studies of one patient of every modality and exports them.
func exported(t *testing.T) (dir string, want stored) {
	t.Helper()
	a, err := archive.Open(t.Context(), archive.Config{Catalog: storetest.NewCatalog(), Vault: storetest.NewVault(), Trail: silent{}, Limits: encoding.DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	p := policy.Principal{Kind: policy.System, Name: "test", Rights: []policy.Right{policy.Store, policy.Export}}
	want = stored{}
	for i, modality := range synth.Modalities() {
		for o := range synth.New(uint64(i + 1)).Objects(synth.Options{Modalities: []string{modality}, Count: 2, Rows: 48, Columns: 48}) {
			o.Header.PutString(dict.PatientID, dicom.VRLO, "P/../1 <b>")
			o.Header.PutString(dict.PatientName, dicom.VRPN, "Muster^Erika")
			var b bytes.Buffer
			if err := o.Write(&b, encoding.ExplicitLE); err != nil {
				t.Fatal(err)
			}
			want[o.Instance] = b.Bytes()
			if _, err := a.As(p).Store(t.Context(), archive.Incoming{TransferSyntax: encoding.ExplicitLE.UID, DataSet: bytes.NewReader(b.Bytes())}); err != nil {
				t.Fatal(modality, err)
			}
		}
	}
	q := archive.Query{Level: archive.LevelPatient, Keys: new(dicom.DataSet)}
	q.Keys.PutString(dict.PatientID, dicom.VRLO, "P/../1 <b>")
	r, err := a.As(p).Export(t.Context(), q)
	if err != nil || len(r.Entries) != len(want) {
		t.Fatal(len(r.Entries), err)
	}
	dir = filepath.Join(t.TempDir(), "out")
	sum, err := export.Write(t.Context(), dir, r, nil)
	if err != nil || sum.Instances != len(want) || sum.Studies != len(synth.Modalities()) {
		t.Fatal(sum, err)
	}
	if _, err := export.Write(t.Context(), dir, r, nil); err == nil {
		t.Error("written over what is there")
	}
	return dir, want
}

// Every data set comes out bit for bit, the hashes are right, and the page shows
// pictures and no markup of others.
func TestExportHasEverything(t *testing.T) {
	dir, want := exported(t)
	list, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(string(list)) {
		hash, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		b, err := os.ReadFile(filepath.Join(dir, name))
		if sum := sha256.Sum256(b); err != nil || hex.EncodeToString(sum[:]) != hash {
			t.Errorf("%s: %v, or another hash", name, err)
		}
		for _, part := range strings.Split(name, "/") {
			if len(part) > 8 && name != "INDEX.HTM" {
				t.Errorf("%s is no File ID", name)
			}
		}
		if !strings.HasPrefix(name, "DICOM/") {
			continue
		}
		_, ds, err := encoding.ParseFile(b, encoding.Options{})
		if err != nil {
			t.Fatal(name, err)
		}
		uid := ds.UID(dict.SOPInstanceUID)
		if !bytes.HasSuffix(b, want[uid]) || len(want[uid]) == 0 {
			t.Errorf("%s is not what was stored", name)
		}
		found++
	}
	if found != len(want) {
		t.Errorf("%d of %d instances", found, len(want))
	}
	page, err := os.ReadFile(filepath.Join(dir, "INDEX.HTM"))
	if err != nil || strings.Contains(string(page), "<b>") || strings.Count(string(page), "data:image/jpeg") < 4 || !strings.Contains(string(page), "Erika Muster") {
		t.Errorf("the page, %d bytes: %v", len(page), err)
	}
}

// DCMTK and dicom3tools read the DICOMDIR as the standard has it: as many
// records as there are instances, each naming its file.
func TestOthersReadTheDirectory(t *testing.T) {
	dir, want := exported(t)
	path := filepath.Join(dir, "DICOMDIR")
	for _, tool := range []string{"dcmdump", "dciodvfy"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	out, err := exec.Command("dcmdump", "+L", path).CombinedOutput()
	if err != nil || strings.Contains(string(out), "E:") || strings.Contains(string(out), "W:") {
		t.Errorf("dcmdump: %v\n%s", err, out)
	}
	if n := strings.Count(string(out), "ReferencedFileID"); n != len(want) {
		t.Errorf("%d files in the DICOMDIR, not %d", n, len(want))
	}
	out, _ = exec.Command("dciodvfy", path).CombinedOutput()
	var bad []string
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "Error") {
			bad = append(bad, line)
		}
	}
	slices.Sort(bad)
	if len(bad) > 0 {
		t.Errorf("dciodvfy:\n%s", strings.Join(slices.Compact(bad), ""))
	}
}
