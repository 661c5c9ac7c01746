package file

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/seal"
)

func TestReclaim(t *testing.T) {
	d := newOnDisk(t, Options{})
	ctx := context.Background()
	erased, kept := dicom.NewUID(), dicom.NewUID()
	small, large := d.put(erased, make([]byte, 500_000)), d.put(erased, make([]byte, 2<<20))
	keep, deleted := d.put(kept, make([]byte, 300_000)), d.put(kept, make([]byte, 400_000))
	if err := d.Erase(ctx, erased); err != nil {
		t.Fatal(err)
	}
	if err := d.Delete(ctx, deleted); err != nil {
		t.Fatal(err)
	}
	freed, err := d.Reclaim(ctx)
	if err != nil || freed < 2<<20 {
		t.Errorf("freed %d, %v", freed, err)
	}
	check := func() {
		t.Helper()
		for _, l := range []archive.Location{small, large, deleted} {
			if _, err := d.Open(ctx, l); !errors.Is(err, archive.ErrNotFound) {
				t.Errorf("%s: %v", l, err)
			}
		}
		if err := d.Check(ctx, keep); err != nil {
			t.Error(err)
		}
		if seen, err := d.walk(); err != nil || len(seen) != 1 || seen[0] != keep {
			t.Errorf("walk saw %v, %v", seen, err)
		}
		in, err := d.Inspect(ctx)
		if err != nil || in.Objects != 1 || in.Forgotten != 3 || in.ErasedKeys != 1 || in.IdleKeys != 0 || len(in.Orphans) > 0 {
			t.Errorf("%+v, %v", in, err)
		}
	}
	check()
	if err := os.Remove(d.path(checkpointName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	d.reopen() // recovery meets the holes
	check()
}

func TestOrphans(t *testing.T) {
	d := newOnDisk(t, Options{})
	ctx := context.Background()
	l := d.put(dicom.NewUID(), make([]byte, 2<<20))
	old, young := objectID{1}, objectID{2}
	for _, id := range []objectID{old, young} {
		if err := os.MkdirAll(d.objectDir(id), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(d.objectPath(id), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().Add(-time.Hour)
	if err := os.Chtimes(d.objectPath(old), long, long); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.incomingPath(old), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := d.Inspect(ctx)
	if err != nil || len(in.Orphans) != 1 || in.Orphans[0] != old.String() {
		t.Fatalf("%+v, %v", in, err)
	}
	if err := d.RemoveOrphans(ctx, append(in.Orphans, "../../keys/master.key")); err != nil {
		t.Error(err)
	}
	d.reopen()
	if _, err := os.Stat(d.incomingPath(old)); !errors.Is(err, os.ErrNotExist) {
		t.Error("an incoming file outlived the start")
	}
	if in, err := d.Inspect(ctx); err != nil || len(in.Orphans) != 1 || in.Orphans[0] != young.String() {
		t.Errorf("%+v, %v", in, err)
	}
	if err := d.Check(ctx, l); err != nil {
		t.Error(err)
	}
}

// TestRestoredKeys restores the study keys of before an erasure: it is repeated.
func TestRestoredKeys(t *testing.T) {
	d := newOnDisk(t, Options{})
	ctx := context.Background()
	study := dicom.NewUID()
	l, other := d.put(study, []byte("x")), d.put(dicom.NewUID(), []byte("y"))
	backup, err := os.ReadFile(d.path(slotsName))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Erase(ctx, study); err != nil {
		t.Fatal(err)
	}
	d.Close()
	if err := os.WriteFile(d.path(slotsName), backup, 0o600); err != nil {
		t.Fatal(err)
	}
	d.reopen()
	if _, err := d.Open(ctx, l); !errors.Is(err, archive.ErrNotFound) {
		t.Errorf("the study came back: %v", err)
	}
	if err := d.Check(ctx, other); err != nil {
		t.Error(err)
	}
}

func TestRotateKeys(t *testing.T) {
	d := newOnDisk(t, Options{})
	ctx := context.Background()
	l, gone := d.put(dicom.NewUID(), []byte("x")), dicom.NewUID()
	d.put(gone, []byte("y"))
	backup, err := os.ReadFile(d.path(slotsName))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.Erase(ctx, gone), d.RotateKeys(ctx), d.ring.RotateMaster(seal.Options{})); err != nil {
		t.Fatal(err)
	}
	m := d.put(dicom.NewUID(), []byte("z"))
	d.reopen()
	if err := errors.Join(d.Check(ctx, l), d.Check(ctx, m)); err != nil {
		t.Error(err)
	}
	d.Close()
	if err := os.WriteFile(d.path(slotsName), backup, 0o600); err != nil {
		t.Fatal(err)
	}
	d.reopen()
	if err := d.Check(ctx, l); err == nil {
		t.Error("a key wrapped by a key that was destroyed opens")
	}
}
