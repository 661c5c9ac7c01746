package file

import (
	"context"
	"errors"
	"fmt"

	"github.com/tresor-pacs/tresor/internal/archive"
)

// DamageError lists what Walk could not read. Everything else it did.
type DamageError struct {
	At []archive.Location // of damaged records, or where bytes begin that are no record
	// Errs has one error for each.
	Errs []error
}

// Error implements error.
func (e *DamageError) Error() string {
	return fmt.Sprintf("%d damaged records, the first at %s: %v", len(e.At), e.At[0], e.Errs[0])
}

// Unwrap makes a DamageError an ErrDamaged.
func (e *DamageError) Unwrap() error { return ErrDamaged }

// Walk implements archive.Vault. It reads no bodies. Damage does not stop it:
// it goes on, and returns a *DamageError at the end, with the mark after the
// last record all the same.
func (v *Vault) Walk(ctx context.Context, after archive.Mark, f func(archive.Location, archive.Meta) error) (archive.Mark, error) {
	var damage DamageError
	mark := after
	err := v.scan(ctx, after, &damage, func(r *record) error {
		if m, err := r.meta(); err == nil {
			if err := f(r.location(), *m); err != nil {
				return err
			}
		} else if !errors.Is(err, archive.ErrNotFound) {
			damage.add(r.place, err)
		}
		mark = archive.Mark(r.end().String())
		return nil
	})
	if err == nil && len(damage.At) > 0 {
		err = &damage
	}
	if err != nil {
		return mark, fmt.Errorf("walk: %w", err)
	}
	return mark, nil
}

func (e *DamageError) add(p place, err error) {
	e.At = append(e.At, archive.Location(p.String()))
	e.Errs = append(e.Errs, err)
}

// record is one record met by scan.
type record struct {
	v      *Vault
	s      *scanner
	place  place
	header header
}

func (r *record) location() archive.Location { return archive.Location(r.place.String()) }

func (r *record) end() place {
	return place{r.place.pack, r.place.off + int64(r.header.total)}
}

// meta opens the metadata with its summary; archive.ErrNotFound if the object
// was deleted or its study erased.
func (r *record) meta() (*archive.Meta, error) {
	if r.v.forgotten(r.place, r.header) {
		return nil, archive.ErrNotFound
	}
	f, err := r.v.openFront(r.s, r.place.off, r.header)
	if err != nil {
		return nil, err
	}
	f.meta.Summary, err = inflate(f.summary)
	return f.meta, err
}

// scan calls f for every record of an object after the mark, deleted and erased
// ones too, in order of commit. Bytes that are no record go to damage.
func (v *Vault) scan(ctx context.Context, after archive.Mark, damage *DamageError, f func(*record) error) error {
	if err := v.usable(ctx); err != nil {
		return err
	}
	from, err := afterMark(after)
	if err != nil {
		return err
	}
	packs, err := v.listPacks()
	if err != nil {
		return err
	}
	end := v.tail.last()
	if v.ro { // another process may be writing
		end = v.readCheckpoint()
		if err := errors.Join(v.slots.reload(), v.tombs.reload(v.log)); err != nil {
			return err
		}
	}
	expected := max(1, from.pack)
	for i, n := range packs {
		if n > expected {
			damage.add(place{expected, packHeaderSize}, fmt.Errorf("pack %d and up to %d are missing", expected, n-1))
		}
		expected = max(expected, n+1)
		if n < from.pack || !v.ro && n > end.pack {
			continue
		}
		s := &scanner{pack: n, off: packHeaderSize}
		if n == from.pack {
			s.off = max(s.off, from.off)
		}
		if !v.ro && n == end.pack {
			s.end = end.off
		}
		open := v.ro && i == len(packs)-1
		if err := v.scanPack(ctx, s, open, end, damage, f); err != nil {
			return err
		}
	}
	return nil
}

// scanPack is scan for one pack. s.end is 0 if the pack ends with its file. To
// one that is open another process may be appending, beyond durable.
func (v *Vault) scanPack(ctx context.Context, s *scanner, open bool, durable place, damage *DamageError, f func(*record) error) error {
	p, err := v.packs.get(s.pack)
	if open && errors.Is(err, ErrDamaged) {
		return nil // it is just being made
	}
	if errors.Is(err, ErrDamaged) || errors.Is(err, archive.ErrNotFound) {
		damage.add(place{s.pack, packHeaderSize}, err)
		return nil
	}
	if err != nil {
		return err
	}
	defer v.packs.put(p)
	s.src = p
	if s.end == 0 {
		if s.end, err = p.Size(); err != nil {
			return err
		}
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		off, h, ok, err := s.next()
		if err != nil {
			return fmt.Errorf("read pack %d: %w", s.pack, err)
		}
		if s.gap > 0 && (ok || s.dirt && !open) {
			damage.add(place{s.pack, s.off - int64(h.total) - s.gap}, ErrDamaged)
		}
		if !ok {
			return nil
		}
		if h.kind != kindObject {
			continue
		}
		r := &record{v, s, place{s.pack, off}, h}
		if open && !r.place.before(durable) {
			if whole, err := s.whole(off, h); err != nil || !whole && !v.forgotten(r.place, h) {
				return err // it is just being written
			}
		}
		if err := f(r); err != nil {
			return err
		}
	}
}
