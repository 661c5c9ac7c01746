package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/access"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// Aside is an instance in the quarantine.
type Aside struct {
	ID       string    `json:"id"`
	Study    dicom.UID `json:"study"`
	Series   dicom.UID `json:"series"`
	Instance dicom.UID `json:"instance"`
	Source   string    `json:"source"`
	Received time.Time `json:"received"`
	Length   int64     `json:"length"`
	State    string    `json:"state"` // waiting, kept aside, ordered, or failed
}

// Quarantine lists what is in the quarantine of a data folder.
func Quarantine(ctx context.Context, dir string, f func(Aside) error) (err error) {
	r, err := openReading(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for q, err := range r.session().Quarantine(ctx) {
		if err != nil {
			return err
		}
		if err := f(asideOf(r.Access, &q)); err != nil {
			return err
		}
	}
	return nil
}

func asideOf(a *access.Register, q *archive.Quarantined) Aside {
	state, failed := a.Fate(string(q.Location))
	if failed != "" {
		state += ": " + failed
	}
	return Aside{q.ID(), q.Study, q.Series, q.Instance, q.Source, q.Received, q.Length, state}
}

func (r *reading) aside(ctx context.Context, id string) (archive.Quarantined, error) {
	for q, err := range r.session().Quarantine(ctx) {
		if err != nil {
			return q, err
		}
		if q.ID() == id {
			return q, nil
		}
	}
	return archive.Quarantined{}, fmt.Errorf("quarantine: %s: %w", id, access.ErrAbsent)
}

// Comparison is a quarantined instance beside the stored one.
type Comparison struct {
	Aside
	StoredSource string           `json:"stored_source"`
	StoredLength int64            `json:"stored_length"`
	Changes      []archive.Change `json:"changes"`
}

// CompareQuarantined says in what a quarantined instance differs from the stored one.
func CompareQuarantined(ctx context.Context, dir, id string) (c Comparison, err error) {
	r, err := openReading(ctx, dir)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	q, err := r.aside(ctx, id)
	if err != nil {
		return c, err
	}
	stored, changes, err := r.session().Compare(ctx, &q)
	return Comparison{asideOf(r.Access, &q), stored.Source, stored.Length, changes}, err
}

// Decide makes a choice about a quarantined instance and has it carried out.
func (a *Admin) Decide(ctx context.Context, c Config, who access.Actor, id string, choice access.Choice, reason string) error {
	o, err := a.order(ctx, id)
	if err != nil {
		return err
	}
	o.Choice, o.Reason = choice, reason
	if err := a.Access.Decide(ctx, who, o); err != nil {
		return err
	}
	open := func() bool {
		return slices.ContainsFunc(a.Access.Orders(), func(p access.Order) bool { return p.Location == o.Location })
	}
	if err := a.Perform(ctx, c, func() bool { return !open() }); err != nil {
		return err
	}
	if s := a.Access.Settled()[o.Location]; s.Failed != "" {
		return errors.New(s.Failed)
	}
	return nil
}

func (a *Admin) order(ctx context.Context, id string) (o access.Order, err error) {
	r, err := openReading(ctx, a.dir)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	q, err := r.aside(ctx, id)
	return access.Order{Location: string(q.Location), Instance: q.Instance, Study: q.Study}, err
}
