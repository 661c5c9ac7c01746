package storetest

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/archive/match"
	"github.com/tresor-pacs/tresor/internal/policy"
)

func (c *memoryCatalog) Find(ctx context.Context, scope policy.Scope, q archive.Query) iter.Seq2[*dicom.DataSet, error] {
	return func(yield func(*dicom.DataSet, error) bool) {
		found := c.find(scope, q)
		if q.Latest {
			slices.Reverse(found)
		}
		found = found[min(max(q.Offset, 0), len(found)):]
		if q.Limit > 0 {
			found = found[:min(q.Limit, len(found))]
		}
		for _, ds := range found {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			if !yield(ds.ds, nil) {
				return
			}
		}
	}
}

// find returns all answers in the order in which their entities came.
func (c *memoryCatalog) find(scope policy.Scope, q archive.Query) []memoryAnswer {
	c.mu.RLock()
	defer c.mu.RUnlock()
	f := &memoryFind{m: match.New(q), patients: make(map[patientKey]*memoryPatient)}
	f.look(c, scope)
	switch q.Level {
	case archive.LevelPatient:
		f.answerPatients()
	default:
		f.answerStudies(q.Level)
	}
	slices.SortFunc(f.found, func(a, b memoryAnswer) int { return cmp.Compare(a.number, b.number) })
	return f.found
}

// patientKey tells patients apart; one without an ID is told by the study.
type patientKey struct {
	id, issuer string
	study      dicom.UID
}

// memoryPatient is a patient as far as it is visible.
type memoryPatient struct {
	number  int
	studies []*memoryStudyView
	counts  match.Counts
}

// memoryStudyView is a study as far as it is visible.
type memoryStudyView struct {
	*memoryStudy
	patient *memoryPatient
	series  []*memorySeries
	counts  match.Counts
}

type memoryFind struct {
	m        *match.Matcher
	patients map[patientKey]*memoryPatient
	studies  []*memoryStudyView
	found    []memoryAnswer
}

type memoryAnswer struct {
	number int
	ds     *dicom.DataSet
}

// look gathers what the scope shows.
func (f *memoryFind) look(c *memoryCatalog, scope policy.Scope) {
	for _, st := range sorted(c.studies, func(s *memoryStudy) int { return s.number }) {
		v := &memoryStudyView{memoryStudy: st, counts: match.Counts{Studies: 1}}
		for _, se := range sorted(st.series, func(s *memorySeries) int { return s.number }) {
			if c.visible(scope, se) {
				v.series = append(v.series, se)
				v.counts.Add(se.counts())
			}
		}
		if len(v.series) == 0 {
			continue
		}
		key := patientKey{id: st.patient.Text(dict.PatientID), issuer: st.patient.Text(dict.IssuerOfPatientID)}
		if key.id == "" {
			key.study = dicom.UID(st.study.Text(dict.StudyInstanceUID))
		}
		if f.patients[key] == nil {
			f.patients[key] = &memoryPatient{number: st.number}
		}
		v.patient = f.patients[key]
		v.patient.studies = append(v.patient.studies, v)
		v.patient.counts.Add(v.counts)
		f.studies = append(f.studies, v)
	}
}

func (se *memorySeries) counts() match.Counts {
	n := match.Counts{Series: 1, Instances: len(se.instances)}
	n.Add(match.Counts{Modalities: []string{se.record.Text(dict.Modality)}})
	for _, i := range se.instances {
		n.Add(match.Counts{Classes: []string{string(i.entry.SOPClass)}})
	}
	return n
}

// answerPatients answers each patient once, as the first of its studies says
// that matches: studies may have spelled the name in different ways.
func (f *memoryFind) answerPatients() {
	for _, p := range f.patients {
		for _, st := range p.studies {
			l := match.Levels{archive.LevelPatient: st.memoryStudy.patient}
			f.m.Compute(&l, &p.counts, nil, nil)
			if f.answer(&l, p.number) {
				break
			}
		}
	}
}

func (f *memoryFind) answerStudies(level archive.Level) {
	for _, st := range f.studies {
		l := match.Levels{archive.LevelPatient: st.memoryStudy.patient, archive.LevelStudy: st.study}
		if level == archive.LevelStudy {
			f.m.Compute(&l, &st.patient.counts, &st.counts, nil)
			f.answer(&l, st.number)
			continue
		}
		for _, se := range st.series {
			f.answerSeries(st, se, l, level)
		}
	}
}

func (f *memoryFind) answerSeries(st *memoryStudyView, se *memorySeries, l match.Levels, level archive.Level) {
	l[archive.LevelSeries] = se.record
	n := se.counts()
	f.m.Compute(&l, &st.patient.counts, &st.counts, &n)
	if level == archive.LevelSeries {
		f.answer(&l, se.number)
		return
	}
	for _, i := range se.instances {
		l[archive.LevelInstance] = i.record
		f.answer(&l, i.number)
	}
}

func (f *memoryFind) answer(l *match.Levels, number int) bool {
	ds := f.m.Answer(l)
	if ds != nil {
		f.found = append(f.found, memoryAnswer{number, ds})
	}
	return ds != nil
}
