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

// ticket is an item that waits. wake gets false when it was done by somebody
// else and true when the one who brought it is to lead.
type ticket[T any] struct {
	item T
	wake chan bool
}

// New returns a Queue that has do called with each batch, by one goroutine at a
// time. The outcome of an item is for do to leave in the item. fits says whether
// a batch that has items already may take one more.
func New[T any](do func([]T), fits func(batch []T, next T) bool) *Queue[T] {
	q := &Queue[T]{do: do, fits: fits}
	q.idle.L = &q.mu
	return q
}

// Do has the item done, in order of arrival; it is when Do returns. False says
// that the queue is closed and the item is not done.
func (q *Queue[T]) Do(item T) bool {
	t := &ticket[T]{item, make(chan bool, 1)}
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return false
	}
	q.waiting = append(q.waiting, t)
	lead := !q.busy
	q.busy = true
	q.mu.Unlock()
	if lead || <-t.wake {
		q.lead()
	}
	return true
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
	done := q.waiting[:len(items):len(items)]
	q.waiting = append([]*ticket[T](nil), q.waiting[len(items):]...) // an array that does not keep what is done
	q.mu.Unlock()

	q.do(items)
	for _, t := range done[1:] {
		t.wake <- false
	}

	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) > 0 {
		q.waiting[0].wake <- true
		return
	}
	q.busy = false
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
