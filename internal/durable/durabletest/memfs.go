// Package durabletest has a file system in memory that loses what was not
// synced, and fails when it is told to.
//
// It is as unkind as the rules of POSIX allow: after a crash each write since
// the last sync of its file may be there, absent, or there in some sectors
// only; a name is there only if its directory was synced, or by luck. A rename
// is whole or not at all.
package durabletest

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/tresor-pacs/tresor/internal/durable"
)

// ErrInjected is the error of a call that was told to fail.
var ErrInjected = errors.New("injected failure")

// FS is a durable.FS in memory.
type FS struct {
	mu    sync.Mutex
	now   map[string]*node // by name
	disk  map[string]*node // what a crash leaves for sure
	names []nameChange     // not synced, in order
	locks map[string]bool
	calls int // that change something
	fail  int // the call that fails; 0 is none
	dead  bool
	stays bool // all calls after the failing one fail too
}

// nameChange is a change of one or two names that was not synced. It becomes
// durable with the directory dir.
type nameChange struct {
	dir      string
	from, to string // to alone is set for a new name, from alone for a removed one
	node     *node
}

// node is a file or a directory.
type node struct {
	dir     bool
	mode    fs.FileMode
	data    []byte
	synced  []byte
	changes []change // since synced
}

// change is a write, or a new length if data is nil.
type change struct {
	off  int64
	data []byte
}

// New returns an empty file system: with the directory / alone.
func New() *FS {
	root := &node{dir: true, mode: 0o700}
	return &FS{now: map[string]*node{"/": root}, disk: map[string]*node{"/": root}, locks: map[string]bool{}}
}

// Calls returns how many calls changed something so far.
func (f *FS) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// FailAt makes the n-th changing call from now fail. A write that fails leaves
// half of it. If dies is set, every later call fails too: the machine is off.
func (f *FS) FailAt(n int, dies bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail, f.stays, f.dead = f.calls+n, dies, false
}

// call counts a changing call and tells whether it fails.
func (f *FS) call() error {
	f.calls++
	if f.dead || f.calls == f.fail {
		f.dead = f.stays
		return ErrInjected
	}
	return nil
}

// Crash returns what is there after a loss of power. The old file system must
// not be used again.
func (f *FS) Crash(r *rand.Rand) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	after := New()
	for name, n := range f.disk {
		after.now[name] = n
	}
	lucky := map[string]int{} // how many changes of a directory made it
	for _, c := range f.names {
		if _, ok := lucky[c.dir]; !ok {
			lucky[c.dir] = r.IntN(len(f.names) + 1)
		}
		if lucky[c.dir]--; lucky[c.dir] >= 0 {
			c.apply(after.now)
		}
	}
	for name, n := range after.now {
		n = n.crashed(r)
		after.now[name], after.disk[name] = n, n
	}
	return after
}

func (c nameChange) apply(names map[string]*node) {
	if c.from != "" {
		delete(names, c.from)
	}
	if c.to != "" {
		names[c.to] = c.node
	}
}

// crashed returns the node after a crash.
func (n *node) crashed(r *rand.Rand) *node {
	after := &node{dir: n.dir, mode: n.mode, data: slices.Clone(n.synced)}
	const sector = 512
	how := r.IntN(4) // all of the changes, none, or some
	for _, c := range n.changes {
		if how == 0 || how > 1 && r.IntN(2) == 0 {
			continue
		}
		if c.data == nil || how == 1 || r.IntN(2) == 0 {
			after.apply(c)
			continue
		}
		for from := 0; from < len(c.data); { // torn
			to := min(len(c.data), from+sector-int((c.off+int64(from))%sector))
			if r.IntN(2) == 0 {
				after.apply(change{c.off + int64(from), c.data[from:to]})
			}
			from = to
		}
	}
	after.synced = slices.Clone(after.data)
	return after
}

func (n *node) apply(c change) {
	if c.data == nil {
		n.resize(c.off)
		return
	}
	if end := c.off + int64(len(c.data)); end > int64(len(n.data)) {
		n.resize(end)
	}
	copy(n.data[c.off:], c.data)
}

func (n *node) resize(size int64) {
	if size <= int64(len(n.data)) {
		n.data = n.data[:size]
		return
	}
	n.data = append(n.data, make([]byte, size-int64(len(n.data)))...)
}

// change applies c and remembers it until the next sync.
func (n *node) change(c change) {
	c.data = slices.Clone(c.data)
	n.apply(c)
	n.changes = append(n.changes, c)
}

func (f *FS) rename(c nameChange) {
	c.apply(f.now)
	f.names = append(f.names, c)
}

func pathError(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// OpenFile implements durable.FS.
func (f *FS) OpenFile(name string, flag int, perm fs.FileMode) (durable.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.now[name]
	switch {
	case n == nil && flag&os.O_CREATE == 0:
		return nil, pathError("open", name, fs.ErrNotExist)
	case n != nil && flag&os.O_EXCL != 0:
		return nil, pathError("open", name, fs.ErrExist)
	case n == nil && f.now[filepath.Dir(name)] == nil:
		return nil, pathError("open", name, fs.ErrNotExist)
	}
	if n == nil || flag&os.O_TRUNC != 0 {
		if err := f.call(); err != nil {
			return nil, pathError("open", name, err)
		}
	}
	if n == nil {
		n = &node{mode: perm}
		f.rename(nameChange{dir: filepath.Dir(name), to: name, node: n})
	} else if flag&os.O_TRUNC != 0 {
		n.change(change{})
	}
	return &file{f, n}, nil
}

// Stat implements durable.FS.
func (f *FS) Stat(name string) (fs.FileInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.now[name]
	if n == nil {
		return nil, pathError("stat", name, fs.ErrNotExist)
	}
	return info{filepath.Base(name), n.mode, int64(len(n.data)), n.dir}, nil
}

// Mkdir implements durable.FS.
func (f *FS) Mkdir(name string, perm fs.FileMode) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now[name] != nil {
		return nil
	}
	if err := f.call(); err != nil {
		return pathError("mkdir", name, err)
	}
	f.rename(nameChange{dir: filepath.Dir(name), to: name, node: &node{dir: true, mode: perm}})
	return nil
}

// Rename implements durable.FS.
func (f *FS) Rename(from, to string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.now[from]
	if n == nil {
		return pathError("rename", from, fs.ErrNotExist)
	}
	if err := f.call(); err != nil {
		return pathError("rename", from, err)
	}
	f.rename(nameChange{dir: filepath.Dir(to), from: from, to: to, node: n})
	return nil
}

// Remove implements durable.FS.
func (f *FS) Remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now[name] == nil {
		return pathError("remove", name, fs.ErrNotExist)
	}
	if err := f.call(); err != nil {
		return pathError("remove", name, err)
	}
	f.rename(nameChange{dir: filepath.Dir(name), from: name})
	return nil
}

// ReadDir implements durable.FS.
func (f *FS) ReadDir(name string) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := f.now[name]; n == nil || !n.dir {
		return nil, pathError("readdir", name, fs.ErrNotExist)
	}
	var names []string
	for path := range f.now {
		if filepath.Dir(path) == name && path != name {
			names = append(names, strings.TrimPrefix(path[len(name):], "/"))
		}
	}
	slices.Sort(names)
	return names, nil
}

// SyncDir implements durable.FS.
func (f *FS) SyncDir(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.call(); err != nil {
		return pathError("sync", name, err)
	}
	f.names = slices.DeleteFunc(f.names, func(c nameChange) bool {
		if c.dir == name {
			c.apply(f.disk)
		}
		return c.dir == name
	})
	return nil
}

// Lock implements durable.FS. It does not wait: tests have one process.
func (f *FS) Lock(name string, _ bool) (io.Closer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.locks[name] {
		return nil, durable.ErrLocked
	}
	f.locks[name] = true
	return unlock{f, name}, nil
}

type unlock struct {
	f    *FS
	name string
}

func (u unlock) Close() error {
	u.f.mu.Lock()
	defer u.f.mu.Unlock()
	delete(u.f.locks, u.name)
	return nil
}
