package scp

import (
	"bytes"
	"context"
	"io"
	"sync"

	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/pixel"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// outgoing is one instance that is ready to be sent, or why it is not.
type outgoing struct {
	request dimse.StoreRequest
	object  archive.Object
	stored  bool             // it goes out as it is stored
	ahead   *[aheadSize]byte // of what readAhead read
	stop    func()           // ends a conversion
	err     error
}

// aheadSize is how much of an instance is read while the one before is sent: all
// of a slice. Of a longer one the sender opens the rest straight into what it
// sends, segment by segment, which a read of fewer bytes would cut.
const aheadSize = 1 << 20

var aheadBuffers = sync.Pool{New: func() any { return new([aheadSize]byte) }}

// open makes one instance ready, in the best transfer syntax that the target takes.
func (t *transfer) open(ctx context.Context, to target, e *archive.Entry, originator dimse.StoreRequest) *outgoing {
	o := &outgoing{request: originator}
	o.err = t.prepare(ctx, to, e, o)
	return o
}

func (t *transfer) prepare(ctx context.Context, to target, e *archive.Entry, o *outgoing) (err error) {
	taken := to.syntaxes(e.SOPClass)
	if len(taken) == 0 {
		return dimse.ErrNoContext
	}
	syntaxes := pixel.TakenTargets(e.TransferSyntax, taken, t.prefer)
	if len(syntaxes) == 0 {
		return errNeedsCodec
	}
	if o.object, err = t.retrieval.Open(ctx, e); err != nil {
		return err
	}
	r := &o.request
	r.SOPClass, r.SOPInstance, r.TransferSyntax = e.SOPClass, e.Instance, e.TransferSyntax
	c, err := t.converter(ctx, o.object, e, syntaxes)
	if err != nil {
		return err
	}
	if o.stored = c == nil; o.stored {
		r.DataSet = wholeObject(o.object, io.NewSectionReader(o.object, 0, e.Length))
		return nil
	}
	r.TransferSyntax = c.To()
	r.DataSet, o.stop = streamed(ctx, c)
	return nil
}

// wholeObject returns the fastest reader over all of o.
func wholeObject(o archive.Object, plain io.Reader) io.Reader {
	if s, ok := o.(interface{ NewReader() io.Reader }); ok {
		return s.NewReader()
	}
	return plain
}

// readAhead reads the beginning of the instance. A conversion is under way anyhow.
func (o *outgoing) readAhead() {
	if o.err != nil || !o.stored {
		return
	}
	o.ahead = aheadBuffers.Get().(*[aheadSize]byte)
	rest := o.request.DataSet
	n, err := rest.Read(o.ahead[:])
	if err == io.EOF {
		rest, err = bytes.NewReader(nil), nil
	}
	if o.err = err; err == nil {
		o.request.DataSet = io.MultiReader(bytes.NewReader(o.ahead[:n]), rest)
	}
}

// send performs the sub-operation.
func (o *outgoing) send(ctx context.Context, to target) (dimse.Status, error) {
	defer o.close()
	if o.err != nil {
		return 0, o.err
	}
	return to.store(ctx, o.request)
}

// close gives back what the instance holds.
func (o *outgoing) close() {
	if o.stop != nil {
		o.stop()
	}
	if o.object != nil {
		o.object.Close()
	}
	if o.ahead != nil {
		aheadBuffers.Put(o.ahead)
	}
}
