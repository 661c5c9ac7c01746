package access

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// Budget bounds what a principal can take out of the archive, so that a stolen
// login cannot drain it. Zero is no bound.
type Budget struct {
	Studies int   `json:"studies,omitempty" toml:"studies_per_hour"` // different ones, in any hour
	Bytes   int64 `json:"bytes,omitempty" toml:"bytes_per_day"`      // in any 24 hours
}

const gigabyte = 1000 * 1000 * 1000

// DefaultBudgets has a budget for each role, for devices and for shares. They
// are several times what somebody in that place needs on a full day.
func DefaultBudgets() map[string]Budget {
	return map[string]Budget{
		string(policy.Radiologist):    {Studies: 200, Bytes: 300 * gigabyte},
		string(policy.Technologist):   {Studies: 100, Bytes: 100 * gigabyte},
		string(policy.Referrer):       {Studies: 50, Bytes: 50 * gigabyte},
		string(policy.PrivacyOfficer): {Studies: 50, Bytes: 50 * gigabyte},
		string(policy.Device):         {Studies: 1000, Bytes: 2000 * gigabyte},
		string(policy.Share):          {Studies: 50, Bytes: 50 * gigabyte},
	}
}

// CheckBudgets says what is wrong with configured budgets.
func CheckBudgets(budgets map[string]Budget) error {
	known := DefaultBudgets()
	for name, b := range budgets {
		if _, ok := known[name]; !ok {
			return fmt.Errorf("budgets: %q is none of %s", name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		if err := b.check(); err != nil {
			return fmt.Errorf("budgets: %s: %w", name, err)
		}
	}
	return nil
}

// maxStudies bounds the memory of a count of studies.
const maxStudies = 1_000_000

func (b Budget) check() error {
	if b.Studies < 0 || b.Bytes < 0 || b.Studies > maxStudies {
		return fmt.Errorf("a budget has 0 (no bound) to %d studies an hour, and bytes a day", maxStudies)
	}
	return nil
}

// Pause says that a principal has passed its budget and waits for an
// administrator.
type Pause struct {
	Since time.Time `json:"since"`
	Why   string    `json:"why"`
}

// budgetOf returns the budget of a principal: its own, or that of its role or kind.
func (r *Register) budgetOf(s *state, p policy.Principal) Budget {
	if b, ok := s.Limits[p.Account()]; ok {
		return b
	}
	name := string(p.Kind)
	if p.Kind == policy.User || p.Kind == policy.Token {
		name = string(p.Role)
	}
	if b, ok := r.budgets[name]; ok {
		return b
	}
	if b, ok := DefaultBudgets()[name]; ok {
		return b
	}
	return DefaultBudgets()[string(policy.Referrer)] // who is nothing in particular gets little
}

// Paused says why p takes nothing for now, "" if it may.
func (r *Register) Paused(p policy.Principal) string {
	account := p.Account()
	if account == "" {
		return ""
	}
	s := r.current.Load()
	if pause, ok := s.Pauses[account]; ok {
		return pause.Why
	}
	a := r.meter.account(account)
	a.follow(s.Lifts[account])
	if why := a.paused.Load(); why != nil {
		return *why
	}
	return ""
}

// Fetch counts studies that p begins to read; alarm is true for the one call
// that passed the budget.
func (r *Register) Fetch(p policy.Principal, studies ...dicom.UID) (paused string, alarm bool) {
	return r.spend(p, func(a *account, b Budget, now time.Time) string {
		if n := a.fetch(studies, now, b.Studies); n > 0 {
			return fmt.Sprintf("more than %d studies in an hour", b.Studies)
		}
		return ""
	})
}

// Exceeds reports whether as many studies more would pass the budget, and
// pauses p if so: what was asked for is not begun.
func (r *Register) Exceeds(p policy.Principal, studies []dicom.UID) (paused string, alarm bool) {
	return r.spend(p, func(a *account, b Budget, now time.Time) string {
		if b.Studies > 0 && a.fresh(studies, now)+a.count(now) > b.Studies {
			return fmt.Sprintf("more than %d studies in an hour", b.Studies)
		}
		return ""
	})
}

// Send counts bytes on their way to p.
func (r *Register) Send(p policy.Principal, n int64) (paused string, alarm bool) {
	return r.spend(p, func(a *account, b Budget, now time.Time) string {
		if sent := a.send(n, now); b.Bytes > 0 && sent > b.Bytes {
			return fmt.Sprintf("more than %d MB in a day", b.Bytes/1_000_000)
		}
		return ""
	})
}

// spend counts something and pauses the account if that passed its budget.
func (r *Register) spend(p policy.Principal, count func(*account, Budget, time.Time) string) (paused string, alarm bool) {
	name := p.Account()
	if name == "" {
		return "", false
	}
	s := r.current.Load()
	if pause, ok := s.Pauses[name]; ok {
		return pause.Why, false
	}
	a := r.meter.account(name)
	a.follow(s.Lifts[name])
	if why := a.paused.Load(); why != nil {
		return *why, false
	}
	why := count(a, r.budgetOf(s, p), r.now())
	if why == "" {
		return "", false
	}
	if !a.paused.CompareAndSwap(nil, &why) {
		return *a.paused.Load(), false
	}
	err := r.update(func(s *state) error {
		if s.Pauses == nil {
			s.Pauses = map[string]Pause{}
		}
		s.Pauses[name] = Pause{r.second(), why}
		return nil
	})
	if err = errors.Join(err, r.KeepSpent()); err != nil { // it stays paused here; a restart would forget it
		r.log.Error("a pause could not be written down", "account", name, "error", err)
	}
	return why, true
}

// Standing is what an account has spent, and whether it is paused.
type Standing struct {
	Account string `json:"account"`
	Studies int    `json:"studies"` // in the last hour
	Bytes   int64  `json:"bytes"`   // in the last day
	Limit   Budget `json:"limit,omitzero"`
	Own     bool   `json:"own,omitempty"` // the limit is not that of a role
	Pause   Pause  `json:"pause,omitzero"`
}

// Standings returns the accounts that have spent something, are paused or have a
// limit of their own. In another process than the server's it is a few seconds old.
func (r *Register) Standings() []Standing {
	s, now := r.current.Load(), r.now()
	spent := r.meter.standings(now)
	if len(spent) == 0 {
		spent = r.readSpent().standings(now)
	}
	for _, names := range [][]string{slices.Collect(maps.Keys(s.Pauses)), slices.Collect(maps.Keys(s.Limits))} {
		for _, name := range names {
			if _, ok := spent[name]; !ok {
				spent[name] = Standing{Account: name}
			}
		}
	}
	list := slices.SortedFunc(maps.Values(spent), func(a, b Standing) int { return strings.Compare(a.Account, b.Account) })
	for i := range list {
		list[i].Pause = s.Pauses[list[i].Account]
		list[i].Limit, list[i].Own = s.Limits[list[i].Account], s.Limits[list[i].Account] != Budget{}
	}
	return list
}

// Lift lets an account go on with nothing spent (right Manage). Nobody lifts
// their own pause.
func (r *Register) Lift(ctx context.Context, who Actor, name string) error {
	err := r.liftable(who, name)
	if err == nil {
		e := audit.Event{Code: audit.UserSecurity, Details: []audit.Detail{detail("budget lifted", name)}}
		err = who.Authorise(ctx, policy.Manage, e)
	}
	if err == nil {
		err = r.update(func(s *state) error {
			delete(s.Pauses, name)
			if s.Lifts == nil {
				s.Lifts = map[string]int64{}
			}
			s.Lifts[name]++
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("lift the pause of %s: %w", name, err)
	}
	return nil
}

func (r *Register) liftable(who Actor, name string) error {
	if who.Principal().Account() == name {
		return ErrSamePerson
	}
	if _, ok := r.current.Load().Pauses[name]; !ok {
		return ErrAbsent
	}
	return nil
}

// SetLimit gives an account a budget of its own, or that of its role again if b
// is nil (right Manage).
func (r *Register) SetLimit(ctx context.Context, who Actor, name string, b *Budget) error {
	err := checkAccount(name)
	what := "that of the role"
	if err == nil && b != nil {
		err = b.check()
		what = fmt.Sprintf("%d studies an hour, %d bytes a day", b.Studies, b.Bytes)
		if *b == (Budget{}) {
			err = errors.New("a budget without any bound is none: give studies an hour or bytes a day")
		}
	}
	if err == nil {
		e := audit.Event{Code: audit.UserSecurity, Details: []audit.Detail{detail("budget of", name), detail("what", what)}}
		err = who.Authorise(ctx, policy.Manage, e)
	}
	if err == nil {
		err = r.update(func(s *state) error {
			if b == nil {
				delete(s.Limits, name)
				return nil
			}
			if s.Limits == nil {
				s.Limits = map[string]Budget{}
			}
			s.Limits[name] = *b
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("set the budget of %s: %w", name, err)
	}
	return nil
}

// checkAccount refuses what Principal.Account never returns.
func checkAccount(name string) error {
	kind, of, ok := strings.Cut(name, "/")
	known := []policy.Kind{policy.User, policy.Device, policy.Share}
	if !ok || of == "" || len(name) > 128 || !slices.Contains(known, policy.Kind(kind)) {
		return errors.New("an account is written user/NAME, device/NAME or share/ID")
	}
	return nil
}
