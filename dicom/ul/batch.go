package ul

import (
	"bufio"
	"net"
	"sync"
)

// batchSize is how much a Batch collects before it sends: a P-DATA-TF of
// DefaultMaxPDU as records of TLS. batchRead is how much it reads at a time; that
// is held by every connection, strangers' too.
const (
	batchSize = DefaultMaxPDU + 32<<10
	batchRead = 32 << 10
)

// Batch is a transport connection to put below TLS: crypto/tls sends and reads
// each record of at most 16 KiB by a system call of its own, and Batch makes few
// of many: a quarter of the processor time of a large transfer. An association whose connection is a *tls.Conn on a Batch collects
// the records of what it sends at a time. Everything else passes at once.
type Batch struct {
	net.Conn
	r *bufio.Reader

	mu     sync.Mutex
	corked bool
	out    []byte
	err    error
}

// NewBatch returns a Batch over conn: tls.Server(ul.NewBatch(conn), config).
func NewBatch(conn net.Conn) *Batch {
	return &Batch{Conn: conn, r: bufio.NewReaderSize(conn, batchRead)}
}

// Read reads what has come.
func (b *Batch) Read(p []byte) (int, error) { return b.r.Read(p) }

// Write sends p, at once or with what follows.
func (b *Batch) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.corked {
		return b.Conn.Write(p)
	}
	if b.err == nil && len(b.out)+len(p) > batchSize {
		b.flush()
	}
	if b.err != nil {
		return 0, b.err
	}
	b.out = append(b.out, p...)
	return len(p), nil
}

func (b *Batch) flush() {
	if len(b.out) > 0 && b.err == nil {
		_, b.err = b.Conn.Write(b.out)
	}
	b.out = b.out[:0]
}

var batchBuffers = sync.Pool{New: func() any { return new([batchSize]byte) }}

// collect calls send and sends what it wrote in few pieces.
func (b *Batch) collect(send func() error) error {
	buf := batchBuffers.Get().(*[batchSize]byte)
	b.mu.Lock()
	b.corked, b.out = true, buf[:0]
	b.mu.Unlock()
	err := send()
	b.mu.Lock()
	b.flush()
	b.corked, b.out = false, nil
	if err == nil {
		err = b.err
	}
	b.mu.Unlock()
	batchBuffers.Put(buf)
	return err
}
