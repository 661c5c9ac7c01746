package identity

import (
	"encoding/base64"
	"strings"
	"time"
)

// Guard stands in front of SignIn and keeps guessing slow without locking
// anybody out. A browser with which a user has signed in before keeps a sealed
// mark of it and has a budget of its own: whatever others do, from wherever,
// takes nothing of that. Who comes without one shares the budget of the
// address and of the account, so that neither one place nor many places
// together can guess fast. Its methods may be called at once from many goroutines.
type Guard struct {
	box                       Box
	browsers, sources, people *Failures
}

// The attempts in one go, and how often one more: of a known browser; of an
// address; of an account, from all unknown browsers together.
const (
	browserBurst, browserEvery = 10, 30 * time.Second
	sourceBurst, sourceEvery   = 20, 5 * time.Second
	personBurst, personEvery   = 50, 10 * time.Second
)

// NewGuard returns the guard of the accounts' sign-in.
func (a *Accounts) NewGuard() *Guard {
	return &Guard{box: a.box,
		browsers: NewFailures(browserBurst, browserEvery, a.now),
		sources:  NewFailures(sourceBurst, sourceEvery, a.now),
		people:   NewFailures(personBurst, personEvery, a.now)}
}

// Attempt is one try to sign in that was let through to SignIn.
type Attempt struct {
	used []*Failures
	keys []string
}

// Admit counts an attempt before it is made, so that attempts at the same time
// count too; ErrTooManyFailures says that it must not be made. Source is the
// network address, browser the mark that the browser shows or "".
func (g *Guard) Admit(source, name, browser string) (*Attempt, error) {
	t := &Attempt{}
	if g.knows(browser, name) {
		return t, t.count(g.browsers, browser)
	}
	if err := t.count(g.sources, source); err != nil {
		return nil, err
	}
	return t, t.count(g.people, name)
}

func (t *Attempt) count(f *Failures, key string) error {
	if !f.Count(key) {
		return ErrTooManyFailures
	}
	t.used, t.keys = append(t.used, f), append(t.keys, key)
	return nil
}

// Succeeded takes the attempt out of the count again.
func (t *Attempt) Succeeded() {
	for i, f := range t.used {
		f.Forgive(t.keys[i])
	}
}

// Mark returns what a browser keeps after a user has signed in with it. It is
// no credential: it only tells that browser from a stranger's.
func (g *Guard) Mark(name string) string {
	return base64.RawURLEncoding.EncodeToString(g.box.Seal([]byte(name), markAD))
}

var markAD = []byte("tresor/identity/1 browser")

// maxMark bounds what is opened.
const maxMark = 1024

// Knows reports whether a browser's mark is one that was given to it when the user
// signed in.
func (g *Guard) Knows(browser, name string) bool { return g.knows(browser, name) }

// knows reports whether the mark is one that we gave to a browser of the user.
func (g *Guard) knows(mark, name string) bool {
	if mark == "" || len(mark) > maxMark {
		return false
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(mark)
	if err != nil || strings.ContainsAny(mark, "\r\n") { // base64 passes over these
		return false
	}
	plain, err := g.box.Open(sealed, markAD)
	return err == nil && string(plain) == name
}
