package durable

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"
)

// maxVector is the most buffers one pwritev takes (IOV_MAX).
const maxVector = 1024

// WriteVAt writes with pwritev.
func (f osFile) WriteVAt(bufs [][]byte, off int64) (int64, error) {
	var done int64
	for len(bufs) > 0 {
		k := min(len(bufs), maxVector)
		n, err := f.writeVector(bufs[:k], off+done)
		done += n
		if err != nil {
			return done, err
		}
		bufs = bufs[k:]
	}
	return done, nil
}

func (f osFile) writeVector(bufs [][]byte, off int64) (int64, error) {
	want := int64(0)
	for _, b := range bufs {
		want += int64(len(b))
	}
	n, err := f.pwritev(bufs, off)
	if err != nil {
		return n, err
	}
	if n == want {
		return n, nil
	}
	rest := n // a short write: the rest goes out buffer by buffer
	for _, b := range bufs {
		if rest >= int64(len(b)) {
			rest -= int64(len(b))
			continue
		}
		k, err := f.WriteAt(b[rest:], off+n)
		n += int64(k)
		rest = 0
		if err != nil {
			return n, err
		}
	}
	if n != want {
		return n, io.ErrShortWrite
	}
	return n, nil
}

func (f osFile) pwritev(bufs [][]byte, off int64) (int64, error) {
	n, err := 0, error(nil)
	ctl := f.control(func(fd int) {
		for {
			n, err = unix.Pwritev(fd, bufs, off)
			if err != unix.EINTR {
				return
			}
		}
	})
	return int64(max(n, 0)), errors.Join(ctl, err)
}

// Sync is fdatasync: times are not worth a journal entry.
func (f osFile) Sync() error { return f.retry(unix.Fdatasync) }

// Allocate is fallocate.
func (f osFile) Allocate(off, n int64) error {
	err := f.retry(func(fd int) error { return unix.Fallocate(fd, 0, off, n) })
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return f.lengthen(off + n)
	}
	return err
}

// Writeback is sync_file_range.
func (f osFile) Writeback(off, n int64) {
	_ = f.control(func(fd int) { _ = unix.SyncFileRange(fd, off, n, unix.SYNC_FILE_RANGE_WRITE) })
}

// PunchHole is fallocate with FALLOC_FL_PUNCH_HOLE.
func (f osFile) PunchHole(off, n int64) error {
	err := f.retry(func(fd int) error {
		return unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, n)
	})
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return errors.ErrUnsupported
	}
	return err
}

// retry calls a system call again while signals interrupt it. That is no retry
// of a failed sync: an interrupted one has not ended.
func (f osFile) retry(call func(fd int) error) error {
	var err error
	ctl := f.control(func(fd int) {
		for {
			if err = call(fd); err != unix.EINTR {
				return
			}
		}
	})
	return errors.Join(ctl, err)
}

func (f osFile) control(do func(fd int)) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Control(func(fd uintptr) { do(int(fd)) })
}
