package ul

import (
	"errors"
	"fmt"
	"time"
)

// Errors of this package are, beside the caller's own: *RejectError,
// *AbortError, *TimeoutError, *ProtocolError, *SourceError and ErrReleased.

// ErrReleased tells that the peer released the association in good order.
var ErrReleased = errors.New("association released")

// ErrState tells that the operation makes no sense in the association's state.
var ErrState = errors.New("not possible in the association's state")

// TimeoutError tells that the peer was too slow.
type TimeoutError struct {
	What  string // "ARTIM", "idle", "ingest rate", "write", ...
	After time.Duration
}

// Error tells which timer ended.
func (e *TimeoutError) Error() string { return fmt.Sprintf("%s timeout after %v", e.What, e.After) }

// Timeout returns true.
func (e *TimeoutError) Timeout() bool { return true }

// ProtocolError tells that the peer broke the protocol; it was told so by an
// A-ABORT with Reason.
type ProtocolError struct {
	Reason AbortReason
	Err    error
}

// Error tells what was wrong. It holds no bytes of the peer.
func (e *ProtocolError) Error() string { return "protocol error: " + e.Err.Error() }

// Unwrap returns what was wrong.
func (e *ProtocolError) Unwrap() error { return e.Err }

// SourceError tells that the reader that Send took a data set from failed. The
// association goes on if nothing of the message had been sent; otherwise it was
// aborted, and Err of the association tells so.
type SourceError struct{ Err error }

// Error tells what the reader said.
func (e *SourceError) Error() string { return "data set to send: " + e.Err.Error() }

// Unwrap returns what the reader said.
func (e *SourceError) Unwrap() error { return e.Err }

func invalid(format string, args ...any) *ProtocolError {
	return &ProtocolError{AbortInvalidParameter, fmt.Errorf(format, args...)}
}
