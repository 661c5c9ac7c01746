package match

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// levelNames are the values of Query/Retrieve Level (0008,0052).
var levelNames = map[archive.Level]string{
	archive.LevelPatient: "PATIENT", archive.LevelStudy: "STUDY",
	archive.LevelSeries: "SERIES", archive.LevelInstance: "IMAGE",
}

// column is one element of every answer.
type column struct {
	tag   dicom.Tag
	fixed *dicom.Element // the element itself, if all entities have the same
	attr  *Attribute     // else where its value is,
	asked *dicom.Element // and the key; nil for what is answered without being asked
}

// columns makes the elements of answers: the keys asked for, and the unique
// keys of the level (for UIDs: of the levels above too).
func (m *Matcher) columns() []column {
	utf8 := text(dict.SpecificCharacterSet, dicom.VRCS, "ISO_IR 192")
	all := []column{{tag: utf8.Tag, fixed: &utf8}}
	for e := range m.query.All() {
		if e.Tag != dict.SpecificCharacterSet && !e.Tag.IsGroupLength() {
			all = append(all, m.column(e))
		}
	}
	for level := m.Level; level >= archive.LevelPatient; level-- {
		t := unique[level]
		if (level == m.Level || level != archive.LevelPatient) && !m.query.Has(t) {
			all = append(all, column{tag: t, attr: Lookup(t)})
		}
	}
	slices.SortFunc(all, func(a, b column) int { return cmp.Compare(a.tag, b.tag) })
	return all
}

// column answers one key.
func (m *Matcher) column(e *dicom.Element) column {
	fixed := dicom.Element{Tag: e.Tag, VR: e.VR}
	switch {
	case e.Tag == dict.QueryRetrieveLevel:
		fixed = text(e.Tag, dicom.VRCS, levelNames[m.Level])
	case e.Tag == dict.TimezoneOffsetFromUTC && m.shifts:
		fixed = text(e.Tag, dicom.VRSH, m.query.String(e.Tag))
	default:
		if a := m.attribute(e.Tag); a != nil {
			return column{tag: e.Tag, attr: a, asked: e}
		}
	}
	return column{tag: e.Tag, fixed: &fixed}
}

// Answer returns the data set that answers the query for an entity, nil if the
// entity does not match. It holds the keys asked for, empty where the entity or
// the catalog has no value, and the unique keys, in UTF-8.
func (m *Matcher) Answer(l *Levels) *dicom.DataSet {
	if m.shifts {
		shifted := *l
		m.shift(&shifted)
		l = &shifted
	}
	if !m.matches(l, true) {
		return nil
	}
	elements := make([]dicom.Element, len(m.answer), len(m.answer)+2) // callers add to it
	for i := range m.answer {
		switch c := &m.answer[i]; {
		case c.fixed != nil:
			elements[i] = *c.fixed
		case c.attr.VR == dicom.VRSQ && c.asked != nil:
			elements[i] = sequence(c.attr, c.asked, l.of(c.attr).Get(c.tag))
		default:
			elements[i] = element(c.tag, c.attr.VR, l.of(c.attr).Get(c.tag))
		}
	}
	ds := new(dicom.DataSet)
	if err := ds.Append(elements...); err != nil {
		panic(err) // columns are sorted, and have each tag once
	}
	return ds
}

// sequence answers a sequence with the attributes that the key's item names,
// with all that are kept if it names none.
func sequence(a *Attribute, e *dicom.Element, v *Value) dicom.Element {
	out := dicom.Element{Tag: e.Tag, VR: dicom.VRSQ}
	if v == nil {
		return out
	}
	for _, r := range v.Items {
		item := new(dicom.DataSet)
		if len(e.Items) == 0 || e.Items[0].Len() == 0 {
			for i := range r {
				item.Put(element(r[i].Tag, itemVR(r[i].Tag), &r[i]))
			}
		} else {
			for asked := range e.Items[0].All() {
				item.Put(itemElement(a, asked, r))
			}
		}
		out.Items = append(out.Items, dicom.Item{DataSet: item})
	}
	return out
}

func itemElement(a *Attribute, asked *dicom.Element, r Record) dicom.Element {
	if !slices.Contains(a.Items, asked.Tag) {
		return dicom.Element{Tag: asked.Tag, VR: asked.VR}
	}
	return element(asked.Tag, itemVR(asked.Tag), r.Get(asked.Tag))
}

func itemVR(t dicom.Tag) dicom.VR { return dict.VR(t) }

// element makes the element for a value.
func element(t dicom.Tag, vr dicom.VR, v *Value) dicom.Element {
	if v == nil {
		return dicom.Element{Tag: t, VR: vr}
	}
	if vr.IsText() {
		return text(t, vr, v.Text)
	}
	var ds dicom.DataSet
	var numbers []int64
	for s := range strings.SplitSeq(v.Text, `\`) {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return dicom.Element{Tag: t, VR: vr}
		}
		numbers = append(numbers, n)
	}
	if ds.PutInts(t, vr, numbers...) != nil {
		return dicom.Element{Tag: t, VR: vr}
	}
	return *ds.Get(t)
}

func text(t dicom.Tag, vr dicom.VR, s string) dicom.Element {
	if s == "" {
		return dicom.Element{Tag: t, VR: vr}
	}
	return dicom.Element{Tag: t, VR: vr, Data: dicom.Pad([]byte(s), vr)}
}
