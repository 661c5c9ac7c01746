package sqlite

import (
	"context"
	"fmt"
	"iter"
	"math"
	"strings"
	"sync"

	"github.com/ncruces/go-sqlite3"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/archive/match"
	"github.com/tresor-pacs/tresor/internal/policy"
)

const (
	// maxNumbers is how many candidates are listed at once.
	maxNumbers = 16 << 10
	// maxFetch is how many of them are read at once, and as many more while those
	// are being taken. Otherwise no connection and no snapshot of the database is
	// held, however slow the one who asked takes the answers.
	maxFetch = 64
)

// Find implements archive.Catalog. The order is that in which the entities came
// into the catalog: pages of a long answer stay the same while others are added.
func (c *Catalog) Find(ctx context.Context, scope policy.Scope, q archive.Query) iter.Seq2[*dicom.DataSet, error] {
	return func(yield func(*dicom.DataSet, error) bool) {
		if q.Level < archive.LevelPatient || q.Level > archive.LevelInstance {
			yield(nil, fmt.Errorf("find: no such level: %d", q.Level))
			return
		}
		m := match.New(q)
		sc := newScoped(scope, c.now())
		f := &finder{catalog: c, m: m, scope: sc, candidates: newCandidates(m, sc), offset: max(q.Offset, 0), limit: q.Limit, latest: q.Latest}
		if q.Latest {
			f.last = math.MaxInt64
		}
		if err := f.run(ctx, yield); err != nil {
			yield(nil, fmt.Errorf("find: %w", err))
		}
	}
}

// finder is one search.
type finder struct {
	catalog       *Catalog
	m             *match.Matcher
	scope         *scoped
	candidates    *candidates
	offset, limit int
	latest        bool  // the greatest numbers come first
	last          int64 // the number of the candidate listed last
}

// run lists candidates, reads them, and yields what answers the query.
func (f *finder) run(ctx context.Context, yield func(*dicom.DataSet, error) bool) error {
	for more := true; more; {
		var numbers []int64
		err := f.catalog.readers.do(ctx, func(r *conn) (err error) {
			numbers, err = f.list(r)
			return err
		})
		if err != nil {
			return err
		}
		more = len(numbers) == maxNumbers
		if f.candidates.exact {
			skip := min(f.offset, len(numbers))
			f.offset -= skip
			numbers = numbers[skip:]
		}
		for found, err := range f.read(ctx, numbers) {
			if err != nil {
				return err
			}
			if done := f.answer(found, yield); done {
				return nil
			}
		}
	}
	return nil
}

// read yields the answers among candidates piece by piece. While the caller has
// one piece the next is being read.
func (f *finder) read(ctx context.Context, numbers []int64) iter.Seq2[[]*dicom.DataSet, error] {
	type piece struct {
		found []*dicom.DataSet
		err   error
	}
	return func(yield func([]*dicom.DataSet, error) bool) {
		ctx, stop := context.WithCancel(ctx)
		var readers sync.WaitGroup
		defer readers.Wait()
		defer stop()
		var next chan piece
		for begin := 0; begin < len(numbers); begin += maxFetch {
			var p piece
			if next == nil {
				p.found, p.err = f.fetch(ctx, numbers[:min(maxFetch, len(numbers))])
			} else {
				p = <-next
			}
			if rest := numbers[min(begin+maxFetch, len(numbers)):]; len(rest) > 0 && p.err == nil {
				next = make(chan piece, 1)
				readers.Go(func() {
					found, err := f.fetch(ctx, rest[:min(maxFetch, len(rest))])
					next <- piece{found, err}
				})
			}
			if !yield(p.found, p.err) {
				return
			}
		}
	}
}

func (f *finder) fetch(ctx context.Context, numbers []int64) (found []*dicom.DataSet, err error) {
	err = f.catalog.readers.do(ctx, func(r *conn) (err error) {
		found, err = (&fetcher{conn: r, m: f.m, scope: f.scope}).fetch(numbers)
		return err
	})
	return found, err
}

// answer yields answers; done says that enough was yielded.
func (f *finder) answer(found []*dicom.DataSet, yield func(*dicom.DataSet, error) bool) (done bool) {
	for _, ds := range found {
		if f.offset > 0 {
			f.offset--
			continue
		}
		if !yield(ds, nil) {
			return true
		}
		if f.limit > 0 {
			if f.limit--; f.limit == 0 {
				return true
			}
		}
	}
	return false
}

// from joins the tables of a level to those above.
var from = map[archive.Level]struct{ tables, number string }{
	archive.LevelPatient:  {"study s JOIN patient p ON p.id = s.patient", "s.patient"},
	archive.LevelStudy:    {"study s JOIN patient p ON p.id = s.patient", "s.id"},
	archive.LevelSeries:   {"series e JOIN study s ON s.id = e.study JOIN patient p ON p.id = s.patient", "e.id"},
	archive.LevelInstance: {"instance n JOIN series e ON e.id = n.series JOIN study s ON s.id = e.study JOIN patient p ON p.id = s.patient", "n.id"},
}

// sql returns the statement that lists candidates after the last.
func (f *finder) sql() (string, []any) {
	level := from[f.m.Level]
	w := f.candidates.where
	tables, number := level.tables, level.number
	if f.candidates.walked {
		tables, number = "series e JOIN study s ON s.id = e.study JOIN patient p ON p.id = s.patient", "e.study"
	}
	if !f.uses("p.") {
		tables = strings.Replace(tables, " JOIN patient p ON p.id = s.patient", "", 1)
		if (f.m.Level >= archive.LevelSeries || f.candidates.walked) && !f.uses("s.") {
			tables = strings.Replace(tables, " JOIN study s ON s.id = e.study", "", 1)
			if f.m.Level == archive.LevelInstance && !f.uses("e.") {
				tables = strings.Replace(tables, " JOIN series e ON e.id = n.series", "", 1)
			}
		}
	}
	order := number
	if f.candidates.found {
		order = "+" + number // sort what an index finds rather than look through all in order
	}
	after, direction := " > ?", ""
	if f.latest {
		after, direction = " < ?", " DESC"
	}
	w.conditions = append([]string{order + after}, w.conditions...)
	w.args = append([]any{f.last}, w.args...)
	sql := "SELECT " + number + " FROM " + tables + w.String()
	if f.m.Level == archive.LevelPatient || f.candidates.walked {
		sql += " GROUP BY " + order
	}
	sql += " ORDER BY " + order + direction + " LIMIT ?"
	return sql, append(w.args, f.most())
}

// uses reports whether a condition needs a table.
func (f *finder) uses(table string) bool {
	for _, c := range f.candidates.conditions {
		if strings.HasPrefix(c, table) || strings.Contains(c, " "+table) || strings.HasPrefix(c, "+"+table) {
			return true
		}
	}
	return false
}

// most is how many candidates are listed at once: no more than are wanted, if
// all will do.
func (f *finder) most() int {
	if f.candidates.exact && f.limit > 0 && f.offset < maxNumbers && f.limit < maxNumbers-f.offset {
		return f.offset + f.limit
	}
	return maxNumbers
}

func (f *finder) list(r *conn) ([]int64, error) {
	sql, args := f.sql()
	var numbers []int64
	err := r.query(sql, args, func(s *sqlite3.Stmt) bool {
		numbers = append(numbers, s.ColumnInt64(0))
		return true
	})
	if len(numbers) > 0 {
		f.last = numbers[len(numbers)-1]
	}
	return numbers, err
}
