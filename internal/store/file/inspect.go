package file

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/tresor-pacs/tresor/internal/archive"
)

// graceOfOthers is how old a file must be before a vault that is open for
// reading only takes it for an orphan: another process may be about to write
// the record of a younger one.
const graceOfOthers = time.Hour

// Check reads a whole object and compares it with the hash in its metadata.
// Its error is ErrDamaged if they differ.
func (v *Vault) Check(ctx context.Context, l archive.Location) error {
	o, err := v.Open(ctx, l)
	if err != nil {
		return err
	}
	defer o.Close()
	h := sha256.New()
	if _, err := o.(*Object).WriteTo(writerContext{ctx, h}); err != nil {
		return fmt.Errorf("check object %s: %w", l, err)
	}
	if [32]byte(h.Sum(nil)) != o.Meta().SHA256 {
		return fmt.Errorf("check object %s: hash differs: %w", l, ErrDamaged)
	}
	return nil
}

// writerContext is a writer that fails when its context has ended.
type writerContext struct {
	ctx context.Context
	w   interface{ Write([]byte) (int, error) }
}

func (w writerContext) Write(b []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.w.Write(b)
}

// Inspection is what Inspect finds. Only Damage, DamagedKeys and Missing are
// worth an alarm; the rest is what crashes and erasures leave.
type Inspection struct {
	Objects     int                // that can be read
	Forgotten   int                // deleted ones, and those of erased studies
	Orphans     []string           // files of objects that no record knows
	Missing     []archive.Location // of objects whose own file is not there
	IdleKeys    int                // keys of studies that no object was committed for
	ErasedKeys  int
	DamagedKeys []uint32 // slots
	Damage      archive.DamageError
}

// Inspect compares packs, files of objects and study keys. It reads no bodies.
func (v *Vault) Inspect(ctx context.Context) (*Inspection, error) {
	files, err := v.objectFiles()
	if err != nil {
		return nil, fmt.Errorf("inspect vault: %w", err)
	}
	in, used := new(Inspection), map[uint32]bool{}
	err = v.scan(ctx, "", &in.Damage, func(r *record) error {
		used[r.header.slot] = true
		gone := v.forgotten(r.place, r.header)
		if gone {
			in.Forgotten++
		} else {
			in.Objects++
		}
		if !r.header.ownFile() {
			return nil
		}
		if _, there := files[r.header.id]; !there && !gone {
			in.missing(v, r)
		}
		delete(files, r.header.id)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("inspect vault: %w", err)
	}
	for id, old := range files {
		if old {
			in.Orphans = append(in.Orphans, id.String())
		}
	}
	v.slots.count(in, used)
	return in, nil
}

// missing enters an object whose file was not listed; it may have come since.
func (in *Inspection) missing(v *Vault, r *record) {
	if _, err := v.fsys.Stat(v.objectPath(r.header.id)); err != nil {
		in.Missing = append(in.Missing, r.location())
	}
}

// objectFiles lists the files of objects, and whether each is so old that its
// record must be there.
func (v *Vault) objectFiles() (map[objectID]bool, error) {
	before := v.opened
	if v.ro {
		before = before.Add(-graceOfOthers)
	}
	files := map[objectID]bool{}
	dirs, err := v.fsys.ReadDir(v.path(objectsName))
	if err != nil {
		return nil, err
	}
	for _, dir := range dirs {
		names, err := v.fsys.ReadDir(v.path(objectsName, dir))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			id, ok := parseObjectID(name)
			if !ok {
				continue
			}
			if info, err := v.fsys.Stat(v.objectPath(id)); err == nil {
				files[id] = info.ModTime().Before(before)
			}
		}
	}
	return files, nil
}

// RemoveOrphans removes orphans that Inspect found.
func (v *Vault) RemoveOrphans(ctx context.Context, orphans []string) error {
	if err := v.writable(ctx); err != nil {
		return fmt.Errorf("remove orphans: %w", err)
	}
	var errs []error
	for _, name := range orphans {
		if id, ok := parseObjectID(name); ok {
			errs = append(errs, v.fsys.Remove(v.objectPath(id)))
		}
	}
	return errors.Join(errs...)
}

// count enters the state of the slots, given those that records use.
func (s *slots) count(in *Inspection, used map[uint32]bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for n, state := range s.state {
		switch state {
		case slotErased:
			in.ErasedKeys++
		case slotDamaged:
			in.DamagedKeys = append(in.DamagedKeys, uint32(n))
		case slotLive:
			if !used[uint32(n)] {
				in.IdleKeys++
			}
		}
	}
}
