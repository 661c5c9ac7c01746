package archive

import (
	"context"
	"fmt"
	"slices"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// Retrieval is what a principal was given to read: the instances, and the right
// to open them. It is in the trail.
type Retrieval struct {
	Entries []Entry
	session *Session
}

// Open opens one of the entries. What is read of it counts towards the
// principal's budget; ErrPaused, then or later, says that it was passed.
func (r *Retrieval) Open(ctx context.Context, e *Entry) (Object, error) {
	s := r.session
	why, alarm := s.archive.guard.Fetch(s.principal, e.Study)
	if err := s.paused(ctx, why, alarm); err != nil {
		return nil, fmt.Errorf("open an instance: %w", err)
	}
	o, err := s.archive.vault.Open(ctx, e.Location)
	if err != nil {
		return nil, fmt.Errorf("open an instance: %w", err)
	}
	return &metered{o, e.Length, ctx, s}, nil
}

// Meta returns the description of one of the entries, which counts as what is
// read by Open does.
func (r *Retrieval) Meta(ctx context.Context, e *Entry) (*Meta, error) {
	s := r.session
	why, alarm := s.archive.guard.Fetch(s.principal, e.Study)
	err := s.paused(ctx, why, alarm)
	var m *Meta
	if err == nil {
		m, err = s.archive.vault.Meta(ctx, e.Location)
	}
	if err == nil {
		why, alarm = s.archive.guard.Send(s.principal, int64(len(m.Summary)))
		err = s.paused(ctx, why, alarm)
	}
	if err != nil {
		return nil, fmt.Errorf("read the description of an instance: %w", err)
	}
	return m, nil
}

// Retrieve selects the instances that the unique keys of q name, as far as they
// lie within the principal's scope, for the principal itself (right Get). The
// retrieval is in the trail before it returns.
func (s *Session) Retrieve(ctx context.Context, q Query) (*Retrieval, error) {
	return s.retrieve(ctx, q, policy.May(s.principal, policy.Get), audit.Event{Code: audit.InstancesTransferred}, nil)
}

// Access is Retrieve for looking at parts of the instances where they are, such
// as their attributes or some frames (right Get).
func (s *Session) Access(ctx context.Context, q Query) (*Retrieval, error) {
	return s.AccessSome(ctx, q, nil)
}

// AccessSome is Access for those of the selected instances that choose returns:
// the trail has them alone.
func (s *Session) AccessSome(ctx context.Context, q Query, choose func([]Entry) []Entry) (*Retrieval, error) {
	return s.retrieve(ctx, q, policy.May(s.principal, policy.Get), audit.Event{Code: audit.InstancesAccessed}, choose)
}

// RetrieveFor is Retrieve for sending to the device named destination (right Move).
func (s *Session) RetrieveFor(ctx context.Context, q Query, destination string) (*Retrieval, error) {
	return s.retrieve(ctx, q, policy.MaySendTo(s.principal, destination),
		audit.Event{Code: audit.InstancesTransferred, Destination: destination}, nil)
}

func (s *Session) retrieve(ctx context.Context, q Query, d policy.Decision, e audit.Event, choose func([]Entry) []Entry) (*Retrieval, error) {
	e.Action = audit.Read
	if d = s.reads(d); !d.Allowed {
		e.Studies, e.Series, e.Instances = named(q)
		return nil, s.denied(ctx, e, d)
	}
	r := &Retrieval{session: s}
	for entry, err := range s.archive.catalog.Instances(ctx, s.scope(&e), q) {
		if err != nil {
			return nil, fmt.Errorf("select instances: %w", err)
		}
		r.Entries = append(r.Entries, entry)
	}
	if choose != nil {
		r.Entries = choose(r.Entries)
	}
	if err := s.afford(ctx, e, r.Entries); err != nil {
		return nil, err
	}
	e.Outcome = audit.Success
	if err := s.noteEach(ctx, e, r.Entries); err != nil {
		return nil, err
	}
	return r, nil
}

// noteEach writes one event for each patient: what was read of one is told
// apart from what was read of another (PS3.15 section A.5.3.7 names one patient).
func (s *Session) noteEach(ctx context.Context, e audit.Event, entries []Entry) error {
	if len(entries) == 0 {
		return s.Note(ctx, e)
	}
	of := map[string][]Entry{}
	var patients []string
	for i := range entries {
		p := entries[i].Patient
		if of[p] == nil {
			patients = append(patients, p)
		}
		of[p] = append(of[p], entries[i])
	}
	for _, p := range patients {
		one := e
		describe(&one, of[p])
		if err := s.Note(ctx, one); err != nil {
			return err
		}
	}
	return nil
}

// describe enters the studies, series, patients and SOP classes of the entries into e.
func describe(e *audit.Event, entries []Entry) {
	e.Count = len(entries)
	for i := range entries {
		e.Bytes += entries[i].Length
		addOnce(&e.Studies, entries[i].Study)
		addOnce(&e.Series, entries[i].Series)
		addOnce(&e.SOPClasses, entries[i].SOPClass)
		addOnce(&e.Patients, entries[i].Patient)
	}
	if len(entries) == 1 {
		e.Instances = []dicom.UID{entries[0].Instance}
	}
}

// addOnce appends v unless it is there; entries come sorted, so looking at the
// last ones finds nearly all repetitions.
func addOnce[T comparable](list *[]T, v T) {
	if tail := (*list)[max(0, len(*list)-16):]; !slices.Contains(tail, v) {
		*list = append(*list, v)
	}
}
