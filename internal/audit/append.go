package audit

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// entry is a record on its way into the trail.
type entry struct {
	time    time.Time
	payload []byte
	seq     uint64 // its number, once written
	err     error  // why it was not
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
	if err := t.Broken(); err != nil {
		return 0, err
	}
	r := &entry{time: e.Time, payload: appendEvent(make([]byte, 0, 512), &e)}
	if !t.queue.Do(r) {
		return 0, ErrClosed
	}
	return r.seq, r.err
}

// commit writes what came together. Once a write or a sync has failed nothing is
// written any more.
func (t *Trail) commit(entries []*entry) {
	err := t.Broken()
	if err == nil {
		err = t.writeLocked(entries)
		var soft harmless
		broken := err != nil && !errors.As(err, &soft)
		if broken {
			err = fmt.Errorf("%w: %w", ErrBroken, err)
		}
		t.mu.Lock()
		t.end = t.at
		if broken {
			t.broken = err
		}
		t.mu.Unlock()
	}
	for _, e := range entries {
		e.err = err
	}
}

// harmless is an error that came before anything was written: the events that
// met it are refused, but later ones may be written.
type harmless struct{ error }

func (h harmless) Unwrap() error { return h.error }

// writeLocked writes the entries while other processes are kept out.
func (t *Trail) writeLocked(entries []*entry) error {
	lock, err := t.lock()
	if err != nil {
		return fmt.Errorf("audit: append: %w", harmless{err})
	}
	notes, err := t.catchUp()
	if err == nil && len(notes) > 0 {
		err = t.write(notes)
	}
	if err == nil {
		err = t.write(entries)
	}
	if closeErr := lock.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("audit: append: %w", err)
	}
	return nil
}

// write seals and writes the entries at the end of the trail, syncs them and then
// moves the head.
func (t *Trail) write(entries []*entry) error {
	if t.at.offset >= t.size {
		if err := t.roll(); err != nil {
			return err
		}
	}
	to := t.at
	to.turn++
	buf := t.buf[:0]
	for _, e := range entries {
		to.seq++
		e.seq = to.seq
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
	t.at = to
	return nil
}
