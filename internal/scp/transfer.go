package scp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// target takes the instances of a C-GET or C-MOVE.
type target interface {
	// syntaxes returns the transfer syntaxes in which the target takes
	// instances of the SOP class.
	syntaxes(class dicom.UID) []dicom.UID
	store(ctx context.Context, r dimse.StoreRequest) (dimse.Status, error)
}

// transfer sends the instances of a retrieval, one sub-operation each, and
// tells the requester how far it is (PS3.4 sections C.4.2.3 and C.4.3.3).
type transfer struct {
	assoc     *Association
	rw        dimse.ResponseWriter
	retrieval *archive.Retrieval
	sub       dimse.SubOperations
	prefer    dicom.UID // the transfer syntax that the receiver likes best, "" for the stored one
	failed    []string  // SOP Instance UIDs, for Failed SOP Instance UID List
	told      time.Time
}

// progressEvery is how often a requester is told how far its retrieval is: each
// time costs a message, and a second of slices would cost hundreds.
const progressEvery = 100 * time.Millisecond

// count adds the outcome of the sub-operation for one instance.
func (t *transfer) count(e *archive.Entry, status dimse.Status, err error) {
	t.sub.Remaining--
	switch {
	case err == nil && status == dimse.StatusSuccess:
		t.sub.Completed++
	case err == nil && status.IsWarning():
		t.sub.Warning++
	default:
		t.sub.Failed++
		t.failed = append(t.failed, string(e.Instance))
	}
}

// progress sends a pending response with the counts, after the first
// sub-operation and then now and again (PS3.4 section C.4.3.3 leaves it open).
func (t *transfer) progress() error {
	if t.sub.Remaining == 0 || time.Since(t.told) < progressEvery {
		return nil
	}
	t.told = time.Now()
	sub := t.sub
	return t.rw.Pending(dimse.StatusPending, nil, &sub)
}

// finish sends the final response.
func (t *transfer) finish(ctx context.Context) error {
	r := dimse.Response{SubOps: &t.sub}
	switch {
	case errors.Is(context.Cause(ctx), dimse.ErrCancelled):
		r.Status = dimse.StatusCancel
	case t.sub.Failed > 0 && t.sub.Completed+t.sub.Warning == 0:
		r.Status = dimse.StatusOutOfResourcesSubOperations
	case t.sub.Failed+t.sub.Warning > 0:
		r.Status = dimse.StatusSubOperationsWarning
	}
	if len(t.failed) > 0 {
		r.DataSet = new(dicom.DataSet)
		r.DataSet.PutString(dict.FailedSOPInstanceUIDList, dicom.VRUI, t.failed...)
	}
	return t.rw.Respond(r)
}

// all performs a sub-operation for each of the entries. While one is sent the
// next is made ready. It returns early when ctx ends; the error is that of telling
// the requester.
func (t *transfer) all(ctx context.Context, to target, entries []archive.Entry, originator dimse.StoreRequest) error {
	var next chan *outgoing // capacity 1; nil if nothing is being made ready
	defer func() {
		if next != nil {
			(<-next).close()
		}
	}()
	for i := range entries {
		if ctx.Err() != nil {
			return nil
		}
		o := t.ready(ctx, next, to, &entries[i], originator)
		if next = nil; i+1 < len(entries) {
			next = t.begin(ctx, to, &entries[i+1], originator)
		}
		status, err := o.send(ctx, to)
		if err != nil && ctx.Err() != nil {
			return nil
		}
		t.assoc.failedSubOperation(ctx, &entries[i], status, err)
		t.count(&entries[i], status, err)
		if err := t.progress(); err != nil {
			return err
		}
	}
	return nil
}

// begin makes an instance ready in a goroutine of its own.
func (t *transfer) begin(ctx context.Context, to target, e *archive.Entry, originator dimse.StoreRequest) chan *outgoing {
	made := make(chan *outgoing, 1)
	go func() {
		o := &outgoing{}
		err := guarded(func() error {
			o = t.open(ctx, to, e, originator)
			o.readAhead()
			return nil
		})
		if err != nil {
			o.err = err
		}
		made <- o
	}()
	return made
}

// guarded makes an error of a panic: what a peer once sent must not end the
// archive, and nobody catches what passes in a goroutine of its own.
func guarded(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: this is a bug: %T", v)
		}
	}()
	return f()
}

// ready returns the instance that is being made ready, or opens it if none is.
func (t *transfer) ready(ctx context.Context, made chan *outgoing, to target, e *archive.Entry, originator dimse.StoreRequest) *outgoing {
	if made != nil {
		return <-made
	}
	return t.open(ctx, to, e, originator)
}
