package identity

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"sync"
	"time"

	"github.com/tresor-pacs/tresor/internal/policy"
)

// Session is a person who is signed in with a browser. Its secret is kept
// nowhere but in the browser.
type Session struct {
	ID    string    // for lists and the trail; tells nothing of the secret
	User  string    //
	How   string    // the way of signing in: "password", "passkey", ...
	Peer  string    // the network address that it began at
	Began time.Time //
	Used  time.Time // the last request that a person made
	Ends  time.Time // at the latest
}

// The reasons for which a session is refused, beside DisabledUser.
const (
	NoSession      Reason = "it showed no session"
	UnknownSession Reason = "its session is not known: it has ended, or never was"
	IdleSession    Reason = "its session has not been used for too long"
	OldSession     Reason = "its session has reached its greatest age"
	ChangedUser    Reason = "the user's password, role or scope has changed"
)

// SessionOptions for NewSessions; the zero value is what an archive uses.
type SessionOptions struct {
	Idle     time.Duration    // without a request of the person; 0: 30 minutes
	Lifetime time.Duration    // however often it is used; 0: 12 hours, a long shift
	Now      func() time.Time // nil: time.Now
}

const (
	sessionIdle     = 30 * time.Minute
	sessionLifetime = 12 * time.Hour
	// sessionsPerUser ends the one not used for longest when there are more.
	sessionsPerUser = 20
)

// Sessions are the sessions of a running server. They are in memory alone: a
// stolen disk or backup holds none, no request has to wait for a disk to move
// the idle time-out, and a restart ends them all. What ends a session from
// outside (a new password, another role, a disabled user, EndSessions) comes
// with the registry, which each request is compared with. Its methods may be
// called at once from many goroutines.
type Sessions struct {
	accounts *Accounts
	idle     time.Duration
	lifetime time.Duration
	now      func() time.Time
	mu       sync.Mutex
	byHash   map[string]*session
}

// session is a Session with what it is bound to.
type session struct {
	Session
	created time.Time // the account's, so that another of the same name is another
	epoch   uint64    // the account's when the session began
}

// NewSessions returns an empty table of sessions of the accounts' users.
func NewSessions(a *Accounts, o SessionOptions) *Sessions {
	s := &Sessions{accounts: a, idle: cmp.Or(o.Idle, sessionIdle), lifetime: cmp.Or(o.Lifetime, sessionLifetime),
		now: o.Now, byHash: map[string]*session{}}
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

// Begin begins a session for a user who has just signed in and returns its
// secret: 256 random bits that only the browser keeps. It is always a new one,
// so that nobody can have planted it before.
func (s *Sessions) Begin(user, how, peer string) (secret string, begun Session, err error) {
	u, known := s.accounts.current.Load().byName[user]
	if !known {
		return "", Session{}, &AuthError{Reason: UnknownSession}
	}
	if u.Disabled {
		return "", Session{}, &AuthError{Reason: DisabledUser}
	}
	var b [36]byte
	rand.Read(b[:]) // never fails
	secret = base64.RawURLEncoding.EncodeToString(b[4:])
	now := s.now()
	e := &session{created: u.Created, epoch: u.Epoch, Session: Session{ID: hex.EncodeToString(b[:4]),
		User: user, How: how, Peer: peer, Began: now, Used: now, Ends: now.Add(s.lifetime)}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.makeRoom(user, now)
	s.byHash[hashToken(secret)] = e
	return secret, e.Session, nil
}

// makeRoom drops what has ended, and the user's session that was not used for
// longest if there are too many. That bounds the table, for the users are bounded.
func (s *Sessions) makeRoom(user string, now time.Time) {
	count, oldest := 0, ""
	for hash, e := range s.byHash {
		switch {
		case s.ended(e, now) != "":
			delete(s.byHash, hash)
		case e.User == user:
			count++
			if oldest == "" || e.Used.Before(s.byHash[oldest].Used) {
				oldest = hash
			}
		}
	}
	if count >= sessionsPerUser {
		delete(s.byHash, oldest)
	}
}

// ended returns why a session is over, "" if it is not.
func (s *Sessions) ended(e *session, now time.Time) Reason {
	u, known := s.accounts.current.Load().byName[e.User]
	switch {
	case !known:
		return UnknownSession
	case u.Disabled:
		return DisabledUser
	case u.Epoch != e.epoch || !u.Created.Equal(e.created):
		return ChangedUser
	case !now.Before(e.Ends):
		return OldSession
	case now.Sub(e.Used) >= s.idle:
		return IdleSession
	}
	return ""
}

// Authenticate returns on whose behalf the bearer of the secret acts, as the
// registry stands now; the error is an *AuthError. Use says that a person made
// the request, which moves the idle time-out: what a page does by itself must not
// keep a session alive that nobody sits in front of.
func (s *Sessions) Authenticate(secret string, use bool) (policy.Principal, Session, error) {
	if secret == "" {
		return policy.Principal{}, Session{}, &AuthError{Reason: NoSession}
	}
	hash := hashToken(secret)
	s.mu.Lock()
	defer s.mu.Unlock()
	e, known := s.byHash[hash]
	if !known {
		return policy.Principal{}, Session{}, &AuthError{Reason: UnknownSession}
	}
	now := s.now()
	if reason := s.ended(e, now); reason != "" {
		delete(s.byHash, hash)
		return policy.Principal{}, e.Session, &AuthError{Reason: reason}
	}
	if use {
		e.Used = now
	}
	// The registry may have changed since ended looked: what it says now decides.
	u, known := s.accounts.current.Load().byName[e.User]
	if !known {
		return policy.Principal{}, e.Session, &AuthError{Reason: UnknownSession}
	}
	return u.Principal(), e.Session, nil
}

// End ends the session with the secret and reports whether there was one.
func (s *Sessions) End(secret string) (Session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	hash := hashToken(secret)
	e, known := s.byHash[hash]
	if !known {
		return Session{}, false
	}
	delete(s.byHash, hash)
	return e.Session, true
}

// EndID ends the session with the ID and reports whether there was one.
func (s *Sessions) EndID(id string) (Session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for hash, e := range s.byHash {
		if e.ID == id {
			delete(s.byHash, hash)
			return e.Session, true
		}
	}
	return Session{}, false
}

// List returns the sessions that have not ended, the newest first.
func (s *Sessions) List() []Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	var list []Session
	for hash, e := range s.byHash {
		if s.ended(e, now) != "" {
			delete(s.byHash, hash)
			continue
		}
		list = append(list, e.Session)
	}
	slices.SortFunc(list, func(a, b Session) int { return cmp.Or(b.Began.Compare(a.Began), cmp.Compare(a.ID, b.ID)) })
	return list
}
