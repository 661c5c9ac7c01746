package sqlite

import (
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/archive/match"
)

// fetcher reads candidates. It remembers the entities of upper levels that it
// read last, since neighbours often share them.
type fetcher struct {
	*conn
	m     *match.Matcher
	scope *scoped

	levels                           match.Levels
	patient, identity, study, series int64 // those in levels; 0 if none
	patientCounts, studyCounts       match.Counts
	seriesCounts                     match.Counts
	countedPatient, countedStudy     int64 // those in the counts
}

// fetch returns the answers for the numbers of candidates, in their order. What
// was removed since they were listed is left out.
func (f *fetcher) fetch(numbers []int64) (found []*dicom.DataSet, err error) {
	// One transaction for all: each statement by itself would take and give
	// back the locks of the database.
	tx := f.Begin()
	defer tx.End(&err)
	for _, n := range numbers {
		ds, err := f.one(n)
		if err != nil {
			return nil, fmt.Errorf("read an entry: %w", err)
		}
		if ds != nil {
			found = append(found, ds)
		}
	}
	return found, nil
}

func (f *fetcher) one(n int64) (*dicom.DataSet, error) {
	switch f.m.Level {
	case archive.LevelPatient:
		return f.onePatient(n)
	case archive.LevelStudy:
		if ok, err := f.readStudy(n); !ok || err != nil {
			return nil, err
		}
	case archive.LevelSeries:
		if ok, err := f.readSeries(n); !ok || err != nil {
			return nil, err
		}
	case archive.LevelInstance:
		if ok, err := f.readInstance(n); !ok || err != nil {
			return nil, err
		}
	}
	return f.answer()
}

// answer counts what is asked for, but only for what may answer.
func (f *fetcher) answer() (*dicom.DataSet, error) {
	if !f.m.MayMatch(&f.levels) {
		return nil, nil
	}
	if err := f.countPatient(f.patient); err != nil {
		return nil, err
	}
	if err := f.countStudy(f.study); err != nil {
		return nil, err
	}
	f.m.Compute(&f.levels, &f.patientCounts, &f.studyCounts, &f.seriesCounts)
	return f.m.Answer(&f.levels), nil
}

// onePatient answers as the first of the patient's studies says that matches
// and is in the scope.
func (f *fetcher) onePatient(n int64) (*dicom.DataSet, error) {
	f.patient = n
	var w where
	w.and("s.patient = ?", n)
	c := &candidates{where: w}
	f.scope.narrow(c, archive.LevelPatient)
	var ds *dicom.DataSet
	var innerErr error
	seen := map[int64]bool{}
	err := f.query(`SELECT i.id, i.record FROM study s JOIN patient p ON p.id = s.patient
		JOIN identity i ON i.id = s.identity`+c.String()+" ORDER BY s.id", c.args, func(s *sqlite3.Stmt) bool {
		if id := s.ColumnInt64(0); !seen[id] {
			seen[id] = true
			f.levels[archive.LevelPatient], innerErr = match.ParseRecord(s.ColumnRawBlob(1))
			if innerErr == nil {
				ds, innerErr = f.answer()
			}
		}
		return ds == nil && innerErr == nil
	})
	if err == nil {
		err = innerErr
	}
	return ds, err
}

// read runs a statement for one row whose last column is a record.
func (f *fetcher) read(level archive.Level, sql string, n int64, row func(*sqlite3.Stmt)) (ok bool, err error) {
	var parseErr error
	err = f.query(sql, []any{n}, func(s *sqlite3.Stmt) bool {
		ok = true
		f.levels[level], parseErr = match.ParseRecord(s.ColumnRawBlob(s.ColumnCount() - 1))
		row(s)
		return false
	})
	if err == nil {
		err = parseErr
	}
	return ok, err
}

func (f *fetcher) readStudy(n int64) (bool, error) {
	if f.study == n {
		return true, nil
	}
	f.study = 0
	var identityErr error
	ok, err := f.read(archive.LevelStudy, `SELECT s.patient, s.identity, i.record, s.record
		FROM study s JOIN identity i ON i.id = s.identity WHERE s.id = ?`, n, func(s *sqlite3.Stmt) {
		f.patient = s.ColumnInt64(0)
		if identity := s.ColumnInt64(1); f.identity != identity {
			f.identity = identity
			f.levels[archive.LevelPatient], identityErr = match.ParseRecord(s.ColumnRawBlob(2))
		}
	})
	if err = errors.Join(err, identityErr); !ok || err != nil {
		f.identity = 0
		return false, err
	}
	f.study = n
	return true, nil
}

func (f *fetcher) readSeries(n int64) (bool, error) {
	if f.series == n {
		return true, nil
	}
	f.series = 0
	var study int64
	ok, err := f.read(archive.LevelSeries, "SELECT study, instances, record FROM series WHERE id = ?", n, func(s *sqlite3.Stmt) {
		study, f.seriesCounts.Instances = s.ColumnInt64(0), s.ColumnInt(1)
	})
	if !ok || err != nil {
		return false, err
	}
	if ok, err = f.readStudy(study); ok && err == nil {
		f.series = n
	}
	return ok, err
}

func (f *fetcher) readInstance(n int64) (bool, error) {
	var series int64
	var uid, class string
	ok, err := f.read(archive.LevelInstance, `SELECT n.series, n.uid, w.text, n.record
		FROM instance n JOIN word w ON w.id = n.class WHERE n.id = ?`, n, func(s *sqlite3.Stmt) {
		series, uid, class = s.ColumnInt64(0), s.ColumnText(1), s.ColumnText(2)
	})
	if !ok || err != nil {
		return false, err
	}
	f.levels[archive.LevelInstance].Set(match.Value{Tag: dict.SOPInstanceUID, Text: uid})
	f.levels[archive.LevelInstance].Set(match.Value{Tag: dict.SOPClassUID, Text: class})
	return f.readSeries(series)
}
