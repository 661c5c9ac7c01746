package storetest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// TestCatalog is the suite that every Catalog passes. open gives an empty one,
// which the suite closes.
func TestCatalog(t *testing.T, open func(t *testing.T) archive.Catalog) {
	for _, part := range []struct {
		name string
		run  func(*testing.T, func(*testing.T) archive.Catalog)
	}{
		{"Lifecycle", testLifecycle},
		{"Quarantine", testQuarantine},
		{"Merge", testMerge},
		{"Remove", testRemove},
		{"Instances", testInstances},
		{"Matching", testMatching},
		{"Answers", testAnswers},
		{"Negotiated", testNegotiated},
		{"Patients", testPatients},
		{"Scope", testScope},
		{"ScopeUnion", testScopeUnion},
		{"Paging", testPaging},
		{"Hostile", testHostile},
		{"Concurrency", testConcurrency},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, open) })
	}
}

// fixture is a catalog and what was put into it.
type fixture struct {
	testing.TB
	archive.Catalog
	n int
}

func newFixture(t *testing.T, open func(*testing.T) archive.Catalog) *fixture {
	t.Helper()
	f := &fixture{TB: t, Catalog: open(t)}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return f
}

// attributes are the values of a header or of an identifier, by tag; several
// values are separated by backslashes. Values are written in UTF-8.
type attributes map[dicom.Tag]string

func (a attributes) dataSet(t testing.TB) *dicom.DataSet {
	t.Helper()
	ds := new(dicom.DataSet)
	ds.Put(dicom.Element{Tag: dict.SpecificCharacterSet, VR: dicom.VRCS, Data: []byte("ISO_IR 192")})
	for tag, value := range a {
		vr := dict.VR(tag)
		switch {
		case value == "":
			ds.Put(dicom.Element{Tag: tag, VR: vr})
		case vr.IsText():
			ds.Put(dicom.Element{Tag: tag, VR: vr, Data: dicom.Pad([]byte(value), vr)})
		default:
			var n int64
			if _, err := fmt.Sscan(value, &n); err != nil {
				t.Fatalf("%s: %v", tag, err)
			}
			if err := ds.PutInts(tag, vr, n); err != nil {
				t.Fatal(err)
			}
		}
	}
	return ds
}

// instance describes one to be added. Empty UIDs are made up; the names of the
// fields stand for the UIDs.
type instance struct {
	study, series, uid string
	class              dicom.UID
	source             string
	attrs              attributes
	items              map[dicom.Tag][]attributes
}

const prefix = "1.2.826.0.1.3680043.9.7539."

func (f *fixture) meta(i *instance) (*archive.Meta, archive.Location) {
	f.n++
	if i.uid == "" {
		i.uid = fmt.Sprint(f.n)
	}
	if i.class == "" {
		i.class = dict.UIDCTImageStorage
	}
	if i.source == "" {
		i.source = "scanner"
	}
	return &archive.Meta{
		Kind: archive.KindInstance, Study: dicom.UID(prefix + "1." + i.study), Series: dicom.UID(prefix + "2." + i.series),
		Instance: dicom.UID(prefix + "3." + i.uid), SOPClass: i.class, TransferSyntax: dict.UIDExplicitVRLittleEndian,
		Length: int64(1000 + f.n), SHA256: sha256.Sum256([]byte(i.uid)), Source: i.source,
		Received: time.Date(2026, 3, 4, 5, 6, 7, 8000, time.UTC),
	}, archive.Location(fmt.Sprintf("L%d", f.n))
}

func (f *fixture) add(i instance) *archive.Meta {
	f.Helper()
	m, l := f.meta(&i)
	if err := f.Add(context.Background(), l, m, i.header(f.TB, m), archive.Mark(fmt.Sprintf("M%d", f.n))); err != nil {
		f.Fatalf("add: %v", err)
	}
	return m
}

func (i *instance) header(t testing.TB, m *archive.Meta) *dicom.DataSet {
	ds := i.attrs.dataSet(t)
	ds.PutUID(dict.StudyInstanceUID, m.Study)
	ds.PutUID(dict.SeriesInstanceUID, m.Series)
	ds.PutUID(dict.SOPInstanceUID, m.Instance)
	ds.PutUID(dict.SOPClassUID, m.SOPClass)
	for tag, items := range i.items {
		ds.Put(itemsElement(t, tag, items))
	}
	return ds
}

func itemsElement(t testing.TB, tag dicom.Tag, items []attributes) dicom.Element {
	e := dicom.Element{Tag: tag, VR: dicom.VRSQ}
	for _, a := range items {
		item := a.dataSet(t)
		item.Delete(dict.SpecificCharacterSet)
		e.Items = append(e.Items, dicom.Item{DataSet: item})
	}
	return e
}

// find returns all answers; an error fails the test.
func (f *fixture) find(scope policy.Scope, q archive.Query) []*dicom.DataSet {
	f.Helper()
	var all []*dicom.DataSet
	for ds, err := range f.Find(context.Background(), scope, q) {
		if err != nil {
			f.Fatalf("find: %v", err)
		}
		all = append(all, ds)
	}
	return all
}

// values returns one attribute of all answers.
func values(all []*dicom.DataSet, tag dicom.Tag) []string {
	var s []string
	for _, ds := range all {
		s = append(s, strings.Join(ds.Strings(tag), `\`))
	}
	return s
}

// ids finds at a level and returns the values of a tag, joined by spaces.
func (f *fixture) ids(level archive.Level, keys attributes, tag dicom.Tag) string {
	f.Helper()
	if _, ok := keys[tag]; !ok {
		keys = mapsClone(keys)
		keys[tag] = ""
	}
	return strings.Join(values(f.find(policy.Scope{}, archive.Query{Level: level, Keys: keys.dataSet(f.TB)}), tag), " ")
}

func mapsClone(a attributes) attributes {
	b := attributes{}
	for k, v := range a {
		b[k] = v
	}
	return b
}

func (f *fixture) entries(scope policy.Scope, q archive.Query) []archive.Entry {
	f.Helper()
	var all []archive.Entry
	for e, err := range f.Instances(context.Background(), scope, q) {
		if err != nil {
			f.Fatalf("instances: %v", err)
		}
		all = append(all, e)
	}
	return all
}

func uids(all []archive.Entry) string {
	var s []string
	for _, e := range all {
		s = append(s, strings.TrimPrefix(string(e.Instance), prefix+"3."))
	}
	return strings.Join(s, " ")
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
