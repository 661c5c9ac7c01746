package identity

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrSignIn says that name and password do not go together. It does not tell why.
var ErrSignIn = errors.New("user or password is wrong")

// ErrTooManyFailures says that a source has failed too often of late.
var ErrTooManyFailures = errors.New("too many failures: try again later")

// SignIn returns the user with the name and the password. It takes the same time
// whether there is such a user or not.
func (a *Accounts) SignIn(ctx context.Context, name, password string) (User, error) {
	if err := ctx.Err(); err != nil {
		return User{}, err
	}
	u, known := a.User(name)
	if !verifyPassword(u.Password, password) || !known || u.Disabled {
		return User{}, ErrSignIn
	}
	u.Password = ""
	return u, nil
}

// Failures counts failed attempts by whoever made them. A key should hold the
// source, such as an address or an address and a user's name, never a name
// alone: so nobody can lock out others. It forgets one failure each Every. Its
// zero value is not usable.
type Failures struct {
	burst int
	every time.Duration
	now   func() time.Time
	mu    sync.Mutex
	until map[string]time.Time // when the count of a key is zero again
}

// maxFailureKeys bounds the memory that strangers can take.
const maxFailureKeys = 10000

// NewFailures returns a counter that permits burst failures in one go, and one
// more each every.
func NewFailures(burst int, every time.Duration, now func() time.Time) *Failures {
	if now == nil {
		now = time.Now
	}
	return &Failures{burst: burst, every: every, now: now, until: map[string]time.Time{}}
}

// Count counts a failure and reports whether it is within the limit.
func (f *Failures) Count(key string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	at := f.until[key]
	if at.Before(now) {
		at = now
	}
	if at.Sub(now) > time.Duration(f.burst-1)*f.every {
		return false
	}
	if len(f.until) >= maxFailureKeys {
		f.forget(now)
	}
	f.until[key] = at.Add(f.every)
	return true
}

// Forgive takes back one failure of a key.
func (f *Failures) Forgive(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at, counted := f.until[key]; counted {
		f.until[key] = at.Add(-f.every)
	}
}

// forget drops what has run out, and everything if that is not enough: a counter
// that is full must not stop those who have not failed.
func (f *Failures) forget(now time.Time) {
	for k, at := range f.until {
		if at.Before(now) {
			delete(f.until, k)
		}
	}
	if len(f.until) >= maxFailureKeys {
		clear(f.until)
	}
}
