package dimse

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/ul"
)

var (
	errNoCommand = errors.New("a data set without a command set before it")
	errNoDataSet = errors.New("a command set where a data set was announced")
	errForeign   = errors.New("a data set on another presentation context than its command set")
	errNoSyntax  = errors.New("transfer syntax that is not in the registry")
)

// message is a command set that came, and where its data set is to be read.
type message struct {
	Command
	context ul.PresentationContext
	dataSet *dataSet // nil if there is none
}

// endpoint sends and receives messages on one association.
type endpoint struct {
	a       *ul.Association
	command bytes.Buffer // the command set being read

	sending sync.Mutex // held for a whole message: C-CANCEL may come from elsewhere
	out     []byte     // the command set being sent
	lastID  uint16
}

// protocolError aborts the association, since the peer broke PS3.7.
func (e *endpoint) protocolError(err error) error {
	broken := &ul.ProtocolError{Err: err}
	e.a.AbortFor(broken)
	return broken
}

// receive reads the next command set.
func (e *endpoint) receive() (message, error) {
	p, err := e.a.NextPart()
	if err != nil {
		return message{}, err
	}
	if !p.Command {
		return message{}, e.protocolError(errNoCommand)
	}
	e.command.Reset()
	n, err := io.Copy(&e.command, io.LimitReader(p, MaxCommand+1))
	if err != nil {
		return message{}, err
	}
	if n > MaxCommand {
		return message{}, e.protocolError(errCommandLong)
	}
	m := message{}
	m.context, _ = e.a.Context(p.ContextID) // ul lets no other one pass
	if m.Command, err = ParseCommand(e.command.Bytes()); err != nil {
		return message{}, e.protocolError(err)
	}
	if m.HasDataSet {
		m.dataSet = &dataSet{e: e, id: p.ContextID}
	}
	return m, nil
}

// send sends a message. data is nil if there is no data set.
func (e *endpoint) send(contextID uint8, c *Command, data io.Reader) error {
	return e.sendBy(e.a.Send, contextID, c, data)
}

// sendLater is send for one of many short messages.
func (e *endpoint) sendLater(contextID uint8, c *Command, data io.Reader) error {
	return e.sendBy(e.a.SendLater, contextID, c, data)
}

func (e *endpoint) sendBy(send func(uint8, []byte, io.Reader) error, contextID uint8, c *Command, data io.Reader) error {
	e.sending.Lock()
	defer e.sending.Unlock()
	c.HasDataSet = data != nil
	e.out = AppendCommand(e.out[:0], c)
	return send(contextID, e.out, data)
}

// newID returns a message ID that no outstanding operation of ours has.
func (e *endpoint) newID() uint16 {
	e.lastID++
	if e.lastID == 0 {
		e.lastID = 1
	}
	return e.lastID
}

// find returns the accepted presentation context for a SOP class in which the
// peer is SCP; ts is its transfer syntax, "" if any will do.
func (e *endpoint) find(class, ts dicom.UID) (ul.PresentationContext, error) {
	for _, pc := range e.a.Contexts() {
		if pc.AbstractSyntax == class && pc.PeerSCP && (ts == "" || pc.TransferSyntax == ts) {
			return pc, nil
		}
	}
	return ul.PresentationContext{}, ErrNoContext
}

// encode returns a reader of ds in the context's transfer syntax; nil for nil.
func encode(pc ul.PresentationContext, ds *dicom.DataSet) (io.Reader, error) {
	if ds == nil {
		return nil, nil
	}
	ts, ok := encoding.Lookup(pc.TransferSyntax)
	if !ok {
		return nil, errNoSyntax
	}
	b, err := encoding.Append(nil, ts, ds)
	if err != nil {
		return nil, fmt.Errorf("encode data set: %w", err)
	}
	return bytes.NewReader(b), nil
}

// decode reads all of r, at most limit bytes, in the context's transfer syntax.
func decode(pc ul.PresentationContext, r io.Reader, limit int64) (*dicom.DataSet, error) {
	ts, ok := encoding.Lookup(pc.TransferSyntax)
	if !ok {
		return nil, errNoSyntax
	}
	b, err := readLimited(r, limit)
	if err != nil {
		return nil, err
	}
	return encoding.Parse(b, ts, encoding.Options{})
}

// readLimited reads all of r; more than limit bytes are ErrTooLong.
func readLimited(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		return nil, ErrTooLong
	}
	return b, err
}
