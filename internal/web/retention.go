package web

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/access"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/policy"
)

var retentionRoutes = []Route{
	{Method: http.MethodGet, Path: "/retention", Right: policy.Hold, serve: serveRetention},
	{Method: http.MethodPost, Path: "/retention/holds", Right: policy.Hold, serve: serveSetHold},
	{Method: http.MethodPost, Path: "/retention/holds/{id}/lift", Right: policy.Hold, serve: serveLiftHold},
}

// retentionPage tells what need not be kept any longer, and what is held.
type retentionPage struct {
	Study    string    // asked for
	One      *keptRow  // how long it is kept
	Absent   bool      // there is no such study
	Due      []keptRow // what need not be kept any longer
	More     bool      // there are more, or the search was broken off
	Holds    []access.LegalHold
	On       string // typed: study or patient
	Name     string
	Reason   string
	MayErase bool
	Error    string // key of a text
}

// keptRow says how long a study is kept.
type keptRow struct {
	Study dicom.UID
	policy.Retention
	Class, State string // keys of texts
	Due          bool
}

// The texts for why and whether a study is kept.
var (
	keptClasses = map[policy.RetentionClass]string{policy.Treatment: "keep.treatment", policy.Adult: "keep.adult", policy.Minor: "keep.minor",
		policy.AgeUnknown: "keep.age", policy.DateUnknown: "keep.date"}
	keptStates = map[string]string{"kept": "keep.kept", "held": "keep.held", "due": "keep.due"}
)

func keptOf(r *access.Register, f *archive.Facts) keptRow {
	k, state := r.Kept(f.UID, f.Patient, f.Study)
	return keptRow{Study: f.UID, Retention: k, Class: keptClasses[k.Class], State: keptStates[state], Due: state == "due"}
}

// kept returns how long one study is kept.
func (x *exchange) kept(r *access.Register, uid dicom.UID) (row keptRow, here bool, err error) {
	if !uid.Tolerable() {
		return row, false, nil
	}
	for f, err := range x.session().Facts(x.Context(), uid) {
		if err != nil {
			return row, false, err
		}
		return keptOf(r, &f), true, nil
	}
	return row, false, nil
}

// maxDue is how many studies the page lists.
const maxDue = 100

func serveRetention(x *exchange) error {
	r, err := x.register()
	if err != nil {
		return err
	}
	return x.retention(r, http.StatusOK, retentionPage{Study: strings.TrimSpace(x.URL.Query().Get("study"))})
}

func (x *exchange) retention(r *access.Register, code int, p retentionPage) error {
	p.MayErase = policy.May(x.visitor.principal(), policy.Erase).Allowed
	p.Holds = r.Holds()
	if p.Study != "" {
		row, here, err := x.kept(r, dicom.UID(p.Study))
		if err != nil {
			return err
		}
		p.Absent = !here
		if here {
			p.One = &row
		}
	} else if err := x.due(r, &p); err != nil {
		return err
	}
	x.render(code, "retention", page{Title: "keep.title", Body: p})
	return nil
}

// due looks for what need not be kept any longer, for as long as a page may take.
func (x *exchange) due(r *access.Register, p *retentionPage) error {
	ctx, cancel := context.WithTimeout(x.Context(), lookPatience)
	defer cancel()
	for f, err := range x.session().Facts(ctx, "") {
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			p.More = true
			return nil
		case err != nil:
			return err
		}
		row := keptOf(r, &f)
		if !row.Due {
			continue
		}
		if len(p.Due) == maxDue {
			p.More = true
			return nil
		}
		p.Due = append(p.Due, row)
	}
	return nil
}

// serveSetHold sets a legal hold on a study or a patient.
func serveSetHold(x *exchange) error {
	r, err := x.register()
	if err != nil {
		return err
	}
	if err := x.parseForm(); err != nil {
		return err
	}
	p := retentionPage{On: x.PostForm.Get("on"), Name: strings.TrimSpace(x.PostForm.Get("name")), Reason: x.PostForm.Get("reason")}
	var study dicom.UID
	var patient string
	if p.On == "patient" {
		patient = p.Name
	} else {
		study = dicom.UID(p.Name)
	}
	switch {
	case access.CheckReason(p.Reason) != nil:
		p.Error = "privacy.why"
	case p.Name == "" || study != "" && !study.Tolerable() || len(patient) > maxPatientID:
		p.Error = "keep.whom"
	}
	if p.Error != "" {
		return x.retention(r, http.StatusUnprocessableEntity, p)
	}
	_, err = r.SetHold(x.Context(), x.session(), study, patient, p.Reason)
	return x.settle(err, "/retention", nil)
}

// maxPatientID is how long a Patient ID is at most (PS3.5 section 6.2: LO).
const maxPatientID = 64

// serveLiftHold ends a legal hold.
func serveLiftHold(x *exchange) error {
	r, err := x.register()
	if err != nil {
		return err
	}
	if err := x.parseForm(); err != nil {
		return err
	}
	reason := x.PostForm.Get("reason")
	if access.CheckReason(reason) != nil {
		return x.retention(r, http.StatusUnprocessableEntity, retentionPage{Error: "privacy.why"})
	}
	return x.settle(r.LiftHold(x.Context(), x.session(), x.path["id"], reason), "/retention", nil)
}
