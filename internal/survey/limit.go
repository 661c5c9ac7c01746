package survey

import (
	"context"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// Rates are how often is connected at most.
type Rates struct {
	Global  float64       // connections a second in all
	Block   float64       // a second to a /24 (IPv6: /64)
	Network float64       // a second to an autonomous system
	Host    time.Duration // from one connection to a host to the next
}

// DefaultRates are polite: hosts that are looked at are hospitals.
var DefaultRates = Rates{Global: 50, Block: 1, Network: 10, Host: time.Second}

// backOff is how long a block is left alone after a host said it is busy.
const backOff = time.Minute

// limiter spaces connections out. Loopback is free.
type limiter struct {
	rates Rates
	mu    sync.Mutex
	next  map[string]time.Time
}

func newLimiter(r Rates) *limiter { return &limiter{rates: r, next: map[string]time.Time{}} }

// wait returns when a connection to e may be made: first by the narrowest limit,
// so that waiting for one host takes nothing from the others.
func (l *limiter) wait(ctx context.Context, e Endpoint) error {
	if e.Addr.IsLoopback() {
		return ctx.Err()
	}
	steps := []struct {
		key  string
		each time.Duration
	}{
		{"host " + e.Addr.String(), l.rates.Host},
		{blockKey(e.Addr), interval(l.rates.Block)},
		{"", 0},
		{"all", interval(l.rates.Global)},
	}
	if e.ASN != 0 {
		steps[2].key, steps[2].each = "as "+strconv.FormatUint(uint64(e.ASN), 10), interval(l.rates.Network)
	}
	for _, s := range steps {
		if s.key == "" || s.each <= 0 {
			continue
		}
		if err := sleep(ctx, l.reserve(s.key, s.each)); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func interval(perSecond float64) time.Duration {
	if perSecond <= 0 {
		return 0
	}
	return time.Duration(float64(time.Second) / perSecond)
}

func blockKey(a netip.Addr) string {
	bits := 24
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return "block " + p.String()
}

// reserve takes the next turn of a key and returns how long it is until then.
func (l *limiter) reserve(key string, each time.Duration) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	at := l.next[key]
	if at.Before(now) {
		at = now
	}
	l.next[key] = at.Add(each)
	if len(l.next) > 1<<16 {
		for k, t := range l.next {
			if t.Before(now) {
				delete(l.next, k)
			}
		}
	}
	return at.Sub(now)
}

// busy leaves the block of a host alone for a while.
func (l *limiter) busy(e Endpoint) {
	if !e.Addr.IsLoopback() {
		l.reserve(blockKey(e.Addr), backOff)
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
