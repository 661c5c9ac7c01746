package scp

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/pixel"
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

// send performs the sub-operation for one instance, in the best transfer syntax
// that the target takes.
func (t *transfer) send(ctx context.Context, to target, e *archive.Entry, originator dimse.StoreRequest) (dimse.Status, error) {
	taken := to.syntaxes(e.SOPClass)
	if len(taken) == 0 {
		return 0, dimse.ErrNoContext
	}
	syntaxes := pixel.TakenTargets(e.TransferSyntax, taken, t.prefer)
	if len(syntaxes) == 0 {
		return 0, errNeedsCodec
	}
	o, err := t.retrieval.Open(ctx, e)
	if err != nil {
		return 0, err
	}
	defer o.Close()
	r := originator
	r.SOPClass, r.SOPInstance, r.TransferSyntax = e.SOPClass, e.Instance, e.TransferSyntax
	c, err := t.converter(ctx, o, e, syntaxes)
	if err != nil {
		return 0, err
	}
	if c == nil {
		r.DataSet = wholeObject(o, io.NewSectionReader(o, 0, e.Length))
		return to.store(ctx, r)
	}
	converted, stop := streamed(ctx, c)
	defer stop()
	r.TransferSyntax, r.DataSet = c.To(), converted
	return to.store(ctx, r)
}

// wholeObject returns the fastest reader over all of o.
func wholeObject(o archive.Object, plain io.Reader) io.Reader {
	if s, ok := o.(interface{ NewReader() io.Reader }); ok {
		return s.NewReader()
	}
	return plain
}
