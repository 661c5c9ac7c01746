package access

import (
	"sync"
	"time"

	"github.com/tresor-pacs/tresor/internal/policy"
)

const (
	// ShareSession is how long a use of a share lasts. It does not grow with use.
	ShareSession     = 30 * time.Minute
	maxShareSessions = 10_000
)

// ShareSessions are the uses of shares in a running server. Like those of users
// they are in memory alone; each request is compared with the shares as they
// stand. Its methods may be called at once from many goroutines.
type ShareSessions struct {
	register *Register
	mu       sync.Mutex
	byHash   map[string]shareSession
}

type shareSession struct {
	share string
	ends  time.Time
}

// NewShareSessions returns an empty table.
func (r *Register) NewShareSessions() *ShareSessions {
	return &ShareSessions{register: r, byHash: map[string]shareSession{}}
}

// Begin begins a use of a share whose second factor was shown, and returns its
// secret, which only the browser keeps.
func (s *ShareSessions) Begin(share string) (secret string, err error) {
	secret, hash := newSecret()
	now := s.register.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for h, e := range s.byHash {
		if !now.Before(e.ends) {
			delete(s.byHash, h)
		}
	}
	if len(s.byHash) >= maxShareSessions {
		return "", ErrShare
	}
	s.byHash[hash] = shareSession{share, now.Add(ShareSession)}
	return secret, nil
}

// Authenticate returns whoever has begun a use with the secret as policy sees
// them now; ErrShare if it has ended or the share was revoked.
func (s *ShareSessions) Authenticate(secret string) (policy.Principal, error) {
	s.mu.Lock()
	e, known := s.byHash[hashSecret(secret)]
	s.mu.Unlock()
	if !known || !s.register.now().Before(e.ends) {
		return policy.Principal{}, ErrShare
	}
	return s.register.ShareInForce(e.share)
}
