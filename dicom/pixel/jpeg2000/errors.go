package jpeg2000

import (
	"errors"
	"fmt"
)

// The kinds of failure, for errors.Is. What is wrong is in the text; no sample
// of the image ever is.
var (
	// ErrSyntax says that the bytes are not a JPEG 2000 codestream as the
	// standard has it.
	ErrSyntax = errors.New("jpeg2000: malformed codestream")
	// ErrLimit says that the image is larger than the caller's Limits.
	ErrLimit = errors.New("jpeg2000: limit exceeded")
	// ErrUnsupported says that the codestream uses what this package leaves out.
	ErrUnsupported = errors.New("jpeg2000: not supported")
)

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrSyntax, fmt.Sprintf(format, args...))
}

func tooMuch(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrLimit, fmt.Sprintf(format, args...))
}

func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUnsupported, fmt.Sprintf(format, args...))
}
