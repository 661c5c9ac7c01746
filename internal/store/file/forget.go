package file

import (
	"context"
	"fmt"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// Delete implements archive.Vault. The space of a small
// object comes back with Reclaim.
func (v *Vault) Delete(ctx context.Context, l archive.Location) error {
	if err := v.delete(ctx, l); err != nil {
		return fmt.Errorf("delete object: %w", err)
	}
	return nil
}

func (v *Vault) delete(ctx context.Context, l archive.Location) error {
	if err := v.writable(ctx); err != nil {
		return err
	}
	p, err := at(l)
	if err != nil {
		return err
	}
	h, err := v.headerAt(p)
	if err != nil {
		return err
	}
	if v.forgotten(p, h) {
		return archive.ErrNotFound
	}
	if err := v.note(v.tombs.addObject(p)); err != nil {
		return err
	}
	if h.ownFile() {
		_ = v.fsys.Remove(v.objectPath(h.id)) // or Reclaim does
	}
	return nil
}

// headerAt reads the header of the object at p.
func (v *Vault) headerAt(p place) (h header, err error) {
	if !p.before(v.tail.last()) {
		return h, archive.ErrNotFound
	}
	f, err := v.packs.get(p.pack)
	if err != nil {
		return h, err
	}
	defer v.packs.put(f)
	var b [headerSize]byte
	if err := readFull(f, b[:], p.off); err != nil {
		return h, err
	}
	h, ok := parseHeader(b[:], p.pack)
	if !ok || h.kind != kindObject {
		return h, archive.ErrNotFound
	}
	return h, nil
}

// Erase implements archive.Vault. It writes a tombstone, so that the erasure is
// finished after a crash and repeated when an older copy of the study keys is
// restored; overwrites the wrapped key; and forgets the one in memory. A study
// that is not there is erased already.
func (v *Vault) Erase(ctx context.Context, study dicom.UID) error {
	if err := v.writable(ctx); err != nil {
		return fmt.Errorf("erase study: %w", err)
	}
	slot, ok := v.slots.find(study)
	if !ok {
		return nil
	}
	tag := v.slots.tag(study)
	if err := v.note(v.slots.sync()); err != nil { // a tombstone must not outlive its slot
		return fmt.Errorf("erase study: %w", err)
	}
	if err := v.note(v.tombs.addStudy(slot, tag)); err != nil {
		return fmt.Errorf("erase study: %w", err)
	}
	if err := v.note(v.slots.erase(slot, tag)); err != nil {
		return fmt.Errorf("erase study: %w", err)
	}
	v.keys.drop(slot)
	return nil
}
