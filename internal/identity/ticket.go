package identity

import (
	"crypto/rand"
	"encoding/base64"
	"sync"
	"time"
)

// Tickets remember what a sign-in in several steps must not forget between
// them, such as a challenge. A ticket is good once and not for long. It stays
// with the server; the browser holds its name alone. Its methods may be called
// at once from many goroutines.
type Tickets[T any] struct {
	validity time.Duration
	now      func() time.Time
	mu       sync.Mutex
	byName   map[string]ticket[T]
	sources  map[string][]string // names by source, the oldest first
}

type ticket[T any] struct {
	value  T
	source string
	ends   time.Time
}

// Strangers can have tickets made. A source that asks for more than its share
// loses its own oldest, never those of others; when there are too many in all,
// nobody gets a new one for a moment.
const (
	ticketsPerSource = 256
	maxTickets       = 20000
	ticketValidity   = 5 * time.Minute
)

// NewTickets returns an empty table; validity 0 means five minutes, now nil
// time.Now.
func NewTickets[T any](validity time.Duration, now func() time.Time) *Tickets[T] {
	if validity <= 0 {
		validity = ticketValidity
	}
	if now == nil {
		now = time.Now
	}
	return &Tickets[T]{validity: validity, now: now, byName: map[string]ticket[T]{}, sources: map[string][]string{}}
}

// Issue keeps v under a new name of 256 random bits, on behalf of a source
// such as a network address. It is ErrTooManyFailures if the table is full.
func (t *Tickets[T]) Issue(source string, v T) (name string, err error) {
	var b [32]byte
	rand.Read(b[:]) // never fails
	name = base64.RawURLEncoding.EncodeToString(b[:])
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget(source)
	if len(t.byName) >= maxTickets {
		for s := range t.sources {
			t.forget(s)
		}
	}
	if len(t.byName) >= maxTickets {
		return "", ErrTooManyFailures
	}
	if list := t.sources[source]; len(list) >= ticketsPerSource {
		delete(t.byName, list[0])
		t.sources[source] = list[1:]
	}
	t.byName[name] = ticket[T]{v, source, t.now().Add(t.validity)}
	t.sources[source] = append(t.sources[source], name)
	return name, nil
}

// Take returns what was kept under the name, once.
func (t *Tickets[T]) Take(name string) (v T, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k, known := t.byName[name]
	delete(t.byName, name)
	if !known || !t.now().Before(k.ends) {
		return v, false
	}
	return k.value, true
}

// Look returns what is kept under the name and leaves it there.
func (t *Tickets[T]) Look(name string) (v T, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k, known := t.byName[name]
	if !known || !t.now().Before(k.ends) {
		return v, false
	}
	return k.value, true
}

// forget drops the tickets of a source that were taken or have run out: they
// lie in the order of their age.
func (t *Tickets[T]) forget(source string) {
	list, now := t.sources[source], t.now()
	for len(list) > 0 {
		k, known := t.byName[list[0]]
		if known && now.Before(k.ends) {
			break
		}
		delete(t.byName, list[0])
		list = list[1:]
	}
	if len(list) == 0 {
		delete(t.sources, source)
		return
	}
	t.sources[source] = list
}
