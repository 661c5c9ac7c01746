package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// testAnswers: PS3.4 section C.4.1.1.3.2, and C.3.4 for the counts.
func testAnswers(t *testing.T, open func(*testing.T) archive.Catalog) {
	f := newFixture(t, open)
	f.fill()
	one := func(level archive.Level, keys attributes) *dicom.DataSet {
		t.Helper()
		found := f.find(policy.Scope{}, archive.Query{Level: level, Keys: keys.dataSet(t)})
		if len(found) != 1 {
			t.Fatalf("%d answers, want 1", len(found))
		}
		return found[0]
	}
	ds := one(archive.LevelStudy, attributes{dict.PatientID: "P1", dict.PatientName: "", dict.StudyDate: "", dict.StudyTime: "",
		dict.ModalitiesInStudy: "", dict.SOPClassesInStudy: "", dict.NumberOfStudyRelatedSeries: "", dict.NumberOfStudyRelatedInstances: "",
		dict.NumberOfPatientRelatedStudies: "", dict.InstanceAvailability: "", dict.PatientAddress: "", dict.SeriesNumber: "",
		dict.QueryRetrieveLevel: "STUDY", dict.AdmissionID: ""})
	for tag, want := range (attributes{
		dict.SpecificCharacterSet: "ISO_IR 192", dict.QueryRetrieveLevel: "STUDY", dict.PatientID: "P1", dict.PatientName: "Müller^Jörg",
		dict.StudyDate: "20240131", dict.StudyTime: "101530.25", dict.ModalitiesInStudy: `CT\SR`, dict.NumberOfStudyRelatedSeries: "2",
		dict.SOPClassesInStudy:             string(dict.UIDCTImageStorage) + `\` + string(dict.UIDBasicTextSRStorage),
		dict.NumberOfStudyRelatedInstances: "2", dict.NumberOfPatientRelatedStudies: "1", dict.InstanceAvailability: "ONLINE",
		dict.PatientAddress: "", dict.SeriesNumber: "", dict.AdmissionID: "", dict.StudyInstanceUID: prefix + "1.0",
	}) {
		got := ds.Strings(tag)
		slices.Sort(got)
		wanted := strings.Split(want, `\`)
		slices.Sort(wanted)
		equal(t, tag.String(), strings.Join(got, `\`), strings.Join(wanted, `\`))
		if !ds.Has(tag) {
			t.Errorf("%s is missing", tag)
		}
	}
	equal(t, "elements", ds.Len(), 16)
	ds = one(archive.LevelInstance, attributes{dict.SOPInstanceUID: prefix + "3.1", dict.Rows: "", dict.ImageType: "",
		dict.SOPClassUID: "", dict.NumberOfSeriesRelatedInstances: "", dict.InstanceNumber: ""})
	rows, err := ds.Int(dict.Rows)
	if err != nil || rows != 512 || ds.Get(dict.Rows).VR != dicom.VRUS {
		t.Errorf("rows: %d, %v", rows, err)
	}
	equal(t, "image type", strings.Join(ds.Strings(dict.ImageType), "|"), "ORIGINAL|PRIMARY|AXIAL")
	equal(t, "SOP class", ds.UID(dict.SOPClassUID), dict.UIDCTImageStorage)
	equal(t, "series", ds.UID(dict.SeriesInstanceUID), dicom.UID(prefix+"2.0"))
	testSequenceAnswers(t, f)
}

func testSequenceAnswers(t *testing.T, f *fixture) {
	keys := attributes{dict.SeriesInstanceUID: prefix + "2.0"}.dataSet(t)
	keys.Put(itemsElement(t, dict.RequestAttributesSequence, []attributes{{dict.RequestedProcedureID: "", dict.ReasonForTheRequestedProcedure: ""}}))
	for _, keys := range []*dicom.DataSet{keys, attributes{dict.SeriesInstanceUID: prefix + "2.0", dict.RequestAttributesSequence: ""}.dataSet(t)} {
		found := f.find(policy.Scope{}, archive.Query{Level: archive.LevelSeries, Keys: keys})
		if len(found) != 1 || len(found[0].Items(dict.RequestAttributesSequence)) != 2 {
			t.Fatalf("answers with a sequence: %d", len(found))
		}
		item := found[0].Items(dict.RequestAttributesSequence)[1]
		equal(t, "procedure", item.String(dict.RequestedProcedureID), "RP2")
		asked := len(keys.Items(dict.RequestAttributesSequence)) > 0
		equal(t, "step is returned", item.Has(dict.ScheduledProcedureStepID), !asked)
		equal(t, "unsupported is returned", item.Has(dict.ReasonForTheRequestedProcedure), asked)
	}
}

// testPatients: a patient is an ID and its issuer; studies that spell the name in
// different ways answer with what they said.
func testPatients(t *testing.T, open func(*testing.T) archive.Catalog) {
	f := newFixture(t, open)
	for n, a := range []attributes{
		{dict.PatientID: "1", dict.PatientName: "One^A"},
		{dict.PatientID: "1", dict.PatientName: "Uno^A"},
		{dict.PatientID: "1", dict.IssuerOfPatientID: "Elsewhere", dict.PatientName: "Other^B"},
		{dict.PatientName: "Nobody^X"},
		{dict.PatientName: "Nobody^X"},
	} {
		f.add(instance{study: fmt.Sprint(n), series: "1", attrs: a})
	}
	name := func(level archive.Level, keys attributes) string { return f.ids(level, keys, dict.PatientName) }
	equal(t, "patients", name(archive.LevelPatient, attributes{}), "One^A Other^B Nobody^X Nobody^X")
	equal(t, "studies say what they said", name(archive.LevelStudy, attributes{dict.PatientID: "1"}), "One^A Uno^A Other^B")
	equal(t, "patient by the other name", name(archive.LevelPatient, attributes{dict.PatientName: "uno*"}), "Uno^A")
	equal(t, "patient of an issuer", name(archive.LevelPatient, attributes{dict.PatientID: "1", dict.IssuerOfPatientID: "Elsewhere"}), "Other^B")
	equal(t, "studies of patients", f.ids(archive.LevelPatient, attributes{}, dict.NumberOfPatientRelatedStudies), "2 1 1 1")
}

// testScope: what lies outside of each field of a scope is not seen, not even as
// a count.
func testScope(t *testing.T, open func(*testing.T) archive.Catalog) {
	f := newFixture(t, open)
	now := time.Now().UTC()
	day := func(days int) string { return now.AddDate(0, 0, -days).Format("20060102") }
	base := attributes{dict.PatientID: "mine", dict.StudyID: "mine", dict.InstitutionName: "Here", dict.InstitutionalDepartmentName: "Radiology",
		dict.Modality: "CT", dict.ReferringPhysicianName: "Fraß^Émile", dict.StudyDate: day(1)}
	f.add(instance{study: "1", series: "1", source: "ct1", attrs: base})
	other := func(tag dicom.Tag, value string) attributes {
		a := mapsClone(base)
		a[dict.StudyID], a[dict.PatientID] = "other", "other"
		if tag != 0 {
			a[tag] = value
		}
		return a
	}
	type scoped struct {
		name  string
		scope policy.Scope
		tag   dicom.Tag
		value string
	}
	cases := []scoped{
		{"institution", policy.Scope{Institutions: []string{"Here", "Elsewhere"}}, dict.InstitutionName, "There"},
		{"department", policy.Scope{Departments: []string{"Radiology"}}, dict.InstitutionalDepartmentName, "radiology"},
		{"modality", policy.Scope{Modalities: []string{"CT", "MR"}}, dict.Modality, "US"},
		{"referring", policy.Scope{Referring: []string{"frass^emile"}}, dict.ReferringPhysicianName, "Frass^Emil"},
		{"age", policy.Scope{MaxAge: 48 * time.Hour}, dict.StudyDate, day(3)},
		{"age of an unknown date", policy.Scope{MaxAge: 48 * time.Hour}, dict.StudyDate, "recently"},
		{"patient", policy.Scope{Patients: []string{"mine"}}, dict.PatientID, "Mine"},
		{"institution unknown", policy.Scope{Institutions: []string{"Here"}}, dict.InstitutionName, ""},
		{"referring unknown", policy.Scope{Referring: []string{"frass^emile"}}, dict.ReferringPhysicianName, ""},
		{"patient unknown", policy.Scope{Patients: []string{"mine"}}, dict.PatientID, ""},
		{"source", policy.Scope{Sources: []string{"ct1"}}, 0, ""},
		{"study", policy.Scope{Studies: []string{prefix + "1.1"}}, 0, ""},
		{"two fields", policy.Scope{Institutions: []string{"Here"}, Modalities: []string{"CT"}}, dict.Modality, "MR"},
	}
	for n, c := range cases {
		m := f.add(instance{study: fmt.Sprint("o", n), series: "1", source: "ct2", attrs: other(c.tag, c.value)})
		for _, level := range []archive.Level{archive.LevelPatient, archive.LevelStudy, archive.LevelSeries, archive.LevelInstance} {
			for _, keys := range []attributes{{}, {dict.StudyInstanceUID: string(m.Study)}, {dict.PatientName: "*"}, {dict.StudyDate: "19000101-"}} {
				keys = mapsClone(keys)
				keys[dict.PatientID] = ""
				for _, ds := range f.find(c.scope, archive.Query{Level: level, Keys: keys.dataSet(t)}) {
					got := ds.String(dict.PatientID)
					if got != "mine" && (level == archive.LevelPatient || ds.UID(dict.StudyInstanceUID) == m.Study) {
						if level != archive.LevelPatient || got == c.value && c.tag == dict.PatientID {
							t.Errorf("%s: sees another at level %d", c.name, level)
						}
					}
				}
			}
			equal(t, c.name+" sees its own", f.mine(c.scope, level), "mine")
		}
		equal(t, c.name+": instances of another", len(f.entries(c.scope, archive.Query{Keys: attributes{dict.StudyInstanceUID: string(m.Study)}.dataSet(t)})), 0)
		equal(t, c.name+": own instances", len(f.entries(c.scope, archive.Query{Keys: attributes{dict.StudyInstanceUID: prefix + "1.1"}.dataSet(t)})), 1)
	}
	testScopeOfSeries(t, f, base)
}

// mine finds the patient who is in every scope.
func (f *fixture) mine(scope policy.Scope, level archive.Level) string {
	f.Helper()
	return strings.Join(values(f.find(scope, archive.Query{Level: level, Keys: attributes{dict.PatientID: "mine"}.dataSet(f.TB)}), dict.PatientID), " ")
}

// testScopeOfSeries: of a study with series inside and outside of the scope,
// nothing shows those outside.
func testScopeOfSeries(t *testing.T, f *fixture, base attributes) {
	a := mapsClone(base)
	a[dict.Modality], a[dict.InstitutionName] = "SR", "There"
	f.add(instance{study: "1", series: "2", class: dict.UIDBasicTextSRStorage, attrs: a})
	for _, c := range []struct {
		scope                        policy.Scope
		modalities, series, patients string
	}{
		{policy.Scope{}, `CT\SR`, "2", "2"},
		{policy.Scope{Institutions: []string{"Here"}}, "CT", "1", "1"},
		{policy.Scope{Modalities: []string{"SR"}}, "SR", "1", "1"},
		{policy.Scope{Modalities: []string{"SR"}, Institutions: []string{"Here"}}, "", "", ""},
	} {
		keys := attributes{dict.PatientID: "mine", dict.ModalitiesInStudy: "", dict.NumberOfStudyRelatedSeries: "",
			dict.NumberOfStudyRelatedInstances: "", dict.NumberOfPatientRelatedInstances: "", dict.SOPClassesInStudy: ""}
		found := f.find(c.scope, archive.Query{Level: archive.LevelStudy, Keys: keys.dataSet(t)})
		equal(t, "modalities", strings.Join(values(found, dict.ModalitiesInStudy), " "), c.modalities)
		equal(t, "series", strings.Join(values(found, dict.NumberOfStudyRelatedSeries), " "), c.series)
		equal(t, "instances", strings.Join(values(found, dict.NumberOfStudyRelatedInstances), " "), c.series)
		equal(t, "instances of the patient", strings.Join(values(found, dict.NumberOfPatientRelatedInstances), " "), c.patients)
		for _, ds := range found {
			equal(t, "classes", fmt.Sprint(len(ds.Strings(dict.SOPClassesInStudy))), c.series)
		}
		keys[dict.ModalitiesInStudy] = "SR"
		want := 0
		if strings.Contains(c.modalities, "SR") {
			want = 1
		}
		equal(t, "found by modality", len(f.find(c.scope, archive.Query{Level: archive.LevelStudy, Keys: keys.dataSet(t)})), want)
	}
}

// testPaging: Limit and Offset cut an answer whose order is stable.
func testPaging(t *testing.T, open func(*testing.T) archive.Catalog) {
	f := newFixture(t, open)
	for n := range 300 {
		f.add(instance{study: fmt.Sprint(n / 3), series: fmt.Sprint(n), attrs: attributes{dict.PatientID: fmt.Sprint("P", n%7), dict.StudyID: fmt.Sprint(n / 3),
			dict.PatientName: "Page^Test", dict.StudyDescription: fmt.Sprint("even", n/3%2)}})
	}
	for _, level := range []archive.Level{archive.LevelPatient, archive.LevelStudy, archive.LevelSeries, archive.LevelInstance} {
		tag := map[archive.Level]dicom.Tag{archive.LevelPatient: dict.PatientID, archive.LevelStudy: dict.StudyInstanceUID,
			archive.LevelSeries: dict.SeriesInstanceUID, archive.LevelInstance: dict.SOPInstanceUID}[level]
		for _, keys := range []attributes{{}, {dict.PatientName: "page*"}, {dict.PatientID: "P*"}, {dict.StudyDescription: "even1"}} {
			if level == archive.LevelPatient {
				delete(keys, dict.StudyDescription)
			}
			all := values(f.find(policy.Scope{}, archive.Query{Level: level, Keys: keys.dataSet(t)}), tag)
			if len(all) < 6 {
				t.Fatalf("level %d: %d answers", level, len(all))
			}
			for _, latest := range []bool{false, true} {
				if latest {
					slices.Reverse(all)
				}
				for _, p := range [][2]int{{0, 1}, {0, 10}, {3, 2}, {len(all) - 1, 5}, {len(all), 5}, {5000, 1}, {2, 0}, {-1, 3}} {
					got := values(f.find(policy.Scope{}, archive.Query{Level: level, Keys: keys.dataSet(t), Offset: p[0], Limit: p[1], Latest: latest}), tag)
					from := min(max(p[0], 0), len(all))
					to := len(all)
					if p[1] > 0 {
						to = min(from+p[1], len(all))
					}
					if !slices.Equal(got, all[from:to]) {
						t.Errorf("level %d, offset %d, limit %d, latest %v: another page", level, p[0], p[1], latest)
					}
				}
			}
		}
	}
}
