package dimse

import (
	"context"
	"errors"
	"iter"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/ul"
)

// Client performs operations as SCU on one association. Its methods are for one
// goroutine at a time: the association is synchronous (PS3.7 section D.3.3.3).
// A method's error tells that no final response came; what the peer answered is
// in the Status or Result.
type Client struct{}

// ClientOptions are for NewClient. The zero value is good.
type ClientOptions struct {
	// EventReport answers N-EVENT-REPORT requests of the peer; without it they
	// get 0122H.
	EventReport Handler
	// MaxIdentifier is the longest data set, in bytes, that is decoded from a
	// response; 0 means 16 MiB.
	MaxIdentifier int64
}

// NewClient returns a client on an association that was requested.
func NewClient(a *ul.Association, o ClientOptions) *Client { return nil }

// Association returns the association.
func (c *Client) Association() *ul.Association { return nil }

// Close releases the association, in an orderly way if the peer answers before
// ctx ends.
func (c *Client) Close(ctx context.Context) error { return errors.ErrUnsupported }

// Result is the final response to an operation.
type Result struct {
	Command
	DataSet *dicom.DataSet // nil if there was none
}

// Echo performs C-ECHO (PS3.4 annex A).
func (c *Client) Echo(ctx context.Context) (Status, error) { return 0, errors.ErrUnsupported }

// Store performs C-STORE (PS3.4 annex B).
func (c *Client) Store(ctx context.Context, r StoreRequest) (*Result, error) {
	return nil, errors.ErrUnsupported
}

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

// Find performs C-FIND and yields each match. Leaving the loop, or the end of
// ctx, sends C-CANCEL. A final status that is no success is yielded as an error
// that holds a Status.
func (c *Client) Find(ctx context.Context, r QueryRequest) iter.Seq2[*dicom.DataSet, error] {
	return nil
}

// Get performs C-GET. The peer's C-STORE sub-operations go to store.
// The end of ctx sends C-CANCEL.
func (c *Client) Get(ctx context.Context, r QueryRequest, store Handler) (*Result, error) {
	return nil, errors.ErrUnsupported
}

// Move performs C-MOVE. The end of ctx sends C-CANCEL.
func (c *Client) Move(ctx context.Context, r QueryRequest) (*Result, error) {
	return nil, errors.ErrUnsupported
}

// Wait answers requests of the peer (N-EVENT-REPORT) until ctx ends or the
// association does.
func (c *Client) Wait(ctx context.Context) error { return errors.ErrUnsupported }

// NEventReport performs N-EVENT-REPORT (PS3.7 section 10.1.1).
func (c *Client) NEventReport(ctx context.Context, r EventReport) (*Result, error) {
	return nil, errors.ErrUnsupported
}

// NGet performs N-GET (PS3.7 section 10.1.2); no attributes means all.
func (c *Client) NGet(ctx context.Context, class, instance dicom.UID, attributes ...dicom.Tag) (*Result, error) {
	return nil, errors.ErrUnsupported
}

// NSet performs N-SET (PS3.7 section 10.1.3).
func (c *Client) NSet(ctx context.Context, class, instance dicom.UID, modifications *dicom.DataSet) (*Result, error) {
	return nil, errors.ErrUnsupported
}

// NAction performs N-ACTION (PS3.7 section 10.1.4); information may be nil.
func (c *Client) NAction(ctx context.Context, class, instance dicom.UID, action uint16, information *dicom.DataSet) (*Result, error) {
	return nil, errors.ErrUnsupported
}

// NCreate performs N-CREATE (PS3.7 section 10.1.5); with an empty instance the
// peer chooses the UID, which is the Result's SOPInstance.
func (c *Client) NCreate(ctx context.Context, class, instance dicom.UID, attributes *dicom.DataSet) (*Result, error) {
	return nil, errors.ErrUnsupported
}

// NDelete performs N-DELETE (PS3.7 section 10.1.6).
func (c *Client) NDelete(ctx context.Context, class, instance dicom.UID) (*Result, error) {
	return nil, errors.ErrUnsupported
}
