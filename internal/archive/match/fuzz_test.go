package match

import (
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// FuzzKeys: whatever is in an identifier, it is made ready, matched and answered
// without a panic, and the answer does not match a query that it did not.
func FuzzKeys(f *testing.F) {
	for i, s := range []string{"SMI*", "20240101-", `""`, "-1200", "1000-1200", "20240101-0500", `1.2\1.3`, "*?*", "+0100", "a=b=c"} {
		f.Add(uint16(i), byte(i), byte(i*31), []byte(s), []byte("Smith^John=山田"))
	}
	f.Fuzz(func(t *testing.T, attribute uint16, level, negotiated byte, key, value []byte) {
		a := table[int(attribute)%len(table)]
		q := archive.Query{Level: archive.Level(level%4) + 1, Keys: new(dicom.DataSet), DateTimeMatching: negotiated&1 != 0,
			FuzzyNames: negotiated&2 != 0, EmptyValue: negotiated&4 != 0, MultipleValue: negotiated&8 != 0, TimezoneOffset: negotiated&16 != 0}
		put := func(ds *dicom.DataSet, b []byte) {
			e := dicom.Element{Tag: a.Tag, VR: a.VR, Data: b}
			if a.VR == dicom.VRSQ {
				item := new(dicom.DataSet)
				item.Put(dicom.Element{Tag: a.Items[0], VR: dict.VR(a.Items[0]), Data: b})
				e.Data, e.Items = nil, []dicom.Item{{DataSet: item}}
			}
			ds.Put(e)
			for _, p := range pairs {
				if p.date == a.Tag {
					ds.Put(dicom.Element{Tag: p.time, VR: dicom.VRTM, Data: b})
				}
			}
			ds.Put(dicom.Element{Tag: dict.TimezoneOffsetFromUTC, VR: dicom.VRSH, Data: b})
		}
		put(q.Keys, key)
		header := new(dicom.DataSet)
		put(header, value)
		l := Extract(&archive.Meta{Study: "1", Series: "2", Instance: "3", SOPClass: "4"}, header)
		for _, r := range l {
			parsed, err := ParseRecord(r.Append(nil))
			if err != nil || !parsed.Equal(r) {
				t.Fatalf("a record changes: %v", err)
			}
		}
		m := New(q)
		m.Compute(&l, &Counts{}, &Counts{}, &Counts{})
		answer := m.Answer(&l)
		if answer != nil && !m.MayMatch(&l) {
			t.Error("MayMatch excludes an answer")
		}
		for i := range m.Keys {
			for _, v := range m.Keys[i].Values {
				Prefix(v)
				Pieces(v)
			}
		}
	})
}

// FuzzRecord: damaged records are errors.
func FuzzRecord(f *testing.F) {
	f.Add(Record{{Tag: dict.StudyDate, Text: "20240101"},
		{Tag: dict.RequestAttributesSequence, Items: []Record{{{Tag: dict.RequestedProcedureID, Text: "1"}}}}}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseRecord(b)
		if err != nil {
			return
		}
		again, err := ParseRecord(r.Append(nil))
		if err != nil || !again.Equal(r) {
			t.Errorf("read again: %v", err)
		}
	})
}
