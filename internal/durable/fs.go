package durable

import (
	"io"
	"io/fs"
)

// File is an open file. Its methods may be called at once from many goroutines.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// WriteVAt writes the buffers one after the other at off, with as few
	// system calls as the system allows.
	WriteVAt(bufs [][]byte, off int64) (int64, error)
	// Size returns the file's length.
	Size() (int64, error)
	Truncate(size int64) error
	// Sync makes what was written durable: data, and the length if it changed.
	Sync() error
	// Allocate reserves space for n bytes at off and lengthens the file to hold
	// them; they read as zeros. Where the system cannot reserve, it lengthens only.
	Allocate(off, n int64) error
	// Writeback begins to write n bytes at off to the disk without waiting for
	// the end. It promises nothing.
	Writeback(off, n int64)
	// PunchHole gives the space of n bytes at off back; they read as zeros. Its
	// error is errors.ErrUnsupported where the system cannot.
	PunchHole(off, n int64) error
}

// FS is a file system. Names are complete paths.
type FS interface {
	// OpenFile is like os.OpenFile.
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	// Stat is like os.Stat.
	Stat(name string) (fs.FileInfo, error)
	// Mkdir makes one directory; that it exists already is no error.
	Mkdir(name string, perm fs.FileMode) error
	Rename(from, to string) error
	Remove(name string) error
	// ReadDir returns the names in a directory, sorted.
	ReadDir(name string) ([]string, error)
	// SyncDir makes the names in a directory durable.
	SyncDir(name string) error
	// Lock takes the lock of the file name, which it makes if need be. If wait
	// is false and another holds it, the error is ErrLocked.
	Lock(name string, wait bool) (io.Closer, error)
}
