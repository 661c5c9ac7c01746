package sqlite

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// addQuarantined enters an instance that waits for a choice.
func (w *writing) addQuarantined(l archive.Location, m *archive.Meta, patient string, mark archive.Mark) error {
	if mark != "" {
		w.mark = string(mark)
	}
	return w.exec(`INSERT OR IGNORE INTO quarantine
		(location, patient, study, series, instance, class, syntax, source, length, sha256, received)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, string(l), patient, string(m.Study), string(m.Series), string(m.Instance),
		string(m.SOPClass), string(m.TransferSyntax), m.Source, m.Length, m.SHA256[:], m.Received.UnixMicro())
}

// Quarantine implements archive.Catalog, in the order of arrival.
func (c *Catalog) Quarantine(ctx context.Context, instance dicom.UID) iter.Seq2[archive.Quarantined, error] {
	return func(yield func(archive.Quarantined, error) bool) {
		var all []archive.Quarantined
		var w where
		if instance != "" {
			w.and("instance = ?", string(instance))
		}
		err := c.readers.do(ctx, func(r *conn) error {
			return r.query(`SELECT patient, study, series, instance, class, syntax, source, length, location, sha256, received
				FROM quarantine`+w.String()+" ORDER BY id", w.args, func(s *sqlite3.Stmt) bool {
				all = append(all, archive.Quarantined{Entry: entry(s), Received: time.UnixMicro(s.ColumnInt64(10)).UTC()})
				return true
			})
		})
		if err != nil {
			yield(archive.Quarantined{}, fmt.Errorf("list the quarantine: %w", err))
			return
		}
		for _, q := range all {
			if !yield(q, nil) {
				return
			}
		}
	}
}

// Release implements archive.Catalog.
func (c *Catalog) Release(ctx context.Context, objects []archive.Location) error {
	err := c.write(ctx, func(w *writing) error {
		for _, l := range objects {
			if err := w.exec("DELETE FROM quarantine WHERE location = ?", string(l)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("take out of the quarantine: %w", err)
	}
	return nil
}
