package match

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// Counts is what lies below an entity, as far as the one who asks may see it.
type Counts struct {
	Studies, Series, Instances int
	Modalities, Classes        []string
}

// Add counts what o counts as well. Modalities and classes stay each once.
func (c *Counts) Add(o Counts) {
	c.Studies += o.Studies
	c.Series += o.Series
	c.Instances += o.Instances
	c.Modalities = union(c.Modalities, o.Modalities)
	c.Classes = union(c.Classes, o.Classes)
}

func union(a, b []string) []string {
	for _, s := range b {
		if i, ok := slices.BinarySearch(a, s); !ok && s != "" {
			a = slices.Insert(a, i, s)
		}
	}
	return a
}

// ofPatient, ofStudy and ofSeries name the computed attributes of the levels.
var (
	ofPatient = []dicom.Tag{dict.NumberOfPatientRelatedStudies, dict.NumberOfPatientRelatedSeries,
		dict.NumberOfPatientRelatedInstances}
	ofStudy = []dicom.Tag{dict.ModalitiesInStudy, dict.SOPClassesInStudy,
		dict.NumberOfStudyRelatedSeries, dict.NumberOfStudyRelatedInstances}
	ofSeries = []dicom.Tag{dict.NumberOfSeriesRelatedInstances}
)

// AsksPatient reports whether the query asks what lies below patients.
func (m *Matcher) AsksPatient() bool { return slices.ContainsFunc(ofPatient, m.Asks) }

// AsksStudy reports whether the query asks what lies below studies.
func (m *Matcher) AsksStudy() bool { return slices.ContainsFunc(ofStudy, m.Asks) }

// AsksSeries reports whether the query asks what lies below series.
func (m *Matcher) AsksSeries() bool { return slices.ContainsFunc(ofSeries, m.Asks) }

// Compute enters into l the computed attributes (PS3.4 section C.3.4); what was
// not asked for may be nil.
func (m *Matcher) Compute(l *Levels, patient, study, series *Counts) {
	l[0] = Record{{Tag: dict.InstanceAvailability, Text: "ONLINE"}}
	number := func(t dicom.Tag, n int) { l[0].Set(Value{Tag: t, Text: strconv.Itoa(n)}) }
	list := func(t dicom.Tag, s []string) {
		if len(s) > 0 {
			l[0].Set(Value{Tag: t, Text: strings.Join(s, `\`)})
		}
	}
	if patient != nil {
		number(dict.NumberOfPatientRelatedStudies, patient.Studies)
		number(dict.NumberOfPatientRelatedSeries, patient.Series)
		number(dict.NumberOfPatientRelatedInstances, patient.Instances)
	}
	if study != nil {
		list(dict.ModalitiesInStudy, study.Modalities)
		list(dict.SOPClassesInStudy, study.Classes)
		number(dict.NumberOfStudyRelatedSeries, study.Series)
		number(dict.NumberOfStudyRelatedInstances, study.Instances)
	}
	if series != nil {
		number(dict.NumberOfSeriesRelatedInstances, series.Instances)
	}
}
