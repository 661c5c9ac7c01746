package sqlite

import (
	"context"
	"fmt"
	"iter"

	"github.com/ncruces/go-sqlite3"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/archive/match"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// selectEntry begins the statements that read entries.
const selectEntry = `SELECT coalesce(p.pid, ''), s.uid, e.uid, n.uid, c.text, t.text, o.text, n.length, n.location, n.sha256
	FROM instance n JOIN series e ON e.id = n.series JOIN study s ON s.id = e.study JOIN patient p ON p.id = s.patient
	JOIN word c ON c.id = n.class JOIN word t ON t.id = n.syntax JOIN word o ON o.id = n.source`

func entry(s *sqlite3.Stmt) archive.Entry {
	e := archive.Entry{
		Patient:        s.ColumnText(0),
		Study:          dicom.UID(s.ColumnText(1)),
		Series:         dicom.UID(s.ColumnText(2)),
		Instance:       dicom.UID(s.ColumnText(3)),
		SOPClass:       dicom.UID(s.ColumnText(4)),
		TransferSyntax: dicom.UID(s.ColumnText(5)),
		Source:         s.ColumnText(6),
		Length:         s.ColumnInt64(7),
		Location:       archive.Location(s.ColumnText(8)),
	}
	copy(e.SHA256[:], s.ColumnRawBlob(9))
	return e
}

// Instance implements archive.Catalog.
func (c *Catalog) Instance(ctx context.Context, uid dicom.UID) (e archive.Entry, err error) {
	found := false
	err = c.quick(ctx, func(r *conn) error {
		return r.query(selectEntry+" WHERE n.uid = ?", []any{string(uid)}, func(s *sqlite3.Stmt) bool {
			e, found = entry(s), true
			return false
		})
	})
	switch {
	case err != nil:
		return archive.Entry{}, fmt.Errorf("look up instance %s: %w", uid, err)
	case !found:
		return archive.Entry{}, archive.ErrNotFound
	}
	return e, nil
}

// quick lends f the writer's connection if that is free, else a reader's. While
// instances come in, the writer's cache is warm and a reader's void with every
// commit. f must be short.
func (c *Catalog) quick(ctx context.Context, f func(*conn) error) error {
	if done, err := c.besideWriter(f); done {
		return err
	}
	return c.readers.do(ctx, f)
}

func (c *Catalog) besideWriter(f func(*conn) error) (done bool, err error) {
	if c.writer == nil || !c.writing.TryLock() {
		return false, nil
	}
	defer c.writing.Unlock()
	if c.closed {
		return true, errClosed
	}
	return true, f(c.writer)
}

// Instances implements archive.Catalog. Series come in the order in which they
// came into the catalog, study by study. A query without unique keys names nothing.
func (c *Catalog) Instances(ctx context.Context, scope policy.Scope, q archive.Query) iter.Seq2[archive.Entry, error] {
	return func(yield func(archive.Entry, error) bool) {
		w, named := below(q, newScoped(scope, c.now()))
		if !named {
			return
		}
		if err := c.instances(ctx, q, w, yield); err != nil {
			yield(archive.Entry{}, fmt.Errorf("list instances: %w", err))
		}
	}
}

// below makes the conditions for the series below the entities that a query names.
func below(q archive.Query, sc *scoped) (w where, named bool) {
	for _, key := range []struct {
		level  archive.Level
		column string
	}{
		{archive.LevelPatient, "p.pid"}, {archive.LevelStudy, "s.uid"}, {archive.LevelSeries, "e.uid"},
	} {
		if values := match.Unique(q, key.level); len(values) > 0 {
			w.in(key.column, values)
			named = true
		}
	}
	for _, o := range []*where{&sc.patient, &sc.study, &sc.series} {
		w.all(o)
	}
	return w, named || len(match.Unique(q, archive.LevelInstance)) > 0
}

func (c *Catalog) instances(ctx context.Context, q archive.Query, w where, yield func(archive.Entry, error) bool) error {
	if uids := match.Unique(q, archive.LevelInstance); len(uids) > 0 {
		w.in("n.uid", uids)
		_, err := c.entries(ctx, w, "s.id, e.id, n.number, n.id", yield)
		return err
	}
	var series []int64
	err := c.readers.do(ctx, func(r *conn) error {
		return r.query("SELECT e.id FROM series e JOIN study s ON s.id = e.study JOIN patient p ON p.id = s.patient"+
			w.String()+" ORDER BY s.id, e.id", w.args, func(s *sqlite3.Stmt) bool {
			series = append(series, s.ColumnInt64(0))
			return true
		})
	})
	if err != nil {
		return err
	}
	for _, n := range series {
		var one where
		one.and("n.series = ?", n)
		if done, err := c.entries(ctx, one, "n.number, n.id", yield); done || err != nil {
			return err
		}
	}
	return nil
}

// entries reads all entries of some instances, then yields them: no connection
// is held meanwhile.
func (c *Catalog) entries(ctx context.Context, w where, order string, yield func(archive.Entry, error) bool) (done bool, err error) {
	var all []archive.Entry
	err = c.readers.do(ctx, func(r *conn) error {
		return r.query(selectEntry+w.String()+" ORDER BY "+order, w.args, func(s *sqlite3.Stmt) bool {
			all = append(all, entry(s))
			return true
		})
	})
	if err != nil {
		return true, err
	}
	for _, e := range all {
		if !yield(e, nil) {
			return true, nil
		}
	}
	return false, nil
}
