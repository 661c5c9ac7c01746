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

// LegalHold keeps a study, or all studies of a patient, from being erased for as
// long as it stands: a lawsuit, an inquiry, a claim.
type LegalHold struct {
	ID      string    `json:"id"`
	Study   dicom.UID `json:"study,omitempty"`
	Patient string    `json:"patient,omitempty"` // Patient ID
	Reason  string    `json:"reason"`
	By      string    `json:"by"`
	Since   time.Time `json:"since"`
}

// SetHold sets a legal hold (right Hold) on either a study or a patient.
func (r *Register) SetHold(ctx context.Context, who Actor, study dicom.UID, patient, reason string) (LegalHold, error) {
	fail := func(err error) (LegalHold, error) { return LegalHold{}, fmt.Errorf("legal hold: %w", err) }
	reason, err := checkReason(reason)
	if err != nil {
		return fail(err)
	}
	if (study == "") == (patient == "") || study != "" && !study.Tolerable() || len(patient) > 64 {
		return fail(errors.New("name either a study by its UID or a patient by the ID"))
	}
	h := LegalHold{ID: newID(), Study: study, Patient: patient, Reason: reason, By: person(who.Principal()), Since: r.second()}
	if err := who.Authorise(ctx, policy.Hold, h.event("legal hold set")); err != nil {
		return fail(err)
	}
	err = r.update(func(s *state) error { s.Holds = append(s.Holds, h); return nil })
	if err != nil {
		return fail(err)
	}
	return h, nil
}

func (h *LegalHold) event(what string) audit.Event {
	e := audit.Event{Code: audit.ObjectSecurity, Reason: h.Reason, Details: []audit.Detail{detail(what, h.ID)}}
	if h.Study != "" {
		e.Studies = []dicom.UID{h.Study}
	}
	if h.Patient != "" {
		e.Patients = []string{h.Patient}
	}
	return e
}

// LiftHold ends a legal hold (right Hold).
func (r *Register) LiftHold(ctx context.Context, who Actor, id, reason string) error {
	reason, err := checkReason(reason)
	if err != nil {
		return fmt.Errorf("lift hold %s: %w", id, err)
	}
	is := func(h LegalHold) bool { return h.ID == id }
	list := r.current.Load().Holds
	i := slices.IndexFunc(list, is)
	if i < 0 {
		return fmt.Errorf("lift hold %s: %w", id, ErrAbsent)
	}
	e := list[i].event("legal hold lifted")
	e.Reason = reason
	err = who.Authorise(ctx, policy.Hold, e)
	if err == nil {
		err = r.update(func(s *state) error { s.Holds = slices.DeleteFunc(s.Holds, is); return nil })
	}
	if err != nil {
		return fmt.Errorf("lift hold %s: %w", id, err)
	}
	return nil
}

// Holds returns the legal holds in the order in which they were set.
func (r *Register) Holds() []LegalHold { return slices.Clone(r.current.Load().Holds) }

// Held reports whether a legal hold stands on the study of the patient.
func (r *Register) Held(study dicom.UID, patient string) bool {
	return held(r.current.Load(), study, patient)
}

// Kept returns how long a study of a patient has to be kept, and whether it is
// kept for that, held, or due.
func (r *Register) Kept(study dicom.UID, patient string, of policy.Study) (policy.Retention, string) {
	k := policy.RetentionOf(of)
	switch {
	case r.Held(study, patient):
		return k, "held"
	case k.Due(r.now()):
		return k, "due"
	}
	return k, "kept"
}

func held(s *state, study dicom.UID, patient string) bool {
	return slices.ContainsFunc(s.Holds, func(h LegalHold) bool {
		return h.Study != "" && h.Study == study || h.Patient != "" && h.Patient == patient
	})
}
