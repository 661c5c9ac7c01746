package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// Incoming is one instance on its way in.
type Incoming struct {
	// SOPClass, Instance and Study are what the sender says it sends; empty where
	// the protocol has no such word.
	SOPClass       dicom.UID
	Instance       dicom.UID
	Study          dicom.UID
	TransferSyntax dicom.UID
	// DataSet gives the data set in that transfer syntax, without File Meta
	// Information, to its end.
	DataSet io.Reader
}

// Receipt says what became of an instance.
type Receipt struct {
	Study, Series, Instance, SOPClass dicom.UID
	// Repeated says that the same bytes were here already.
	Repeated bool
}

const (
	// maxHead bounds the bytes before the Study Instance UID that are held in
	// memory until it is known whose key seals them.
	maxHead = 16 << 20
	// keepUpTo is the longest value that goes into the summary, in bytes.
	keepUpTo = 16 << 10
)

// Store takes an instance in; it is durable when Store returns without error.
// The error wraps ErrDenied, ErrMismatch, ErrUnreadable, ErrTooLarge or
// ErrDuplicate where the object or the principal is to blame, or the error of
// in.DataSet's Read. Every refusal is in the trail.
func (s *Session) Store(ctx context.Context, in Incoming) (Receipt, error) {
	if d := policy.May(s.principal, policy.Store); !d.Allowed {
		return Receipt{}, s.refuse(ctx, in, Receipt{}, fmt.Errorf("%w: %s", ErrDenied, d.Reason))
	}
	t := &intake{session: s, ctx: ctx, in: in}
	defer t.abort()
	if err := t.read(); err != nil {
		return t.receipt, s.refuse(ctx, in, t.receipt, err)
	}
	err := t.settle()
	if err != nil {
		return t.receipt, s.refuse(ctx, in, t.receipt, err)
	}
	return t.receipt, nil
}

// refuse writes to the trail that an instance was not stored, and why; a
// transfer that broke off is the association's story, not a refusal.
func (s *Session) refuse(ctx context.Context, in Incoming, r Receipt, err error) error {
	var broken *transferError
	if errors.As(err, &broken) || errors.Is(err, ErrDuplicate) {
		return err
	}
	e := audit.Event{Code: audit.InstancesTransferred, Action: audit.Create, Outcome: audit.SeriousFailure, Reason: err.Error()}
	if !isPeersFault(err) {
		e.Outcome = audit.MajorFailure
	}
	if in.SOPClass.Tolerable() {
		e.SOPClasses = []dicom.UID{in.SOPClass}
	}
	for _, id := range []struct {
		uid  dicom.UID
		list *[]dicom.UID
	}{{r.Study, &e.Studies}, {in.Instance, &e.Instances}} {
		if id.uid.Tolerable() {
			*id.list = []dicom.UID{id.uid}
		}
	}
	if noteErr := s.Note(ctx, e); noteErr != nil {
		return noteErr
	}
	return err
}

func isPeersFault(err error) bool {
	for _, kind := range []error{ErrDenied, ErrMismatch, ErrUnreadable, ErrTooLarge, ErrDuplicate} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// transferError says that the bytes did not come, as opposed to bad bytes.
type transferError struct{ error }

func (e *transferError) Unwrap() error { return e.error }

// intake is one instance being taken in.
type intake struct {
	session *Session
	ctx     context.Context
	in      Incoming
	tee     *tee
	header  dicom.DataSet
	receipt Receipt
}

func (t *intake) abort() {
	if t.tee != nil && t.tee.to != nil {
		t.tee.to.Abort()
	}
}

// read takes the data set in: through the parser that checks its structure and
// keeps its header, the hash, and the cipher into the vault.
func (t *intake) read() error {
	syntax, ok := encoding.Lookup(t.in.TransferSyntax)
	if !ok {
		return fmt.Errorf("%w: transfer syntax unknown", ErrUnreadable)
	}
	t.tee = newTee(t.in.DataSet)
	o := encoding.Options{Limits: t.session.archive.limits, KeepUpTo: keepUpTo, BulkPixelData: true}
	dec := encoding.NewDecoder(t.tee, syntax, o)
	// The unique keys of study and series are (0020,000D) and (0020,000E).
	if _, err := dec.ReadUntil(&t.header, dict.StudyID); err != nil {
		return t.readError(err)
	}
	if err := t.identify(); err != nil {
		return err
	}
	if t.session.archive.guard.Erased(t.receipt.Study) {
		return fmt.Errorf("%w: the study was erased", ErrDenied)
	}
	w, err := t.session.archive.vault.Create(t.ctx, t.receipt.Study)
	if err != nil {
		return fmt.Errorf("begin a vault object: %w", err)
	}
	if err := t.tee.direct(w); err != nil {
		return fmt.Errorf("write to the vault: %w", err)
	}
	if err := dec.ReadAll(&t.header); err != nil {
		return t.readError(err)
	}
	if err := t.tee.drain(); err != nil {
		return t.readError(err)
	}
	return nil
}

// readError tells what kind of failure stopped the parser.
func (t *intake) readError(err error) error {
	switch {
	case t.tee.readErr != nil && t.tee.readErr != io.EOF:
		return &transferError{fmt.Errorf("receive the data set: %w", t.tee.readErr)}
	case t.tee.writeErr != nil:
		return fmt.Errorf("write to the vault: %w", t.tee.writeErr)
	case errors.Is(err, encoding.ErrLimit), errors.Is(err, errHead):
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	return fmt.Errorf("%w: %w", ErrUnreadable, err)
}

// identify checks the UIDs that name the instance and what its sender said of it.
func (t *intake) identify() error {
	r := &t.receipt
	for _, id := range []struct {
		tag dicom.Tag
		uid *dicom.UID
	}{
		{dict.SOPClassUID, &r.SOPClass}, {dict.SOPInstanceUID, &r.Instance},
		{dict.StudyInstanceUID, &r.Study}, {dict.SeriesInstanceUID, &r.Series},
	} {
		e := t.header.Get(id.tag)
		if e == nil {
			return fmt.Errorf("%w: %s is missing", ErrMismatch, id.tag)
		}
		uid := dicom.UID(bytes.TrimRight(e.Data, "\x00 "))
		if !uid.Tolerable() {
			return fmt.Errorf("%w: %s is not one valid UID", ErrMismatch, id.tag)
		}
		*id.uid = uid
	}
	if t.in.SOPClass != "" && t.in.SOPClass != r.SOPClass {
		return fmt.Errorf("%w: %s is another SOP class than the one announced", ErrMismatch, dict.SOPClassUID)
	}
	if t.in.Instance != "" && t.in.Instance != r.Instance {
		return fmt.Errorf("%w: %s is another instance than the one announced", ErrMismatch, dict.SOPInstanceUID)
	}
	if t.in.Study != "" && t.in.Study != r.Study {
		return fmt.Errorf("%w: %s is another study than the one announced", ErrMismatch, dict.StudyInstanceUID)
	}
	return nil
}

// settle decides what becomes of the instance now that all of it is here.
func (t *intake) settle() error {
	s, a := t.session, t.session.archive
	if d := policy.MayTouch(s.principal, policy.Store, t.resource(), a.now()); !d.Allowed {
		return fmt.Errorf("%w: %s", ErrDenied, d.Reason)
	}
	meta, err := t.meta()
	if err != nil {
		return err
	}
	defer a.taken.lock(t.receipt.Instance)()
	if a.guard.Erased(t.receipt.Study) { // while it came
		return fmt.Errorf("%w: the study was erased", ErrDenied)
	}
	have, err := a.catalog.Instance(t.ctx, t.receipt.Instance)
	switch {
	case errors.Is(err, ErrNotFound):
		return t.keep(meta)
	case err != nil:
		return fmt.Errorf("look up the instance: %w", err)
	case have.SHA256 == meta.SHA256 && have.TransferSyntax == meta.TransferSyntax:
		t.receipt.Repeated = true
		return s.Note(t.ctx, t.event(audit.Success, "the same bytes are stored already"))
	}
	meta.Kind = KindQuarantine
	switch waits, err := a.waits(t.ctx, meta); {
	case err != nil:
		return fmt.Errorf("look into the quarantine: %w", err)
	case waits:
		if err := s.Note(t.ctx, t.event(audit.MinorFailure, "the same bytes wait in the quarantine already")); err != nil {
			return err
		}
		return fmt.Errorf("%w: other bytes are stored under this UID; the newcomer waits in the quarantine already", ErrDuplicate)
	}
	if err := t.keep(meta); err != nil {
		return err
	}
	return fmt.Errorf("%w: other bytes are stored under this UID; the newcomer waits in the quarantine", ErrDuplicate)
}

// keep makes object and trail record durable, side by side, then visible.
func (t *intake) keep(meta *Meta) error {
	a := t.session.archive
	n := a.applied.begin()
	noted := make(chan error, 1)
	e := t.event(audit.Success, "")
	if meta.Kind == KindQuarantine {
		e = t.event(audit.MinorFailure, "other bytes under a SOP Instance UID that is taken: quarantined")
	}
	go func() { noted <- t.session.Note(context.WithoutCancel(t.ctx), e) }()
	location, mark, err := t.tee.to.Commit(context.WithoutCancel(t.ctx), *meta)
	noteErr := <-noted
	if err != nil {
		a.applied.end(n, "")
		return fmt.Errorf("commit to the vault: %w", err)
	}
	if noteErr != nil {
		return noteErr
	}
	if err := a.catalog.Add(context.WithoutCancel(t.ctx), location, meta, &t.header, a.applied.mark()); err != nil {
		return fmt.Errorf("add to the catalog: %w", err)
	}
	a.applied.end(n, mark)
	if meta.Kind == KindInstance {
		a.arrivals.announce(t.resource(), a.now())
	}
	return nil
}

func (t *intake) meta() (*Meta, error) {
	summary, err := summarise(&t.header)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	r := &t.receipt
	return &Meta{
		Kind: KindInstance, Study: r.Study, Series: r.Series, Instance: r.Instance, SOPClass: r.SOPClass,
		TransferSyntax: t.in.TransferSyntax, Length: t.tee.n, SHA256: t.tee.sum(),
		Received: t.session.archive.now().UTC(), Source: t.session.principal.Name, Summary: summary,
	}, nil
}

// resource is the instance as the policy sees it.
func (t *intake) resource() policy.Resource {
	h := &t.header
	r := policy.Resource{
		Institution: h.String(dict.InstitutionName), Department: h.String(dict.InstitutionalDepartmentName),
		Modality: h.String(dict.Modality), Source: t.session.principal.Name,
		Referring: dicom.FoldName(h.String(dict.ReferringPhysicianName)),
		Patient:   h.String(dict.PatientID), Study: string(t.receipt.Study),
	}
	r.StudyDate = studyDate(h)
	return r
}

func (t *intake) event(outcome audit.Outcome, reason string) audit.Event {
	r := &t.receipt
	return audit.Event{
		Code: audit.InstancesTransferred, Action: audit.Create, Outcome: outcome, Reason: reason,
		Studies: []dicom.UID{r.Study}, Series: []dicom.UID{r.Series}, Instances: []dicom.UID{r.Instance},
		SOPClasses: []dicom.UID{r.SOPClass}, Bytes: t.tee.n, Patients: []string{t.header.String(dict.PatientID)},
	}
}
