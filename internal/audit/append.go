package audit

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// batch is what is written and synced together.
type batch struct {
	entries []entry
	first   uint64        // number of the first record, once written
	err     error         // read after done
	done    chan struct{} // closed when the batch is durable or has failed
	lead    chan struct{} // one token: who takes it leads the batch
}

type entry struct {
	time    time.Time
	payload []byte
}

func newBatch() *batch {
	return &batch{done: make(chan struct{}), lead: make(chan struct{}, 1)}
}

// Append writes an event into the trail and returns the number of its record.
// The record is durable on return; events appended at about the same time share
// the write and the sync. ctx is looked at before, not while, the event is
// written, so that an event is never in doubt because somebody went away.
// After an error that wraps ErrBroken every Append fails; whoever wanted to act
// must not.
func (t *Trail) Append(ctx context.Context, e Event) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("audit: append: %w", err)
	}
	if e.Time.IsZero() {
		e.Time = t.now()
	}
	e.Time = e.Time.UTC()
	if err := e.check(); err != nil {
		return 0, err
	}
	b, i, lead, err := t.join(entry{e.Time, appendEvent(make([]byte, 0, 512), &e)})
	if err != nil {
		return 0, err
	}
	if !lead {
		select {
		case <-b.done:
		case <-b.lead:
			lead = true
		}
	}
	if lead {
		t.commit(b)
	}
	return b.first + uint64(i), b.err
}

// join enters e into the next batch and tells whether the caller leads it.
func (t *Trail) join(e entry) (b *batch, i int, lead bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.broken != nil {
		return nil, 0, false, t.broken
	}
	if t.closed {
		return nil, 0, false, ErrClosed
	}
	if t.next == nil {
		t.next = newBatch()
	}
	lead = !t.busy
	t.busy = true
	t.next.entries = append(t.next.entries, e)
	return t.next, len(t.next.entries) - 1, lead, nil
}

// commit writes b, which is the next batch, and hands the lead over to the one
// that gathered meanwhile.
func (t *Trail) commit(b *batch) {
	t.mu.Lock()
	t.next = nil
	t.mu.Unlock()

	err := t.writeLocked(b)
	var soft harmless
	broken := err != nil && !errors.As(err, &soft)
	if broken {
		err = fmt.Errorf("%w: %w", ErrBroken, err)
	}
	b.err = err
	close(b.done)

	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = t.at
	if broken {
		t.broken = err
	}
	switch {
	case t.next == nil:
		t.busy = false
		t.idle.Broadcast()
	case t.broken != nil:
		t.next.err = t.broken
		close(t.next.done)
		t.next, t.busy = nil, false
		t.idle.Broadcast()
	default:
		t.next.lead <- struct{}{}
	}
}

// harmless is an error that came before anything was written: the events that
// met it are refused, but later ones may be written.
type harmless struct{ error }

func (h harmless) Unwrap() error { return h.error }

// writeLocked writes b while other processes are kept out.
func (t *Trail) writeLocked(b *batch) error {
	lock, err := t.lock()
	if err != nil {
		return fmt.Errorf("audit: append: %w", harmless{err})
	}
	notes, err := t.catchUp()
	if err == nil && len(notes) > 0 {
		err = t.write(&batch{entries: notes})
	}
	if err == nil {
		err = t.write(b)
	}
	if closeErr := lock.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("audit: append: %w", err)
	}
	return nil
}

// write seals and writes the entries of b at the end of the trail, syncs them
// and then moves the head.
func (t *Trail) write(b *batch) error {
	if t.at.offset >= t.size {
		if err := t.roll(); err != nil {
			return err
		}
	}
	to := t.at
	to.turn++
	buf := t.buf[:0]
	for _, e := range b.entries {
		to.seq++
		sealed := t.box.Seal(e.payload, recordAD(to.id, to.seq, e.time))
		start := len(buf)
		buf = appendLeaf(buf, to.seq, e.time, sealed)
		to.chain = to.chain.chain(leafHash(buf[start:]))
		buf = append(buf, ' ')
		buf = b64.AppendEncode(buf, to.chain[:])
		buf = append(buf, '\n')
	}
	if cap(buf) <= 1<<20 {
		t.buf = buf
	}
	if _, err := t.file.WriteAt(buf, to.offset); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if err := t.file.Sync(); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	to.offset += int64(len(buf))
	if err := t.head.write(to, t.box); err != nil {
		return err
	}
	b.first = t.at.seq + 1
	t.at = to
	return nil
}
