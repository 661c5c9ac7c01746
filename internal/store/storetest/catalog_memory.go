package storetest

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/archive/match"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// NewCatalog returns a Catalog in memory for tests: it keeps the contract of
// archive.Catalog by looking at everything, and says the same as a real one.
func NewCatalog() archive.Catalog {
	c := &memoryCatalog{now: time.Now}
	c.reset()
	return c
}

type memoryCatalog struct {
	now        func() time.Time
	mu         sync.RWMutex
	mark       archive.Mark
	last       int // the number given last
	studies    map[dicom.UID]*memoryStudy
	instances  map[dicom.UID]*memoryInstance
	quarantine []archive.Quarantined
}

type memoryStudy struct {
	number         int
	patient, study match.Record
	series         map[dicom.UID]*memorySeries
}

type memorySeries struct {
	number    int
	study     *memoryStudy
	record    match.Record
	source    string
	instances map[dicom.UID]*memoryInstance
}

type memoryInstance struct {
	number int
	series *memorySeries
	record match.Record
	entry  archive.Entry
}

func (c *memoryCatalog) reset() {
	c.mark, c.quarantine = "", nil
	c.studies = make(map[dicom.UID]*memoryStudy)
	c.instances = make(map[dicom.UID]*memoryInstance)
}

func (c *memoryCatalog) next() int { c.last++; return c.last }

func (c *memoryCatalog) Add(ctx context.Context, l archive.Location, m *archive.Meta, header *dicom.DataSet, mark archive.Mark) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	levels := match.Extract(m, header)
	e := archive.Entry{Patient: levels[archive.LevelPatient].Text(dict.PatientID), Study: m.Study, Series: m.Series,
		Instance: m.Instance, SOPClass: m.SOPClass, TransferSyntax: m.TransferSyntax, Length: m.Length,
		SHA256: m.SHA256, Location: l, Source: m.Source}
	c.mu.Lock()
	defer c.mu.Unlock()
	if mark != "" {
		c.mark = mark
	}
	if m.Kind == archive.KindQuarantine {
		if !slices.ContainsFunc(c.quarantine, func(q archive.Quarantined) bool { return q.Location == l }) {
			c.quarantine = append(c.quarantine, archive.Quarantined{Entry: e, Received: m.Received.UTC()})
		}
		return nil
	}
	if c.instances[m.Instance] != nil {
		return nil
	}
	se := c.enter(&levels, &e)
	i := &memoryInstance{number: c.next(), series: se, record: levels[archive.LevelInstance], entry: e}
	i.entry.Patient = se.study.patient.Text(dict.PatientID)
	se.instances[m.Instance], c.instances[m.Instance] = i, i
	return nil
}

// enter returns the series of a new instance. What a study or series said first
// stays; what it left empty is filled.
func (c *memoryCatalog) enter(l *match.Levels, e *archive.Entry) *memorySeries {
	st := c.studies[e.Study]
	if st == nil {
		st = &memoryStudy{number: c.next(), series: make(map[dicom.UID]*memorySeries)}
		c.studies[e.Study] = st
	}
	st.patient.FillPatient(l[archive.LevelPatient])
	st.study.Fill(l[archive.LevelStudy])
	se := st.series[e.Series]
	if se == nil {
		se = &memorySeries{number: c.next(), study: st, source: e.Source, instances: make(map[dicom.UID]*memoryInstance)}
		st.series[e.Series] = se
	}
	se.record.Fill(l[archive.LevelSeries])
	return se
}

func (c *memoryCatalog) Mark(context.Context) (archive.Mark, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.mark, nil
}

func (c *memoryCatalog) Instance(_ context.Context, uid dicom.UID) (archive.Entry, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if i := c.instances[uid]; i != nil {
		return i.entry, nil
	}
	return archive.Entry{}, archive.ErrNotFound
}

func (c *memoryCatalog) Instances(ctx context.Context, scope policy.Scope, q archive.Query) iter.Seq2[archive.Entry, error] {
	return func(yield func(archive.Entry, error) bool) {
		for _, i := range c.below(scope, q) {
			if err := ctx.Err(); err != nil {
				yield(archive.Entry{}, err)
				return
			}
			if !yield(i.entry, nil) {
				return
			}
		}
	}
}

// below returns the instances that unique keys name, in order.
func (c *memoryCatalog) below(scope policy.Scope, q archive.Query) []*memoryInstance {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var found []*memoryInstance
	patients, studies := match.Unique(q, archive.LevelPatient), match.Unique(q, archive.LevelStudy)
	series, instances := match.Unique(q, archive.LevelSeries), match.Unique(q, archive.LevelInstance)
	if len(patients)+len(studies)+len(series)+len(instances) == 0 {
		return nil
	}
	in := func(list []string, s string) bool { return len(list) == 0 || slices.Contains(list, s) }
	for _, i := range c.instances {
		e := &i.entry
		if in(patients, e.Patient) && in(studies, string(e.Study)) && in(series, string(e.Series)) &&
			in(instances, string(e.Instance)) && c.visible(scope, i.series) {
			found = append(found, i)
		}
	}
	slices.SortFunc(found, func(a, b *memoryInstance) int {
		return cmp.Or(cmp.Compare(a.series.study.number, b.series.study.number), cmp.Compare(a.series.number, b.series.number),
			cmp.Compare(instanceNumber(a), instanceNumber(b)), cmp.Compare(a.number, b.number))
	})
	return found
}

func instanceNumber(i *memoryInstance) int64 {
	n, err := strconv.ParseInt(i.record.Text(dict.InstanceNumber), 10, 64)
	if err != nil {
		return -1 << 63
	}
	return n
}

func (c *memoryCatalog) visible(scope policy.Scope, se *memorySeries) bool {
	l := se.levels()
	return match.Visible(scope, &l, se.source, c.now())
}

func (se *memorySeries) levels() match.Levels {
	return match.Levels{archive.LevelPatient: se.study.patient, archive.LevelStudy: se.study.study, archive.LevelSeries: se.record}
}

func (c *memoryCatalog) Remove(_ context.Context, instances []dicom.UID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, uid := range instances {
		i := c.instances[uid]
		if i == nil {
			continue
		}
		delete(c.instances, uid)
		delete(i.series.instances, uid)
		if len(i.series.instances) == 0 {
			delete(i.series.study.series, i.entry.Series)
		}
		if len(i.series.study.series) == 0 {
			delete(c.studies, i.entry.Study)
		}
	}
	return nil
}

func (c *memoryCatalog) Quarantine(_ context.Context, instance dicom.UID) iter.Seq2[archive.Quarantined, error] {
	return func(yield func(archive.Quarantined, error) bool) {
		c.mu.RLock()
		all := slices.Clone(c.quarantine)
		c.mu.RUnlock()
		for _, q := range all {
			if (instance == "" || q.Instance == instance) && !yield(q, nil) {
				return
			}
		}
	}
}

func (c *memoryCatalog) Release(_ context.Context, objects []archive.Location) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.quarantine = slices.DeleteFunc(c.quarantine, func(q archive.Quarantined) bool { return slices.Contains(objects, q.Location) })
	return nil
}

func (c *memoryCatalog) Reset(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reset()
	return nil
}

func (c *memoryCatalog) Close() error { return nil }

// sorted returns the values of a map in order of their numbers.
func sorted[V any](m map[dicom.UID]V, number func(V) int) []V {
	return slices.SortedFunc(maps.Values(m), func(a, b V) int { return cmp.Compare(number(a), number(b)) })
}
