package ul

import (
	"io"
	"sync"
	"time"
)

// holdTime is the longest that a message of SendLater waits for others, holdSize
// how many bytes of such messages go out together at least: the content of a
// record of TLS.
const (
	holdTime = time.Millisecond
	holdSize = maxRecord
)

// held keeps messages that wait to be sent together.
type held struct {
	mu    sync.Mutex // taken before wmu
	buf   *[outSize]byte
	n     int         // bytes of complete PDUs in buf
	timer *time.Timer // calls expire; nil before the first time
	runs  bool        // timer does
}

// SendLater is Send for one of many short messages, such as the responses of a
// search: it may stay here for a millisecond, to go out with those that follow.
// That it was not sent the next call tells. The next Send sends it, and so does
// the end of that millisecond; Abort does not.
func (a *Association) SendLater(contextID uint8, command []byte, data io.Reader) error {
	buf, n := a.held.take()
	o := output{a: a, id: contextID, b: buf[:n], pdu: -1}
	err := o.message(command, data)
	if err == nil && len(o.b) >= holdSize {
		err = o.flush()
	}
	if err != nil || len(o.b) == 0 {
		outBuffers.Put(buf)
		return err
	}
	a.held.keep(a, buf, len(o.b))
	return nil
}

// take returns a buffer with what is held, which the caller is to send, or an
// empty one.
func (h *held) take() (buf *[outSize]byte, n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.buf == nil {
		return outBuffers.Get().(*[outSize]byte), 0
	}
	buf, n, h.buf, h.n = h.buf, h.n, nil, 0
	return buf, n
}

// keep holds the first n bytes of buf for as long as the timer runs, which is
// begun anew only when it has run out.
func (h *held) keep(a *Association, buf *[outSize]byte, n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.buf, h.n = buf, n
	switch {
	case h.timer == nil:
		h.timer = time.AfterFunc(holdTime, func() { h.expire(a) })
	case !h.runs:
		h.timer.Reset(holdTime)
	}
	h.runs = true
}

// expire sends what is held. What goes wrong the next call of Send meets too.
func (h *held) expire(a *Association) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.runs = false
	if h.buf == nil {
		return
	}
	a.event(Evt9, stimulus{pdu: h.buf[:h.n]})
	outBuffers.Put(h.buf)
	h.buf, h.n = nil, 0
}
