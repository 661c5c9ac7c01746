package sqlite

import (
	"context"
	"errors"
	"fmt"
)

// request is one change on its way into the catalog.
type request struct {
	change func(*writing) error
	err    error
}

// maxBatch is how many changes share a transaction at most.
const maxBatch = 256

var errReadOnly = errors.New("the catalog is open for reading only")

// write makes a change; everybody sees it on return. The wait does not end with
// ctx, since the change may be under way.
func (c *Catalog) write(ctx context.Context, change func(*writing) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.changes == nil {
		return errReadOnly
	}
	r := &request{change: change}
	if !c.changes.Do(r) {
		return errClosed
	}
	return r.err
}

// commit makes the changes of a batch. If one fails, none is made, and each is
// tried by itself, so that it harms no other.
func (c *Catalog) commit(batch []*request) {
	err := c.transact(batch)
	if err == nil {
		return
	}
	if len(batch) == 1 {
		batch[0].err = err
		return
	}
	for _, r := range batch {
		r.err = c.transact([]*request{r})
	}
}

func (c *Catalog) transact(batch []*request) (err error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.writer.exec("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	w := &writing{conn: c.writer, known: &c.known, counts: make(map[int64]int64)}
	whole := false // not if a panic passes
	defer func() {
		if whole && err == nil {
			err = c.writer.exec("COMMIT")
		}
		if !whole || err != nil {
			c.known.forget() // numbers given in the transaction are void
			if !c.writer.GetAutocommit() {
				err = errors.Join(err, c.writer.exec("ROLLBACK"))
			}
		}
	}()
	for _, r := range batch {
		if err := r.change(w); err != nil {
			return err
		}
	}
	err = w.finish()
	whole = true
	return err
}

// writing is a transaction under way.
type writing struct {
	*conn
	known  *knownSeries
	counts map[int64]int64 // instances that came, by series
	mark   string
}

// finishCounts brings the numbers of instances in the table up to date.
func (w *writing) finishCounts() error {
	for series, n := range w.counts {
		if err := w.exec("UPDATE series SET instances = instances + ? WHERE id = ?", n, series); err != nil {
			return fmt.Errorf("count instances: %w", err)
		}
	}
	clear(w.counts)
	return nil
}

// finish writes what is written once in a transaction.
func (w *writing) finish() error {
	if err := w.finishCounts(); err != nil {
		return err
	}
	if w.mark == "" {
		return nil
	}
	err := w.exec("INSERT INTO mark (one, mark) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET mark = excluded.mark", w.mark)
	if err != nil {
		return fmt.Errorf("record the mark: %w", err)
	}
	return nil
}

// insert runs an INSERT and returns the number of the new row; 0 if there was a
// conflict that the statement ignores.
func (w *writing) insert(sql string, args ...any) (int64, error) {
	if err := w.exec(sql, args...); err != nil {
		return 0, err
	}
	if w.Changes() == 0 {
		return 0, nil
	}
	return w.LastInsertRowID(), nil
}

// word returns the number of a text that many rows share.
func (w *writing) word(text string) (int64, error) {
	if id, ok := w.known.word(text); ok {
		return id, nil
	}
	id, ok, err := w.number("SELECT id FROM word WHERE text = ?", text)
	if err == nil && !ok {
		id, err = w.insert("INSERT INTO word (text) VALUES (?)", text)
	}
	if err != nil {
		return 0, fmt.Errorf("number a word: %w", err)
	}
	w.known.addWord(text, id)
	return id, nil
}
