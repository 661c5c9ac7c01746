package dimse

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/ul"
)

// response is the ResponseWriter.
type response struct {
	s          *server
	m          *message
	identifier *bytes.Reader  // what was read of the data set in advance
	w          *watcher       // not nil once something reads beside the handler
	subOps     *SubOperations // as last reported
	responded  bool
}

var (
	errResponded  = errors.New("the final response has been sent")
	errNotPending = errors.New("not a status of a pending response")
	errPending    = errors.New("a final response needs a final status")
)

// answer is the command set of a response, without its status.
func (r *response) answer() Command {
	return Command{
		Field: r.m.Field.Response(), MessageIDRespondedTo: r.m.MessageID,
		SOPClass: r.m.SOPClass, SOPInstance: r.m.SOPInstance,
		EventTypeID: r.m.EventTypeID, ActionTypeID: r.m.ActionTypeID,
	}
}

// Pending implements ResponseWriter.
func (r *response) Pending(status Status, identifier *dicom.DataSet, sub *SubOperations) error {
	if r.responded {
		return errResponded
	}
	if !status.IsPending() {
		return errNotPending
	}
	data, err := encode(r.m.context, identifier)
	if err != nil {
		return err
	}
	c := r.answer()
	c.Status, c.SubOps = status, sub
	r.remember(sub)
	return r.s.sendLater(r.m.context.ID, &c, data)
}

// remember keeps the counts for a final response that the handler leaves to us.
func (r *response) remember(sub *SubOperations) {
	if sub != nil {
		counts := *sub
		r.subOps = &counts
	}
}

// Respond implements ResponseWriter.
func (r *response) Respond(f Response) error {
	if r.responded {
		return errResponded
	}
	if f.Status.IsPending() {
		return errPending
	}
	data, err := encode(r.m.context, f.DataSet)
	if err != nil {
		return err
	}
	c := r.answer()
	c.Status, c.SubOps = f.Status, f.SubOps
	c.ErrorComment, c.Offending, c.ErrorID = f.Comment, f.Offending, f.ErrorID
	if f.SOPInstance != "" {
		c.SOPInstance = f.SOPInstance
	}
	r.responded = true
	return r.s.send(r.m.context.ID, &c, data)
}

// StorageContexts implements ResponseWriter.
func (r *response) StorageContexts(class dicom.UID) []ul.PresentationContext {
	var found []ul.PresentationContext
	for _, pc := range r.s.a.Contexts() {
		if pc.AbstractSyntax == class && pc.PeerSCP {
			found = append(found, pc)
		}
	}
	return found
}

// Store implements ResponseWriter.
func (r *response) Store(ctx context.Context, q StoreRequest) (Status, error) {
	pc, err := r.s.find(q.SOPClass, q.TransferSyntax)
	if err != nil {
		return 0, err
	}
	c := q.command()
	return r.perform(ctx, pc, &c, q.DataSet)
}

// EventReport implements ResponseWriter.
func (r *response) EventReport(ctx context.Context, q EventReport) (Status, error) {
	pc := r.m.context
	if pc.AbstractSyntax != q.SOPClass {
		return 0, ErrNoContext
	}
	data, err := encode(pc, q.Information)
	if err != nil {
		return 0, err
	}
	c := q.command()
	return r.perform(ctx, pc, &c, data)
}

// command returns the command set without its message ID.
func (q *StoreRequest) command() Command {
	return Command{Field: CStoreRQ, SOPClass: q.SOPClass, SOPInstance: q.SOPInstance,
		Priority: q.Priority, MoveOriginatorAET: q.MoveOriginatorAET, MoveOriginatorID: q.MoveOriginatorID}
}

// command returns the command set without its message ID.
func (q *EventReport) command() Command {
	return Command{Field: NEventReportRQ, SOPClass: q.SOPClass, SOPInstance: q.SOPInstance, EventTypeID: q.EventTypeID}
}

// perform performs a sub-operation and waits for its response.
func (r *response) perform(ctx context.Context, pc ul.PresentationContext, c *Command, data io.Reader) (Status, error) {
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	w, err := r.watcher()
	if err != nil {
		return 0, err
	}
	select {
	case <-w.stopped:
		return 0, r.interrupted()
	default:
	}
	c.MessageID = r.s.newID()
	select {
	case <-w.responses: // to an earlier one, which was given up
	default:
	}
	w.expected.Store(uint32(c.MessageID))
	if err := r.s.send(pc.ID, c, data); err != nil {
		w.expected.Store(0)
		return 0, err
	}
	return r.await(ctx, w, c.MessageID)
}

// watcher returns what reads beside the handler. It starts one for operations
// that have none from the beginning; what the handler left unread of the data
// set is skipped, as nobody could read it any more.
func (r *response) watcher() (*watcher, error) {
	if r.w != nil {
		return r.w, nil
	}
	if err := r.m.dataSet.drain(); err != nil {
		return nil, err
	}
	r.w = r.s.watch(r, func(error) {})
	return r.w, nil
}

// await waits for the response to our sub-operation. After a C-CANCEL the
// outstanding one is still waited for, so that the counts are right.
func (r *response) await(ctx context.Context, w *watcher, id uint16) (Status, error) {
	patience := time.NewTimer(r.patience())
	defer patience.Stop()
	done := ctx.Done()
	for {
		select {
		case c := <-w.responses:
			if c.MessageIDRespondedTo == id {
				return c.Status, nil
			}
		case <-w.stopped:
			select {
			case c := <-w.responses: // it came just before
				if c.MessageIDRespondedTo == id {
					return c.Status, nil
				}
			default:
			}
			return 0, r.interrupted()
		case <-patience.C:
			slow := &ul.TimeoutError{What: "sub-operation", After: r.patience()}
			r.s.a.AbortFor(slow)
			return 0, slow
		case <-done:
			if context.Cause(ctx) != ErrCancelled {
				return 0, context.Cause(ctx)
			}
			done = nil
		}
	}
}

// patience is how long the peer may take to answer a sub-operation.
func (r *response) patience() time.Duration {
	if d := r.s.a.Idle(); d > 0 {
		return d
	}
	return time.Minute
}

// interrupted says why the watcher has ended.
func (r *response) interrupted() error {
	if err := r.s.a.Err(); err != nil {
		return err
	}
	if r.s.a.State() != ul.Sta6 {
		return ErrAssociationEnded // a release was asked for
	}
	return ErrInterleaved
}
