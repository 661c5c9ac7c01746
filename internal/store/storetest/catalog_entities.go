package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/policy"
)

func testLifecycle(t *testing.T, open func(*testing.T) archive.Catalog) {
	ctx := context.Background()
	f := newFixture(t, open)
	mark := func(want archive.Mark) {
		t.Helper()
		got, err := f.Mark(ctx)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "mark", got, want)
	}
	mark("")
	if _, err := f.Instance(ctx, "1.2.3"); !errors.Is(err, archive.ErrNotFound) {
		t.Fatalf("an absent instance: %v", err)
	}
	i := instance{study: "1", series: "1", uid: "1", source: "ct1", attrs: attributes{dict.PatientID: "P1"}}
	m := f.add(i)
	mark("M1")
	want := archive.Entry{Patient: "P1", Study: m.Study, Series: m.Series, Instance: m.Instance, SOPClass: m.SOPClass,
		TransferSyntax: m.TransferSyntax, Length: m.Length, SHA256: m.SHA256, Location: "L1", Source: "ct1"}
	look := func() {
		t.Helper()
		got, err := f.Instance(ctx, m.Instance)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "entry", got, want)
	}
	look()
	i.attrs[dict.StudyDescription] = "again"
	f.add(i) // at another location, with a new attribute: changes nothing but the mark
	look()
	mark("M2")
	equal(t, "counts and description", f.ids(archive.LevelStudy, attributes{}, dict.NumberOfStudyRelatedInstances)+
		f.ids(archive.LevelStudy, attributes{}, dict.StudyDescription), "1")
	if err := f.Reset(ctx); err != nil {
		t.Fatal(err)
	}
	mark("")
	equal(t, "studies after reset", len(f.find(policy.Scope{}, archive.Query{Level: archive.LevelStudy})), 0)
	i.uid = ""
	m = f.add(i)
	if _, err := f.Instance(ctx, m.Instance); err != nil {
		t.Errorf("add after reset: %v", err)
	}
}

func testQuarantine(t *testing.T, open func(*testing.T) archive.Catalog) {
	f := newFixture(t, open)
	m := f.add(instance{study: "1", series: "1", uid: "1"})
	i := instance{study: "1", series: "1", uid: "1", attrs: attributes{dict.PatientID: "Q"}}
	other, l := f.meta(&i)
	other.Kind = archive.KindQuarantine
	for range 2 {
		if err := f.Add(context.Background(), l, other, i.header(t, other), "M9"); err != nil {
			t.Fatal(err)
		}
	}
	var all []archive.Quarantined
	for q, err := range f.Quarantine(context.Background(), "") {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, q)
	}
	waiting := func(uid dicom.UID) (n int) {
		for range f.Quarantine(context.Background(), uid) {
			n++
		}
		return n
	}
	equal(t, "waiting under the UID", waiting(m.Instance), 1)
	equal(t, "waiting under another UID", waiting(m.Instance+".1"), 0)
	if len(all) != 1 {
		t.Fatalf("%d in quarantine, want 1", len(all))
	}
	equal(t, "quarantined", all[0], archive.Quarantined{Received: other.Received, Entry: archive.Entry{Patient: "Q",
		Study: other.Study, Series: other.Series, Instance: other.Instance, SOPClass: other.SOPClass,
		TransferSyntax: other.TransferSyntax, Length: other.Length, SHA256: other.SHA256, Location: l, Source: other.Source}})
	e, err := f.Instance(context.Background(), m.Instance)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "the first one stays", e.Location, "L1")
	mark, _ := f.Mark(context.Background())
	equal(t, "mark", mark, "M9")
	for range 2 {
		if err := f.Release(context.Background(), []archive.Location{l, "L77"}); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "after the release", waiting(""), 0)
	if _, err := f.Instance(context.Background(), m.Instance); err != nil {
		t.Errorf("the instance went with the quarantine: %v", err)
	}
}

// testMerge: the first value of a study or series stays, empty ones are filled,
// and a study stays with its patient.
func testMerge(t *testing.T, open func(*testing.T) archive.Catalog) {
	f := newFixture(t, open)
	f.add(instance{study: "1", series: "1", attrs: attributes{dict.StudyDescription: "first", dict.SeriesDescription: "one",
		dict.PatientName: "A^B", dict.Modality: "CT"}})
	f.add(instance{study: "1", series: "1", attrs: attributes{dict.StudyDescription: "second", dict.AccessionNumber: "ACC",
		dict.SeriesDescription: "two", dict.BodyPartExamined: "HEAD", dict.PatientName: "A^B", dict.PatientID: "P1"}})
	f.add(instance{study: "1", series: "2", attrs: attributes{dict.StudyDescription: "third", dict.AccessionNumber: "NO",
		dict.StudyID: "S1", dict.PatientID: "P2", dict.PatientSex: "F", dict.Modality: "SR"}})
	study := func(tag dicom.Tag) string { return f.ids(archive.LevelStudy, attributes{}, tag) }
	equal(t, "description", study(dict.StudyDescription), "first")
	equal(t, "accession number", study(dict.AccessionNumber), "ACC")
	equal(t, "study ID", study(dict.StudyID), "S1")
	equal(t, "patient ID", study(dict.PatientID), "P1")
	equal(t, "what another patient's instance says", study(dict.PatientSex), "")
	equal(t, "found by what was filled", f.ids(archive.LevelStudy, attributes{dict.AccessionNumber: "ACC"}, dict.StudyID), "S1")
	equal(t, "found by the patient", f.ids(archive.LevelStudy, attributes{dict.PatientID: "P1"}, dict.StudyID), "S1")
	equal(t, "not by another", f.ids(archive.LevelStudy, attributes{dict.PatientID: "P2"}, dict.StudyID), "")
	equal(t, "series", f.ids(archive.LevelSeries, attributes{dict.Modality: "CT"}, dict.SeriesDescription), "one")
	equal(t, "filled", f.ids(archive.LevelSeries, attributes{dict.Modality: "CT"}, dict.BodyPartExamined), "HEAD")
	equal(t, "patients", f.ids(archive.LevelPatient, attributes{}, dict.PatientID), "P1")

	// The same Series Instance UID in another study is another series.
	f.add(instance{study: "2", series: "1", attrs: attributes{dict.PatientID: "P3", dict.Modality: "MR", dict.StudyID: "S2"}})
	equal(t, "series of one UID", f.ids(archive.LevelSeries, attributes{}, dict.Modality), "CT SR MR")
}

func testRemove(t *testing.T, open func(*testing.T) archive.Catalog) {
	f := newFixture(t, open)
	ctx := context.Background()
	patient := attributes{dict.PatientID: "P1", dict.PatientName: "GONE^BY", dict.ReferringPhysicianName: "REF^A"}
	a := f.add(instance{study: "1", series: "1", attrs: patient})
	b := f.add(instance{study: "1", series: "1", attrs: patient, class: dict.UIDSecondaryCaptureImageStorage})
	c := f.add(instance{study: "1", series: "2", attrs: patient})
	f.add(instance{study: "2", series: "3", attrs: attributes{dict.PatientID: "P2", dict.StudyID: "S2"}})
	remove := func(uids ...dicom.UID) {
		t.Helper()
		if err := f.Remove(ctx, uids); err != nil {
			t.Fatal(err)
		}
	}
	count := func(tag dicom.Tag) string {
		return f.ids(archive.LevelStudy, attributes{dict.PatientID: "P1"}, tag)
	}
	equal(t, "instances", count(dict.NumberOfStudyRelatedInstances), "3")
	remove(b.Instance, "1.2.3.4", b.Instance)
	equal(t, "instances", count(dict.NumberOfStudyRelatedInstances), "2")
	equal(t, "classes", count(dict.SOPClassesInStudy), string(dict.UIDCTImageStorage))
	if _, err := f.Instance(ctx, b.Instance); !errors.Is(err, archive.ErrNotFound) {
		t.Errorf("removed: %v", err)
	}
	remove(a.Instance)
	equal(t, "series", count(dict.NumberOfStudyRelatedSeries), "1")
	f.add(instance{study: "1", series: "1", attrs: patient}) // a series may come back
	equal(t, "series", count(dict.NumberOfStudyRelatedSeries), "2")
	remove(c.Instance, f.entries(policy.Scope{}, archive.Query{Keys: attributes{dict.SeriesInstanceUID: string(a.Series)}.dataSet(t)})[0].Instance)
	for _, level := range []archive.Level{archive.LevelPatient, archive.LevelStudy} {
		for _, keys := range []attributes{{}, {dict.PatientName: "*ONE*"}, {dict.PatientName: "GONE*"}} {
			want := "P2"
			if len(keys) > 0 {
				want = ""
			}
			equal(t, "patients left", f.ids(level, keys, dict.PatientID), want)
		}
	}
	equal(t, "by referrer", f.ids(archive.LevelStudy, attributes{dict.ReferringPhysicianName: "REF^A"}, dict.PatientID), "")
	f.add(instance{study: "1", series: "1", attrs: patient})
	equal(t, "again", f.ids(archive.LevelStudy, attributes{dict.PatientName: "*one^b*"}, dict.PatientID), "P1")
}

func testInstances(t *testing.T, open func(*testing.T) archive.Catalog) {
	f := newFixture(t, open)
	add := func(study, series, uid, patient, number, modality string) {
		f.add(instance{study: study, series: series, uid: uid, attrs: attributes{dict.PatientID: patient,
			dict.InstanceNumber: number, dict.Modality: modality}})
	}
	add("1", "1", "a", "P1", "10", "CT")
	add("1", "2", "b", "P1", "1", "SR")
	add("1", "1", "c", "P1", "9", "CT")
	add("1", "1", "d", "P1", "", "CT")
	add("2", "3", "e", "P1", "1", "MR")
	add("3", "4", "f", "P2", "1", "MR")
	add("1", "1", "g", "P1", "9", "CT")
	uid := func(kind, s string) string { return prefix + kind + "." + s }
	for _, c := range []struct {
		name  string
		scope policy.Scope
		keys  attributes
		want  string
	}{
		{"study", policy.Scope{}, attributes{dict.StudyInstanceUID: uid("1", "1")}, "d c g a b"},
		{"list of studies", policy.Scope{}, attributes{dict.StudyInstanceUID: uid("1", "3") + `\` + uid("1", "2")}, "e f"},
		{"patient", policy.Scope{}, attributes{dict.PatientID: "P1"}, "d c g a b e"},
		{"patient and study", policy.Scope{}, attributes{dict.PatientID: "P1", dict.StudyInstanceUID: uid("1", "3")}, ""},
		{"series", policy.Scope{}, attributes{dict.SeriesInstanceUID: uid("2", "2")}, "b"},
		{"series of a study", policy.Scope{}, attributes{dict.StudyInstanceUID: uid("1", "2"), dict.SeriesInstanceUID: uid("2", "2")}, ""},
		{"instances", policy.Scope{}, attributes{dict.SOPInstanceUID: uid("3", "f") + `\` + uid("3", "a") + `\` + uid("3", "x")}, "a f"},
		{"instance of another study", policy.Scope{}, attributes{dict.StudyInstanceUID: uid("1", "1"), dict.SOPInstanceUID: uid("3", "f")}, ""},
		{"no key", policy.Scope{}, attributes{dict.Modality: "CT"}, ""},
		{"no wild cards", policy.Scope{}, attributes{dict.PatientID: "P*"}, ""},
		{"scope of modality", policy.Scope{Modalities: []string{"SR", "MR"}}, attributes{dict.PatientID: "P1"}, "b e"},
		{"scope of patient", policy.Scope{Patients: []string{"P2"}}, attributes{dict.SOPInstanceUID: uid("3", "f") + `\` + uid("3", "a")}, "f"},
	} {
		got := f.entries(c.scope, archive.Query{Level: archive.LevelStudy, Keys: c.keys.dataSet(t)})
		equal(t, c.name, uids(got), c.want)
	}
	for e, err := range f.Instances(context.Background(), policy.Scope{}, archive.Query{Keys: attributes{dict.PatientID: "P2"}.dataSet(t)}) {
		if err != nil || e.Patient != "P2" || e.Location != "L6" || e.Length != 1006 {
			t.Errorf("entry %+v, %v", e, err)
		}
	}
}
