package scp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/encoding"
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
	failed    []string // SOP Instance UIDs, for Failed SOP Instance UID List
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

// errNeedsCodec says that the target takes the instance only in transfer
// syntaxes to which it cannot be brought without decoding its pixels.
var errNeedsCodec = errors.New("the target takes it only in a transfer syntax that needs a codec")

// send performs the sub-operation for one instance.
func (t *transfer) send(ctx context.Context, to target, e *archive.Entry, originator dimse.StoreRequest) (dimse.Status, error) {
	syntax, err := choose(e.TransferSyntax, to.syntaxes(e.SOPClass))
	if err != nil {
		return 0, err
	}
	o, err := t.retrieval.Open(ctx, e)
	if err != nil {
		return 0, err
	}
	defer o.Close()
	r := originator
	r.SOPClass, r.SOPInstance, r.TransferSyntax = e.SOPClass, e.Instance, syntax
	plain := io.NewSectionReader(o, 0, e.Length)
	if syntax == e.TransferSyntax {
		r.DataSet = wholeObject(o, plain)
		return to.store(ctx, r)
	}
	converted, stop := convert(plain, e.TransferSyntax, syntax, t.assoc.provider.Limits)
	defer stop()
	r.DataSet = converted
	return to.store(ctx, r)
}

// wholeObject returns the fastest reader over all of o.
func wholeObject(o archive.Object, plain io.Reader) io.Reader {
	if s, ok := o.(interface{ NewReader() io.Reader }); ok {
		return s.NewReader()
	}
	return plain
}

// choose returns the transfer syntax to send in: the stored one if the target
// takes it, else one that differs from it in encoding only.
func choose(stored dicom.UID, taken []dicom.UID) (dicom.UID, error) {
	if len(taken) == 0 {
		return "", dimse.ErrNoContext
	}
	from, ok := encoding.Lookup(stored)
	best := dicom.UID("")
	for _, u := range taken {
		to, known := encoding.Lookup(u)
		switch {
		case u == stored:
			return u, nil
		case ok && known && !from.Encapsulated && !to.Encapsulated && (best == "" || u == dict.UIDExplicitVRLittleEndian):
			best = u
		}
	}
	if best == "" {
		return "", errNeedsCodec
	}
	return best, nil
}

// convert returns a data set in another encoding; stop ends the conversion.
func convert(r io.Reader, from, to dicom.UID, limits encoding.Limits) (_ io.Reader, stop func()) {
	f, _ := encoding.Lookup(from)
	t, _ := encoding.Lookup(to)
	pr, pw := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := encoding.Transcode(pw, t, r, f, encoding.Options{Limits: limits})
		if err != nil {
			err = fmt.Errorf("convert to %s: %w", t.UID, err)
		}
		pw.CloseWithError(err)
	}()
	return pr, func() {
		pr.Close()
		<-done
	}
}
