package archive

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// Ref names an instance as storage commitment does (PS3.4 section J.3).
type Ref struct {
	SOPClass, Instance dicom.UID
}

// CommitResult says whether the archive answers for an instance.
type CommitResult struct {
	Ref
	// Err is nil if the instance was just read back and is, bit for bit, what
	// was received; ErrNotFound, ErrMismatch (another SOP class) or another
	// error otherwise.
	Err error
}

// Commitment reads every instance back and says for which of them the archive
// takes responsibility (right Commit). What lies outside the principal's scope
// does not exist for it.
func (s *Session) Commitment(ctx context.Context, refs []Ref) ([]CommitResult, error) {
	e := audit.Event{Code: audit.InstancesAccessed, Action: audit.Execute, Reason: "storage commitment", Count: len(refs)}
	if d := policy.May(s.principal, policy.Commit); !d.Allowed {
		return nil, s.denied(ctx, e, d)
	}
	results := make([]CommitResult, len(refs))
	for i, ref := range refs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		entry, err := s.committed(ctx, ref)
		results[i] = CommitResult{ref, err}
		if err == nil {
			addOnce(&e.Studies, entry.Study)
			addOnce(&e.Patients, entry.Patient)
		} else {
			e.Outcome = audit.MinorFailure
		}
	}
	return results, s.Note(ctx, e)
}

func (s *Session) committed(ctx context.Context, ref Ref) (Entry, error) {
	if !ref.Instance.Tolerable() {
		return Entry{}, ErrNotFound
	}
	entry, err := s.archive.visible(ctx, s.scope(nil), ref.Instance)
	if err != nil {
		return Entry{}, err
	}
	if entry.SOPClass != ref.SOPClass {
		return entry, fmt.Errorf("%w: stored under another SOP class", ErrMismatch)
	}
	return entry, s.archive.reread(ctx, &entry)
}

// visible looks an instance up within a scope.
func (a *Archive) visible(ctx context.Context, scope policy.Scope, uid dicom.UID) (Entry, error) {
	entry, err := a.catalog.Instance(ctx, uid)
	if err != nil || scope.Unlimited() {
		return entry, err
	}
	q := Query{Level: LevelInstance, Keys: uniqueKeys(&entry)}
	for entry, err := range a.catalog.Instances(ctx, scope, q) {
		return entry, err
	}
	return Entry{}, ErrNotFound
}

// reread reads an object from the vault and compares it with its hash.
func (a *Archive) reread(ctx context.Context, e *Entry) error {
	o, err := a.vault.Open(ctx, e.Location)
	if err != nil {
		return fmt.Errorf("open the object: %w", err)
	}
	defer o.Close()
	h := sha256.New()
	n, err := copyObject(h, o)
	if err != nil {
		return fmt.Errorf("read the object back: %w", err)
	}
	if n != e.Length || [sha256.Size]byte(h.Sum(nil)) != e.SHA256 {
		return errDamaged
	}
	return nil
}

// copyObject writes all of o to w, in the way that is fastest for o.
func copyObject(w io.Writer, o Object) (int64, error) {
	if from, ok := o.(io.WriterTo); ok {
		return from.WriteTo(w)
	}
	return io.Copy(w, io.NewSectionReader(o, 0, o.Meta().Length))
}

var errDamaged = errors.New("the object is not what was received")
