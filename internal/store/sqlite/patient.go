package sqlite

import (
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive/match"
)

// patient returns the number of the patient with the ID and issuer in r, which
// it makes if need be. Without an ID nothing says that two are the same: each
// time it makes another.
func (w *writing) patient(r match.Record) (int64, error) {
	pid, issuer := r.Text(dict.PatientID), r.Text(dict.IssuerOfPatientID)
	if pid != "" {
		id, ok, err := w.number("SELECT id FROM patient WHERE pid = ? AND issuer = ?", pid, issuer)
		if ok || err != nil {
			return id, err
		}
	}
	return w.insert("INSERT INTO patient (pid, issuer) VALUES (?, ?)", orNull(pid), issuer)
}

// identity returns the number of what r says about a patient, which it makes if
// no study has said the same. If another study has said what cannot be true of
// the same person, the patient is flagged; nothing is merged or hidden.
func (w *writing) identity(patient int64, r match.Record) (int64, error) {
	var same int64
	collision := false
	err := w.query("SELECT id, record FROM identity WHERE patient = ? ORDER BY id", []any{patient}, func(s *sqlite3.Stmt) bool {
		stored := s.ColumnBlob(1, nil)
		if equalRecords(stored, r) {
			same = s.ColumnInt64(0)
			return false
		}
		other, err := match.ParseRecord(stored)
		collision = collision || err == nil && collide(r, other)
		return true
	})
	if same != 0 || err != nil {
		return same, err
	}
	id, err := w.insert("INSERT INTO identity (patient, birth, record) VALUES (?, ?, ?)",
		patient, date(r.Text(dict.PatientBirthDate)), r.Append(nil))
	if err != nil {
		return 0, err
	}
	if collision {
		if err := w.exec("UPDATE patient SET collision = 1 WHERE id = ?", patient); err != nil {
			return 0, err
		}
	}
	return id, w.nameIdentity(id, r)
}

// collide reports whether two records of one ID have different names or birth
// dates.
func collide(a, b match.Record) bool {
	differ := func(x, y string) bool { return x != "" && y != "" && x != y }
	return differ(dicom.FoldName(a.Text(dict.PatientName)), dicom.FoldName(b.Text(dict.PatientName))) ||
		differ(a.Text(dict.PatientBirthDate), b.Text(dict.PatientBirthDate))
}

// nameIdentity indexes the names of an identity.
func (w *writing) nameIdentity(id int64, r match.Record) error {
	name := r.Text(dict.PatientName)
	if err := w.names(dict.PatientName, id, match.FoldedNames(name)); err != nil {
		return err
	}
	for _, word := range dicom.FuzzyKeys(name) {
		if err := w.exec("INSERT OR IGNORE INTO sound (word, owner) VALUES (?, ?)", word, id); err != nil {
			return fmt.Errorf("index a name: %w", err)
		}
	}
	return nil
}

// fillIdentity gives a study what a later instance says of the patient and the
// earlier ones left empty. The study stays with its patient, whatever the later
// instance says.
func (w *writing) fillIdentity(study int64, r match.Record) error {
	var patient, identity int64
	var record []byte
	err := w.query("SELECT i.patient, i.id, i.record FROM study s JOIN identity i ON i.id = s.identity WHERE s.id = ?",
		[]any{study}, func(s *sqlite3.Stmt) bool {
			patient, identity, record = s.ColumnInt64(0), s.ColumnInt64(1), s.ColumnBlob(2, nil)
			return false
		})
	if err != nil {
		return err
	}
	have, err := match.ParseRecord(record)
	if err != nil {
		return err
	}
	filled, other := have.FillPatient(r)
	if other {
		return w.exec("UPDATE patient SET collision = 1 WHERE id = ? AND collision = 0", patient)
	}
	if !filled {
		return nil
	}
	return w.moveStudy(study, patient, identity, record, have)
}

// moveStudy gives a study another identity, and another patient if its Patient
// ID came late.
func (w *writing) moveStudy(study, patient, identity int64, record []byte, have match.Record) error {
	before, err := match.ParseRecord(record)
	if err != nil {
		return err
	}
	moved := patient
	if before.Text(dict.PatientID) != have.Text(dict.PatientID) || before.Text(dict.IssuerOfPatientID) != have.Text(dict.IssuerOfPatientID) {
		if moved, err = w.patient(have); err != nil {
			return err
		}
	}
	next, err := w.identity(moved, have)
	if err == nil {
		err = w.exec("UPDATE study SET identity = ?, patient = ? WHERE id = ?", next, moved, study)
	}
	if err == nil {
		err = w.dropIdentity(identity)
	}
	if err == nil {
		err = w.dropPatient(patient)
	}
	return err
}

// dropIdentity removes an identity that no study has.
func (w *writing) dropIdentity(id int64) error {
	_, used, err := w.number("SELECT 1 FROM study WHERE identity = ? LIMIT 1", id)
	if used || err != nil {
		return err
	}
	if err := w.unname(dict.PatientName, id); err != nil {
		return err
	}
	if err := w.exec("DELETE FROM sound WHERE owner = ?", id); err != nil {
		return err
	}
	return w.exec("DELETE FROM identity WHERE id = ?", id)
}

// dropPatient removes a patient without studies.
func (w *writing) dropPatient(id int64) error {
	return w.exec("DELETE FROM patient WHERE id = ? AND NOT EXISTS (SELECT 1 FROM study s WHERE s.patient = patient.id)", id)
}
