package dimse

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/ul"
)

// QueryRequest is a C-FIND, C-GET or C-MOVE that we ask of the peer (PS3.4 annex C).
type QueryRequest struct {
	SOPClass   dicom.UID // of the information model
	Identifier *dicom.DataSet
	Priority   Priority
	// Destination is for C-MOVE.
	Destination dicom.AETitle
	// Progress is called for every pending response of C-GET and C-MOVE that
	// has counts; it may be nil.
	Progress func(SubOperations)
}

// Find performs C-FIND (PS3.4 section C.4.1) and yields each match. Leaving the
// loop, or the end of ctx, sends C-CANCEL. What keeps the final response from
// being success is yielded as the last error; errors.As finds the Status.
func (c *Client) Find(ctx context.Context, r QueryRequest) iter.Seq2[*dicom.DataSet, error] {
	return func(yield func(*dicom.DataSet, error) bool) {
		op, err := c.begin(ctx, CFindRQ, r)
		if err != nil {
			yield(nil, err)
			return
		}
		defer op.end()
		left := false
		for {
			result, err := op.next(ctx)
			switch {
			case left && (err != nil || !result.Status.IsPending()):
				return
			case err != nil:
				yield(nil, err)
				return
			case !result.Status.IsPending():
				if err := op.final(ctx, result); err != nil {
					yield(nil, err)
				}
				return
			case !left && result.DataSet != nil && !yield(result.DataSet, nil):
				left = true
				op.cancel()
			}
		}
	}
}

// Get performs C-GET (PS3.4 section C.4.3). The C-STORE sub-operations of the
// peer go to store. The end of ctx sends C-CANCEL.
func (c *Client) Get(ctx context.Context, r QueryRequest, store Handler) (*Result, error) {
	c.store = store
	defer func() { c.store = nil }()
	return c.retrieve(ctx, CGetRQ, r)
}

// Move performs C-MOVE (PS3.4 section C.4.2). The end of ctx sends C-CANCEL.
func (c *Client) Move(ctx context.Context, r QueryRequest) (*Result, error) {
	return c.retrieve(ctx, CMoveRQ, r)
}

func (c *Client) retrieve(ctx context.Context, f CommandField, r QueryRequest) (*Result, error) {
	op, err := c.begin(ctx, f, r)
	if err != nil {
		return nil, err
	}
	defer op.end()
	for {
		result, err := op.next(context.WithoutCancel(ctx))
		if err != nil {
			return nil, err
		}
		if !result.Status.IsPending() {
			return result, nil
		}
		if result.SubOps != nil && r.Progress != nil {
			r.Progress(*result.SubOps)
		}
	}
}

// query is a C-FIND, C-GET or C-MOVE under way.
type query struct {
	c       *Client
	request Command
	context ul.PresentationContext
	stop    func() bool // of the watch over ctx

	mu    sync.Mutex
	ended bool
	timer *time.Timer // the peer's time to obey a C-CANCEL; nil if none was sent
}

func (c *Client) begin(ctx context.Context, f CommandField, r QueryRequest) (*query, error) {
	op := &query{c: c, request: Command{Field: f, SOPClass: r.SOPClass,
		Priority: r.Priority, MoveDestination: r.Destination}}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%v: %w", f, context.Cause(ctx))
	}
	var err error
	if op.context, err = c.s.find(r.SOPClass, ""); err != nil {
		return nil, fmt.Errorf("%v: %w", f, err)
	}
	identifier := r.Identifier
	if identifier == nil {
		identifier = new(dicom.DataSet)
	}
	data, err := encode(op.context, identifier)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", f, err)
	}
	op.request.MessageID = c.s.newID()
	if err := c.s.send(op.context.ID, &op.request, data); err != nil {
		return nil, c.failed(ctx, f, err)
	}
	op.stop = context.AfterFunc(ctx, op.cancel)
	return op, nil
}

// cancel sends C-CANCEL (PS3.7 section 9.3.2.3) and gives the peer some time to
// end the operation. It may be called from any goroutine.
func (op *query) cancel() {
	op.mu.Lock()
	if op.ended || op.timer != nil {
		op.mu.Unlock()
		return
	}
	op.timer = time.AfterFunc(cancelPatience, op.c.s.a.Abort)
	op.mu.Unlock()
	op.c.s.send(op.context.ID, &Command{Field: CCancelRQ, MessageIDRespondedTo: op.request.MessageID}, nil)
}

// end frees what watches over the operation.
func (op *query) end() {
	op.stop()
	op.mu.Lock()
	defer op.mu.Unlock()
	op.ended = true
	if op.timer != nil {
		op.timer.Stop()
	}
}

// next waits for the next response.
func (op *query) next(ctx context.Context) (*Result, error) {
	m, err := op.c.response(ctx, &op.request)
	if err != nil {
		return nil, op.c.failed(ctx, op.request.Field, err)
	}
	r, err := op.c.result(m)
	if err != nil {
		op.c.s.a.Abort() // the operation goes on, and nobody would read its responses
		return nil, op.c.failed(ctx, op.request.Field, err)
	}
	return r, nil
}

// final says what is wrong with a final response.
func (op *query) final(ctx context.Context, r *Result) error {
	err := r.Err()
	switch {
	case err == nil:
		return nil
	case r.Status.IsCancel() && ctx.Err() != nil:
		return fmt.Errorf("%v: %w (%w)", op.request.Field, context.Cause(ctx), err)
	}
	return fmt.Errorf("%v: %w", op.request.Field, err)
}
