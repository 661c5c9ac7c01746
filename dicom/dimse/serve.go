package dimse

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/tresor-pacs/tresor/dicom/ul"
)

// Route returns the handler for an operation on a presentation context, nil if
// there is none: then the peer gets 0211H if the operation is none of the SOP
// class.
type Route func(CommandField, ul.PresentationContext) Handler

// ServeOptions are for Serve. The zero value is good.
type ServeOptions struct {
	// OperationTimeout ends the context of a handler that runs longer; 0 means never.
	OperationTimeout time.Duration
	// MaxIdentifier is the longest data set, in bytes, that is taken from a
	// request of C-FIND, C-GET and C-MOVE; 0 means 1 MiB.
	MaxIdentifier int64
	// Logger gets errors of handlers; nil means slog.Default.
	Logger *slog.Logger
	// Panicked is called with what a handler panicked with, after the
	// association was aborted; nil means that it is only logged.
	Panicked func(v any)
}

// Serve answers the requests that come on a until the peer releases it (nil),
// ctx ends, or it breaks. It closes the association.
func Serve(ctx context.Context, a *ul.Association, route Route, o ServeOptions) error {
	return errors.ErrUnsupported
}
