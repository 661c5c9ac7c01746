package durabletest

import (
	"bytes"
	"io/fs"
	"slices"
	"time"
)

// file is an open node.
type file struct {
	fs *FS
	n  *node
}

func (f *file) ReadAt(p []byte, off int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	return bytes.NewReader(f.n.data).ReadAt(p, off)
}

func (f *file) WriteAt(p []byte, off int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	err := f.fs.call()
	if err != nil && f.fs.calls != f.fs.fail {
		return 0, err
	}
	if err != nil {
		p = p[:len(p)/2]
	}
	if len(p) > 0 {
		f.n.change(change{off, p})
	}
	return len(p), err
}

func (f *file) WriteVAt(bufs [][]byte, off int64) (int64, error) {
	n, err := f.WriteAt(bytes.Join(bufs, nil), off)
	return int64(n), err
}

func (f *file) Size() (int64, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	return int64(len(f.n.data)), nil
}

func (f *file) Truncate(size int64) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.fs.call(); err != nil {
		return err
	}
	f.n.change(change{off: size})
	return nil
}

func (f *file) Sync() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.fs.call(); err != nil {
		return err
	}
	f.n.synced, f.n.changes = slices.Clone(f.n.data), nil
	return nil
}

func (f *file) Allocate(off, n int64) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.fs.call(); err != nil {
		return err
	}
	if off+n > int64(len(f.n.data)) {
		f.n.change(change{off: off + n})
	}
	return nil
}

func (f *file) Writeback(int64, int64) {}

func (f *file) PunchHole(off, n int64) error {
	_, err := f.WriteAt(make([]byte, n), off)
	return err
}

func (f *file) Close() error { return nil }

// info is the fs.FileInfo of a node. All nodes are old.
type info struct {
	name string
	mode fs.FileMode
	size int64
	dir  bool
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.dir }
func (i info) Sys() any           { return nil }
