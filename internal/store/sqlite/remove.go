package sqlite

import (
	"context"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// Remove implements archive.Catalog. What it removes is overwritten in the file.
func (c *Catalog) Remove(ctx context.Context, instances []dicom.UID) error {
	err := c.write(ctx, func(w *writing) error {
		// Counts of additions in the same transaction are written first.
		if err := w.finishCounts(); err != nil {
			return err
		}
		w.known.forget()
		series := map[int64]bool{}
		for _, uid := range instances {
			if err := w.removeInstance(uid, series); err != nil {
				return err
			}
		}
		for id := range series {
			if err := w.dropSeries(id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("remove instances: %w", err)
	}
	return nil
}

func (w *writing) removeInstance(uid dicom.UID, series map[int64]bool) error {
	id, ok, err := w.number("SELECT series FROM instance WHERE uid = ?", string(uid))
	if !ok || err != nil {
		return err
	}
	series[id] = true
	return w.exec("DELETE FROM instance WHERE uid = ?", string(uid))
}

// dropSeries brings a series that lost instances up to date; one without
// instances goes, and the study with it if it was the last.
func (w *writing) dropSeries(id int64) error {
	n, _, err := w.number("SELECT count(*) FROM instance WHERE series = ?", id)
	if err != nil {
		return err
	}
	if n > 0 {
		if err := w.exec("UPDATE series SET instances = ? WHERE id = ?", n, id); err != nil {
			return err
		}
		return w.exec(`DELETE FROM series_class WHERE series = ?
			AND class NOT IN (SELECT class FROM instance WHERE series = ?)`, id, id)
	}
	study, _, err := w.number("SELECT study FROM series WHERE id = ?", id)
	if err == nil {
		err = w.exec("DELETE FROM series_class WHERE series = ?", id)
	}
	if err == nil {
		err = w.exec("DELETE FROM series WHERE id = ?", id)
	}
	if err != nil {
		return err
	}
	return w.dropStudy(study)
}

// dropStudy removes a study without series, and the patient with it if it was
// the last.
func (w *writing) dropStudy(id int64) error {
	_, used, err := w.number("SELECT 1 FROM series WHERE study = ? LIMIT 1", id)
	if used || err != nil {
		return err
	}
	var patient, identity int64
	err = w.query("SELECT patient, identity FROM study WHERE id = ?", []any{id}, func(s *sqlite3.Stmt) bool {
		patient, identity = s.ColumnInt64(0), s.ColumnInt64(1)
		return false
	})
	if err == nil {
		err = w.unname(dict.ReferringPhysicianName, id)
	}
	if err == nil {
		err = w.exec("DELETE FROM study WHERE id = ?", id)
	}
	if err == nil {
		err = w.dropIdentity(identity)
	}
	if err == nil {
		err = w.dropPatient(patient)
	}
	return err
}

// Reset implements archive.Catalog.
func (c *Catalog) Reset(ctx context.Context) error {
	err := c.write(ctx, func(w *writing) error {
		w.known.forget()
		clear(w.counts)
		w.mark = ""
		for _, t := range tables {
			if err := w.exec("DELETE FROM " + t); err != nil {
				return err
			}
		}
		for _, g := range grams {
			if err := w.exec("INSERT INTO " + g + " (" + g + ") VALUES ('delete-all')"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("reset the catalog: %w", err)
	}
	return nil
}
