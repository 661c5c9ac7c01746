package dimse

import (
	"context"
	"errors"
	"runtime/debug"
)

// errPanicked tells that a handler panicked. What it panicked with may hold
// anything, so it is not in the error.
var errPanicked = errors.New("handler panicked; association aborted")

// call calls the handler. A panic in it is a bug, and the association's end.
func (s *server) call(ctx context.Context, h Handler, r *response, req *Request) (err error) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		s.a.AbortFor(errPanicked)
		s.log.Error("handler panicked", "operation", req.Field.String(), "peer", string(s.a.Peer()),
			"stack", string(debug.Stack()))
		if s.o.Panicked != nil {
			s.o.Panicked(v)
		}
		err = errPanicked
	}()
	return h.ServeDIMSE(ctx, r, req)
}
