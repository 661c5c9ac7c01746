package audit

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tresor-pacs/tresor/internal/durable"
	"github.com/tresor-pacs/tresor/internal/durable/durabletest"
)

var errFault = errors.New("injected fault")

// faultFS fails the call number at of a kind of calls, and all after it.
type faultFS struct {
	durable.FS
	kind  string
	at    int64
	count atomic.Int64
}

func (f *faultFS) hit(kind string) error {
	if kind == f.kind && f.count.Add(1) >= f.at {
		return errFault
	}
	return nil
}

func (f *faultFS) OpenFile(name string, flag int, perm fs.FileMode) (durable.File, error) {
	if err := f.hit("open"); err != nil {
		return nil, err
	}
	file, err := f.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &faultFile{file, f, filepath.Base(name) == headName}, nil
}

func (f *faultFS) Rename(from, to string) error {
	if err := f.hit("rename"); err != nil {
		return err
	}
	return f.FS.Rename(from, to)
}

func (f *faultFS) SyncDir(name string) error {
	if err := f.hit("syncdir"); err != nil {
		return err
	}
	return f.FS.SyncDir(name)
}

func (f *faultFS) Lock(name string, wait bool) (io.Closer, error) {
	if err := f.hit("lock"); err != nil {
		return nil, err
	}
	return f.FS.Lock(name, wait)
}

type faultFile struct {
	durable.File
	fs   *faultFS
	head bool
}

func (f *faultFile) WriteAt(b []byte, off int64) (int, error) {
	kind := "write"
	if f.head {
		kind = "head"
	}
	if err := f.fs.hit(kind); err != nil {
		n, _ := f.File.WriteAt(b[:len(b)/2], off) // half of it reaches the file
		return n, err
	}
	return f.File.WriteAt(b, off)
}

func (f *faultFile) Sync() error {
	if err := f.fs.hit("sync"); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f *faultFile) ReadAt(b []byte, off int64) (int, error) {
	if err := f.fs.hit("read"); err != nil {
		return 0, err
	}
	return f.File.ReadAt(b, off)
}

// TestFaults lets every call of every kind fail once, at each place in the life
// of a trail. What was acknowledged must be there afterwards, the trail must
// open again, and nothing may look like tampering.
func TestFaults(t *testing.T) {
	for _, kind := range []string{"open", "rename", "syncdir", "lock", "write", "head", "sync", "read"} {
		t.Run(kind, func(t *testing.T) {
			for at := int64(1); ; at++ {
				fsys := &faultFS{FS: durabletest.New(), kind: kind, at: at}
				if !faultyLife(t, fsys) {
					if at < 3 {
						t.Errorf("only %d calls", at)
					}
					return
				}
				if at > 200 {
					t.Fatal("no end")
				}
			}
		})
	}
}

// faultyLife appends 10 records to a trail and reports whether the fault showed.
func faultyLife(t *testing.T, fsys *faultFS) bool {
	t.Helper()
	const dir = "/trail"
	acknowledged := map[uint64]string{}
	failed := false
	trail, err := Open(dir, newTestBox(1), Options{FS: fsys, FileSize: 1500})
	if err == nil {
		for i := range 10 {
			e := event(i)
			seq, err := trail.Append(context.Background(), e)
			switch {
			case err == nil && failed && fsys.kind != "lock" && fsys.kind != "open" && fsys.kind != "rename":
				t.Errorf("%s %d: an append after a failed one", fsys.kind, fsys.at)
			case err == nil:
				acknowledged[seq] = e.Patients[0]
			case !errors.Is(err, errFault):
				t.Errorf("%s %d: %v", fsys.kind, fsys.at, err)
			default:
				failed = true
			}
		}
		trail.Close()
	}
	shown := fsys.count.Load() >= fsys.at
	if (err != nil || failed) && !shown {
		t.Errorf("failed without a fault: %v", err)
	}
	again := open(t, dir, Options{FS: fsys.FS, FileSize: 1500})
	if _, err := again.Append(context.Background(), event(77)); err != nil {
		t.Fatal(err)
	}
	again.Close()
	if r, err := verifyOn(context.Background(), fsys.FS, dir, newTestBox(1)); err != nil || !r.OK() {
		t.Fatalf("%s %d: %+v, %v", fsys.kind, fsys.at, r, err)
	}
	found := map[uint64]string{}
	for r, err := range searchOn(context.Background(), fsys.FS, dir, newTestBox(1), Filter{Codes: []Code{InstancesTransferred}}) {
		if err != nil {
			t.Fatal(err)
		}
		found[r.Seq] = r.Event.Patients[0]
	}
	for seq, patient := range acknowledged {
		if found[seq] != patient {
			t.Errorf("%s %d: acknowledged record %d is %q, want %q", fsys.kind, fsys.at, seq, found[seq], patient)
		}
	}
	return shown
}

// TestBrokenForGood: after a failed sync nobody is acknowledged, waiting or new.
func TestBrokenForGood(t *testing.T) {
	fsys := &faultFS{FS: durable.OS}
	trail := open(t, t.TempDir(), Options{FS: fsys})
	appendN(t, trail, 3)
	fsys.at, fsys.kind = 1, "sync"
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := trail.Append(context.Background(), event(1)); !errors.Is(err, ErrBroken) || !errors.Is(err, errFault) {
				t.Errorf("append: %v", err)
			}
		})
	}
	wg.Wait()
	fsys.kind = ""
	if _, err := trail.Append(context.Background(), event(1)); !errors.Is(err, ErrBroken) {
		t.Errorf("append once the disk works again: %v", err)
	}
	if !errors.Is(trail.Broken(), errFault) {
		t.Errorf("Broken: %v", trail.Broken())
	}
}

// TestTornLine: what a crash left behind the last record is moved aside, noted,
// and is no tampering.
func TestTornLine(t *testing.T) {
	for name, tail := range map[string]string{
		"half a line": "4 2026-01-02T15:04:05.000000Z AAAA", "zeros": strings.Repeat("\x00", 700),
		"a line and garbage": "x\nyyy\n", "line of another number": "9 2026-01-02T15:04:05.000000Z AAAA AAAA\n",
		"long": strings.Repeat("a", maxLine+10) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			dir := makeTrail(t, 3)
			file := filepath.Join(dir, fileName(1))
			f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			f.WriteString(tail)
			f.Close()
			trail := open(t, dir, Options{})
			if seq, err := trail.Append(context.Background(), event(4)); err != nil || seq != 5 {
				t.Fatalf("append: %d, %v", seq, err)
			}
			if r := verify(t, dir, newTestBox(1)); !r.OK() {
				t.Errorf("findings %v", r.Findings)
			}
			if n := len(collectCode(t, dir, TrailRecovered)); n != 1 {
				t.Errorf("%d notes", n)
			}
			if b, err := os.ReadFile(filepath.Join(dir, "torn-4")); err != nil || string(b) != tail {
				t.Errorf("moved aside: %d bytes, %v", len(b), err)
			}
		})
	}
}

// TestTornUnderWriter: another process died in the middle of a write while this
// one has the trail open.
func TestTornUnderWriter(t *testing.T) {
	dir := t.TempDir()
	trail := open(t, dir, Options{})
	appendN(t, trail, 2)
	f, err := os.OpenFile(filepath.Join(dir, fileName(1)), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("3 2026-01-02T")
	f.Close()
	if r := verify(t, dir, newTestBox(1)); !r.OK() || !r.Torn {
		t.Errorf("while a line is being written: %+v", r)
	}
	if seq, err := trail.Append(context.Background(), event(4)); err != nil || seq != 4 {
		t.Fatalf("append: %d, %v", seq, err)
	}
	if r := verify(t, dir, newTestBox(1)); !r.OK() || r.Torn {
		t.Errorf("report %+v", r)
	}
}

// TestCutUnderWriter: records vanish while the trail is open. The writer must
// not go on as if nothing had happened.
func TestCutUnderWriter(t *testing.T) {
	dir := t.TempDir()
	trail := open(t, dir, Options{})
	appendN(t, trail, 3)
	if err := os.Truncate(filepath.Join(dir, fileName(1)), 300); err != nil {
		t.Fatal(err)
	}
	var damage *DamageError
	if _, err := trail.Append(context.Background(), event(4)); !errors.As(err, &damage) || !errors.Is(err, ErrBroken) {
		t.Fatalf("append: %v", err)
	}
}

// TestOldHead: a head put back to an older state hides nothing, because the
// records behind it are followed; also across files.
func TestOldHead(t *testing.T) {
	dir := t.TempDir()
	trail := open(t, dir, Options{FileSize: 1500})
	appendN(t, trail, 2)
	old, err := os.ReadFile(filepath.Join(dir, headName))
	if err != nil {
		t.Fatal(err)
	}
	appendN(t, trail, 10)
	trail.Close()
	if err := os.WriteFile(filepath.Join(dir, headName), old, 0o600); err != nil {
		t.Fatal(err)
	}
	trail = open(t, dir, Options{FileSize: 1500})
	if seq, err := trail.Append(context.Background(), event(4)); err != nil || seq != 13 {
		t.Fatalf("append: %d, %v", seq, err)
	}
	if r := verify(t, dir, newTestBox(1)); !r.OK() || r.Records != 13 {
		t.Errorf("report %+v", r)
	}
}

// TestSpoiledSlot: one slot of the head is enough, and the loss is noted.
func TestSpoiledSlot(t *testing.T) {
	for slot := range slots {
		dir := makeTrail(t, 3)
		name := filepath.Join(dir, headName)
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		b[slot*slotSize+40] ^= 1
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if verify(t, dir, newTestBox(1)).OK() {
			t.Error("a spoiled slot was not found")
		}
		open(t, dir, Options{}).Close()
		if r := verify(t, dir, newTestBox(1)); !r.OK() {
			t.Errorf("after opening: %v", r.Findings)
		}
		if n := len(collectCode(t, dir, TrailRecovered)); n != 1 {
			t.Errorf("%d notes", n)
		}
	}
}
