//go:build !linux

package durable

import "errors"

// WriteVAt writes buffer by buffer.
func (f osFile) WriteVAt(bufs [][]byte, off int64) (int64, error) {
	var done int64
	for _, b := range bufs {
		n, err := f.WriteAt(b, off+done)
		done += int64(n)
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// Allocate only lengthens the file.
func (f osFile) Allocate(off, n int64) error { return f.lengthen(off + n) }

// Writeback does nothing: it is a hint.
func (f osFile) Writeback(int64, int64) {}

// PunchHole is not supported.
func (f osFile) PunchHole(int64, int64) error { return errors.ErrUnsupported }
