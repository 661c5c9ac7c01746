package dimse

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/ul"
)

// The causes that context.Cause gives for the end of a handler's context.
var (
	// ErrCancelled: the peer sent C-CANCEL (PS3.7 section 9.3.2.3).
	ErrCancelled = errors.New("cancelled by the peer")
	// ErrOperationTimeout: the operation took longer than ServeOptions allow.
	ErrOperationTimeout = errors.New("operation took too long")
	// ErrAssociationEnded: the peer released or aborted the association, or it broke.
	ErrAssociationEnded = errors.New("association ended during the operation")
)

// ErrNoContext says that no accepted presentation context fits.
var ErrNoContext = errors.New("no accepted presentation context for it")

// ErrInterleaved says that the peer began an operation of its own before it
// answered ours on the same association.
var ErrInterleaved = errors.New("the peer began another operation before it answered")

// ErrTooLong says that a data set is longer than the limit.
var ErrTooLong = errors.New("data set longer than the limit")

// Handler performs operations of one service class on one association.
type Handler interface {
	// ServeDIMSE answers req and returns after it has sent the final response.
	// ctx ends with the association, at the deadline, or on C-CANCEL;
	// context.Cause tells which (ErrAssociationEnded, ErrOperationTimeout,
	// ErrCancelled). For operations without C-CANCEL the end of the association
	// is noticed when the data set is read or a response is sent.
	//
	// If it returns before it has sent a final response, the returned error
	// becomes one: nil is success, a Status or *Failure is sent as it is, and
	// any other error is logged and answered as processing failure: its text
	// never reaches the peer. What it leaves unread of the data set is skipped.
	// A panic aborts the association.
	ServeDIMSE(ctx context.Context, rw ResponseWriter, req *Request) error
}

// HandlerFunc is a function that is a Handler.
type HandlerFunc func(ctx context.Context, rw ResponseWriter, req *Request) error

// ServeDIMSE calls f.
func (f HandlerFunc) ServeDIMSE(ctx context.Context, rw ResponseWriter, req *Request) error {
	return f(ctx, rw, req)
}

// Request is one operation that the peer asks for.
type Request struct {
	Command
	// Context is the accepted presentation context on which it came.
	Context ul.PresentationContext
	// DataSet is the data set in Context.TransferSyntax, nil if there is none.
	// It also is an io.WriterTo that passes on what came from the network
	// without another copy. It is good until ServeDIMSE returns.
	DataSet     io.Reader
	Association *ul.Association
}

// ReadDataSet reads and decodes the whole data set, which must not be longer
// than limit bytes (ErrTooLong). It returns an empty data set if the request has
// none.
func (r *Request) ReadDataSet(limit int64) (*dicom.DataSet, error) {
	if r.DataSet == nil {
		return new(dicom.DataSet), nil
	}
	ds, err := decode(r.Context, r.DataSet, limit)
	if err != nil {
		return nil, fmt.Errorf("read data set of %v: %w", r.Field, err)
	}
	return ds, nil
}

// ResponseWriter answers one Request. Its methods are for one goroutine.
type ResponseWriter interface {
	// Pending sends a response after which more follow: a match of C-FIND with
	// its identifier, or the progress of C-GET and C-MOVE (identifier nil).
	Pending(status Status, identifier *dicom.DataSet, sub *SubOperations) error
	// Respond sends the final response.
	Respond(r Response) error
	// Store performs a C-STORE sub-operation on the same association (C-GET,
	// PS3.4 C.4.3.2) and returns the peer's status. The error is ErrNoContext
	// if the peer takes no instances of that SOP class in that transfer syntax.
	Store(ctx context.Context, r StoreRequest) (Status, error)
	// EventReport performs an N-EVENT-REPORT on the same association (storage
	// commitment, PS3.4 J.3.3). It may be called after Respond. The error is
	// ErrInterleaved if the peer did something else instead of answering.
	EventReport(ctx context.Context, r EventReport) (Status, error)
	// StorageContexts returns the accepted presentation contexts with that SOP
	// class in which the peer is SCP: those that Store can use.
	StorageContexts(class dicom.UID) []ul.PresentationContext
}

// Response is a final response.
type Response struct {
	Status      Status
	DataSet     *dicom.DataSet // identifier, attribute list, reply; nil for none
	SubOps      *SubOperations // C-GET and C-MOVE
	Comment     string         // Error Comment, at most 64 characters are sent
	Offending   []dicom.Tag    // Offending Element
	ErrorID     uint16         // Error ID, not sent if 0
	SOPInstance dicom.UID      // N-CREATE: the instance made; else that of the request
}

// StoreRequest is a C-STORE that we ask of the peer.
type StoreRequest struct {
	SOPClass    dicom.UID
	SOPInstance dicom.UID
	// TransferSyntax is what DataSet is encoded in; a presentation context with
	// it must have been accepted.
	TransferSyntax dicom.UID
	// DataSet is read straight into the PDU to be sent.
	DataSet           io.Reader
	Priority          Priority
	MoveOriginatorAET dicom.AETitle // only when the C-STORE belongs to a C-MOVE
	MoveOriginatorID  uint16
}

// EventReport is an N-EVENT-REPORT that we ask of the peer.
type EventReport struct {
	SOPClass    dicom.UID
	SOPInstance dicom.UID
	EventTypeID uint16
	Information *dicom.DataSet // nil for none
}
