package file

import (
	"context"
	"errors"
	"fmt"

	"github.com/tresor-pacs/tresor/internal/archive"
)

// Walk implements archive.Vault. It reads no bodies. Damage does not stop it:
// it goes on, and returns an *archive.DamageError at the end, with the mark after the
// last record all the same.
func (v *Vault) Walk(ctx context.Context, after archive.Mark, f func(archive.Location, archive.Meta) error) (archive.Mark, error) {
	var damage archive.DamageError
	mark := after
	err := v.scan(ctx, after, &damage, func(r *record) error {
		if m, err := r.meta(); err == nil {
			if err := f(r.location(), *m); err != nil {
				return err
			}
		} else if !errors.Is(err, archive.ErrNotFound) {
			damaged(&damage, r.place, err)
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

// damaged enters what is wrong at p into e.
func damaged(e *archive.DamageError, p place, err error) {
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
func (v *Vault) scan(ctx context.Context, after archive.Mark, damage *archive.DamageError, f func(*record) error) error {
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
	w := &walker{v: v, damage: damage, visit: f, end: v.tail.last()}
	if v.ro {
		if err := errors.Join(v.slots.reload(), v.tombs.reload(v.log)); err != nil {
			return err
		}
		w.end = v.readCheckpoint()
	}
	expected := max(1, from.pack)
	for i, n := range packs {
		if n > expected {
			damaged(damage, place{expected, packHeaderSize}, fmt.Errorf("packs %d to %d are missing: %w", expected, n-1, ErrDamaged))
		}
		expected = max(expected, n+1)
		if n < from.pack || !v.ro && n > w.end.pack {
			continue
		}
		begin := int64(packHeaderSize)
		if n == from.pack {
			begin = max(begin, from.off)
		}
		w.growing = v.ro && i == len(packs)-1
		if err := w.pack(ctx, n, begin); err != nil {
			return err
		}
	}
	return nil
}

// walker goes through packs.
type walker struct {
	v      *Vault
	damage *archive.DamageError
	visit  func(*record) error
	// end is that of what is durable. Where another process may be writing it
	// is only known to lie there or beyond.
	end place
	// growing says that another process may be appending to the pack.
	growing bool
}

// pack goes through one pack from begin on.
func (w *walker) pack(ctx context.Context, n uint32, begin int64) error {
	p, err := w.v.packs.get(n)
	switch {
	case w.growing && errors.Is(err, ErrDamaged):
		return nil // it is just being made
	case errors.Is(err, ErrDamaged), errors.Is(err, archive.ErrNotFound):
		damaged(w.damage, place{n, packHeaderSize}, err)
		return nil
	case err != nil:
		return err
	}
	defer w.v.packs.put(p)
	s := &scanner{src: p, pack: n, off: begin, end: w.end.off}
	if w.v.ro || n != w.end.pack {
		if s.end, err = p.Size(); err != nil {
			return err
		}
	}
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if more, err = w.next(s); err != nil {
			return err
		}
	}
	return nil
}

// next visits the next record; false at the end.
func (w *walker) next(s *scanner) (bool, error) {
	off, h, ok, err := s.next()
	if err != nil {
		return false, fmt.Errorf("read pack %d: %w", s.pack, err)
	}
	if s.gap > 0 && (ok || s.dirt && !w.growing) {
		damaged(w.damage, place{s.pack, s.off - int64(h.total) - s.gap}, ErrDamaged)
	}
	if !ok || h.kind != kindObject {
		return ok, nil
	}
	r := &record{w.v, s, place{s.pack, off}, h}
	if w.growing && !r.place.before(w.end) && !w.v.forgotten(r.place, h) {
		if whole, err := w.v.whole(s, off, h); err != nil || !whole {
			return false, err // it is just being written
		}
	}
	return true, w.visit(r)
}
