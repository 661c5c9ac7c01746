package access

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// Choice is what becomes of an instance in the quarantine.
type Choice string

// The choices.
const (
	Keep    Choice = "keep"    // the stored one stays; the newcomer stays aside and waits no longer
	Replace Choice = "replace" // the newcomer takes its place; the stored one is set aside
	Drop    Choice = "drop"    // the newcomer is deleted
)

// Order is a choice that was made and has yet to be carried out.
type Order struct {
	Location string    `json:"location"`
	Instance dicom.UID `json:"instance"`
	Study    dicom.UID `json:"study"`
	Choice   Choice    `json:"choice"`
	Reason   string    `json:"reason"`
	By       string    `json:"by"`
	At       time.Time `json:"at"`
}

// Settled says what was decided about an instance that stays in the quarantine,
// or why an order could not be carried out.
type Settled struct {
	Choice Choice    `json:"choice"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Failed string    `json:"failed,omitempty"`
}

// Decide makes a choice about an instance in the quarantine (right Settle).
func (r *Register) Decide(ctx context.Context, who Actor, o Order) error {
	fail := func(err error) error { return fmt.Errorf("%s what waits in the quarantine: %w", o.Choice, err) }
	reason, err := checkReason(o.Reason)
	if err != nil {
		return fail(err)
	}
	if o.Choice != Keep && o.Choice != Replace && o.Choice != Drop {
		return fmt.Errorf("%q is none of keep, replace, drop", string(o.Choice))
	}
	o.Reason, o.By, o.At = reason, person(who.Principal()), r.second()
	e := audit.Event{Code: audit.ObjectSecurity, Studies: []dicom.UID{o.Study}, Instances: []dicom.UID{o.Instance}, Reason: reason,
		Details: []audit.Detail{detail("quarantine", string(o.Choice)), detail("object", o.Location)}}
	if err := who.Authorise(ctx, policy.Settle, e); err != nil {
		return fail(err)
	}
	err = r.update(func(s *state) error {
		if slices.ContainsFunc(s.Orders, func(p Order) bool { return p.Location == o.Location }) {
			return fmt.Errorf("%w: a choice has been made already", ErrState)
		}
		delete(s.Settled, o.Location)
		s.Orders = append(s.Orders, o)
		return nil
	})
	if err != nil {
		return fail(err)
	}
	return nil
}

// Orders returns the choices that have yet to be carried out.
func (r *Register) Orders() []Order { return slices.Clone(r.current.Load().Orders) }

// Done ends an order. What stays in the quarantine, and what failed, is
// remembered under its location.
func (r *Register) Done(o Order, failed error) error {
	return r.update(func(s *state) error {
		s.Orders = slices.DeleteFunc(s.Orders, func(p Order) bool { return p.Location == o.Location })
		if o.Choice != Keep && failed == nil {
			return nil
		}
		if s.Settled == nil {
			s.Settled = map[string]Settled{}
		}
		settled := Settled{Choice: o.Choice, By: o.By, At: r.second()}
		if failed != nil {
			settled.Failed = failed.Error()
		}
		s.Settled[o.Location] = settled
		return nil
	})
}

// Fate returns a word for what becomes of the instance at a location in the
// quarantine: waiting, ordered, kept aside, or failed with the reason.
func (r *Register) Fate(location string) (word, failed string) {
	s := r.current.Load()
	if slices.ContainsFunc(s.Orders, func(o Order) bool { return o.Location == location }) {
		return "ordered", ""
	}
	switch settled, ok := s.Settled[location]; {
	case !ok:
		return "waiting", ""
	case settled.Failed != "":
		return "failed", settled.Failed
	}
	return "kept aside", ""
}

// Settled returns what was decided, by location.
func (r *Register) Settled() map[string]Settled { return maps.Clone(r.current.Load().Settled) }
