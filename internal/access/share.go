package access

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// Factor says what a share asks for beside its link.
type Factor string

// The second factors.
const (
	BirthDate Factor = "birth-date" // of the patient, as YYYYMMDD
	Code      Factor = "code"       // sent another way than the link
)

// Share is a link to chosen studies for somebody without an account, such as a
// patient or a referring doctor.
type Share struct {
	ID      string      `json:"id"`
	Hash    string      `json:"hash"` // SHA-256 of the link's secret, in hex
	Studies []dicom.UID `json:"studies"`
	Label   string      `json:"label"` // for whom, in the words of whoever shares
	By      string      `json:"by"`
	Factor  Factor      `json:"factor"`
	Salt    []byte      `json:"salt"`
	Answer  []byte      `json:"answer"` // of the second factor, derived
	Created time.Time   `json:"created"`
	Expires time.Time   `json:"expires"`
	Uses    int         `json:"uses"`     // sign-ins
	MaxUses int         `json:"max_uses"` // at most
	Failed  int         `json:"failed,omitempty"`
	Revoked time.Time   `json:"revoked,omitzero"`
}

// NewShare is what is asked for with a share.
type NewShare struct {
	Studies []dicom.UID
	Label   string
	Factor  Factor
	Answer  string        // the birth date; empty with Code: one is made
	Lasts   time.Duration // 0: DefaultShare
	MaxUses int           // 0: DefaultUses
}

// The bounds of shares.
const (
	DefaultShare = 30 * 24 * time.Hour
	maxShare     = 365 * 24 * time.Hour
	DefaultUses  = 20
	MaxUses      = 1000
	maxStudiesOf = 500 // of a share
	MaxLabel     = 100 // bytes
	maxShares    = 100_000

	// MaxGuesses is after how many wrong answers a link is dead. A birth date
	// is one of some thirty thousand: nobody guesses it in so many.
	MaxGuesses = 10
)

// ErrShare says that a link or its second factor is not good. It does not tell which, or why.
var ErrShare = errors.New("the link is not good, or no longer")

// ErrEmergency says that whoever shares has emergency access open: what a grant
// shows for a while must not outlast it in a link.
var ErrEmergency = errors.New("no link is made while emergency access is open: give it back first")

// State returns a word for how the share stands.
func (s *Share) State(now time.Time) string {
	switch {
	case !s.Revoked.IsZero():
		return "revoked"
	case s.Failed >= MaxGuesses:
		return "locked"
	case !now.Before(s.Expires):
		return "expired"
	case s.Uses >= s.MaxUses:
		return "used up"
	}
	return "good"
}

// Principal returns whoever holds the link and has shown the second factor: they
// find and read the studies of the share and nothing else.
func (s *Share) Principal() policy.Principal {
	p := policy.Principal{Kind: policy.Share, Name: s.ID, Rights: []policy.Right{policy.Find, policy.Get}}
	for _, u := range s.Studies {
		p.Scope.Studies = append(p.Scope.Studies, string(u))
	}
	return p
}

// Share makes a link (right Lend). The secret belongs into the link and is kept
// nowhere; code is the second factor if it was made here. Whether whoever shares
// sees the studies, the caller has looked up.
func (r *Register) Share(ctx context.Context, who Actor, n NewShare) (secret, code string, s Share, err error) {
	fail := func(err error) (string, string, Share, error) { return "", "", Share{}, fmt.Errorf("share: %w", err) }
	if n.Lasts == 0 {
		n.Lasts = DefaultShare
	}
	if n.MaxUses == 0 {
		n.MaxUses = DefaultUses
	}
	if n.Factor == Code && n.Answer == "" {
		code = newCode()
		n.Answer = code
	}
	if err := n.check(); err != nil {
		return fail(err)
	}
	if _, grants := r.Emergency(who.Principal()); grants != "" {
		return fail(ErrEmergency)
	}
	now := r.second()
	secret, hash := newSecret()
	s = Share{ID: newID(), Hash: hash, Studies: n.Studies, Label: n.Label, By: person(who.Principal()),
		Factor: n.Factor, Salt: newSalt(), Created: now, Expires: now.Add(n.Lasts), MaxUses: n.MaxUses}
	s.Answer = derive(n.Answer, s.Salt)
	e := audit.Event{Code: audit.UserSecurity, Studies: n.Studies, Details: []audit.Detail{detail("share made", s.ID),
		detail("until", s.Expires.Format(time.RFC3339)), detail("second factor", string(n.Factor))}}
	if err := who.Authorise(ctx, policy.Lend, e); err != nil {
		return fail(err)
	}
	err = r.update(func(st *state) error {
		st.Shares = slices.DeleteFunc(st.Shares, func(o Share) bool { return now.Sub(o.Expires) > maxShare })
		if len(st.Shares) >= maxShares {
			return fmt.Errorf("there are %d shares already", maxShares)
		}
		st.Shares = append(st.Shares, s)
		return nil
	})
	if err != nil {
		return fail(err)
	}
	return secret, code, s, nil
}

func (n *NewShare) check() error {
	switch {
	case len(n.Studies) == 0 || len(n.Studies) > maxStudiesOf:
		return fmt.Errorf("a share has 1 to %d studies", maxStudiesOf)
	case len(n.Label) > MaxLabel:
		return fmt.Errorf("the label has more than %d bytes", MaxLabel)
	case n.Lasts < time.Minute || n.Lasts > maxShare:
		return errors.New("a share lasts between a minute and a year")
	case n.MaxUses < 1 || n.MaxUses > MaxUses:
		return fmt.Errorf("a share can be used 1 to %d times", MaxUses)
	case n.Factor == BirthDate:
		if _, err := time.Parse("20060102", normal(n.Answer)); err != nil {
			return errors.New("the patient's birth date is not known: use a code")
		}
	case n.Factor != Code:
		return fmt.Errorf("the second factor is %s or %s", BirthDate, Code)
	case len(normal(n.Answer)) < 6:
		return errors.New("a code has at least 6 letters or digits")
	}
	for _, u := range n.Studies {
		if !u.Tolerable() {
			return errors.New("a study is named by no valid UID")
		}
	}
	return nil
}

// FindShare returns the share of a link if it can be used. What is looked up is
// the hash, so that the time it takes tells nothing of the secrets.
func (r *Register) FindShare(secret string) (Share, error) {
	if s := r.shareBy(func(s *Share) bool { return s.Hash == hashSecret(secret) }); s != nil && s.State(r.now()) == "good" {
		return *s, nil
	}
	return Share{}, ErrShare
}

func (r *Register) shareBy(is func(*Share) bool) *Share {
	list := r.current.Load().Shares
	for i := range list {
		if is(&list[i]) {
			return &list[i]
		}
	}
	return nil
}

// Redeem checks the second factor of a link and counts a use: the guess is
// counted before it is compared, so that many at once are no more than one by
// one. The caller writes to the trail what came of it.
func (r *Register) Redeem(secret, answer string) (Share, error) {
	found, err := r.FindShare(secret)
	if err != nil {
		return Share{}, err
	}
	err = r.share(found.ID, func(s *Share) error {
		if s.State(r.now()) != "good" {
			return ErrShare
		}
		s.Failed++
		return nil
	})
	if err != nil {
		return found, err
	}
	if subtle.ConstantTimeCompare(derive(answer, found.Salt), found.Answer) != 1 {
		return found, ErrShare
	}
	err = r.share(found.ID, func(s *Share) error {
		if !s.Revoked.IsZero() || s.Uses >= s.MaxUses {
			return ErrShare
		}
		s.Failed, s.Uses = 0, s.Uses+1
		found = *s
		return nil
	})
	return found, err
}

// share changes a share.
func (r *Register) share(id string, f func(*Share) error) error {
	return r.update(func(st *state) error {
		i := slices.IndexFunc(st.Shares, func(s Share) bool { return s.ID == id })
		if i < 0 {
			return ErrShare
		}
		return f(&st.Shares[i])
	})
}

// ShareInForce returns whoever holds the share with the ID as policy sees them;
// ErrShare once it was revoked or has expired. A use that has begun goes on when
// the last one is used up.
func (r *Register) ShareInForce(id string) (policy.Principal, error) {
	s := r.shareBy(func(s *Share) bool { return s.ID == id })
	if s == nil || !s.Revoked.IsZero() || !r.now().Before(s.Expires) {
		return policy.Principal{}, ErrShare
	}
	return s.Principal(), nil
}

// RevokeShare ends a share: of one's own (right Lend), or any (right Manage).
func (r *Register) RevokeShare(ctx context.Context, who Actor, id string) error {
	s := r.shareBy(func(s *Share) bool { return s.ID == id })
	if s == nil {
		return fmt.Errorf("revoke share %s: %w", id, ErrAbsent)
	}
	right := policy.Manage
	if s.By == person(who.Principal()) {
		right = policy.Lend
	}
	err := who.Authorise(ctx, right, audit.Event{Code: audit.UserSecurity, Studies: s.Studies, Details: []audit.Detail{detail("share revoked", id)}})
	if err == nil {
		err = r.update(func(st *state) error {
			for i := range st.Shares {
				if st.Shares[i].ID == id && st.Shares[i].Revoked.IsZero() {
					st.Shares[i].Revoked = r.second()
				}
			}
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("revoke share %s: %w", id, err)
	}
	return nil
}

// Shares returns all shares, the newest first, without what could open them.
func (r *Register) Shares() []Share {
	list := slices.Clone(r.current.Load().Shares)
	for i := range list {
		list[i].Hash, list[i].Salt, list[i].Answer = "", nil, nil
	}
	slices.SortStableFunc(list, func(a, b Share) int { return b.Created.Compare(a.Created) })
	return list
}
