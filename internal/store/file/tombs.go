package file

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"

	"github.com/tresor-pacs/tresor/internal/durable"
)

// A tombstone says that an object was deleted, or that the study of a slot was
// erased. The file of tombstones is apart from the packs, so that opening a
// vault need not read the packs, and only ever grows: a copy of it that is
// restored over an older one erases again what was erased since.
const (
	tombSize  = 32
	tombsHead = "TRESTOMB"

	tombObject = 1
	tombStudy  = 2
)

type tombs struct {
	mu      sync.RWMutex
	file    durable.File
	end     int64
	objects map[place]struct{}
	studies map[uint32]studyTag // slot -> tag
}

func putTomb(kind uint8, n uint32, rest [16]byte) []byte {
	b := make([]byte, tombSize)
	b[0] = kind
	binary.BigEndian.PutUint32(b[4:], n)
	copy(b[8:], rest[:])
	binary.BigEndian.PutUint32(b[tombSize-4:], checksum(b[:tombSize-4]))
	return b
}

func tombsHeader() []byte {
	b := make([]byte, tombSize)
	copy(b, tombsHead)
	binary.BigEndian.PutUint32(b[8:], 1)
	binary.BigEndian.PutUint32(b[tombSize-4:], checksum(b[:tombSize-4]))
	return b
}

func (t *tombs) open(fsys durable.FS, path string, readOnly bool, log *slog.Logger) error {
	flag := os.O_RDWR
	if readOnly {
		flag = os.O_RDONLY
	}
	f, err := fsys.OpenFile(path, flag, 0)
	if errors.Is(err, fs.ErrNotExist) && !readOnly {
		if err := durable.WriteFile(fsys, path, tombsHeader(), 0o600); err != nil {
			return err
		}
		f, err = fsys.OpenFile(path, flag, 0)
	}
	if err != nil {
		return err
	}
	t.file = f
	return t.load(log)
}

// load reads all tombstones. Those after the last whole one were not
// acknowledged and are written over; a damaged one between whole ones is
// reported and left out.
func (t *tombs) load(log *slog.Logger) error {
	size, err := t.file.Size()
	if err != nil {
		return err
	}
	b := make([]byte, size)
	if err := readFull(t.file, b, 0); err != nil {
		return err
	}
	if len(b) < tombSize || string(b[:tombSize]) != string(tombsHeader()) {
		return errors.New("not a file of tombstones")
	}
	t.objects, t.studies, t.end = map[place]struct{}{}, map[uint32]studyTag{}, tombSize
	bad := int64(0)
	for off := int64(tombSize); off+tombSize <= size; off += tombSize {
		if !t.take(b[off : off+tombSize]) {
			bad++
			continue
		}
		if bad > 0 {
			log.Error("vault: damaged tombstones", "count", bad, "before", off)
			bad = 0
		}
		t.end = off + tombSize
	}
	return nil
}

// reload reads all tombstones again, for a vault that is open for reading only.
func (t *tombs) reload(log *slog.Logger) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.load(log)
}

// take enters one tombstone; false if it is damaged.
func (t *tombs) take(b []byte) bool {
	if binary.BigEndian.Uint32(b[tombSize-4:]) != checksum(b[:tombSize-4]) {
		return false
	}
	n := binary.BigEndian.Uint32(b[4:])
	switch b[0] {
	case tombObject:
		t.objects[place{n, int64(binary.BigEndian.Uint64(b[8:]))}] = struct{}{}
	case tombStudy:
		t.studies[n] = studyTag(b[8:24])
	default:
		return false
	}
	return true
}

// add writes a tombstone; durable on return.
func (t *tombs) add(b []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, err := t.file.WriteAt(b, t.end); err != nil {
		return &fatalError{fmt.Errorf("write tombstone: %w", err)}
	}
	if err := t.file.Sync(); err != nil {
		return &fatalError{fmt.Errorf("sync tombstones: %w", err)}
	}
	t.end += tombSize
	t.take(b)
	return nil
}

func (t *tombs) addObject(p place) error {
	var rest [16]byte
	binary.BigEndian.PutUint64(rest[:], uint64(p.off))
	return t.add(putTomb(tombObject, p.pack, rest))
}

func (t *tombs) addStudy(slot uint32, tag studyTag) error {
	return t.add(putTomb(tombStudy, slot, tag))
}

// deleted reports whether the object at p was deleted.
func (t *tombs) deleted(p place) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	_, ok := t.objects[p]
	return ok
}
