package dicomweb_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// searched is an archive with two patients, three studies, four series and six
// instances.
func searched(t testing.TB) *fixture {
	f := start(t)
	add := func(study, series, instance, modality, patient, name string, change func(*dicom.DataSet)) {
		f.put(newObject(dicom.UID(study), dicom.UID(series), dicom.UID(instance), encoding.ExplicitLE, func(ds *dicom.DataSet) {
			ds.PutString(dict.Modality, dicom.VRCS, modality)
			ds.PutString(dict.PatientID, dicom.VRLO, patient)
			ds.PutString(dict.PatientName, dicom.VRPN, name)
			if change != nil {
				change(ds)
			}
		}))
	}
	step := func(ds *dicom.DataSet) {
		item := new(dicom.DataSet)
		item.PutString(dict.ScheduledProcedureStepID, dicom.VRSH, "STEP1")
		item.PutString(dict.RequestedProcedureID, dicom.VRSH, "PROC1")
		ds.PutItems(dict.RequestAttributesSequence, item)
	}
	add("1.1", "1.1.1", "1.1.1.1", "CT", "4711", "Müller^Jürgen", step)
	add("1.1", "1.1.1", "1.1.1.2", "CT", "4711", "Müller^Jürgen", step)
	add("1.1", "1.1.2", "1.1.2.1", "SR", "4711", "Müller^Jürgen", nil)
	add("1.2", "1.2.1", "1.2.1.1", "MR", "4711", "Müller^Jürgen", func(ds *dicom.DataSet) {
		ds.PutString(dict.StudyDate, dicom.VRDA, "20210304")
		ds.PutString(dict.AccessionNumber, dicom.VRSH)
	})
	add("1.3", "1.3.1", "1.3.1.1", "CT", "4712", "Maier^Anna", nil)
	add("1.3", "1.3.1", "1.3.1.2", "CT", "4712", "Maier^Anna", nil)
	return f
}

// TestSearch has a line for each kind of matching and each resource (PS3.18
// section 8.3.4, tables 10.6.1-1 and 10.6.1-5).
func TestSearch(t *testing.T) {
	f := searched(t)
	study, series, instance := dict.StudyInstanceUID, dict.SeriesInstanceUID, dict.SOPInstanceUID
	for _, c := range []struct {
		path string
		tag  dicom.Tag
		want string // values in any order, with spaces between
	}{
		{"/studies", study, "1.1 1.2 1.3"},
		{"/studies/1.1/series", series, "1.1.1 1.1.2"},
		{"/studies/1.1/instances", instance, "1.1.1.1 1.1.1.2 1.1.2.1"},
		{"/studies/1.1/series/1.1.1/instances", instance, "1.1.1.1 1.1.1.2"},
		{"/series", series, "1.1.1 1.1.2 1.2.1 1.3.1"},
		{"/instances", instance, "1.1.1.1 1.1.1.2 1.1.2.1 1.2.1.1 1.3.1.1 1.3.1.2"},

		{"/studies?PatientID=4711", study, "1.1 1.2"},
		{"/studies?00100020=4711", study, "1.1 1.2"},
		{"/studies?00100020=*2", study, "1.3"},
		{"/studies?PatientName=m%C3%BCller*", study, "1.1 1.2"},
		{"/studies?PatientName=MULLER%5EJURGEN", study, "1.1 1.2"},
		{"/studies?PatientName=meyer&fuzzymatching=true", study, "1.3"},
		{"/studies?PatientName=meyer&fuzzymatching=false", study, ""},
		{"/studies?StudyDate=20200101-20201231", study, "1.1 1.3"},
		{"/studies?StudyDate=20210304", study, "1.2"},
		{"/studies?StudyDate=-20200630", study, "1.1 1.3"},
		{"/studies?StudyDate=20300101-20200101", study, ""},
		{"/studies?StudyTime=10-11", study, "1.1 1.2 1.3"},
		{"/studies?AccessionNumber=A1", study, "1.1 1.3"},
		{"/studies?AccessionNumber=%22%22&emptyvaluematching=true", study, "1.2"},
		{"/studies?AccessionNumber=%22%22", study, ""},
		{"/studies?ModalitiesInStudy=SR", study, "1.1"},
		{"/studies?ModalitiesInStudy=CT%5CSR&multiplevaluematching=true", study, "1.1"},
		{"/studies?ReferringPhysicianName=praxis*", study, "1.1 1.2 1.3"},
		{"/studies?StudyID=S1", study, "1.1 1.2 1.3"},
		{"/studies?StudyInstanceUID=1.1", study, "1.1"},
		{"/studies?StudyInstanceUID=1.1,1.3", study, "1.1 1.3"},
		{"/studies?StudyInstanceUID=1.1%5C1.3", study, "1.1 1.3"},
		{"/studies?StudyInstanceUID=1.1&StudyInstanceUID=1.1", study, "1.1"},
		{"/studies?StudyInstanceUID=9.9", study, ""},
		{"/studies?PatientID=4711&StudyDate=2021-2022", study, ""},
		{"/studies?StudyDescription=Sch%C3%A4del", study, "1.1 1.2 1.3"},
		{"/studies?PatientID=", study, "1.1 1.2 1.3"},
		{"/studies?PatientID=%27%20OR%20%271%27=%271", study, ""},

		{"/studies/1.1/series?Modality=SR", series, "1.1.2"},
		{"/studies/1.1/series?SeriesInstanceUID=1.1.1", series, "1.1.1"},
		{"/studies/1.1/series?StudyInstanceUID=1.3", series, ""},
		{"/studies/1.1/series?SeriesNumber=1", series, "1.1.1 1.1.2"},
		{"/series?RequestAttributesSequence.ScheduledProcedureStepID=STEP1", series, "1.1.1"},
		{"/series?00400275.00401001=PROC1", series, "1.1.1"},
		{"/series?00400275.00401001=PROC2", series, ""},
		{"/series?PatientID=4712", series, "1.3.1"},
		{"/instances?SOPClassUID=1.2.840.10008.5.1.4.1.1.2&StudyInstanceUID=1.2", instance, "1.2.1.1"},
		{"/instances?SOPInstanceUID=1.3.1.1,1.2.1.1", instance, "1.3.1.1 1.2.1.1"},
		{"/instances?InstanceNumber=1&SeriesInstanceUID=1.3.1", instance, "1.3.1.1 1.3.1.2"},
		{"/instances?Rows=4&StudyInstanceUID=1.2", instance, "1.2.1.1"},
		{"/instances?Rows=5", instance, ""},
		{"/studies/9.9/series", series, ""},
	} {
		var got []string
		for _, r := range f.get(c.path).rows(t) {
			got = append(got, r.text(c.tag))
		}
		want := strings.Fields(c.want)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, not %v", c.path, got, want)
		}
	}
}

func TestSearchRefusesWhatItCannotRead(t *testing.T) {
	f := searched(t)
	for path, want := range map[string]int{
		"/studies?limit=-1": 400, "/studies?limit=x": 400, "/studies?limit=99999999999999999999": 400, "/studies?offset=-5": 400,
		"/studies?limit=1&limit=2": 400, "/studies?fuzzymatching=yes": 400, "/studies?ZZZZ=1": 400, "/studies?0010002=1": 400,
		"/studies?PatientName=a%00b": 400, "/studies?PatientName=%ff%fe": 400, "/studies?PatientID=1&PatientID=2": 400,
		"/studies?PatientID=1&00100020=2": 400, "/studies?PatientName.PatientID=1": 400, "/series?RequestAttributesSequence=x": 400,
		"/instances?Rows=abc": 400, "/instances?Rows=70000": 400, "/studies?includefield=ZZZZ": 400, "/studies?%zz=1": 400,
		"/studies/a/series": 400, "/studies/../series": 400, "/studies/1.2%2F3/series": 404, "/studys": 404,
	} {
		if r := f.get(path); r.status != want || r.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	for accept, want := range map[string]int{"image/png": 406, "application/dicom+json;q=0": 406, "*/*;q=x": 400, "nonsense": 400} {
		if r := f.get("/studies", "Accept", accept); r.status != want {
			t.Errorf("%s: %d", accept, r.status)
		}
	}
}

// TestSearchPages goes through all results by limit and offset: each comes once,
// in the same order as without.
func TestSearchPages(t *testing.T) {
	f := searched(t)
	var all, paged []string
	for _, r := range f.get("/instances").rows(t) {
		all = append(all, r.text(dict.SOPInstanceUID))
	}
	for offset := 0; offset < 8; offset += 2 {
		r := f.get(fmt.Sprintf("/instances?limit=2&offset=%d", offset))
		rows := r.rows(t)
		for _, row := range rows {
			paged = append(paged, row.text(dict.SOPInstanceUID))
		}
		more := 6 - offset - 2
		if said := hasWarning(r, fmt.Sprintf("There are %d additional results", more)); said != (more > 0) {
			t.Errorf("offset %d: %v", offset, r.header.Values("Warning"))
		}
	}
	if !slices.Equal(all, paged) || len(all) != 6 {
		t.Errorf("%v, in pages %v", all, paged)
	}
	if r := f.get("/studies?limit=0"); r.status != http.StatusNoContent || len(r.body) > 0 {
		t.Errorf("limit=0: %d", r.status)
	}
	if r := f.get("/studies?limit=100"); r.header.Get("Warning") != "" || len(r.rows(t)) != 3 {
		t.Error("a warning without a cause")
	}
}

// TestSearchResultAttributes holds the attributes that each result has (PS3.18
// tables 10.6.3-3 to 10.6.3-5).
func TestSearchResultAttributes(t *testing.T) {
	f := searched(t)
	study := []dicom.Tag{dict.SpecificCharacterSet, dict.StudyDate, dict.StudyTime, dict.AccessionNumber, dict.InstanceAvailability,
		dict.ModalitiesInStudy, dict.ReferringPhysicianName, dict.RetrieveURL, dict.PatientName, dict.PatientID,
		dict.PatientBirthDate, dict.PatientSex, dict.StudyInstanceUID, dict.StudyID, dict.NumberOfStudyRelatedSeries, dict.NumberOfStudyRelatedInstances}
	series := []dicom.Tag{dict.SpecificCharacterSet, dict.Modality, dict.RetrieveURL, dict.SeriesInstanceUID, dict.SeriesNumber,
		dict.NumberOfSeriesRelatedInstances, dict.RequestAttributesSequence}
	instance := []dicom.Tag{dict.SpecificCharacterSet, dict.SOPClassUID, dict.SOPInstanceUID, dict.InstanceAvailability, dict.RetrieveURL,
		dict.InstanceNumber, dict.Rows, dict.Columns, dict.BitsAllocated}
	for path, want := range map[string][]dicom.Tag{
		"/studies?StudyInstanceUID=1.1":                                  study,
		"/studies/1.1/series?SeriesInstanceUID=1.1.1":                    series,
		"/series?SeriesInstanceUID=1.1.1":                                slices.Concat(study, series),
		"/studies/1.1/series/1.1.1/instances":                            instance,
		"/studies/1.1/instances?SOPInstanceUID=1.1.1.1":                  slices.Concat(series, instance),
		"/instances?SOPInstanceUID=1.1.1.1":                              slices.Concat(study, series, instance),
		"/studies?StudyInstanceUID=1.1&includefield=00081030":            append(slices.Clone(study), dict.StudyDescription),
		"/studies?PatientID=4711&includefield=StudyDescription,00080090": append(slices.Clone(study), dict.StudyDescription),
		"/studies?PatientID=4711&includefield=all":                       append(slices.Clone(study), dict.StudyDescription),
	} {
		for _, row := range f.get(path).rows(t)[:1] {
			for _, tag := range want {
				if !row.has(tag) {
					t.Errorf("%s: %s is missing", path, tag)
				}
			}
		}
	}
	row := f.get("/studies?StudyInstanceUID=1.1").rows(t)[0]
	if row.text(dict.NumberOfStudyRelatedSeries) != "2" || row.text(dict.NumberOfStudyRelatedInstances) != "3" ||
		row.has(dict.StudyDescription) || !strings.HasSuffix(row.text(dict.RetrieveURL), "/dicom-web/studies/1.1") {
		t.Errorf("%v", row)
	}
}

func TestSearchWarnsOfWhatIsNotSupported(t *testing.T) {
	f := searched(t)
	if r := f.get("/studies?Manufacturer=x"); !hasWarning(r, "not supported") || len(r.rows(t)) != 3 {
		t.Errorf("%d %v", r.status, r.header)
	}
	if r := f.get("/studies?includefield=PixelSpacing"); !hasWarning(r, "left out") {
		t.Errorf("%d %v", r.status, r.header)
	}
}

func TestSearchAnswersXML(t *testing.T) {
	f := searched(t)
	parts := f.get("/studies?PatientID=4711", "Accept", `multipart/related; type="application/dicom+xml"`).parts(t, "application/dicom+xml")
	if len(parts) != 2 {
		t.Fatal(len(parts))
	}
	for _, p := range parts {
		ds, err := encoding.ParseXML(p.body, encoding.XMLOptions{})
		if err != nil || ds.String(dict.PatientName) != "Müller^Jürgen" || p.typ() != "application/dicom+xml" {
			t.Errorf("%v: %s", err, p.body)
		}
	}
}

// TestSearchSeesTheScopeAlone asks as principals that may see less, or nothing.
func TestSearchSeesTheScopeAlone(t *testing.T) {
	f := searched(t)
	f.principal.Scope = policy.Scope{Patients: []string{"4712"}}
	if rows := f.get("/studies").rows(t); len(rows) != 1 || rows[0].text(dict.StudyInstanceUID) != "1.3" {
		t.Errorf("%v", rows)
	}
	for _, path := range []string{"/studies/1.1", "/studies/1.1/metadata", "/studies/1.1/series/1.1.1/instances/1.1.1.1/frames/1"} {
		if r := f.get(path); r.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, r.status)
		}
	}
	f.principal = policy.Principal{Kind: policy.User, Name: "root", Rights: policy.RightsOf(policy.Administrator, policy.Scope{})}
	denied := f.trail.count(audit.Query, audit.SeriousFailure)
	for _, path := range []string{"/studies", "/studies/1.1", "/studies/1.1/metadata", "/studies/1.1/series/1.1.1/instances/1.1.1.1/frames/1"} {
		if r := f.get(path); r.status != http.StatusForbidden || !json.Valid(r.body) {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	body, typ := multipartBody("application/dicom", newObject("1.9", "1.9.1", "1.9.1.1", encoding.ExplicitLE, nil).file(t))
	if r := f.do("POST", "/studies", body, "Content-Type", typ); r.status != http.StatusForbidden {
		t.Errorf("an administrator stores: %d", r.status)
	}
	if f.trail.count(audit.Query, audit.SeriousFailure) != denied+1 {
		t.Error("the refusal is not in the trail")
	}
}

// TestNoPatientInTheLog looks for what was asked for in what was logged.
func TestNoPatientInTheLog(t *testing.T) {
	f := searched(t)
	f.get("/studies?PatientName=M%C3%BCller*&PatientID=4711")
	f.get("/studies?PatientID=4711&limit=x")
	for _, secret := range []string{"ller", "4711", "PatientID"} {
		if strings.Contains(f.log.String(), secret) {
			t.Errorf("%q is in the log:\n%s", secret, f.log)
		}
	}
	if !strings.Contains(f.log.String(), "route=/studies") {
		t.Error(f.log)
	}
}
