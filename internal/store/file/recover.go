package file

import (
	"errors"
	"fmt"
	"os"

	"github.com/tresor-pacs/tresor/internal/durable"
)

// recover opens the last pack for appending and returns its end. What a crash
// left of a batch that was not acknowledged is kept where it is complete and
// dropped where it is not.
func (v *Vault) recover() (place, error) {
	packs, err := v.listPacks()
	if err != nil {
		return place{}, err
	}
	for i := len(packs) - 1; i >= 0; i-- {
		n := packs[i]
		f, err := v.fsys.OpenFile(v.packPath(n), os.O_RDWR, 0)
		if err != nil {
			return place{}, err
		}
		end, err := v.recoverPack(f, n)
		if err != nil {
			return place{}, errors.Join(fmt.Errorf("recover pack %d: %w", n, err), f.Close())
		}
		if end > 0 {
			v.tail.file, v.tail.allocated = f, end
			return place{n, end}, nil
		}
		if err := errors.Join(f.Close(), v.fsys.Remove(v.packPath(n))); err != nil {
			return place{}, fmt.Errorf("remove pack %d, which was not begun: %w", n, err)
		}
	}
	return place{}, nil
}

// recoverPack returns where the pack ends, 0 if a crash came before its header
// was durable, which is before any record.
func (v *Vault) recoverPack(f durable.File, n uint32) (int64, error) {
	size, err := f.Size()
	if err != nil {
		return 0, err
	}
	begun, err := v.begun(f, n, size)
	if err != nil || !begun {
		return 0, err
	}
	s := &scanner{src: f, pack: n, off: packHeaderSize, end: size}
	if p := v.readCheckpoint(); p.pack == n && p.off > s.off && p.off <= size && p.off%align == 0 {
		s.off = p.off
	}
	end, dropped, err := v.lastWhole(f, s)
	if err != nil {
		return 0, err
	}
	if dropped {
		v.log.Warn("vault: dropped what a crash cut off", "pack", n, "offset", end)
	}
	return v.cutAt(f, n, size, end)
}

// begun reports whether the pack has its header. Without it there must be no
// record either.
func (v *Vault) begun(f durable.File, n uint32, size int64) (bool, error) {
	if size >= packHeaderSize {
		err := checkPack(f, n)
		if err == nil || !errors.Is(err, ErrDamaged) {
			return err == nil, err
		}
	}
	s := &scanner{src: f, pack: n, off: packHeaderSize, end: size}
	_, _, found, err := s.next()
	if err == nil && found {
		err = fmt.Errorf("header: %w", ErrDamaged)
	}
	return false, err
}

// lastWhole returns the end of the last whole record from where s is, and
// whether bytes after it are dropped. Bytes between whole records that are none
// become void.
func (v *Vault) lastWhole(f durable.File, s *scanner) (end int64, dropped bool, err error) {
	end = s.off
	for {
		off, h, ok, err := s.next()
		dropped = dropped || s.dirt
		if err != nil || !ok {
			return end, dropped, err
		}
		if h.kind == kindObject && !v.forgotten(place{s.pack, off}, h) {
			whole, err := v.whole(s, off, h)
			if err != nil {
				return end, dropped, err
			}
			if !whole {
				dropped = true
				continue
			}
		}
		if off > end {
			v.log.Warn("vault: bytes that a crash cut off lie between records", "pack", s.pack, "offset", end, "length", off-end)
			if err := writeVoid(f, s.pack, end, off); err != nil {
				return end, dropped, err
			}
		}
		end, dropped = off+int64(h.total), false
	}
}

// forgotten reports whether the bytes of an object may be gone.
func (v *Vault) forgotten(p place, h header) bool {
	return v.tombs.deleted(p) || v.slots.stateOf(h.slot) == slotErased
}

// cutAt ends the pack at end, rounded up to a block, durably. It syncs in any
// case: what the page cache kept over a crash of the process is relied on now.
func (v *Vault) cutAt(f durable.File, n uint32, size, end int64) (int64, error) {
	if size > end {
		if err := f.Truncate(end); err != nil {
			return 0, err
		}
	}
	aligned := roundUp(end, batchAlign)
	if aligned > end {
		if err := f.Allocate(end, aligned-end); err != nil {
			return 0, err
		}
		if err := writeVoid(f, n, end, aligned); err != nil {
			return 0, err
		}
	}
	return aligned, f.Sync()
}

// writeVoid covers from..to with a record that says nothing.
func writeVoid(f durable.File, n uint32, from, to int64) error {
	h := header{kind: kindVoid, total: uint32(to - from), pack: n}
	var b [headerSize]byte
	h.put(b[:])
	_, err := f.WriteAt(b[:], from)
	return err
}
