package match

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// Value is an attribute of an entity: its values as text in UTF-8 without
// padding, joined by backslashes where the VR permits several; numbers in
// decimal. A sequence has Items instead.
type Value struct {
	Tag   dicom.Tag
	Text  string
	Items []Record
}

// Record holds values in ascending order of tags. Attributes without a value are
// not in it.
type Record []Value

// Get returns the value with tag t, nil if there is none.
func (r Record) Get(t dicom.Tag) *Value {
	i, ok := r.search(t)
	if !ok {
		return nil
	}
	return &r[i]
}

// Text returns the text of the value with tag t, "" if there is none.
func (r Record) Text(t dicom.Tag) string {
	if v := r.Get(t); v != nil {
		return v.Text
	}
	return ""
}

func (r Record) search(t dicom.Tag) (int, bool) {
	return slices.BinarySearchFunc(r, t, func(v Value, t dicom.Tag) int { return int(int64(v.Tag) - int64(t)) })
}

// Set adds v or replaces the value with the same tag.
func (r *Record) Set(v Value) {
	if i, ok := r.search(v.Tag); ok {
		(*r)[i] = v
	} else {
		*r = slices.Insert(*r, i, v)
	}
}

// Fill adds to r what it lacks and more has, and reports whether that was
// anything: what an entity said first stays, what it left empty is filled.
func (r *Record) Fill(more Record) bool {
	filled := false
	for _, v := range more {
		if i, ok := r.search(v.Tag); !ok {
			*r = slices.Insert(*r, i, v)
			filled = true
		}
	}
	return filled
}

// Equal reports whether r and o hold the same.
func (r Record) Equal(o Record) bool {
	return slices.EqualFunc(r, o, func(a, b Value) bool {
		return a.Tag == b.Tag && a.Text == b.Text && slices.EqualFunc(a.Items, b.Items, Record.Equal)
	})
}

// errRecord says that the bytes of a record are damaged.
var errRecord = errors.New("malformed catalog record")

// maxNesting bounds sequences in sequences: the table of attributes has none.
const maxNesting = 2

// Append appends r in the form in which catalogs keep it: for each value the
// difference of its tag to the one before, its length in bytes times two, plus
// one for a sequence, both as variable-length integers, and its bytes. An item
// of a sequence is its length and a record.
func (r Record) Append(b []byte) []byte {
	last := dicom.Tag(0)
	for _, v := range r {
		b = binary.AppendUvarint(b, uint64(v.Tag-last))
		last = v.Tag
		if v.Items == nil {
			b = binary.AppendUvarint(b, uint64(len(v.Text))<<1)
			b = append(b, v.Text...)
			continue
		}
		var items []byte
		for _, item := range v.Items {
			one := item.Append(nil)
			items = binary.AppendUvarint(items, uint64(len(one)))
			items = append(items, one...)
		}
		b = binary.AppendUvarint(b, uint64(len(items))<<1|1)
		b = append(b, items...)
	}
	return b
}

// ParseRecord is the inverse of Append.
func ParseRecord(b []byte) (Record, error) { return parseRecord(string(b), 0) }

func parseRecord(s string, depth int) (Record, error) {
	if depth > maxNesting {
		return nil, errRecord
	}
	r := make(Record, 0, len(s)/16+1)
	tag := uint64(0)
	for len(s) > 0 {
		var delta, length uint64
		var ok bool
		if delta, s, ok = uvarint(s); !ok {
			return nil, errRecord
		}
		if length, s, ok = uvarint(s); !ok || length>>1 > uint64(len(s)) {
			return nil, errRecord
		}
		if tag += delta; tag > 0xFFFFFFFF || delta > 0xFFFFFFFF || delta == 0 && len(r) > 0 {
			return nil, errRecord
		}
		v := Value{Tag: dicom.Tag(tag)}
		value := s[:length>>1]
		s = s[length>>1:]
		if length&1 == 0 {
			v.Text = value
		} else {
			var err error
			if v.Items, err = parseItems(value, depth); err != nil {
				return nil, err
			}
		}
		r = append(r, v)
	}
	return r, nil
}

func parseItems(s string, depth int) ([]Record, error) {
	items := []Record{}
	for len(s) > 0 {
		length, rest, ok := uvarint(s)
		if !ok || length > uint64(len(rest)) {
			return nil, errRecord
		}
		item, err := parseRecord(rest[:length], depth+1)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
		s = rest[length:]
	}
	return items, nil
}

func uvarint(s string) (uint64, string, bool) {
	var n uint64
	for i := 0; i < len(s) && i < binary.MaxVarintLen64-1; i++ {
		n |= uint64(s[i]&0x7F) << (7 * i)
		if s[i] < 0x80 {
			return n, s[i+1:], true
		}
	}
	return 0, "", false
}

// FillPatient is Fill for the patient level of a study: an instance that names
// another Patient ID than the study's is of another patient, by mistake or not,
// and fills nothing. other reports that.
func (r *Record) FillPatient(more Record) (filled, other bool) {
	have, id := r.Text(dict.PatientID), more.Text(dict.PatientID)
	if have != "" && id != "" && have != id {
		return false, true
	}
	return r.Fill(more), false
}
