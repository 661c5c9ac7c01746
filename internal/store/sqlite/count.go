package sqlite

import (
	"github.com/ncruces/go-sqlite3"

	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive/match"
)

// countPatient counts what lies below a patient in the scope, if the query asks.
func (f *fetcher) countPatient(n int64) error {
	if f.countedPatient == n || !f.m.AsksPatient() {
		return nil
	}
	f.countedPatient = n
	var w where
	w.and("s.patient = ?", n)
	w.all(&f.scope.study)
	w.all(&f.scope.series)
	return f.query("SELECT count(DISTINCT e.study), count(*), sum(e.instances) FROM study s JOIN series e ON e.study = s.id"+
		f.scope.upper("JOIN patient p ON p.id = s.patient")+w.String(), w.args, func(s *sqlite3.Stmt) bool {
		f.patientCounts = match.Counts{Studies: s.ColumnInt(0), Series: s.ColumnInt(1), Instances: s.ColumnInt(2)}
		return false
	})
}

// countStudy counts what lies below a study in the scope, if the query asks.
func (f *fetcher) countStudy(n int64) error {
	if f.countedStudy == n || !f.m.AsksStudy() {
		return nil
	}
	f.countedStudy = n
	f.studyCounts = match.Counts{}
	var w where
	w.and("e.study = ?", n)
	w.all(&f.scope.series)
	upper := f.scope.upper("JOIN study s ON s.id = e.study JOIN patient p ON p.id = s.patient")
	err := f.query("SELECT e.modality, e.instances FROM series e"+upper+w.String(), w.args, func(s *sqlite3.Stmt) bool {
		f.studyCounts.Add(match.Counts{Series: 1, Instances: s.ColumnInt(1), Modalities: []string{s.ColumnText(0)}})
		return true
	})
	if err != nil || !f.m.Asks(dict.SOPClassesInStudy) {
		return err
	}
	return f.query(`SELECT DISTINCT w.text FROM series e JOIN series_class c ON c.series = e.id JOIN word w ON w.id = c.class`+
		upper+w.String(), w.args, func(s *sqlite3.Stmt) bool {
		f.studyCounts.Add(match.Counts{Classes: []string{s.ColumnText(0)}})
		return true
	})
}

// upper returns the joins that the conditions on series need.
func (sc *scoped) upper(joins string) string {
	if !sc.joined {
		return ""
	}
	return " " + joins
}
