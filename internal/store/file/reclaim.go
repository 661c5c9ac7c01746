package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/durable"
)

// Reclaim gives the space of deleted and erased objects back: files of their
// own are removed, and where the file system can, holes are punched into the
// packs. Records do not move, so locations stay good. It may run beside
// everything else, and returns how many bytes it went over.
func (v *Vault) Reclaim(ctx context.Context) (int64, error) {
	if err := v.writable(ctx); err != nil {
		return 0, fmt.Errorf("reclaim: %w", err)
	}
	r := reclaimer{v: v}
	err := v.scan(ctx, "", new(archive.DamageError), r.record)
	if err = errors.Join(err, closeAll(r.file)); err != nil {
		return r.freed, fmt.Errorf("reclaim: %w", err)
	}
	return r.freed, nil
}

type reclaimer struct {
	v         *Vault
	pack      uint32
	file      durable.File // pack, open for writing
	holesFail bool         // the file system cannot punch
	freed     int64
}

func (r *reclaimer) record(rec *record) error {
	h := &rec.header
	if !r.v.forgotten(rec.place, *h) {
		return nil
	}
	if h.ownFile() {
		err := r.v.fsys.Remove(r.v.objectPath(h.id))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			r.freed += h.body
		}
		return err
	}
	from := roundUp(rec.place.off+headerSize, batchAlign)
	to := (rec.place.off + int64(h.total)) / batchAlign * batchAlign
	if to <= from || r.holesFail {
		return nil
	}
	return r.punch(rec.place.pack, from, to-from)
}

func (r *reclaimer) punch(pack uint32, off, n int64) error {
	if r.pack != pack {
		f, err := r.v.fsys.OpenFile(r.v.packPath(pack), os.O_RDWR, 0)
		if err != nil {
			return err
		}
		if err := closeAll(r.file); err != nil {
			return errors.Join(err, f.Close())
		}
		r.file, r.pack = f, pack
	}
	err := r.file.PunchHole(off, n)
	if errors.Is(err, errors.ErrUnsupported) {
		r.holesFail = true
		return nil
	}
	if err == nil {
		r.freed += n
	}
	return err
}
