package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// Grant is emergency access ("break-glass"): for a while, a person sees what
// the scope hides. Each waits for a review by somebody else.
type Grant struct {
	ID      string       `json:"id"`
	Account string       `json:"account"`
	Reason  string       `json:"reason"`
	Scope   policy.Scope `json:"scope,omitzero"` // what it opens; the zero Scope: everything
	Begins  time.Time    `json:"begins"`
	Ends    time.Time    `json:"ends"`
	Noted   bool         `json:"noted,omitempty"` // that its end is in the trail
	Review  Review       `json:"review,omitzero"`
}

// Review is what somebody else found when they looked at a Grant.
type Review struct {
	By        string    `json:"by,omitempty"`
	At        time.Time `json:"at,omitzero"`
	Justified bool      `json:"justified,omitempty"`
	Remark    string    `json:"remark,omitempty"`
}

// Open reports whether the grant still waits for its review.
func (g *Grant) Open() bool { return g.Review.By == "" }

// How long emergency access lasts.
const (
	DefaultGrant = 30 * time.Minute
	MaxGrant     = 4 * time.Hour
)

// keepReviewed is how long a grant stays in the list after its review; the trail
// has it for good.
const keepReviewed = 2 * 365 * 24 * time.Hour

// BreakGlass opens scope to whoever asks (right BreakGlass), for a while; 0 is
// DefaultGrant. The alarm is in the trail before the grant is in force.
func (r *Register) BreakGlass(ctx context.Context, who Actor, scope policy.Scope, reason string, lasts time.Duration) (Grant, error) {
	fail := func(err error) (Grant, error) { return Grant{}, fmt.Errorf("break-glass: %w", err) }
	reason, err := checkReason(reason)
	if err != nil {
		return fail(err)
	}
	if lasts == 0 {
		lasts = DefaultGrant
	}
	if lasts < time.Minute || lasts > MaxGrant {
		return fail(fmt.Errorf("emergency access lasts between a minute and %s", MaxGrant))
	}
	account := who.Principal().Account()
	now := r.second()
	g := Grant{ID: newID(), Account: account, Reason: reason, Scope: scope, Begins: now, Ends: now.Add(lasts)}
	e := audit.Event{Code: audit.EmergencyOverrideStarted, Reason: reason, Patients: scope.Patients,
		Details: []audit.Detail{detail("break-glass", g.ID), detail("until", g.Ends.Format(time.RFC3339))}}
	if err := who.Authorise(ctx, policy.BreakGlass, e); err != nil {
		return fail(err)
	}
	if account == "" {
		return fail(errors.New("emergency access is for a person"))
	}
	err = r.update(func(s *state) error {
		s.Grants = slices.DeleteFunc(s.Grants, func(g Grant) bool { return !g.Open() && now.Sub(g.Review.At) > keepReviewed })
		s.Grants = append(s.Grants, g)
		return nil
	})
	if err != nil {
		return fail(err)
	}
	return g, nil
}

// EndBreakGlass gives emergency access back before it ends by itself.
func (r *Register) EndBreakGlass(ctx context.Context, who Actor, id string) error {
	now := r.second()
	var ended Grant
	err := r.grant(id, func(g *Grant) error {
		if g.Account != person(who.Principal()) || !now.Before(g.Ends) {
			return ErrAbsent
		}
		g.Ends, g.Noted = now, true
		ended = *g
		return nil
	})
	if err == nil {
		err = who.Note(ctx, stopped(&ended))
	}
	if err != nil {
		return fmt.Errorf("end break-glass %s: %w", id, err)
	}
	return nil
}

func (r *Register) grant(id string, f func(*Grant) error) error {
	return r.update(func(s *state) error {
		i := slices.IndexFunc(s.Grants, func(g Grant) bool { return g.ID == id })
		if i < 0 {
			return ErrAbsent
		}
		return f(&s.Grants[i])
	})
}

// stopped is the end of a grant in the trail.
func stopped(g *Grant) audit.Event {
	return audit.Event{Code: audit.EmergencyOverrideStopped, Reason: g.Reason,
		Details: []audit.Detail{detail("break-glass", g.ID), detail("account", g.Account)}}
}

// NoteEnds writes to the trail that grants have ended by themselves.
func (r *Register) NoteEnds(ctx context.Context, who Actor) error {
	now := r.second()
	for _, g := range r.current.Load().Grants {
		if g.Noted || now.Before(g.Ends) {
			continue
		}
		if err := who.Note(ctx, stopped(&g)); err != nil {
			return err
		}
		if err := r.grant(g.ID, func(g *Grant) error { g.Noted = true; return nil }); err != nil {
			return fmt.Errorf("note the end of break-glass %s: %w", g.ID, err)
		}
	}
	return nil
}

// CloseReview says what came out of looking at a grant (right Review). Nobody
// reviews themselves.
func (r *Register) CloseReview(ctx context.Context, who Actor, id string, justified bool, remark string) error {
	remark, err := checkReason(remark)
	if err != nil {
		return fmt.Errorf("review %s: %w", id, err)
	}
	by := person(who.Principal())
	verdict := "not justified"
	if justified {
		verdict = "justified"
	}
	check := func(g *Grant) error {
		switch {
		case g.Account == by:
			return ErrSamePerson
		case !g.Open():
			return ErrState
		}
		return nil
	}
	i := slices.IndexFunc(r.current.Load().Grants, func(g Grant) bool { return g.ID == id })
	if i >= 0 {
		err = check(&r.current.Load().Grants[i])
	}
	e := audit.Event{Code: audit.SecurityAlert, Reason: remark,
		Details: []audit.Detail{detail("review of break-glass", id), detail("verdict", verdict)}}
	if err == nil {
		err = who.Authorise(ctx, policy.Review, e)
	}
	if err == nil {
		err = r.grant(id, func(g *Grant) error {
			if err := check(g); err != nil {
				return err
			}
			g.Review = Review{By: by, At: r.second(), Justified: justified, Remark: remark}
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("review %s: %w", id, err)
	}
	return nil
}

// Grants returns all grants, the newest first.
func (r *Register) Grants() []Grant {
	list := slices.Clone(r.current.Load().Grants)
	slices.SortStableFunc(list, func(a, b Grant) int { return b.Begins.Compare(a.Begins) })
	return list
}

// Emergency returns what is open to p now beside its scope, and the names of
// the grants that do it.
func (r *Register) Emergency(p policy.Principal) (scopes []policy.Scope, grants string) {
	s := r.current.Load()
	if len(s.Grants) == 0 {
		return nil, ""
	}
	account, now := p.Account(), r.now()
	var ids []string
	for i := range s.Grants {
		if g := &s.Grants[i]; g.Account == account && account != "" && !now.Before(g.Begins) && now.Before(g.Ends) {
			scopes, ids = append(scopes, g.Scope), append(ids, g.ID)
		}
	}
	return scopes, strings.Join(ids, " ")
}
