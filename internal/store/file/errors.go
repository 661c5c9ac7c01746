package file

import (
	"errors"
	"io"

	"github.com/tresor-pacs/tresor/internal/durable"
	"github.com/tresor-pacs/tresor/internal/seal"
)

// ErrDamaged is what reading damaged objects gives.
var ErrDamaged = seal.ErrDamaged

// ErrReadOnly answers every change of a vault that was opened read-only.
var ErrReadOnly = errors.New("vault is open for reading only")

var errClosed = errors.New("vault is closed")

// fatalError is a failed write or sync of something that the vault relies on.
// After one it takes no more changes.
type fatalError struct{ error }

func (e *fatalError) Unwrap() error { return e.error }

// readFull reads all of p at off; a file that ends before is damaged.
func readFull(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == io.EOF {
		return ErrDamaged
	}
	return err
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// closeAll closes files of which nothing is to be written any more.
func closeAll(files ...durable.File) error {
	var errs []error
	for _, f := range files {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}
