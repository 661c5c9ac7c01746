package match

import (
	"strings"
	"unicode/utf8"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// Levels holds one record for each level; index it by archive.Level. Index 0
// holds what catalogs compute.
type Levels [archive.LevelInstance + 1]Record

const (
	// maxText is the longest value that is kept, in bytes: longer ones are cut.
	// No VR but LT, ST, UC, UR and UT permits more.
	maxText = 4 << 10
	// maxItems is how many items of a sequence are kept.
	maxItems = 32
)

// Extract picks the catalog's attributes from a header. The UIDs come from m,
// which has been checked.
func Extract(m *archive.Meta, header *dicom.DataSet) Levels {
	var l Levels
	i := 0
	for e := range header.All() {
		for i < len(table) && table[i].Tag < e.Tag {
			i++
		}
		if i == len(table) {
			break
		}
		a := &table[i]
		if a.Tag != e.Tag || a.Computed || e.Empty() {
			continue
		}
		if v, ok := extract(e, header, a.VR, a.Items); ok {
			l[a.Level] = append(l[a.Level], v)
		}
	}
	l.setUIDs(m)
	return l
}

// ExtractInstance is Extract for the instance level alone.
func ExtractInstance(m *archive.Meta, header *dicom.DataSet) Record {
	var r Record
	for i := range instanceTable {
		a := instanceTable[i]
		e := header.Get(a.Tag)
		if e == nil || e.Empty() {
			continue
		}
		if v, ok := extract(e, header, a.VR, a.Items); ok {
			r = append(r, v)
		}
	}
	r.Set(Value{Tag: dict.SOPInstanceUID, Text: string(m.Instance)})
	r.Set(Value{Tag: dict.SOPClassUID, Text: string(m.SOPClass)})
	return r
}

// setUIDs enters what the vault's description says, which has been checked,
// in place of what the header says.
func (l *Levels) setUIDs(m *archive.Meta) {
	l[archive.LevelStudy].Set(Value{Tag: dict.StudyInstanceUID, Text: string(m.Study)})
	l[archive.LevelSeries].Set(Value{Tag: dict.SeriesInstanceUID, Text: string(m.Series)})
	l[archive.LevelInstance].Set(Value{Tag: dict.SOPInstanceUID, Text: string(m.Instance)})
	l[archive.LevelInstance].Set(Value{Tag: dict.SOPClassUID, Text: string(m.SOPClass)})
}

// Fingerprint appends to b what Extract would read of the patient, study and
// series levels, undecoded: two headers with equal fingerprints give equal
// records there.
func Fingerprint(b []byte, header *dicom.DataSet) []byte {
	i := 0
	for e := range header.All() {
		for i < len(table) && table[i].Tag < e.Tag {
			i++
		}
		if i == len(table) {
			break
		}
		own := table[i].Tag == e.Tag && table[i].Level != archive.LevelInstance
		if !own && e.Tag != dict.SpecificCharacterSet {
			continue
		}
		b = appendElement(b, e, 0)
	}
	return b
}

func appendElement(b []byte, e *dicom.Element, depth int) []byte {
	b = append(b, byte(e.Tag>>24), byte(e.Tag>>16), byte(e.Tag>>8), byte(e.Tag), byte(e.VR>>8), byte(e.VR))
	b = append(b, byte(len(e.Data)>>16), byte(len(e.Data)>>8), byte(len(e.Data)))
	b = append(b, e.Data...)
	if depth > maxNesting {
		return b
	}
	for n, item := range e.Items {
		if n == maxItems {
			break
		}
		b = append(b, 0xFE)
		for inner := range item.All() {
			b = appendElement(b, inner, depth+1)
		}
	}
	return b
}

// extract makes a value of an element; ok is false if it has none that can be kept.
func extract(e *dicom.Element, ds *dicom.DataSet, vr dicom.VR, inner []dicom.Tag) (Value, bool) {
	if vr == dicom.VRSQ {
		return extractItems(e, inner)
	}
	text := strings.Join(e.Strings(ds.CharacterSet), `\`)
	text = cut(strings.TrimRight(text, "\\\x00"))
	return Value{Tag: e.Tag, Text: text}, text != ""
}

func extractItems(e *dicom.Element, inner []dicom.Tag) (Value, bool) {
	v := Value{Tag: e.Tag}
	for _, item := range e.Items {
		var r Record
		for _, t := range inner {
			ie := item.Get(t)
			if ie == nil || ie.Empty() {
				continue
			}
			if iv, ok := extract(ie, item.DataSet, dict.VR(t), nil); ok {
				r = append(r, iv)
			}
		}
		if len(r) > 0 && len(v.Items) < maxItems {
			v.Items = append(v.Items, r)
		}
	}
	return v, len(v.Items) > 0
}

// cut shortens s to maxText bytes at the border of a character.
func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	n := maxText
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
