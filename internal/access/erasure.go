package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// Erasure is a request to erase studies. It is carried out once a second person
// has agreed, no legal hold stands, and the study need not be kept any longer.
type Erasure struct {
	ID        string      `json:"id"`
	Studies   []dicom.UID `json:"studies"`
	Reason    string      `json:"reason"`
	By        string      `json:"by"`
	Requested time.Time   `json:"requested"`
	AgreedBy  string      `json:"agreed_by,omitempty"`
	Agreed    time.Time   `json:"agreed,omitzero"`
	Withdrawn time.Time   `json:"withdrawn,omitzero"`
	// Waits says for each study that is not erased yet why, in words.
	Waits map[dicom.UID]string `json:"waits,omitempty"`
	// Certificates has one for each study that was erased.
	Certificates []Certificate `json:"certificates,omitempty"`
}

// Tomb says that a study was erased and is not taken in again.
type Tomb struct {
	At      time.Time `json:"at"`
	Erasure string    `json:"erasure"`
}

const (
	maxOpenErasures = 10_000
	maxStudiesErase = 10_000 // of one request
)

// State returns a word for how the erasure stands.
func (e *Erasure) State() string {
	switch {
	case !e.Withdrawn.IsZero():
		return "withdrawn"
	case e.AgreedBy == "":
		return "requested"
	case len(e.Certificates) == len(e.Studies):
		return "done"
	case len(e.Waits) > 0:
		return "waiting"
	}
	return "agreed"
}

// open reports whether something remains to be done or decided.
func (e *Erasure) open() bool { s := e.State(); return s != "withdrawn" && s != "done" }

func (e *Erasure) event(what string) audit.Event {
	return audit.Event{Code: audit.ObjectSecurity, Studies: e.Studies, Reason: e.Reason, Details: []audit.Detail{detail(what, e.ID)}}
}

// RequestErasure is the first pair of eyes (right Erase).
func (r *Register) RequestErasure(ctx context.Context, who Actor, studies []dicom.UID, reason string) (Erasure, error) {
	fail := func(err error) (Erasure, error) { return Erasure{}, fmt.Errorf("request an erasure: %w", err) }
	reason, err := checkReason(reason)
	if err != nil {
		return fail(err)
	}
	studies = slices.Compact(slices.Sorted(slices.Values(studies)))
	if len(studies) == 0 || len(studies) > maxStudiesErase || slices.ContainsFunc(studies, func(u dicom.UID) bool { return !u.Tolerable() }) {
		return fail(fmt.Errorf("name 1 to %d studies by their UIDs", maxStudiesErase))
	}
	e := Erasure{ID: newID(), Studies: studies, Reason: reason, By: person(who.Principal()), Requested: r.second()}
	if err := who.Authorise(ctx, policy.Erase, e.event("erasure requested")); err != nil {
		return fail(err)
	}
	err = r.update(func(s *state) error {
		n := 0
		for i := range s.Erasures {
			if s.Erasures[i].open() {
				n++
			}
		}
		if n >= maxOpenErasures {
			return errors.New("there are too many open requests")
		}
		s.Erasures = append(s.Erasures, e)
		return nil
	})
	if err != nil {
		return fail(err)
	}
	return e, nil
}

// AgreeToErasure is the second pair of eyes (right Erase): another person's.
func (r *Register) AgreeToErasure(ctx context.Context, who Actor, id string) error {
	by := person(who.Principal())
	err := r.decideErasure(ctx, who, id, "erasure agreed to", func(e *Erasure) error {
		switch {
		case e.State() != "requested":
			return ErrState
		case e.By == by:
			return ErrSamePerson
		}
		e.AgreedBy, e.Agreed = by, r.second()
		return nil
	})
	if err != nil {
		return fmt.Errorf("agree to erasure %s: %w", id, err)
	}
	return nil
}

// WithdrawErasure ends a request (right Erase); what is erased stays so.
func (r *Register) WithdrawErasure(ctx context.Context, who Actor, id string) error {
	err := r.decideErasure(ctx, who, id, "erasure withdrawn", func(e *Erasure) error {
		if !e.open() {
			return ErrState
		}
		e.Withdrawn = r.second()
		return nil
	})
	if err != nil {
		return fmt.Errorf("withdraw erasure %s: %w", id, err)
	}
	return nil
}

// decideErasure looks whether f can be done before it asks for the right and
// writes the trail, and does it after.
func (r *Register) decideErasure(ctx context.Context, who Actor, id, what string, f func(*Erasure) error) error {
	is := func(e Erasure) bool { return e.ID == id }
	list := r.current.Load().Erasures
	i := slices.IndexFunc(list, is)
	if i < 0 {
		return ErrAbsent
	}
	trial := list[i]
	if err := f(&trial); err != nil {
		return err
	}
	if err := who.Authorise(ctx, policy.Erase, list[i].event(what)); err != nil {
		return err
	}
	return r.update(func(s *state) error {
		i := slices.IndexFunc(s.Erasures, is)
		if i < 0 {
			return ErrAbsent
		}
		return f(&s.Erasures[i])
	})
}

// Erasures returns all erasures, the newest first.
func (r *Register) Erasures() []Erasure {
	list := slices.Clone(r.current.Load().Erasures)
	slices.SortStableFunc(list, func(a, b Erasure) int { return b.Requested.Compare(a.Requested) })
	return list
}

// Due returns the erasures that were agreed to and not carried out whole.
func (r *Register) Due() []Erasure {
	return slices.DeleteFunc(slices.Clone(r.current.Load().Erasures), func(e Erasure) bool { return e.AgreedBy == "" || !e.open() })
}

// Erased reports whether the study was erased and is not taken in again.
func (r *Register) Erased(study dicom.UID) bool {
	_, erased := r.current.Load().Erased[string(study)]
	return erased
}

// Bury marks a study as erased, before its key is destroyed: from then on it is
// not taken in, and a crash in between does not stop the erasure. It looks for a
// legal hold in the same instant.
func (r *Register) Bury(id string, study dicom.UID, patient string) error {
	return r.update(func(s *state) error {
		i := slices.IndexFunc(s.Erasures, func(e Erasure) bool { return e.ID == id })
		switch {
		case i < 0:
			return ErrAbsent
		case s.Erasures[i].AgreedBy == "" || !s.Erasures[i].Withdrawn.IsZero() || !slices.Contains(s.Erasures[i].Studies, study):
			return ErrState
		case held(s, study, patient):
			return fmt.Errorf("%w: a legal hold stands", ErrState)
		}
		if s.Erased == nil {
			s.Erased = map[string]Tomb{}
		}
		if _, ok := s.Erased[string(study)]; !ok {
			s.Erased[string(study)] = Tomb{r.second(), id}
		}
		return nil
	})
}

// Certify writes down that a study of an erasure is erased.
func (r *Register) Certify(c Certificate) error {
	return r.erasure(c.Erasure, func(e *Erasure) error {
		if !slices.ContainsFunc(e.Certificates, func(o Certificate) bool { return o.Study == c.Study }) {
			e.Certificates = append(e.Certificates, c)
		}
		delete(e.Waits, c.Study)
		return nil
	})
}

// Wait writes down why a study of an erasure is not erased yet.
func (r *Register) Wait(id string, study dicom.UID, why string) error {
	for _, e := range r.current.Load().Erasures {
		if e.ID == id && e.Waits[study] == why {
			return nil
		}
	}
	return r.erasure(id, func(e *Erasure) error {
		if e.Waits == nil {
			e.Waits = map[dicom.UID]string{}
		}
		e.Waits[study] = why
		return nil
	})
}

func (r *Register) erasure(id string, f func(*Erasure) error) error {
	return r.update(func(s *state) error {
		i := slices.IndexFunc(s.Erasures, func(e Erasure) bool { return e.ID == id })
		if i < 0 {
			return ErrAbsent
		}
		return f(&s.Erasures[i])
	})
}
