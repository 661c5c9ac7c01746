package archive

import (
	"context"
	"fmt"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// ErrPaused says that the principal has passed its budget and takes nothing out
// of the archive until an administrator lets it; it is an ErrDenied.
var ErrPaused = fmt.Errorf("%w: paused", ErrDenied)

// Guard knows what changes while the archive runs, and what was spent. Its
// methods may be called at once from many goroutines, and answer from memory.
type Guard interface {
	// Emergency returns what is open to p now beside its scope, and the names of
	// the grants that do it, for the trail.
	Emergency(p policy.Principal) (scopes []policy.Scope, grants string)
	// Paused says why p takes nothing for now, "" if it may.
	Paused(p policy.Principal) string
	// Exceeds says why p is paused if it asks for so many studies more; Fetch
	// counts studies that p begins to read, Send bytes that go to it. Each says
	// why p is paused from then on, "" if it is not; alarm is true for the one
	// call that has paused it.
	Exceeds(p policy.Principal, studies []dicom.UID) (paused string, alarm bool)
	Fetch(p policy.Principal, studies ...dicom.UID) (paused string, alarm bool)
	Send(p policy.Principal, n int64) (paused string, alarm bool)
	// Erased reports whether the study was erased and does not come back.
	Erased(study dicom.UID) bool
}

// unguarded is the Guard of an archive without one.
type unguarded struct{}

func (unguarded) Emergency(policy.Principal) ([]policy.Scope, string)           { return nil, "" }
func (unguarded) Paused(policy.Principal) string                                { return "" }
func (unguarded) Exceeds(policy.Principal, []dicom.UID) (paused string, _ bool) { return "", false }
func (unguarded) Fetch(policy.Principal, ...dicom.UID) (paused string, _ bool)  { return "", false }
func (unguarded) Send(policy.Principal, int64) (paused string, _ bool)          { return "", false }
func (unguarded) Erased(dicom.UID) bool                                         { return false }

// reads decides whether the principal may use a right that takes something out
// of the archive: d is what the policy says.
func (s *Session) reads(d policy.Decision) policy.Decision {
	if !d.Allowed {
		return d
	}
	if why := s.archive.guard.Paused(s.principal); why != "" {
		return policy.Decision{Reason: pausedReason + why}
	}
	return d
}

// pausedReason begins the reason of everything that is refused to a principal
// that has passed its budget.
const pausedReason = "paused: "

// scope returns what the principal sees now: its scope and what an emergency has
// opened. It writes the grants into e.
func (s *Session) scope(e *audit.Event) policy.Scope {
	scopes, grants := s.archive.guard.Emergency(s.principal)
	if len(scopes) == 0 {
		return s.principal.Scope
	}
	if e != nil {
		e.Details = append(e.Details, audit.Detail{Name: "break-glass", Value: grants})
	}
	return s.principal.Scope.With(scopes...)
}

// paused writes the alarm, if it is due, and returns ErrPaused; nil if why is empty.
func (s *Session) paused(ctx context.Context, why string, alarm bool) error {
	if why == "" {
		return nil
	}
	if alarm {
		s.archive.log.WarnContext(ctx, "a budget was passed: the principal is paused until tresor access budget lift",
			"account", s.principal.Account(), "reason", why)
		e := audit.Event{Code: audit.BudgetPassed, Outcome: audit.SeriousFailure, Reason: why,
			Details: []audit.Detail{{Name: "account", Value: s.principal.Account()}}}
		if err := s.Note(context.WithoutCancel(ctx), e); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: %s", ErrPaused, why)
}

// afford refuses what would pass the principal's budget before any of it is sent.
func (s *Session) afford(ctx context.Context, e audit.Event, entries []Entry) error {
	var studies []dicom.UID
	for i := range entries {
		addOnce(&studies, entries[i].Study)
	}
	why, alarm := s.archive.guard.Exceeds(s.principal, studies)
	if why == "" {
		return nil
	}
	err := s.paused(ctx, why, alarm)
	describe(&e, entries)
	if noteErr := s.denied(ctx, e, policy.Decision{Reason: pausedReason + why}); noteErr != nil && err == nil {
		err = noteErr
	}
	return err
}

// Authorise asks the policy for a right that is not of the archive's objects, in
// the name of what e says, and writes e to the trail: as it is, or as refused.
func (s *Session) Authorise(ctx context.Context, right policy.Right, e audit.Event) error {
	if d := policy.May(s.principal, right); !d.Allowed {
		return s.denied(ctx, e, d)
	}
	return s.Note(ctx, e)
}
