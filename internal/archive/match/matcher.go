package match

import (
	"cmp"
	"slices"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// Matcher is a query made ready. It does not change and may be used by many at once.
type Matcher struct {
	Level archive.Level
	// Keys narrow the answer. They belong to the query's level and those above:
	// keys of upper levels are honoured at every level, as relational queries
	// have them (PS3.4 section C.4.1.3.2); keys of lower levels are answered empty.
	Keys []Key

	query  *dicom.DataSet
	answer []column
	zone   zone
	shifts bool // dates and times are moved into zone
}

// New makes the matcher of a query.
func New(q archive.Query) *Matcher {
	m := &Matcher{Level: q.Level, query: q.Keys}
	if m.query == nil {
		m.query = new(dicom.DataSet)
	}
	if q.TimezoneOffset {
		m.zone, m.shifts = parseZone(m.query.String(dict.TimezoneOffsetFromUTC))
	}
	o := options{fuzzy: q.FuzzyNames, empty: q.EmptyValue, multiple: q.MultipleValue, zone: m.zone}
	for e := range m.query.All() {
		a := m.attribute(e.Tag)
		if a == nil || e.Tag == dict.TimezoneOffsetFromUTC && m.shifts {
			continue
		}
		if k, ok := newKey(*a, e, m.query, o); ok {
			m.Keys = append(m.Keys, k)
		}
	}
	if q.DateTimeMatching {
		m.combine()
	}
	m.answer = m.columns()
	return m
}

// attribute returns the attribute for a key of the query, nil if the catalog
// has it not, or not at this level.
func (m *Matcher) attribute(t dicom.Tag) *Attribute {
	if a := Lookup(t); a != nil && a.Level <= m.Level {
		return a
	}
	return nil
}

// Asks reports whether the answer depends on the attribute.
func (m *Matcher) Asks(t dicom.Tag) bool { return m.query.Has(t) && m.attribute(t) != nil }

// Shifts reports whether dates and times are moved into another time zone
// before they are compared: an entity's date may then be a day away from what a
// Key says.
func (m *Matcher) Shifts() bool { return m.shifts }

// pairs are the attributes that together are one moment (PS3.4 section
// C.2.2.2.5.4), and that move together into another time zone. A birth is not
// among them.
var pairs = []struct{ date, time dicom.Tag }{
	{dict.StudyDate, dict.StudyTime},
	{dict.SeriesDate, dict.SeriesTime},
	{dict.PerformedProcedureStepStartDate, dict.PerformedProcedureStepStartTime},
	{dict.AcquisitionDate, dict.AcquisitionTime},
	{dict.ContentDate, dict.ContentTime},
	{dict.InstanceCreationDate, dict.InstanceCreationTime},
	{dict.PresentationCreationDate, dict.PresentationCreationTime},
}

// combine makes one key of those for a date and its time.
func (m *Matcher) combine() {
	for _, p := range pairs {
		d := slices.IndexFunc(m.Keys, func(k Key) bool { return k.Tag == p.date && k.Kind == Range })
		t := slices.IndexFunc(m.Keys, func(k Key) bool { return k.Tag == p.time && k.Kind == Range })
		if d < 0 || t < 0 {
			continue
		}
		date, time := &m.Keys[d], m.Keys[t]
		date.Time = p.time
		if date.From != "" {
			date.From += cmp.Or(time.From, earliest)
		}
		if date.To != "" {
			date.To += cmp.Or(time.To, latest)
		}
		m.Keys = slices.Delete(m.Keys, t, t+1)
	}
}

// MayMatch reports whether an entity matches all keys but those for computed
// attributes, as far as that can be said cheaply.
func (m *Matcher) MayMatch(l *Levels) bool { return m.shifts || m.matches(l, false) }

// matches reports whether an entity matches all keys. Index 0 of l holds the
// computed attributes that the query asks for.
func (m *Matcher) matches(l *Levels, computed bool) bool {
	z := entityZone(l)
	if m.shifts {
		z = m.zone
	}
	for i := range m.Keys {
		k := &m.Keys[i]
		if k.Computed && !computed {
			continue
		}
		r := l.of(&k.Attribute)
		if k.Time != 0 {
			if !k.matchesPair(r) {
				return false
			}
			continue
		}
		if !k.matches(r.Get(k.Tag), z) {
			return false
		}
	}
	return true
}

// matchesPair compares a date and its time as one moment; an entity without a
// time was there the whole day.
func (k *Key) matchesPair(r Record) bool {
	d, err := dicom.ParseDate(r.Text(k.Tag))
	if err != nil {
		return false
	}
	day := dicom.Range{From: earliest, To: latest}
	if t, err := dicom.ParseTime(r.Text(k.Time)); err == nil {
		day = t.Span()
	}
	asked := dicom.Range{From: k.From, To: k.To}
	return asked.Overlaps(dicom.Range{From: d.String() + day.From, To: d.String() + day.To})
}

// of returns the record in which the attribute is.
func (l *Levels) of(a *Attribute) Record {
	if a.Computed {
		return l[0]
	}
	return l[a.Level]
}

func entityZone(l *Levels) zone {
	z, _ := parseZone(l[archive.LevelStudy].Text(dict.TimezoneOffsetFromUTC))
	return z
}

// shift moves the dates and times of an entity into the zone of the query.
func (m *Matcher) shift(l *Levels) {
	from := entityZone(l)
	for level := archive.LevelStudy; level <= archive.LevelInstance; level++ {
		l[level] = slices.Clone(l[level])
		for _, p := range pairs {
			shiftPair(l[level], p.date, p.time, from, m.zone)
		}
	}
}
