package sqlite

import (
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/archive/match"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// where gathers the conditions of a statement. Values are bound, never written
// into the text. The tables go by these names: p patient, i identity, s study,
// e series, n instance.
type where struct {
	conditions []string
	args       []any
}

func (w *where) and(condition string, args ...any) {
	w.conditions = append(w.conditions, condition)
	w.args = append(w.args, args...)
}

// in asks that a column has one of the values.
func (w *where) in(column string, values []string) {
	if len(values) == 1 {
		w.and(column+" = ?", values[0])
		return
	}
	if len(values) > maxInline {
		w.and(column+" IN (SELECT value FROM json_each(?))", list(values))
		return
	}
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	w.and(column+" IN (?"+strings.Repeat(", ?", len(values)-1)+")", args...)
}

// maxInline is how many values of a list stand in a statement themselves: an
// index finds them faster than those of a table made of the list, but each
// number of them is a statement of its own.
const maxInline = 8

func (w *where) String() string {
	if len(w.conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conditions, " AND ")
}

// scoped adds the conditions of a scope, by the tables they concern. The zero
// Scope adds none.
type scoped struct {
	patient, study, series where
	few                    bool // it names patients or studies one by one
	joined                 bool // the conditions on series name patient and study, too
	ordered                bool // an index lists the series in the scope in order of their studies
}

func newScoped(sc policy.Scope, now time.Time) *scoped {
	if sc.Unlimited() {
		return &scoped{}
	}
	if len(sc.Also) > 0 {
		return anyOf(sc.Alternatives(), now)
	}
	c := &scoped{few: len(sc.Patients)+len(sc.Studies) > 0}
	for _, f := range []struct {
		w      *where
		column string
		values []string
	}{
		{&c.patient, "p.pid", sc.Patients},
		{&c.study, "s.uid", sc.Studies},
		{&c.series, "e.institution", sc.Institutions},
		{&c.series, "e.department", sc.Departments},
		{&c.series, "e.modality", sc.Modalities},
		{&c.series, "e.source", sc.Sources},
	} {
		if len(f.values) > 0 {
			f.w.in(f.column, f.values)
			c.ordered = c.ordered || f.w == &c.series && len(f.values) == 1
		}
	}
	if len(sc.Referring) > 0 {
		c.study.and("s.id IN (SELECT owner FROM name WHERE tag = ? AND fold IN (SELECT value FROM json_each(?)))",
			dict.ReferringPhysicianName, list(sc.Referring))
	}
	if sc.MaxAge != 0 {
		c.study.and("s.date >= ?", match.OldestDate(sc.MaxAge, now))
	}
	return c
}

// anyOf adds the conditions of several scopes, of which one has to hold. They
// are asked of each series, with its study and patient.
func anyOf(scopes []policy.Scope, now time.Time) *scoped {
	var alternatives []string
	var args []any
	for _, sc := range scopes {
		one := newScoped(sc, now)
		var w where
		for _, o := range []*where{&one.patient, &one.study, &one.series} {
			w.all(o)
		}
		alternatives = append(alternatives, "( "+strings.Join(w.conditions, " AND ")+")")
		args = append(args, w.args...)
	}
	c := &scoped{joined: true}
	c.series.and("( "+strings.Join(alternatives, " OR ")+")", args...)
	return c
}

// candidates is a superset of what answers a query.
type candidates struct {
	where
	// exact says that all candidates answer the query.
	exact bool
	// found says that an index finds them: nothing has to be looked through.
	found bool
	// walked says that the studies are listed by walking the series in the scope.
	walked bool
}

// key adds a necessary condition for a key, if there is a column for it.
func (c *candidates) key(m *match.Matcher, k *match.Key) {
	switch k.Tag {
	case dict.PatientID:
		c.text("p.pid", k)
	case dict.PatientName:
		c.patientName(k)
	case dict.PatientBirthDate:
		c.inner("s.identity IN (SELECT id FROM identity", "birth", k)
	case dict.StudyInstanceUID:
		c.text("s.uid", k)
	case dict.StudyDate:
		c.date("s.date", k, m.Shifts())
	case dict.AccessionNumber:
		c.text("s.accession", k)
	case dict.StudyID:
		c.text("s.study_id", k)
	case dict.ReferringPhysicianName:
		c.names("s.id", k)
	case dict.ModalitiesInStudy, dict.SOPClassesInStudy:
		c.below(k)
	case dict.SeriesInstanceUID:
		c.text("e.uid", k)
	case dict.Modality:
		c.text("e.modality", k)
	case dict.SOPInstanceUID:
		c.text("n.uid", k)
	case dict.SOPClassUID:
		if k.Kind == match.Single {
			c.and("n.class IN (SELECT id FROM word WHERE text IN (SELECT value FROM json_each(?)))", list(k.Values))
			return
		}
		c.exact = false
	default:
		c.exact = false
	}
}

// text narrows by a column that holds the attribute as it is.
func (c *candidates) text(column string, k *match.Key) {
	switch {
	case k.Kind == match.Single && !k.All:
		c.in(column, k.Values)
		c.found = true
	case k.Kind == match.Wildcard && len(k.Values) == 1:
		c.exact = false
		if prefix := match.Prefix(k.Values[0]); prefix != "" {
			c.prefix(column, prefix)
			c.found = true
		}
	default:
		c.exact = false
	}
}

// prefix asks that a column begins with a text.
func (w *where) prefix(column, prefix string) {
	w.and(column+" >= ?", prefix)
	if after := after(prefix); after != "" {
		w.and(column+" < ?", after)
	}
}

// after returns a text that is greater than all that begin with prefix, in the
// order of bytes; "" if there is none.
func after(prefix string) string {
	b := []byte(prefix)
	for len(b) > 0 && b[len(b)-1] == 0xFF {
		b = b[:len(b)-1]
	}
	if len(b) == 0 {
		return ""
	}
	b[len(b)-1]++
	return string(b)
}

// date narrows by a column that holds YYYYMMDD. In another time zone a study
// may be of the day before or after.
func (c *candidates) date(column string, k *match.Key, shifts bool) {
	if k.Kind != match.Range {
		c.exact = false
		return
	}
	c.exact = c.exact && !shifts && k.Time == 0
	from, to := day(k.From, shifts, -1), day(k.To, shifts, 1)
	if from != "" {
		c.and(column+" >= ?", from)
		c.found = true
	}
	if to != "" {
		c.and(column+" <= ?", to)
		c.found = true
	}
}

func day(s string, shifts bool, by int) string {
	if len(s) < 8 {
		return ""
	}
	s = s[:8]
	if !shifts {
		return s
	}
	t, err := time.Parse("20060102", s)
	if err != nil {
		return ""
	}
	return t.AddDate(0, 0, by).Format("20060102")
}

// inner narrows by a date in another table; open is a condition up to its WHERE.
func (c *candidates) inner(open, column string, k *match.Key) {
	sub := candidates{exact: true}
	sub.date(column, k, false)
	c.exact = c.exact && sub.exact
	if len(sub.conditions) > 0 {
		c.and(open+sub.String()+")", sub.args...)
		c.found = true
	}
}

// below narrows studies by what their series are.
func (c *candidates) below(k *match.Key) {
	c.exact = false
	if k.Kind != match.Single || k.All {
		return
	}
	values := list(k.Values)
	switch {
	case k.Tag == dict.SOPClassesInStudy:
		c.and(`EXISTS (SELECT 1 FROM series x JOIN series_class y ON y.series = x.id JOIN word z ON z.id = y.class
			WHERE x.study = s.id AND z.text IN (SELECT value FROM json_each(?)))`, values)
	case c.found:
		c.and("EXISTS (SELECT 1 FROM series x WHERE x.study = s.id AND x.modality IN (SELECT value FROM json_each(?)))", values)
	default:
		c.and("s.id IN (SELECT study FROM series WHERE modality IN (SELECT value FROM json_each(?)))", values)
		c.found = true
	}
}

// keysInOrder returns the keys with those last that depend on whether others
// find the candidates.
func keysInOrder(keys []match.Key) []match.Key {
	first, last := make([]match.Key, 0, len(keys)), []match.Key(nil)
	for _, k := range keys {
		if k.Tag == dict.ModalitiesInStudy || k.Tag == dict.SOPClassesInStudy {
			last = append(last, k)
		} else {
			first = append(first, k)
		}
	}
	return append(first, last...)
}

// newCandidates makes the conditions of a query.
func newCandidates(m *match.Matcher, sc *scoped) *candidates {
	c := &candidates{exact: true}
	for _, k := range keysInOrder(m.Keys) {
		c.key(m, &k)
	}
	sc.narrow(c, m.Level)
	return c
}

// narrow adds the scope to the conditions of a level: what of an upper level
// has no series in the scope is not there.
func (sc *scoped) narrow(c *candidates, level archive.Level) {
	c.all(&sc.patient)
	c.all(&sc.study)
	c.found = c.found || sc.few
	if len(sc.series.conditions) == 0 {
		return
	}
	c.walked = level == archive.LevelStudy && sc.ordered && !c.found
	if level >= archive.LevelSeries && !c.found && !sc.joined {
		// What is listed in order shall not be sorted, which an index of the
		// scope would ask for.
		args := sc.series.args
		for _, condition := range sc.series.conditions {
			n := strings.Count(condition, "?")
			c.and("+"+condition, args[:n]...)
			args = args[n:]
		}
		return
	}
	if level >= archive.LevelSeries || c.walked {
		c.all(&sc.series)
		return
	}
	c.and("EXISTS (SELECT 1 FROM series e WHERE e.study = s.id AND "+
		strings.Join(sc.series.conditions, " AND ")+")", sc.series.args...)
}

// all adds all conditions of another.
func (w *where) all(o *where) {
	w.conditions = append(w.conditions, o.conditions...)
	w.args = append(w.args, o.args...)
}
