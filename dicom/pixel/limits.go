package pixel

import "errors"

// What errors of this package wrap.
var (
	// ErrLimit says that one of the Limits was exceeded.
	ErrLimit = errors.New("limit exceeded")
	// ErrSyntax says that the pixel data is not what the data set and the
	// transfer syntax make of it.
	ErrSyntax = errors.New("malformed pixel data")
	// ErrUnsupported says that the pixel data may be right, but that this
	// package cannot decode, encode or render it.
	ErrUnsupported = errors.New("pixel data not supported")
	// ErrNoPixels says that the data set has no pixel data.
	ErrNoPixels = errors.New("no pixel data")
)

// Limits bounds what decoding may cost. A field that is zero has its default.
type Limits struct {
	FrameBytes int64 // of one decoded frame; the work of a decoder grows with it
	Frames     int   // of one instance
}

// DefaultLimits returns limits with room for the largest images of today: a
// frame of 128 MiB, a million frames.
func DefaultLimits() Limits {
	return Limits{FrameBytes: 128 << 20, Frames: 1 << 20}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	if l.FrameBytes <= 0 {
		l.FrameBytes = d.FrameBytes
	}
	if l.Frames <= 0 {
		l.Frames = d.Frames
	}
	return l
}
