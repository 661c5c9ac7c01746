package dimse

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/ul"
)

// Client performs operations as SCU on one association. Its methods are for one
// goroutine at a time: the association is synchronous (PS3.7 section D.3.3.3).
//
// A method's error tells that there was no final response; what the peer
// answered is in the Status or Result. The end of ctx aborts the association,
// but for C-FIND, C-GET and C-MOVE, which it cancels.
type Client struct {
	s     *server // answers what the peer asks of us on the same association
	o     ClientOptions
	store Handler // for C-STORE requests while a C-GET is being performed
}

// ClientOptions are for NewClient. The zero value is good.
type ClientOptions struct {
	// EventReport answers N-EVENT-REPORT requests of the peer; without it they
	// get 0211H.
	EventReport Handler
	// MaxIdentifier is the longest data set, in bytes, that is decoded from a
	// response; 0 means 16 MiB.
	MaxIdentifier int64
	// ResponseTimeout is how long the peer may be silent when we wait for it;
	// 0 means 5 minutes, less than 0 for ever.
	ResponseTimeout time.Duration
}

// cancelPatience is how long the peer may take to end a cancelled operation.
const cancelPatience = 15 * time.Second

// NewClient returns a client on an association that was requested.
func NewClient(a *ul.Association, o ClientOptions) *Client {
	if o.MaxIdentifier == 0 {
		o.MaxIdentifier = 16 << 20
	}
	if o.ResponseTimeout == 0 {
		o.ResponseTimeout = 5 * time.Minute
	}
	c := &Client{o: o}
	c.s = newServer(a, c.route, ServeOptions{})
	a.SetIdle(o.ResponseTimeout)
	return c
}

// DialOptions are for Dial.
type DialOptions struct {
	ul.RequestOptions
	ClientOptions
	// TLS is for a connection with TLS (PS3.15 annex B); nil means a plain one.
	TLS *tls.Config
	// Dialer makes the transport connection; the zero value is good.
	Dialer net.Dialer
}

// Dial connects to host:port, requests an association and returns a client on it.
func Dial(ctx context.Context, address string, o DialOptions) (*Client, error) {
	conn, err := o.Dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if o.TLS != nil {
		config := o.TLS
		if config.ServerName == "" {
			config = config.Clone()
			config.ServerName, _, _ = net.SplitHostPort(address)
		}
		conn = tls.Client(ul.NewBatch(conn), config) // ul.Request shakes hands
	}
	a, err := ul.Request(ctx, conn, o.RequestOptions)
	if err != nil {
		return nil, err
	}
	return NewClient(a, o.ClientOptions), nil
}

// Association returns the association.
func (c *Client) Association() *ul.Association { return c.s.a }

// Close releases the association, or aborts it if the peer does not answer
// before ctx ends.
func (c *Client) Close(ctx context.Context) error {
	c.s.join()
	if err := c.s.a.Err(); err != nil {
		c.s.a.Close()
		return err
	}
	return c.s.a.Release(ctx)
}

// Result is the final response to an operation.
type Result struct {
	Command
	DataSet *dicom.DataSet // nil if there was none
}

// Err returns what a Result whose status is a failure, a warning or a
// cancellation says as an error; nil for success.
func (r *Result) Err() error {
	if r.Status.IsSuccess() {
		return nil
	}
	return &Failure{Status: r.Status, Comment: r.ErrorComment, Offending: r.Offending, ErrorID: r.ErrorID}
}

// Echo performs C-ECHO (PS3.4 annex A).
func (c *Client) Echo(ctx context.Context) (Status, error) {
	r, err := c.simple(ctx, Command{Field: CEchoRQ, SOPClass: dict.UIDVerification}, nil)
	if err != nil {
		return 0, err
	}
	return r.Status, nil
}

// Store performs C-STORE (PS3.4 annex B).
func (c *Client) Store(ctx context.Context, r StoreRequest) (*Result, error) {
	pc, err := c.s.find(r.SOPClass, r.TransferSyntax)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", CStoreRQ, err)
	}
	return c.perform(ctx, pc, r.command(), r.DataSet)
}

// simple performs an operation on a presentation context of its SOP class in
// any transfer syntax.
func (c *Client) simple(ctx context.Context, q Command, ds *dicom.DataSet) (*Result, error) {
	pc, err := c.s.find(q.SOPClass, "")
	if err != nil {
		return nil, fmt.Errorf("%v: %w", q.Field, err)
	}
	data, err := encode(pc, ds)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", q.Field, err)
	}
	return c.perform(ctx, pc, q, data)
}

// perform sends a request and waits for its one response.
func (c *Client) perform(ctx context.Context, pc ul.PresentationContext, q Command, data io.Reader) (*Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%v: %w", q.Field, context.Cause(ctx))
	}
	stop := context.AfterFunc(ctx, c.s.a.Abort)
	defer stop()
	q.MessageID = c.s.newID()
	if err := c.s.send(pc.ID, &q, data); err != nil {
		return nil, c.failed(ctx, q.Field, err)
	}
	m, err := c.response(ctx, &q)
	if err != nil {
		return nil, c.failed(ctx, q.Field, err)
	}
	r, err := c.result(m)
	if err != nil {
		return nil, c.failed(ctx, q.Field, err)
	}
	return r, nil
}

// failed names the operation, and the end of ctx if that was the cause.
func (c *Client) failed(ctx context.Context, f CommandField, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%v: %w (%w)", f, context.Cause(ctx), err)
	}
	return fmt.Errorf("%v: %w", f, err)
}

// response waits for the next response to q. What the peer asks of us meanwhile
// is answered.
func (c *Client) response(ctx context.Context, q *Command) (message, error) {
	for {
		m, err := c.s.next()
		if err != nil {
			return m, err
		}
		if m.Field == q.Field.Response() && m.MessageIDRespondedTo == q.MessageID {
			return m, nil
		}
		if err := c.s.dispatch(ctx, m); err != nil {
			return m, err
		}
	}
}

// result reads the data set of a response.
func (c *Client) result(m message) (*Result, error) {
	r := &Result{Command: m.Command}
	if m.dataSet == nil {
		return r, nil
	}
	var err error
	r.DataSet, err = decode(m.context, m.dataSet, c.o.MaxIdentifier)
	if drained := m.dataSet.drain(); err == nil {
		err = drained
	}
	return r, err
}

// route finds the handler for what the peer asks of us.
func (c *Client) route(f CommandField, _ ul.PresentationContext) Handler {
	switch {
	case f == CStoreRQ && c.store != nil:
		return c.store
	case f == NEventReportRQ && c.o.EventReport != nil:
		return c.o.EventReport
	}
	return nil
}

// Wait answers N-EVENT-REPORT requests of the peer until ctx ends, which aborts
// the association, or the peer releases it; then the error is nil.
func (c *Client) Wait(ctx context.Context) error {
	stop := context.AfterFunc(ctx, c.s.a.Abort)
	defer stop()
	c.s.a.SetIdle(0)
	defer c.s.a.SetIdle(c.o.ResponseTimeout)
	err := c.s.loop(ctx)
	if err == ul.ErrReleased {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
