package ul

import (
	"errors"
	"fmt"
	"io"
)

// AbortSource tells who aborted (PS3.8 table 9-26).
type AbortSource uint8

// AbortReason tells why the service provider aborted; it means nothing if the
// service user did (PS3.8 table 9-26).
type AbortReason uint8

// The values of PS3.8 table 9-26.
const (
	AbortByUser     AbortSource = 0
	AbortByProvider AbortSource = 2

	AbortNotSpecified          AbortReason = 0
	AbortUnrecognizedPDU       AbortReason = 1
	AbortUnexpectedPDU         AbortReason = 2
	AbortUnrecognizedParameter AbortReason = 4
	AbortUnexpectedParameter   AbortReason = 5
	AbortInvalidParameter      AbortReason = 6
)

// AbortError tells that the association ended without release: by an A-ABORT
// PDU that came (PS3.8 section 9.3.8), by our own, or because the transport
// connection broke (an A-P-ABORT indication; Err is set).
type AbortError struct {
	Local  bool // we sent it
	Source AbortSource
	Reason AbortReason
	Err    error // what broke, if anything
}

var abortReasons = map[AbortReason]string{
	AbortNotSpecified: "reason not specified", AbortUnrecognizedPDU: "unrecognized PDU",
	AbortUnexpectedPDU: "unexpected PDU", AbortUnrecognizedParameter: "unrecognized PDU parameter",
	AbortUnexpectedParameter: "unexpected PDU parameter", AbortInvalidParameter: "invalid PDU parameter value",
}

// Error tells who aborted and why.
func (e *AbortError) Error() string {
	who := "by the peer"
	if e.Local {
		who = "by us"
	}
	switch {
	case errors.Is(e.Err, io.EOF):
		return "association aborted: connection closed by the peer without release"
	case e.Err != nil:
		return fmt.Sprintf("association aborted: connection lost: %v", e.Err)
	case e.Source == AbortByUser:
		return "association aborted " + who
	}
	why := abortReasons[e.Reason]
	if why == "" {
		why = "unknown reason"
	}
	return fmt.Sprintf("association aborted %s (%d/%d): %s", who, e.Source, e.Reason, why)
}

// Unwrap returns what broke.
func (e *AbortError) Unwrap() error { return e.Err }

// Append appends the A-ABORT PDU.
func (e *AbortError) Append(dst []byte) []byte {
	return appendShort(dst, PDUAbort, 0, byte(e.Source), byte(e.Reason))
}

// ParseAbort reads the body of an A-ABORT PDU.
func ParseAbort(body []byte) (*AbortError, error) {
	if len(body) != shortBody {
		return nil, fmt.Errorf("A-ABORT: body of %d bytes", len(body))
	}
	return &AbortError{Source: AbortSource(body[2]), Reason: AbortReason(body[3])}, nil
}
