package file

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/durable"
	"github.com/tresor-pacs/tresor/internal/seal"
	"github.com/tresor-pacs/tresor/internal/store/storetest"
)

// onDisk is a vault in a directory of the operating system.
type onDisk struct {
	t    *testing.T
	dir  string
	open storetest.OpenVault
	*Vault
}

func newOnDisk(t *testing.T, o Options) *onDisk {
	t.Helper()
	if o.Log == nil {
		o.Log = quiet
	}
	d := &onDisk{t: t, dir: t.TempDir()}
	d.open = opener(t, d.dir, o)
	d.reopen()
	t.Cleanup(func() { d.Close() })
	return d
}

func (d *onDisk) reopen() {
	d.t.Helper()
	if d.Vault != nil {
		d.Close()
	}
	v, err := d.open()
	if err != nil {
		d.t.Fatal(err)
	}
	d.Vault = v.(*Vault)
}

func (d *onDisk) put(study dicom.UID, data []byte) archive.Location {
	d.t.Helper()
	l, err := store(d.Vault, study, data, storetest.NewMeta(study, data))
	if err != nil {
		d.t.Fatal(err)
	}
	return l
}

// change overwrites bytes of a file in the vault's directory.
func (d *onDisk) change(name string, off int64, f func([]byte), n int) {
	d.t.Helper()
	file, err := os.OpenFile(filepath.Join(d.dir, "vault", name), os.O_RDWR, 0)
	if err != nil {
		d.t.Fatal(err)
	}
	defer file.Close()
	b := make([]byte, n)
	if _, err := file.ReadAt(b, off); err != nil {
		d.t.Fatal(err)
	}
	f(b)
	if _, err := file.WriteAt(b, off); err != nil {
		d.t.Fatal(err)
	}
}

func flip(b []byte) { b[0] ^= 0x10 }

func (d *onDisk) walk() (seen []archive.Location, err error) {
	_, err = d.Walk(context.Background(), "", func(l archive.Location, _ archive.Meta) error {
		seen = append(seen, l)
		return nil
	})
	return seen, err
}

// TestBitFlips changes one bit in every part of a record, while the vault is open.
func TestBitFlips(t *testing.T) {
	d := newOnDisk(t, Options{})
	study := dicom.NewUID()
	before, l, after := d.put(study, []byte("before")), d.put(study, make([]byte, 200_000)), d.put(study, []byte("after"))
	p, _ := parsePlace(string(l))
	h, err := d.headerAt(p)
	if err != nil {
		t.Fatal(err)
	}
	body := int64(headerSize + h.meta + h.summary)
	for name, off := range map[string]int64{
		"magic": 0, "total": 11, "slot": 23, "body length": 31, "id": 32, "header checksum": 63,
		"meta": headerSize + 10, "summary": headerSize + int64(h.meta) + 3, "stream header": body + 1,
		"first segment": body + 100, "second segment": body + seal.SegmentSize + 5, "last tag": h.used() - 1,
	} {
		d.change("packs/00000001.pack", p.off+off, flip, 1)
		if err := d.Check(context.Background(), l); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		seen, err := d.walk()
		inFront := off < body
		if inFront && (len(seen) != 2 || seen[0] != before || seen[1] != after || !errors.Is(err, ErrDamaged)) {
			t.Errorf("%s: walk saw %v, %v", name, seen, err)
		}
		if !inFront && (len(seen) != 3 || err != nil) {
			t.Errorf("%s: walk saw %v, %v", name, seen, err)
		}
		d.change("packs/00000001.pack", p.off+off, flip, 1)
	}
	if err := d.Check(context.Background(), l); err != nil {
		t.Error(err)
	}
}

// TestKeySwap exchanges the wrapped keys of two studies in the slot file.
func TestKeySwap(t *testing.T) {
	d := newOnDisk(t, Options{})
	a, b := d.put(dicom.NewUID(), []byte("a")), d.put(dicom.NewUID(), []byte("b"))
	d.change(slotsName, slotOffset(0), func(s []byte) {
		first := bytes.Clone(s[:slotSize])
		copy(s, s[slotSize:])
		copy(s[slotSize:], first)
	}, 2*slotSize)
	d.reopen()
	for _, l := range []archive.Location{a, b} {
		if err := d.Check(context.Background(), l); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s opens under a key that was moved: %v", l, err)
		}
	}
}

// TestObjectFiles swaps, cuts and removes the files of large objects.
func TestObjectFiles(t *testing.T) {
	d := newOnDisk(t, Options{})
	study := dicom.NewUID()
	a, b := d.put(study, make([]byte, 2<<20)), d.put(study, make([]byte, 2<<20))
	path := func(l archive.Location) string {
		p, _ := parsePlace(string(l))
		h, err := d.headerAt(p)
		if err != nil {
			t.Fatal(err)
		}
		return d.objectPath(h.id)
	}
	pathA, pathB := path(a), path(b)
	check := func(what string) {
		t.Helper()
		for _, l := range []archive.Location{a, b} {
			if err := d.Check(context.Background(), l); !errors.Is(err, ErrDamaged) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	for _, move := range [][2]string{{pathA, pathA + "x"}, {pathB, pathA}, {pathA + "x", pathB}} {
		if err := os.Rename(move[0], move[1]); err != nil {
			t.Fatal(err)
		}
	}
	check("swapped")
	for _, p := range []string{pathA, pathB} {
		if err := os.Truncate(p, 1<<20); err != nil {
			t.Fatal(err)
		}
	}
	check("cut")
	if err := os.Remove(pathA); err != nil {
		t.Fatal(err)
	}
	in, err := d.Inspect(context.Background())
	if err != nil || len(in.Missing) != 1 || in.Missing[0] != a {
		t.Errorf("%+v, %v", in, err)
	}
}

// TestMissingPack removes a pack.
func TestMissingPack(t *testing.T) {
	d := newOnDisk(t, Options{PackSize: 32 << 10})
	for range 5 {
		d.put("1.2.3", make([]byte, 20_000))
	}
	if err := os.Remove(d.packPath(2)); err != nil {
		t.Fatal(err)
	}
	d.reopen()
	if seen, err := d.walk(); len(seen) != 4 || !errors.Is(err, ErrDamaged) {
		t.Errorf("walk saw %v, %v", seen, err)
	}
}

// TestNoPlainText looks for what must not stand in plain in any file, nor in a
// file's name.
func TestNoPlainText(t *testing.T) {
	d := newOnDisk(t, Options{})
	study := dicom.UID("1.2.826.0.1.3680043.9.7433.1.12345678901234567890")
	canaries := []string{string(study), "CANARY^PATIENT", "canary-source", "1.2.826.0.1.3680043.9.7433.2"}
	for _, size := range []int{10_000, 2 << 20} {
		data := bytes.Repeat([]byte("CANARY^PATIENT"), size/14)
		m := storetest.NewMeta(study, data)
		m.Source, m.Series, m.Instance = "canary-source", "1.2.826.0.1.3680043.9.7433.2", "1.2.826.0.1.3680043.9.7433.2.1"
		m.Summary = []byte(`{"00100010":{"vr":"PN","Value":[{"Alphabetic":"CANARY^PATIENT"}]}}`)
		if _, err := store(d.Vault, study, data, m); err != nil {
			t.Fatal(err)
		}
	}
	d.Close()
	uid, _ := packUID(study)
	canaries = append(canaries, string(uid[:]))
	files := 0
	err := filepath.WalkDir(d.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		for _, c := range canaries {
			if bytes.Contains(b, []byte(c)) || strings.Contains(path, c) {
				t.Errorf("%s tells %q", filepath.Base(path), c)
			}
		}
		return err
	})
	if err != nil || files < 5 {
		t.Errorf("%d files, %v", files, err)
	}
}

func TestTwoWriters(t *testing.T) {
	d := newOnDisk(t, Options{})
	if _, err := d.open(); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("opened twice: %v", err)
	}
}

// TestReadOnly reads a vault that is being written.
func TestReadOnly(t *testing.T) {
	d := newOnDisk(t, Options{PackSize: 64 << 10})
	first := d.put(dicom.NewUID(), []byte("first"))
	ring, err := seal.OpenKeyring(filepath.Join(d.dir, "keys"), seal.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	ro, err := Open(filepath.Join(d.dir, "vault"), ring, Options{ReadOnly: true, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer ro.Close()
	ctx := context.Background()
	var all []archive.Location
	for range 5 {
		all = append(all, d.put(dicom.NewUID(), make([]byte, 30_000)))
	}
	if err := d.RotateKeys(ctx); err != nil {
		t.Fatal(err)
	}
	all = append(all, d.put(dicom.NewUID(), make([]byte, 2<<20)))
	if err := d.Delete(ctx, first); err != nil {
		t.Fatal(err)
	}
	n := 0
	if _, err := ro.Walk(ctx, "", func(l archive.Location, _ archive.Meta) error {
		if n++; l != all[n-1] {
			t.Errorf("walk saw %s, want %s", l, all[n-1])
		}
		return ro.Check(ctx, l)
	}); err != nil || n != len(all) {
		t.Errorf("walk saw %d, %v", n, err)
	}
	if _, err := ro.Inspect(ctx); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"delete": ro.Delete(ctx, all[0]), "erase": ro.Erase(ctx, "1.2"), "rotate": ro.RotateKeys(ctx),
		"create": func() error { _, err := ro.Create(ctx, "1.2"); return err }(),
	} {
		if !errors.Is(err, ErrReadOnly) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
