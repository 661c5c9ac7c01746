package web

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// studyFilter is what somebody looks for in the study list, as typed.
type studyFilter struct {
	Name, ID, From, To, Modality, Accession, Description, Referring string

	Offset int
}

// maxTyped bounds what is typed into one field, in bytes.
const maxTyped = 128

// filterOf reads the query of a URL; what cannot be is left out.
func filterOf(q url.Values) studyFilter {
	get := func(name string) string {
		v := strings.TrimSpace(q.Get(name))
		return strings.ToValidUTF8(v[:min(len(v), maxTyped)], "")
	}
	f := studyFilter{Name: get("name"), ID: get("id"), From: day(get("from")), To: day(get("to")), Modality: get("modality"),
		Accession: get("accession"), Description: get("description"), Referring: get("referring")}
	f.Offset, _ = strconv.Atoi(q.Get("offset")) // what is no number is 0
	f.Offset = min(max(f.Offset, 0), maxOffset)
	return f
}

// maxOffset is how far one can page; who is there should narrow the search.
const maxOffset = 1_000_000

// day returns a date as forms send it (YYYY-MM-DD), "" if it is none.
func day(s string) string {
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return ""
	}
	return s
}

// values returns the filter as the query of a URL, without the page.
func (f *studyFilter) values() url.Values {
	q := url.Values{}
	for name, v := range map[string]string{"name": f.Name, "id": f.ID, "from": f.From, "to": f.To, "modality": f.Modality,
		"accession": f.Accession, "description": f.Description, "referring": f.Referring} {
		if v != "" {
			q.Set(name, v)
		}
	}
	return q
}

// page returns the URL of the page that begins at an offset.
func (f *studyFilter) page(offset int) string {
	q := f.values()
	if offset > 0 {
		q.Set("offset", strconv.Itoa(offset))
	}
	if len(q) == 0 {
		return "/"
	}
	return "/?" + q.Encode()
}

// Narrow reports whether fewer studies than all are looked for.
func (f studyFilter) Narrow() bool { return len(f.values()) > 0 }

// studyAttributes are what a row of the list shows.
var studyAttributes = []dicom.Tag{dict.StudyInstanceUID, dict.StudyDate, dict.StudyTime, dict.AccessionNumber, dict.ModalitiesInStudy,
	dict.ReferringPhysicianName, dict.StudyDescription, dict.PatientName, dict.PatientID, dict.PatientBirthDate, dict.PatientSex,
	dict.NumberOfStudyRelatedSeries, dict.NumberOfStudyRelatedInstances}

// query makes the filter into one for the archive. The description is not in it:
// the standard's matching tells upper from lower case, people do not; see
// describes.
func (f *studyFilter) query(target string) archive.Query {
	keys := asking(studyAttributes)
	put := func(tag dicom.Tag, v string) {
		if v != "" {
			keys.Put(dicom.Element{Tag: tag, VR: dict.VR(tag), Data: []byte(v)})
		}
	}
	put(dict.PatientName, f.Name)
	put(dict.PatientID, begins(f.ID))
	put(dict.AccessionNumber, begins(f.Accession))
	put(dict.ModalitiesInStudy, strings.ToUpper(f.Modality))
	if f.From+f.To != "" {
		put(dict.StudyDate, strings.ReplaceAll(f.From, "-", "")+"-"+strings.ReplaceAll(f.To, "-", ""))
	}
	if f.Referring != "" {
		put(dict.ReferringPhysicianName, "*"+f.Referring+"*")
	}
	// Names are found by the beginnings of their words in any order, and by their
	// sound: people type what they hear.
	return archive.Query{Level: archive.LevelStudy, Keys: keys, FuzzyNames: f.Name != "", Latest: true, Target: target}
}

// begins asks for values that begin so, unless wild cards were typed.
func begins(v string) string {
	if v == "" || strings.ContainsAny(v, "*?") {
		return v
	}
	return v + "*"
}

// asking returns an identifier that asks for attributes.
func asking(tags []dicom.Tag) *dicom.DataSet {
	keys := new(dicom.DataSet)
	keys.PutString(dict.SpecificCharacterSet, dicom.VRCS, "ISO_IR 192")
	for _, tag := range tags {
		keys.Put(dicom.Element{Tag: tag, VR: dict.VR(tag)})
	}
	return keys
}

// describes reports whether a study's description has all the words typed.
func (f *studyFilter) describes(description string) bool {
	description = strings.ToLower(description)
	for word := range strings.FieldsSeq(strings.ToLower(f.Description)) {
		if !strings.Contains(description, word) {
			return false
		}
	}
	return true
}
