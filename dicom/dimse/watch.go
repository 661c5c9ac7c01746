package dimse

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
)

// watcher reads from the association while a handler runs that C-CANCEL may
// end or that performs operations of its own. It ends with the first message
// that is neither a C-CANCEL nor a response to us, which then is the next one to
// be dispatched: so there is never more than one reader, and none has to be
// interrupted.
type watcher struct {
	id     uint16 // message ID of the operation
	cancel context.CancelCauseFunc

	expected  atomic.Uint32 // message ID of our outstanding sub-operation; 0 is none
	responses chan Command  // to it
	stopped   chan struct{} // closed when the watcher has ended
	next      chan received // capacity 1: what it ended with
}

type received struct {
	message message
	err     error
}

// watch starts a watcher for the operation that r answers.
func (s *server) watch(r *response, cancel context.CancelCauseFunc) *watcher {
	w := &watcher{id: r.m.MessageID, cancel: cancel,
		responses: make(chan Command, 1), stopped: make(chan struct{}), next: make(chan received, 1)}
	s.watcher = w
	s.a.SetIdle(0)
	go func() {
		m, err := w.read(&s.endpoint)
		w.next <- received{m, err}
		close(w.stopped)
	}()
	return w
}

// read reads up to the message that is not for the watcher.
func (w *watcher) read(e *endpoint) (message, error) {
	for {
		m, err := e.receive()
		if err != nil {
			w.cancel(ErrAssociationEnded)
			return m, err
		}
		switch {
		case m.Field == CCancelRQ:
			if m.MessageIDRespondedTo == w.id {
				w.cancel(ErrCancelled)
			}
		case m.Field.IsResponse():
			if id := uint32(m.MessageIDRespondedTo); id != 0 && w.expected.CompareAndSwap(id, 0) {
				w.responses <- m.Command // it is empty: only one response is expected
			}
		default:
			return m, nil
		}
		if err := m.dataSet.drain(); err != nil {
			w.cancel(ErrAssociationEnded)
			return m, err
		}
	}
}

// runWatched runs a handler that C-CANCEL may end. The identifier is read
// before, since the watcher reads what follows it.
func (s *server) runWatched(ctx context.Context, h Handler, r *response) error {
	if d := r.m.dataSet; d != nil {
		b, err := readLimited(d, s.o.MaxIdentifier)
		if errors.Is(err, ErrTooLong) {
			if err := r.Respond(Response{Status: StatusOutOfResources, Comment: "identifier too long"}); err != nil {
				return err
			}
			return d.drain()
		}
		if err != nil {
			return err
		}
		if err := d.drain(); err != nil {
			return err
		}
		r.identifier = bytes.NewReader(b)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ctx, stop := s.deadline(ctx)
	defer stop()
	r.w = s.watch(r, cancel)
	return s.run(ctx, h, r)
}
