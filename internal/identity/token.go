package identity

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/internal/policy"
)

// Token is a bearer token (RFC 6750) of a user. Its secret is kept nowhere.
type Token struct {
	ID      string    `json:"id"`
	User    string    `json:"user"`
	Hash    string    `json:"hash"` // SHA-256 of the whole token, in hex
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	Revoked time.Time `json:"revoked,omitzero"`
}

// The reasons for which a token is refused, beside Unknown for a user.
const (
	NoToken      Reason = "it showed no token"
	UnknownToken Reason = "its token is not known"
	RevokedToken Reason = "its token was revoked"
	ExpiredToken Reason = "its token has expired"
	DisabledUser Reason = "the user is disabled"
)

// ErrNoToken says that there is no token of that ID.
var ErrNoToken = errors.New("there is no such token")

const (
	tokenPrefix      = "tresor_" // so that scanners for secrets find it
	tokenValidity    = 90 * 24 * time.Hour
	maxTokenValidity = 10 * 365 * 24 * time.Hour
)

// newToken makes a token: prefix, ID and 256 random bits. A single hash is enough
// for what cannot be guessed.
func newToken(user string, now time.Time, validity time.Duration) (secret string, t Token) {
	var b [36]byte
	rand.Read(b[:]) // never fails
	t = Token{ID: hex.EncodeToString(b[:4]), User: user, Created: now, Expires: now.Add(validity)}
	secret = tokenPrefix + t.ID + "_" + hex.EncodeToString(b[4:])
	t.Hash = hashToken(secret)
	return secret, t
}

func hashToken(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// State returns a word for how the token stands.
func (t *Token) State(now time.Time) string {
	switch {
	case !t.Revoked.IsZero():
		return "revoked"
	case now.After(t.Expires):
		return "expired"
	}
	return "good"
}

// AuthenticateToken returns on whose behalf the bearer of the token acts, as the
// registry stands now, and the token's ID; the error is an *AuthError. What is
// looked up is the hash, so that the time it takes tells nothing of the secrets.
func (a *Accounts) AuthenticateToken(secret string) (p policy.Principal, id string, err error) {
	if secret == "" {
		return policy.Principal{}, "", &AuthError{Reason: NoToken}
	}
	s := a.current.Load()
	t, known := s.byHash[hashToken(secret)]
	if !known || !strings.HasPrefix(secret, tokenPrefix) {
		return policy.Principal{}, "", &AuthError{Reason: UnknownToken}
	}
	u := s.byName[t.User]
	switch {
	case u == nil:
		return policy.Principal{}, t.ID, &AuthError{Reason: UnknownToken}
	case !t.Revoked.IsZero():
		return policy.Principal{}, t.ID, &AuthError{Reason: RevokedToken}
	case a.now().After(t.Expires):
		return policy.Principal{}, t.ID, &AuthError{Reason: ExpiredToken}
	case u.Disabled:
		return policy.Principal{}, t.ID, &AuthError{Reason: DisabledUser}
	}
	p = u.Principal()
	p.Kind = policy.Token
	return p, t.ID, nil
}

func checkValidity(d time.Duration) error {
	if d <= 0 || d > maxTokenValidity {
		return fmt.Errorf("a token lasts at most %d days", int(maxTokenValidity.Hours()/24))
	}
	return nil
}
