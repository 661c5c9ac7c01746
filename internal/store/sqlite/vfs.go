package sqlite

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
	"lukechampine.com/adiantum"
	"lukechampine.com/adiantum/hbsh"
)

// sealedVFS encrypts what SQLite writes to files, with Adiantum: a cipher for
// disk sectors that keeps the length and changes all of a block if any bit of it
// or of its place changes. A block is a page; in the write-ahead log also the
// header of the log and that of each frame, so that SQLite's writes are always
// whole blocks.
type sealedVFS struct {
	vfs.VFS
	key []byte
}

// vfsCount numbers the registered file systems: each Open has one, with its key.
var vfsCount atomic.Uint64

// register makes a file system known to SQLite and returns its name.
func register(key []byte) string {
	name := fmt.Sprintf("tresor%d", vfsCount.Add(1))
	vfs.Register(name, &sealedVFS{VFS: vfs.Find(""), key: append([]byte(nil), key...)})
	return name
}

// Open opens a file without a name, a temporary one.
func (v *sealedVFS) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	if name == "" {
		return v.OpenFilename(nil, flags)
	}
	return nil, flags, sqlite3.CANTOPEN
}

// OpenFilename opens a file of the database.
func (v *sealedVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, flags, err := vfsutil.WrapOpenFilename(v.VFS, name, flags)
	if err != nil || flags&vfs.OPEN_MEMORY != 0 {
		return f, flags, err
	}
	s := &sealedFile{File: f, cipher: adiantum.New(v.key)}
	switch {
	case flags&vfs.OPEN_WAL != 0:
		s.kind, s.blocks = 'w', walBlock
	case flags&vfs.OPEN_MAIN_DB != 0:
		s.kind, s.blocks = 'd', pageBlock
	default:
		s.kind, s.blocks = 't', pageBlock
	}
	return s, flags, nil
}

const (
	pageSize       = 4096
	walHeaderSize  = 32 // https://sqlite.org/fileformat.html#the_write_ahead_log
	walFrameHeader = 24
)

// pageBlock returns where the block with the byte at off begins and how long it is.
func pageBlock(off int64) (start, size int64) { return off &^ (pageSize - 1), pageSize }

func walBlock(off int64) (start, size int64) {
	if off < walHeaderSize {
		return 0, walHeaderSize
	}
	in := (off - walHeaderSize) % (walFrameHeader + pageSize)
	if in < walFrameHeader {
		return off - in, walFrameHeader
	}
	return off - in + walFrameHeader, pageSize
}

// sealedFile is one file. SQLite uses it from one goroutine at a time.
type sealedFile struct {
	vfs.File
	cipher *hbsh.HBSH
	kind   byte // tells the ciphers of different files' blocks apart
	blocks func(off int64) (start, size int64)
	buf    []byte
}

// each calls f for each whole block of b, which begins at off, the beginning of a block.
func (s *sealedFile) each(b []byte, off int64, f func(block, tweak []byte) []byte) (whole int) {
	var tweak [16]byte
	tweak[0] = s.kind
	for whole < len(b) {
		_, size := s.blocks(off)
		if int64(len(b)-whole) < size {
			break
		}
		binary.LittleEndian.PutUint64(tweak[8:], uint64(off))
		f(b[whole:whole+int(size):whole+int(size)], tweak[:])
		whole += int(size)
		off += size
	}
	return whole
}

// around returns the whole blocks in which n bytes at off lie.
func (s *sealedFile) around(off int64, n int) (start, end int64) {
	start, _ = s.blocks(off)
	last, size := s.blocks(off + int64(n) - 1)
	return start, last + size
}

// scratch returns a buffer of n bytes, good until the next call.
func (s *sealedFile) scratch(n int64) []byte {
	if int64(cap(s.buf)) < n {
		s.buf = make([]byte, n)
	}
	return s.buf[:n]
}

// readBlocks fills b from the blocks at off and returns how much of it is there,
// in whole blocks; err is nil or that of a read that failed.
func (s *sealedFile) readBlocks(b []byte, off int64) (int, error) {
	n, err := s.File.ReadAt(b, off)
	if err == io.EOF {
		err = nil
	}
	return s.each(b[:n], off, s.cipher.Decrypt), err
}

// ReadAt implements io.ReaderAt.
func (s *sealedFile) ReadAt(p []byte, off int64) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	start, end := s.around(off, len(p))
	b := p
	aligned := start == off && end == off+int64(len(p))
	if !aligned {
		b = s.scratch(end - start)
	}
	n, err := s.readBlocks(b, start)
	if !aligned {
		n = copy(p, b[min(int(off-start), n):n])
	}
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}

// WriteAt implements io.WriterAt. What does not fill its blocks is put into
// what they hold already.
func (s *sealedFile) WriteAt(p []byte, off int64) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	start, end := s.around(off, len(p))
	b := s.scratch(end - start)
	if start != off || end != off+int64(len(p)) {
		n, err := s.readBlocks(b, start)
		if err != nil {
			return 0, err
		}
		clear(b[n:])
	}
	copy(b[off-start:], p)
	s.each(b, start, s.cipher.Encrypt)
	if _, err := s.File.WriteAt(b, start); err != nil {
		return 0, err
	}
	return len(p), nil
}

// DeviceCharacteristics keeps what stays true of blocks: writes of less than
// one are not atomic.
func (s *sealedFile) DeviceCharacteristics() vfs.DeviceCharacteristic {
	return s.File.DeviceCharacteristics() & (vfs.IOCAP_SEQUENTIAL | vfs.IOCAP_IMMUTABLE |
		vfs.IOCAP_POWERSAFE_OVERWRITE | vfs.IOCAP_UNDELETABLE_WHEN_OPEN)
}

// What follows hands the optional methods of the file below on.

// SharedMemory implements vfs.FileSharedMemory: the index of the write-ahead
// log, which has numbers of pages and nothing of what is in them.
func (s *sealedFile) SharedMemory() vfs.SharedMemory { return vfsutil.WrapSharedMemory(s.File) }

// Unwrap implements vfs.FileUnwrap.
func (s *sealedFile) Unwrap() vfs.File { return s.File }

// LockState implements vfs.FileLockState.
func (s *sealedFile) LockState() vfs.LockLevel { return vfsutil.WrapLockState(s.File) }

// PersistWAL implements vfs.FilePersistWAL.
func (s *sealedFile) PersistWAL() bool { return vfsutil.WrapPersistWAL(s.File) }

// SetPersistWAL implements vfs.FilePersistWAL.
func (s *sealedFile) SetPersistWAL(keep bool) { vfsutil.WrapSetPersistWAL(s.File, keep) }

// SizeHint implements vfs.FileSizeHint.
func (s *sealedFile) SizeHint(size int64) error { return vfsutil.WrapSizeHint(s.File, size) }

// HasMoved implements vfs.FileHasMoved.
func (s *sealedFile) HasMoved() (bool, error) { return vfsutil.WrapHasMoved(s.File) }

// BusyHandler implements vfs.FileBusyHandler.
func (s *sealedFile) BusyHandler(handler func() bool) { vfsutil.WrapBusyHandler(s.File, handler) }
