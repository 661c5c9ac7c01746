package ul

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// The sizes of the buffer that the transport connection is read into. Until the
// association is accepted a stranger costs us the small one.
const (
	smallBuffer = 4 << 10
	largeBuffer = 128 << 10
)

var largeBuffers = sync.Pool{New: func() any { return new([largeBuffer]byte) }}

// input is the receiving side of an association. It belongs to the goroutine
// that reads, but for what idleMu guards.
type input struct {
	buf   []byte
	large *[largeBuffer]byte // what buf is part of, from the pool; nil for a small one
	r, w  int                // buf[r:w] has been read and not used

	pdu  int // what is left of the body of the P-DATA-TF being read
	mode waitMode
	// lingering says that the association has ended and PDUs are only read to be
	// ignored (Sta13).
	lingering bool

	replyBy time.Time     // waitReply
	waited  time.Duration // waitMessage: of the window
	bytes   int64         // waitMessage: of the window

	idleMu  sync.Mutex
	idle    time.Duration
	waiting bool // a read waits under the idle timer
}

// waitMode says which timer runs while we wait for the peer.
type waitMode uint8

const (
	waitARTIM   waitMode = iota // Sta2, Sta13
	waitReply                   // until replyBy
	waitIdle                    // between messages
	waitMessage                 // within one: the minimum ingest rate
)

func deadlineAfter(d time.Duration) time.Time {
	if d <= 0 {
		return time.Time{}
	}
	return time.Now().Add(d)
}

// reply sets the time by which an answer must be there.
func (in *input) reply(by time.Time) { in.mode, in.replyBy = waitReply, by }

// wait begins or ends a wait under the idle timer.
func (in *input) wait(conn net.Conn, begin bool) {
	in.idleMu.Lock()
	defer in.idleMu.Unlock()
	in.waiting = begin
	if begin {
		conn.SetReadDeadline(deadlineAfter(in.idle))
	}
}

func (in *input) idleNow() time.Duration {
	in.idleMu.Lock()
	defer in.idleMu.Unlock()
	return in.idle
}

// grow replaces the buffer by a large one.
func (in *input) grow() {
	if in.large != nil {
		return
	}
	in.large = largeBuffers.Get().(*[largeBuffer]byte)
	in.w = copy(in.large[:], in.buf[in.r:in.w])
	in.buf, in.r = in.large[:], 0
}

// free gives the buffer back.
func (in *input) free() {
	if in.large != nil {
		largeBuffers.Put(in.large)
	}
	in.buf, in.large, in.r, in.w = nil, nil, 0, 0
}

// buffered returns what has been read and not used.
func (in *input) buffered() []byte { return in.buf[in.r:in.w] }

// need reads until n bytes are buffered; n is at most smallBuffer.
func (a *Association) need(n int) error {
	for a.in.w-a.in.r < n {
		if err := a.fill(); err != nil {
			return err
		}
	}
	return nil
}

// readBody reads n bytes into memory that grows as they come, not by what n says.
func (a *Association) readBody(n int) ([]byte, error) {
	body := make([]byte, 0, min(n, smallBuffer))
	for len(body) < n {
		if err := a.need(1); err != nil {
			return nil, err
		}
		b := a.in.buffered()
		b = b[:min(len(b), n-len(body))]
		body = append(body, b...)
		a.in.r += len(b)
	}
	return body, nil
}

// skip reads n bytes and forgets them.
func (a *Association) skip(n int) error {
	for n > 0 {
		if err := a.need(1); err != nil {
			return err
		}
		k := min(n, a.in.w-a.in.r)
		a.in.r += k
		n -= k
	}
	return nil
}

// fill reads from the transport connection once and gets at least one byte, or
// fires the event that the failure is.
func (a *Association) fill() error {
	in := &a.in
	if in.buf == nil {
		in.buf = make([]byte, smallBuffer)
	}
	switch {
	case in.r == in.w:
		in.r, in.w = 0, 0
	case in.w == len(in.buf):
		in.w = copy(in.buf, in.buf[in.r:in.w])
		in.r = 0
	}
	for range maxEmptyReads {
		n, err := a.readConn(in.buf[in.w:])
		in.w += n
		if n > 0 {
			return nil
		}
		if err != nil {
			if err = a.readFailed(err); err != nil {
				return err
			}
		}
	}
	return a.readFailed(io.ErrNoProgress)
}

// maxEmptyReads bounds the reads in a row that return neither bytes nor an
// error, or that end with a window in which the peer was fast enough.
const maxEmptyReads = 100

// readConn reads under the timer of the present mode.
func (a *Association) readConn(p []byte) (int, error) {
	in := &a.in
	start := time.Now()
	switch in.mode {
	case waitARTIM:
		a.mu.Lock()
		a.conn.SetReadDeadline(a.artim)
		a.mu.Unlock()
		return a.conn.Read(p)
	case waitReply:
		a.conn.SetReadDeadline(in.replyBy)
	case waitIdle:
		in.wait(a.conn, true)
		defer in.wait(a.conn, false)
	case waitMessage:
		a.conn.SetReadDeadline(start.Add(max(a.o.RateWindow-in.waited, time.Millisecond)))
	}
	if a.ended.Load() {
		return 0, a.Err()
	}
	n, err := a.conn.Read(p)
	if in.mode == waitMessage {
		in.waited += time.Since(start)
		in.bytes += int64(n)
		if slow := a.checkRate(); slow != nil {
			return 0, slow
		}
	}
	return n, err
}

// checkRate looks, when a window is over, whether enough came in it.
func (a *Association) checkRate() error {
	in := &a.in
	if in.waited < a.o.RateWindow {
		return nil
	}
	slow := a.o.MinRate > 0 && float64(in.bytes) < float64(a.o.MinRate)*a.o.RateWindow.Seconds()
	in.waited, in.bytes = 0, 0
	if slow {
		return &TimeoutError{"ingest rate", a.o.RateWindow}
	}
	return nil
}

// readFailed fires the event that a failed read is, and returns what the reader
// is told; nil if the read is to be tried again.
func (a *Association) readFailed(err error) error {
	if a.ended.Load() && !a.in.lingering {
		return a.Err()
	}
	var slow *TimeoutError
	switch {
	case errors.As(err, &slow):
		a.abort(stimulus{source: AbortByUser, err: slow})
	case !errors.Is(err, os.ErrDeadlineExceeded):
		a.event(Evt17, stimulus{err: &AbortError{Source: AbortByProvider, Err: err}})
	case a.in.mode == waitMessage:
		return nil
	case a.in.mode == waitARTIM:
		a.event(Evt18, stimulus{err: &TimeoutError{"ARTIM", a.o.ARTIM}})
	case a.in.mode == waitReply:
		a.abort(stimulus{source: AbortByUser, err: &TimeoutError{"reply", a.o.ARTIM}})
	default:
		idle := a.in.idleNow()
		if idle <= 0 {
			return nil // SetIdle came when the time was up
		}
		a.abort(stimulus{source: AbortByUser, err: &TimeoutError{"idle", idle}})
	}
	if ended := a.Err(); ended != nil {
		return ended
	}
	return err
}
