package archive

import (
	"context"
	"sync"
	"time"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// arrivals tells those who wait that something came. Nothing is kept for who
// does not wait, and nothing waits for who does not listen.
type arrivals struct {
	mu      sync.Mutex
	waiting map[*arrival]struct{}
}

// arrival is one who waits.
type arrival struct {
	scope policy.Scope
	came  chan struct{} // holds one signal, however much came
}

// announce wakes those in whose scope the resource lies.
func (a *arrivals) announce(r policy.Resource, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for w := range a.waiting {
		if !w.scope.Holds(r, now) {
			continue
		}
		select {
		case w.came <- struct{}{}:
		default:
		}
	}
}

// Arrivals returns a channel that gets a signal when instances came that the
// principal may find, until ctx ends. Several may share one signal. It tells
// nothing but that a search may have another answer now.
func (s *Session) Arrivals(ctx context.Context) (<-chan struct{}, error) {
	if d := s.reads(policy.May(s.principal, policy.Find)); !d.Allowed {
		return nil, s.denied(ctx, audit.Event{Code: audit.Query, Action: audit.Execute}, d)
	}
	w := &arrival{scope: s.scope(nil), came: make(chan struct{}, 1)}
	a := &s.archive.arrivals
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting == nil {
		a.waiting = map[*arrival]struct{}{}
	}
	a.waiting[w] = struct{}{}
	context.AfterFunc(ctx, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.waiting, w)
	})
	return w.came, nil
}
