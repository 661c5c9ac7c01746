package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// Quarantine yields what came with other bytes under a SOP Instance UID that was
// taken (right Settle).
func (s *Session) Quarantine(ctx context.Context) iter.Seq2[Quarantined, error] {
	return func(yield func(Quarantined, error) bool) {
		if err := s.Authorise(ctx, policy.Settle, lookAside("listed")); err != nil {
			yield(Quarantined{}, err)
			return
		}
		for q, err := range s.archive.catalog.Quarantine(ctx, "") {
			if !yield(q, err) || err != nil {
				return
			}
		}
	}
}

// ID is the name of a quarantined instance for people: its place in the vault is
// nobody's business, and long.
func (q *Quarantined) ID() string {
	sum := sha256.Sum256([]byte(q.Location))
	return hex.EncodeToString(sum[:5])
}

func lookAside(what string) audit.Event {
	return audit.Event{Code: audit.ObjectSecurity, Action: audit.Execute, Details: []audit.Detail{{Name: "quarantine", Value: what}}}
}

// Change is an attribute in which a newcomer differs from the stored instance.
type Change struct {
	Tag              dicom.Tag
	Name             string
	Stored, Newcomer string // "" if it has none
}

// Compare returns the instance that is stored under the UID of a quarantined one
// and the attributes in which they differ (right Settle). Bulk values are not
// compared: those that lie elsewhere or have another length show.
func (s *Session) Compare(ctx context.Context, q *Quarantined) (stored Entry, changes []Change, err error) {
	e := lookAside("compared")
	e.Instances, e.Studies, e.Patients = []dicom.UID{q.Instance}, []dicom.UID{q.Study}, []string{q.Patient}
	if err := s.Authorise(ctx, policy.Settle, e); err != nil {
		return Entry{}, nil, err
	}
	stored, err = s.archive.catalog.Instance(ctx, q.Instance)
	if err != nil {
		return Entry{}, nil, fmt.Errorf("compare instances: %w", err)
	}
	old, err := s.archive.header(ctx, stored.Location)
	if err == nil {
		var newcomer *dicom.DataSet
		if newcomer, err = s.archive.header(ctx, q.Location); err == nil {
			return stored, differences(old, newcomer), nil
		}
	}
	return stored, nil, fmt.Errorf("compare instances: %w", err)
}

func (a *Archive) header(ctx context.Context, l Location) (*dicom.DataSet, error) {
	o, err := a.vault.Open(ctx, l)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	return expand(o.Meta().Summary)
}

func differences(old, newcomer *dicom.DataSet) (list []Change) {
	tags := map[dicom.Tag]bool{}
	for _, ds := range []*dicom.DataSet{old, newcomer} {
		for e := range ds.All() {
			tags[e.Tag] = true
		}
	}
	for tag := range tags {
		c := Change{Tag: tag, Name: dict.Keyword(tag), Stored: old.String(tag), Newcomer: newcomer.String(tag)}
		a, b := old.Get(tag), newcomer.Get(tag)
		if c.Stored != c.Newcomer || (a == nil) != (b == nil) {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b Change) int { return int(int64(a.Tag) - int64(b.Tag)) })
	return list
}

// Drop deletes a quarantined instance (right Settle).
func (s *Session) Drop(ctx context.Context, q *Quarantined) error {
	if err := s.Authorise(ctx, policy.Settle, settled(q, audit.Delete, "dropped")); err != nil {
		return err
	}
	if err := s.archive.letGo(context.WithoutCancel(ctx), q.Location); err != nil {
		return fmt.Errorf("drop a quarantined instance: %w", err)
	}
	return nil
}

func settled(q *Quarantined, a audit.Action, what string) audit.Event {
	return audit.Event{Code: audit.InstancesAccessed, Action: a, Studies: []dicom.UID{q.Study}, Instances: []dicom.UID{q.Instance},
		SOPClasses: []dicom.UID{q.SOPClass}, Patients: []string{q.Patient}, Details: []audit.Detail{{Name: "quarantine", Value: what}}}
}

// letGo deletes objects and takes them out of the quarantine.
func (a *Archive) letGo(ctx context.Context, objects ...Location) error {
	for _, l := range objects {
		if err := a.vault.Delete(ctx, l); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return a.catalog.Release(ctx, objects)
}

// Replace puts a quarantined instance in the place of the stored one, which goes
// into the quarantine (right Settle). Both are written to the vault anew in
// their new role, so that a catalog made from it says the same; after a crash in
// between, Replace is called again.
func (s *Session) Replace(ctx context.Context, q *Quarantined) error {
	if err := s.Authorise(ctx, policy.Settle, settled(q, audit.Update, "took the place of the stored instance")); err != nil {
		return err
	}
	defer s.archive.taken.lock(q.Instance)()
	if err := s.archive.replace(context.WithoutCancel(ctx), q); err != nil {
		return fmt.Errorf("replace an instance: %w", err)
	}
	return nil
}

func (a *Archive) replace(ctx context.Context, q *Quarantined) error {
	stored, err := a.catalog.Instance(ctx, q.Instance)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if err == nil && stored.SHA256 != q.SHA256 { // else it was interrupted after this
		// First the old one is safe aside, then it makes room.
		if err := a.setAside(ctx, &stored); err != nil {
			return err
		}
		if err := a.vault.Delete(ctx, stored.Location); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		err = ErrNotFound
	}
	if errors.Is(err, ErrNotFound) {
		if err := a.catalog.Remove(ctx, []dicom.UID{q.Instance}); err != nil {
			return err
		}
		if err := a.again(ctx, q.Location, KindInstance); err != nil {
			return err
		}
	}
	return a.letGo(ctx, q.Location)
}

// setAside writes an instance into the quarantine, unless it is there or gone.
func (a *Archive) setAside(ctx context.Context, e *Entry) error {
	for q, err := range a.catalog.Quarantine(ctx, e.Instance) {
		if err != nil {
			return err
		}
		if q.SHA256 == e.SHA256 {
			return nil
		}
	}
	if err := a.again(ctx, e.Location, KindQuarantine); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

// again writes an object to the vault once more, as another kind, and enters it
// into the catalog.
func (a *Archive) again(ctx context.Context, l Location, k Kind) error {
	o, err := a.vault.Open(ctx, l)
	if err != nil {
		return err
	}
	defer o.Close()
	meta := *o.Meta()
	meta.Kind = k
	header, err := expand(meta.Summary)
	if err != nil {
		return err
	}
	w, err := a.vault.Create(ctx, meta.Study)
	if err != nil {
		return err
	}
	defer w.Abort()
	if _, err := copyObject(w, o); err != nil {
		return err
	}
	n := a.applied.begin()
	location, mark, err := w.Commit(ctx, meta)
	if err != nil {
		a.applied.end(n, "")
		return err
	}
	if err := a.catalog.Add(ctx, location, &meta, header, a.applied.mark()); err != nil {
		return err
	}
	a.applied.end(n, mark)
	return nil
}

// waits reports whether the same bytes are in the quarantine under the UID.
func (a *Archive) waits(ctx context.Context, m *Meta) (bool, error) {
	for q, err := range a.catalog.Quarantine(ctx, m.Instance) {
		if err != nil {
			return false, err
		}
		if q.SHA256 == m.SHA256 && q.TransferSyntax == m.TransferSyntax {
			return true, nil
		}
	}
	return false, nil
}
