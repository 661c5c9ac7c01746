package match

import (
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

// Answer returns the data set that answers the query for an entity, nil if the
// entity does not match. It holds the keys asked for, empty where the entity or
// the catalog has no value, and the unique keys of the level (for UIDs: of the
// levels above too), in UTF-8.
func (m *Matcher) Answer(l *Levels) *dicom.DataSet {
	if m.shifts {
		shifted := *l
		m.shift(&shifted)
		l = &shifted
	}
	if !m.matches(l, true) {
		return nil
	}
	ds := new(dicom.DataSet)
	ds.Put(dicom.Element{Tag: dict.SpecificCharacterSet, VR: dicom.VRCS, Data: []byte("ISO_IR 192")})
	for e := range m.query.All() {
		if e.Tag != dict.SpecificCharacterSet && !e.Tag.IsGroupLength() {
			ds.Put(m.element(e, l))
		}
	}
	for level := m.Level; level >= archive.LevelPatient; level-- {
		t := unique[level]
		if (level == m.Level || level != archive.LevelPatient) && !ds.Has(t) {
			ds.Put(element(t, dict.VR(t), l[level].Get(t)))
		}
	}
	return ds
}

// element answers one key.
func (m *Matcher) element(e *dicom.Element, l *Levels) dicom.Element {
	switch {
	case e.Tag == dict.QueryRetrieveLevel:
		return text(e.Tag, dicom.VRCS, levelNames[m.Level])
	case e.Tag == dict.TimezoneOffsetFromUTC && m.shifts:
		return text(e.Tag, dicom.VRSH, m.query.String(e.Tag))
	}
	a := m.attribute(e.Tag)
	if a == nil {
		return dicom.Element{Tag: e.Tag, VR: e.VR}
	}
	v := l.of(a).Get(e.Tag)
	if a.VR == dicom.VRSQ {
		return sequence(a, e, v)
	}
	return element(e.Tag, a.VR, v)
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
