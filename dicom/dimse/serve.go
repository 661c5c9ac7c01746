package dimse

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/tresor-pacs/tresor/dicom/ul"
)

// Route returns the handler for an operation on a presentation context, nil if
// there is none: then the peer gets 0211H, unrecognized operation.
type Route func(CommandField, ul.PresentationContext) Handler

// ServeOptions are for Serve. The zero value is good.
type ServeOptions struct {
	// OperationTimeout ends the context of a handler that runs longer; 0 means never.
	OperationTimeout time.Duration
	// MaxIdentifier is the longest data set, in bytes, that is taken from a
	// request of C-FIND, C-GET and C-MOVE; 0 means 1 MiB. A longer one is
	// answered with A700H.
	MaxIdentifier int64
	// Logger gets errors and panics of handlers; nil means slog.Default.
	Logger *slog.Logger
	// Panicked is called with what a handler panicked with, after the
	// association was aborted; nil means that it is only logged.
	Panicked func(v any)
}

// defaultIdentifier is ServeOptions.MaxIdentifier unless told otherwise.
const defaultIdentifier = 1 << 20

// Serve answers the requests that come on a, one after the other, until the
// peer releases it (the error is nil then), ctx ends, or it breaks. It closes
// the association, which after an abort may take up to ARTIM.
func Serve(ctx context.Context, a *ul.Association, route Route, o ServeOptions) error {
	stop := context.AfterFunc(ctx, a.Abort)
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		<-a.Done()
		cancel(ErrAssociationEnded)
	}()
	s := newServer(a, route, o)
	err := s.loop(ctx)
	s.join()
	if closed := a.Close(); err == ul.ErrReleased {
		err = closed
	}
	<-ended
	return err
}

// server answers requests on one association. It belongs to one goroutine; see
// watch for the second one that there sometimes is.
type server struct {
	endpoint
	route   Route
	o       ServeOptions
	log     *slog.Logger
	watcher *watcher // not nil while it reads in place of us
}

func newServer(a *ul.Association, route Route, o ServeOptions) *server {
	if o.MaxIdentifier == 0 {
		o.MaxIdentifier = defaultIdentifier
	}
	log := o.Logger
	if log == nil {
		log = slog.Default()
	}
	return &server{endpoint: endpoint{a: a}, route: route, o: o, log: log}
}

// loop answers messages until the association ends, and returns why.
func (s *server) loop(ctx context.Context) error {
	for {
		m, err := s.next()
		if err != nil {
			return err
		}
		if err := s.dispatch(ctx, m); err != nil {
			return err
		}
	}
}

// next returns the next message, from the watcher if one is reading.
func (s *server) next() (message, error) {
	if s.watcher == nil {
		return s.receive()
	}
	r := <-s.watcher.next
	s.watcher = nil
	return r.message, r.err
}

// join ends a watcher that is still reading, and with it the association.
func (s *server) join() {
	if s.watcher != nil {
		s.a.Abort()
		<-s.watcher.next
		s.watcher = nil
	}
}

// dispatch answers one message. An error ends the association.
func (s *server) dispatch(ctx context.Context, m message) error {
	if m.Field.IsResponse() || m.Field == CCancelRQ {
		return m.dataSet.drain() // too late: the operation is over (PS3.7 section 9.3.2.3)
	}
	r := &response{s: s, m: &m}
	h, failure := s.handler(&m)
	if failure != nil {
		if err := r.Respond(Response{Status: failure.Status, Comment: failure.Comment}); err != nil {
			return err
		}
		return m.dataSet.drain()
	}
	if m.Field.cancellable() {
		return s.runWatched(ctx, h, r)
	}
	ctx, cancel := s.deadline(ctx)
	defer cancel()
	return s.run(ctx, h, r)
}

// deadline puts OperationTimeout on a context.
func (s *server) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.o.OperationTimeout == 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, s.o.OperationTimeout, ErrOperationTimeout)
}

// handler finds the handler for a request, or says why there is none.
func (s *server) handler(m *message) (Handler, *Failure) {
	if !m.Field.Known() {
		return nil, &Failure{Status: StatusUnrecognizedOperation}
	}
	if m.Field < NEventReportRQ && m.SOPClass != m.context.AbstractSyntax {
		return nil, &Failure{Status: StatusSOPClassNotSupported, Comment: "SOP class is not that of the presentation context"}
	}
	if m.SOPInstance == "" && m.Field.needsInstance() {
		return nil, &Failure{Status: StatusMissingAttribute, Comment: "no SOP Instance UID"}
	}
	if h := s.route(m.Field, m.context); h != nil {
		return h, nil
	}
	return nil, &Failure{Status: StatusUnrecognizedOperation}
}

// needsInstance reports whether a request must name a SOP instance (PS3.7
// sections 9.3.1 and 10.3).
func (f CommandField) needsInstance() bool {
	switch f {
	case CStoreRQ, NEventReportRQ, NGetRQ, NSetRQ, NActionRQ, NDeleteRQ:
		return true
	}
	return false
}

// run calls the handler and sends the final response if the handler has not.
func (s *server) run(ctx context.Context, h Handler, r *response) error {
	req := &Request{Command: r.m.Command, Context: r.m.context, Association: s.a}
	if r.identifier != nil {
		req.DataSet = r.identifier
	} else if r.m.dataSet != nil {
		req.DataSet = r.m.dataSet
	}
	err := s.call(ctx, h, r, req)
	if r.w != nil {
		s.a.SetIdle(s.a.Idle()) // nothing is outstanding any more: the peer's turn
	}
	if errors.Is(err, errPanicked) {
		return err
	}
	if ended := s.a.Err(); ended != nil {
		return ended
	}
	if !r.responded {
		if err := r.Respond(s.outcome(ctx, r, err)); err != nil {
			return err
		}
	} else if err != nil {
		s.logError(r.m, err)
	}
	return r.m.dataSet.drain()
}

// outcome is the final response for what a handler returned. This is the one
// place where errors become statuses.
func (s *server) outcome(ctx context.Context, r *response, err error) Response {
	var failure *Failure
	var status Status
	switch {
	case err == nil:
		return Response{Status: StatusSuccess, SubOps: r.subOps}
	case errors.As(err, &failure):
		return Response{Status: failure.Status, Comment: failure.Comment,
			Offending: failure.Offending, ErrorID: failure.ErrorID, SubOps: r.subOps}
	case errors.As(err, &status):
		return Response{Status: status, SubOps: r.subOps}
	case context.Cause(ctx) == ErrCancelled && (errors.Is(err, context.Canceled) || errors.Is(err, ErrCancelled)):
		return Response{Status: StatusCancel, SubOps: r.subOps}
	}
	s.logError(r.m, err)
	return Response{Status: StatusProcessingFailure, SubOps: r.subOps}
}

func (s *server) logError(m *message, err error) {
	s.log.Error("operation failed", "operation", m.Field.String(), "peer", string(s.a.Peer()),
		"message", m.MessageID, "error", err)
}
