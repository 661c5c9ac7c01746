package sqlite

import (
	"bytes"
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/archive/match"
)

// Add implements archive.Catalog. The header is read in the caller's goroutine,
// so far as it says something new.
func (c *Catalog) Add(ctx context.Context, l archive.Location, m *archive.Meta, header *dicom.DataSet, mark archive.Mark) error {
	if m.Kind == archive.KindQuarantine {
		patient := header.String(dict.PatientID)
		return failed("quarantine", m.Instance, c.write(ctx, func(w *writing) error {
			return w.addQuarantined(l, m, patient, mark)
		}))
	}
	a := &addition{location: l, meta: m, header: header, mark: mark}
	a.key = seriesKey{m.Study, m.Series}
	a.fingerprint = maphash.Bytes(c.seed, match.Fingerprint(nil, header))
	if c.known.has(a.key, a.fingerprint) {
		a.instance = match.ExtractInstance(m, header)
	} else {
		a.extract()
	}
	return failed("add", m.Instance, c.write(ctx, a.apply))
}

func failed(what string, uid dicom.UID, err error) error {
	if err != nil {
		return fmt.Errorf("%s instance %s: %w", what, uid, err)
	}
	return nil
}

// addition is one instance on its way in.
type addition struct {
	location    archive.Location
	meta        *archive.Meta
	header      *dicom.DataSet
	mark        archive.Mark
	key         seriesKey
	fingerprint uint64
	instance    match.Record
	levels      *match.Levels // nil if the series is known to have it all
}

func (a *addition) extract() {
	l := match.Extract(a.meta, a.header)
	a.levels, a.instance = &l, l[archive.LevelInstance]
}

func (a *addition) apply(w *writing) error {
	if a.mark != "" {
		w.mark = string(a.mark)
	}
	// What is there changes nothing, not even attributes of its series.
	if _, ok, err := w.number("SELECT 1 FROM instance WHERE uid = ?", string(a.meta.Instance)); ok || err != nil {
		return err
	}
	se, err := a.series(w)
	if err != nil {
		return err
	}
	return a.insert(w, se)
}

// series returns the series that the instance belongs to, made if need be.
func (a *addition) series(w *writing) (*seriesRow, error) {
	if se := w.known.get(a.key); se != nil && slices.Contains(se.seen, a.fingerprint) {
		return se, nil
	}
	if a.levels == nil {
		a.extract() // forgotten since the caller looked
	}
	study, err := w.study(a.meta.Study, a.levels)
	if err != nil {
		return nil, fmt.Errorf("study: %w", err)
	}
	id, err := w.series(study, a.meta, a.levels[archive.LevelSeries])
	if err != nil {
		return nil, fmt.Errorf("series: %w", err)
	}
	return w.known.saw(a.key, id, a.fingerprint), nil
}

func (a *addition) insert(w *writing, se *seriesRow) error {
	m := a.meta
	var words [3]int64
	for i, text := range []string{string(m.SOPClass), string(m.TransferSyntax), m.Source} {
		var err error
		if words[i], err = w.word(text); err != nil {
			return err
		}
	}
	var number any
	if n, err := strconv.ParseInt(a.instance.Text(dict.InstanceNumber), 10, 64); err == nil {
		number = n
	}
	// The UIDs are columns: the record need not have them again.
	record := slices.DeleteFunc(a.instance, func(v match.Value) bool {
		return v.Tag == dict.SOPInstanceUID || v.Tag == dict.SOPClassUID
	})
	_, err := w.insert(`INSERT INTO instance (series, uid, number, class, syntax, source, length, sha256, location, record)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, se.id, string(m.Instance), number, words[0], words[1], words[2],
		m.Length, m.SHA256[:], string(a.location), record.Append(nil))
	if err != nil {
		return err
	}
	w.counts[se.id]++
	if slices.Contains(se.classes, words[0]) {
		return nil
	}
	err = w.exec("INSERT OR IGNORE INTO series_class (series, class) VALUES (?, ?)", se.id, words[0])
	if err == nil && len(se.classes) < 16 {
		se.classes = append(se.classes, words[0])
	}
	return err
}

// series returns the number of the series, which it makes or fills.
func (w *writing) series(study int64, m *archive.Meta, r match.Record) (int64, error) {
	id, have, err := w.row("SELECT id, record FROM series WHERE uid = ? AND study = ?", string(m.Series), study)
	if err != nil {
		return 0, err
	}
	if id != 0 && !have.Fill(r) {
		return id, nil
	}
	if id == 0 {
		have = r
	}
	columns := []any{orNull(have.Text(dict.Modality)), orNull(have.Text(dict.InstitutionName)),
		orNull(have.Text(dict.InstitutionalDepartmentName)), have.Append(nil)}
	if id == 0 {
		return w.insert(`INSERT INTO series (modality, institution, department, record, study, uid, source, instances)
			VALUES (?, ?, ?, ?, ?, ?, ?, 0)`, append(columns, study, string(m.Series), m.Source)...)
	}
	return id, w.exec("UPDATE series SET modality = ?, institution = ?, department = ?, record = ? WHERE id = ?",
		append(columns, id)...)
}

// row returns a number and the record beside it; 0 if there is no such row.
func (w *writing) row(sql string, args ...any) (id int64, r match.Record, err error) {
	var record []byte
	err = w.query(sql, args, func(s *sqlite3.Stmt) bool {
		id, record = s.ColumnInt64(0), s.ColumnBlob(1, nil)
		return false
	})
	if err == nil {
		r, err = match.ParseRecord(record)
	}
	return id, r, err
}

// study returns the number of the study, which it makes or fills.
func (w *writing) study(uid dicom.UID, l *match.Levels) (int64, error) {
	id, have, err := w.row("SELECT id, record FROM study WHERE uid = ?", string(uid))
	if err != nil {
		return 0, err
	}
	if id == 0 {
		return w.newStudy(uid, l)
	}
	if err := w.fillIdentity(id, l[archive.LevelPatient]); err != nil {
		return 0, fmt.Errorf("patient: %w", err)
	}
	if !have.Fill(l[archive.LevelStudy]) {
		return id, nil
	}
	err = w.exec("UPDATE study SET date = ?, accession = ?, study_id = ?, record = ? WHERE id = ?",
		append(studyColumns(have), id)...)
	if err != nil {
		return 0, err
	}
	return id, w.nameStudy(id, have)
}

func (w *writing) newStudy(uid dicom.UID, l *match.Levels) (int64, error) {
	patient, err := w.patient(l[archive.LevelPatient])
	if err != nil {
		return 0, fmt.Errorf("patient: %w", err)
	}
	identity, err := w.identity(patient, l[archive.LevelPatient])
	if err != nil {
		return 0, fmt.Errorf("identity: %w", err)
	}
	id, err := w.insert("INSERT INTO study (date, accession, study_id, record, uid, patient, identity) VALUES (?, ?, ?, ?, ?, ?, ?)",
		append(studyColumns(l[archive.LevelStudy]), string(uid), patient, identity)...)
	if err != nil {
		return 0, err
	}
	return id, w.nameStudy(id, l[archive.LevelStudy])
}

func studyColumns(r match.Record) []any {
	return []any{date(r.Text(dict.StudyDate)), orNull(r.Text(dict.AccessionNumber)), orNull(r.Text(dict.StudyID)), r.Append(nil)}
}

// date returns a date as YYYYMMDD, NULL for what is none.
func date(s string) any {
	d, err := dicom.ParseDate(s)
	if err != nil {
		return nil
	}
	return d.String()
}

// nameStudy indexes the names of a study.
func (w *writing) nameStudy(id int64, r match.Record) error {
	return w.names(dict.ReferringPhysicianName, id, match.FoldedNames(r.Text(dict.ReferringPhysicianName)))
}

// names replaces the index entries of an attribute's names.
func (w *writing) names(tag dicom.Tag, owner int64, folded []string) error {
	if err := w.unname(tag, owner); err != nil || len(folded) == 0 {
		return err
	}
	for _, n := range folded {
		if err := w.exec("INSERT OR IGNORE INTO name (tag, fold, owner) VALUES (?, ?, ?)", tag, n, owner); err != nil {
			return fmt.Errorf("index a name: %w", err)
		}
	}
	err := w.exec("INSERT INTO "+grams[tag]+" (rowid, fold) VALUES (?, ?)", owner, strings.Join(folded, "="))
	if err != nil {
		return fmt.Errorf("index a name: %w", err)
	}
	return nil
}

// unname removes the index entries of an attribute's names.
func (w *writing) unname(tag dicom.Tag, owner int64) error {
	_, has, err := w.number("SELECT 1 FROM name WHERE owner = ? AND tag = ?", owner, tag)
	if !has || err != nil {
		return err
	}
	err = w.exec("DELETE FROM "+grams[tag]+" WHERE rowid = ?", owner)
	if err == nil {
		err = w.exec("DELETE FROM name WHERE owner = ? AND tag = ?", owner, tag)
	}
	return err
}

// equalRecords reports whether stored bytes are those of r.
func equalRecords(stored []byte, r match.Record) bool { return bytes.Equal(stored, r.Append(nil)) }
