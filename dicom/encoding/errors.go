package encoding

import (
	"errors"
	"fmt"
	"io"

	"github.com/tresor-pacs/tresor/dicom"
)

// What errors of this package wrap; io.ErrUnexpectedEOF is the fourth, for a
// stream that ends too early. Anything else comes from the stream itself.
var (
	// ErrSyntax says that the bytes are no data set in the transfer syntax.
	ErrSyntax = errors.New("malformed")
	// ErrLimit says that one of the Limits was exceeded.
	ErrLimit = errors.New("limit exceeded")
	// ErrTransferSyntax says that the transfer syntax is missing, unknown, or
	// cannot hold the data set.
	ErrTransferSyntax = errors.New("transfer syntax not supported")
	// ErrNoMeta says that a file does not begin with File Meta Information, so
	// that it is no file of PS3.10.
	ErrNoMeta = errors.New("no File Meta Information")
)

// Error is what reading or writing a data set fails with. Its text holds no values.
type Error struct {
	Offset int64     // in the (inflated) stream; -1 in writing
	Tag    dicom.Tag // of the element; 0 if there was none yet
	Err    error
}

// Error returns where it happened and what.
func (e *Error) Error() string {
	where := ""
	if e.Offset >= 0 {
		where = fmt.Sprintf("offset %d, ", e.Offset)
	}
	if e.Tag != 0 {
		where += e.Tag.String() + ", "
	}
	return where + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// syntaxError makes an Error that wraps ErrSyntax.
func syntaxError(offset int64, tag dicom.Tag, what string) error {
	return &Error{offset, tag, fmt.Errorf("%w: %s", ErrSyntax, what)}
}

// limitError makes an Error that wraps ErrLimit.
func limitError(offset int64, tag dicom.Tag, what string, limit int64) error {
	return &Error{offset, tag, fmt.Errorf("%w: more than %d %s", ErrLimit, limit, what)}
}

// streamError makes an Error for what the stream failed with. Its end is
// always unexpected here.
func streamError(offset int64, tag dicom.Tag, err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return &Error{offset, tag, err}
}
