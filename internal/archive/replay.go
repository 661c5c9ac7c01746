package archive

import (
	"context"
	"errors"
	"fmt"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// replay enters into the catalog what the vault took after the mark and the
// catalog does not have. It returns how many objects those were.
func (a *Archive) replay(ctx context.Context, after Mark) (int, error) {
	added := 0
	_, err := a.vault.Walk(ctx, after, func(l Location, m Meta) error {
		if m.Kind == KindInstance {
			have, err := a.catalog.Instance(ctx, m.Instance)
			if err == nil && have.Location == l {
				return nil
			}
			if err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
			if err == nil {
				// A crash while one instance took the place of another: the object
				// that is gone makes room for the one that is there.
				if err := a.makeRoom(ctx, &have); err != nil {
					return err
				}
			}
		}
		header, err := expand(m.Summary)
		if err != nil {
			return fmt.Errorf("object %s: %w", l, err)
		}
		// The mark stays where it is: until the walk has ended, a crash shall
		// begin it again.
		if err := a.catalog.Add(ctx, l, &m, header, after); err != nil {
			return fmt.Errorf("add object %s: %w", l, err)
		}
		added++
		return nil
	})
	var damage *DamageError
	if errors.As(err, &damage) {
		// The others are here; verify names what is lost.
		a.log.ErrorContext(ctx, "THE VAULT IS DAMAGED: run tresor verify", "error", damage)
		err = a.alarm(ctx, damage)
	}
	if added > 0 {
		a.log.InfoContext(ctx, "catalog brought up to the vault", "added", added)
	}
	return added, err
}

// Rebuild empties the catalog and fills it from the vault. Nobody else may use
// the archive meanwhile. It returns how many objects were entered.
func Rebuild(ctx context.Context, c Config) (int, error) {
	if err := c.Catalog.Reset(ctx); err != nil {
		return 0, fmt.Errorf("empty the catalog: %w", err)
	}
	return newArchive(c).replay(ctx, "")
}

// alarm writes damage to the trail, where there is one.
func (a *Archive) alarm(ctx context.Context, damage *DamageError) error {
	if a.trail == nil {
		return nil
	}
	p := policy.Principal{Kind: policy.System, Name: "archive"}
	return a.As(p).Note(ctx, audit.Event{Code: audit.IntegrityFailure, Action: audit.Execute,
		Outcome: audit.MajorFailure, Count: len(damage.At), Reason: damage.Error()})
}

// makeRoom takes an instance whose object was deleted out of the catalog.
func (a *Archive) makeRoom(ctx context.Context, e *Entry) error {
	o, err := a.vault.Open(ctx, e.Location)
	switch {
	case err == nil:
		return o.Close()
	case errors.Is(err, ErrNotFound):
		return a.catalog.Remove(ctx, []dicom.UID{e.Instance})
	}
	return nil // damaged: verify names it
}
