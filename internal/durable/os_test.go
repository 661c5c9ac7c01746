package durable

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func create(t *testing.T) File {
	t.Helper()
	f, err := OS.OpenFile(filepath.Join(t.TempDir(), "f"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// TestWriteVAt writes more buffers than one system call takes, empty ones too.
func TestWriteVAt(t *testing.T) {
	f := create(t)
	var bufs [][]byte
	for i := range 3000 {
		bufs = append(bufs, bytes.Repeat([]byte{byte(i)}, i%7))
	}
	want := bytes.Join(bufs, nil)
	n, err := f.WriteVAt(bufs, 5)
	if err != nil || n != int64(len(want)) {
		t.Fatalf("%d of %d, %v", n, len(want), err)
	}
	got := make([]byte, len(want))
	if _, err := f.ReadAt(got, 5); err != nil || !bytes.Equal(got, want) {
		t.Errorf("other bytes, %v", err)
	}
	if err := f.Sync(); err != nil {
		t.Error(err)
	}
}

func TestAllocateAndPunch(t *testing.T) {
	f := create(t)
	if err := f.Allocate(0, 1<<20); err != nil {
		t.Fatal(err)
	}
	if n, err := f.Size(); err != nil || n != 1<<20 {
		t.Fatalf("size %d, %v", n, err)
	}
	if _, err := f.WriteAt(bytes.Repeat([]byte("x"), 12<<10), 0); err != nil {
		t.Fatal(err)
	}
	f.Writeback(0, 12<<10)
	err := f.PunchHole(4<<10, 4<<10)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("no holes here")
	}
	b := make([]byte, 12<<10)
	if _, readErr := f.ReadAt(b, 0); err != nil || readErr != nil {
		t.Fatal(err, readErr)
	}
	for i, c := range b {
		if hole := i >= 4<<10 && i < 8<<10; hole != (c == 0) {
			t.Fatalf("byte %d is %q", i, c)
		}
	}
}

func TestLock(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	l, err := OS.Lock(name, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OS.Lock(name, false); !errors.Is(err, ErrLocked) {
		t.Errorf("locked twice: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := OS.Lock(name, true)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

func TestFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	name := filepath.Join(dir, "f")
	if err := errors.Join(MkdirAll(OS, dir, 0o700), MkdirAll(OS, dir, 0o700), WriteFile(OS, name, []byte("one"), 0o600),
		WriteFile(OS, name, []byte("two"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if b, err := ReadFile(OS, name, 3); err != nil || string(b) != "two" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := ReadFile(OS, name, 2); !errors.Is(err, ErrTooLarge) {
		t.Errorf("read more than the limit: %v", err)
	}
	if names, err := OS.ReadDir(dir); err != nil || len(names) != 1 || names[0] != "f" {
		t.Errorf("%v, %v", names, err)
	}
	if err := MkdirAll(OS, name, 0o700); err == nil {
		t.Error("a file passed for a directory")
	}
}
