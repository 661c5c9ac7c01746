// Package batch lets work that many goroutines want at about the same time, such
// as writing and syncing, be done for all of them at once by one of them.
package batch

import "sync"

// Queue does items in batches. There is no goroutine of its own: whoever comes
// when nothing is under way leads, which spares two switches; what comes
// meanwhile gathers, and the first of that leads the next batch.
type Queue[T any] struct {
	do   func([]T)
	fits func(batch []T, next T) bool

	mu      sync.Mutex
	idle    sync.Cond // nothing is under way
	waiting []*ticket[T]
	busy    bool
	closed  bool
}

// ticket is an item that waits.
type ticket[T any] struct {
	item T
	wake chan call
}

// call is why whoever brought an item is woken.
type call int

const (
	done call = iota // by somebody else
	lead             // it is the first of the next batch
	lost             // nobody will do it, and nothing after it
)

// New returns a Queue that has do called with each batch, by one goroutine at a
// time. The outcome of an item is for do to leave in the item. fits says whether
// a batch that has items already may take one more.
func New[T any](do func([]T), fits func(batch []T, next T) bool) *Queue[T] {
	q := &Queue[T]{do: do, fits: fits}
	q.idle.L = &q.mu
	return q
}

// Do has the item done, in order of arrival; it is when Do returns. False says
// that it is not, because the queue is closed. A panic while a batch is done
// closes it: what waits must neither hang nor pass for done.
func (q *Queue[T]) Do(item T) bool {
	t := &ticket[T]{item, make(chan call, 1)}
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return false
	}
	q.waiting = append(q.waiting, t)
	why := lead
	busy := q.busy
	q.busy = true
	q.mu.Unlock()
	if busy {
		why = <-t.wake
	}
	if why == lead {
		q.lead()
	}
	return why != lost
}

// lead does the first batch of what waits, which the caller's own item begins,
// and hands over.
func (q *Queue[T]) lead() {
	q.mu.Lock()
	items := []T{q.waiting[0].item}
	for _, t := range q.waiting[1:] {
		if !q.fits(items, t.item) {
			break
		}
		items = append(items, t.item)
	}
	now := q.waiting[:len(items):len(items)]
	q.waiting = append([]*ticket[T](nil), q.waiting[len(items):]...) // an array that does not keep what is done
	q.mu.Unlock()

	whole := false
	defer func() {
		if !whole {
			q.abandon(now[1:])
		}
	}()
	q.do(items)
	whole = true
	for _, t := range now[1:] {
		t.wake <- done
	}

	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) > 0 {
		q.waiting[0].wake <- lead
		return
	}
	q.busy = false
	q.idle.Broadcast()
}

// abandon closes the queue while a panic passes.
func (q *Queue[T]) abandon(rest []*ticket[T]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.busy = true, false
	for _, t := range append(rest, q.waiting...) {
		t.wake <- lost
	}
	q.waiting = nil
	q.idle.Broadcast()
}

// Close refuses further items and waits until those before are done.
func (q *Queue[T]) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for q.busy {
		q.idle.Wait()
	}
}
