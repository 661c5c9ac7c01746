package archive

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// Erased says what an erasure took away.
type Erased struct {
	Instances int
	Bytes     int64
}

// Erase destroys the key of a study and takes it out of the catalog (right
// Erase). It is in the trail before anything is destroyed, and may be called
// again after a crash. Whether the study may be erased, the caller has decided.
func (s *Session) Erase(ctx context.Context, study dicom.UID) (Erased, error) {
	var sum Erased
	e := audit.Event{Code: audit.StudyDeleted, Action: audit.Delete, Studies: []dicom.UID{study}}
	var instances []dicom.UID
	for entry, err := range s.archive.catalog.Instances(ctx, policy.Scope{}, oneStudy(study)) {
		if err != nil {
			return sum, fmt.Errorf("erase study %s: %w", study, err)
		}
		instances = append(instances, entry.Instance)
		addOnce(&e.Patients, entry.Patient)
		addOnce(&e.SOPClasses, entry.SOPClass)
		sum.Instances++
		sum.Bytes += entry.Length
	}
	aside, err := s.asideOf(ctx, study)
	if err != nil {
		return sum, fmt.Errorf("erase study %s: %w", study, err)
	}
	e.Count, e.Bytes = sum.Instances, sum.Bytes
	if err := s.Authorise(ctx, policy.Erase, e); err != nil {
		return sum, err
	}
	ctx = context.WithoutCancel(ctx)
	if err := s.archive.vault.Erase(ctx, study); err != nil {
		return sum, fmt.Errorf("erase study %s: %w", study, err)
	}
	if err := s.archive.catalog.Remove(ctx, instances); err != nil {
		return sum, fmt.Errorf("erase study %s: %w", study, err)
	}
	if err := s.archive.catalog.Release(ctx, aside); err != nil {
		return sum, fmt.Errorf("erase study %s: %w", study, err)
	}
	return sum, nil
}

// asideOf lists what of a study lies in the quarantine.
func (s *Session) asideOf(ctx context.Context, study dicom.UID) (list []Location, err error) {
	for q, err := range s.archive.catalog.Quarantine(ctx, "") {
		if err != nil {
			return nil, err
		}
		if q.Study == study {
			list = append(list, q.Location)
		}
	}
	return list, nil
}

func oneStudy(uid dicom.UID) Query {
	q := Query{Level: LevelStudy, Keys: new(dicom.DataSet)}
	q.Keys.PutUID(dict.StudyInstanceUID, uid)
	return q
}

// Facts is what the time for which a study is kept depends on.
type Facts struct {
	policy.Study
	UID     dicom.UID
	Patient string // Patient ID
}

// Facts yields what retention depends on, of one study or, if uid is empty, of
// all (right Hold). It names no patient but by ID.
func (s *Session) Facts(ctx context.Context, uid dicom.UID) iter.Seq2[Facts, error] {
	return func(yield func(Facts, error) bool) {
		e := audit.Event{Code: audit.ObjectSecurity, Action: audit.Execute, Details: []audit.Detail{{Name: "what", Value: "retention computed"}}}
		if uid != "" {
			e.Studies = []dicom.UID{uid}
		}
		if err := s.Authorise(ctx, policy.Hold, e); err != nil {
			yield(Facts{}, err)
			return
		}
		if err := s.facts(ctx, uid, func(f Facts) bool { return yield(f, nil) }); err != nil {
			yield(Facts{}, fmt.Errorf("compute retention: %w", err))
		}
	}
}

// StudiesOf returns the studies that the patient with the ID has now, as Facts
// tells them; ErrNotFound if there are none.
func StudiesOf(ctx context.Context, s *Session, patient string) (list []dicom.UID, err error) {
	for f, err := range s.Facts(ctx, "") {
		if err != nil {
			return nil, err
		}
		if f.Patient == patient {
			list = append(list, f.UID)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("studies of the patient: %w", ErrNotFound)
	}
	return list, nil
}

func (s *Session) facts(ctx context.Context, uid dicom.UID, yield func(Facts) bool) error {
	keys := new(dicom.DataSet)
	if uid != "" {
		keys.PutUID(dict.StudyInstanceUID, uid)
	}
	last := map[string]time.Time{} // the last examination of each patient
	var patient string
	err := s.eachStudy(ctx, keys, func(f Facts) bool { patient = f.Patient; last[patient] = later(last[patient], f.Examined); return true })
	if err == nil && uid != "" && patient != "" {
		others := new(dicom.DataSet)
		if err := others.PutString(dict.PatientID, dicom.VRLO, patient); err != nil {
			return err
		}
		err = s.eachStudy(ctx, others, func(f Facts) bool { last[patient] = later(last[patient], f.Examined); return true })
	}
	if err != nil {
		return err
	}
	return s.eachStudy(ctx, keys, func(f Facts) bool {
		if f.Patient != "" {
			f.Last = last[f.Patient]
		}
		return yield(f)
	})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (s *Session) eachStudy(ctx context.Context, keys *dicom.DataSet, f func(Facts) bool) error {
	q := Query{Level: LevelStudy, Keys: new(dicom.DataSet)}
	for _, tag := range []dicom.Tag{dict.StudyInstanceUID, dict.PatientID, dict.PatientBirthDate, dict.StudyDate, dict.ModalitiesInStudy} {
		q.Keys.Put(dicom.Element{Tag: tag, VR: dict.VR(tag)})
	}
	for e := range keys.All() {
		q.Keys.Put(*e)
	}
	for ds, err := range s.archive.catalog.Find(ctx, policy.Scope{}, q) {
		if err != nil {
			return err
		}
		one := Facts{UID: ds.UID(dict.StudyInstanceUID), Patient: ds.String(dict.PatientID)}
		one.Examined, one.Birth = studyDate(ds), dateOf(ds, dict.PatientBirthDate)
		one.Modalities = ds.Strings(dict.ModalitiesInStudy)
		if !f(one) {
			return nil
		}
	}
	return nil
}
