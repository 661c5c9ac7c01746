package match

import (
	"iter"
	"slices"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// Attribute is one attribute that the catalog keeps. How it is matched follows
// from its VR.
type Attribute struct {
	Tag   dicom.Tag
	Level archive.Level
	VR    dicom.VR
	// Computed attributes are not read from data sets: the catalog counts them.
	Computed bool
	// Items lists what is kept of each item of a sequence.
	Items []dicom.Tag
}

// table names all attributes that can be matched and returned. To add one, add
// a line: catalogs pick it up from instances that arrive from then on, and for
// the others when they are rebuilt. The VR comes from the dictionary.
var table = []Attribute{
	// Patient level (PS3.4 table C.6-1, PS3.3 section C.7.1.1).
	{Tag: dict.PatientName, Level: archive.LevelPatient},
	{Tag: dict.PatientID, Level: archive.LevelPatient},
	{Tag: dict.IssuerOfPatientID, Level: archive.LevelPatient},
	{Tag: dict.PatientBirthDate, Level: archive.LevelPatient},
	{Tag: dict.PatientBirthTime, Level: archive.LevelPatient},
	{Tag: dict.PatientSex, Level: archive.LevelPatient},
	{Tag: dict.OtherPatientIDs, Level: archive.LevelPatient},
	{Tag: dict.OtherPatientNames, Level: archive.LevelPatient},
	{Tag: dict.EthnicGroup, Level: archive.LevelPatient},
	{Tag: dict.PatientComments, Level: archive.LevelPatient},
	{Tag: dict.PatientSpeciesDescription, Level: archive.LevelPatient},
	{Tag: dict.ResponsiblePerson, Level: archive.LevelPatient},
	// What is in the catalog is online, at whatever level (PS3.4 table C.6-1a).
	{Tag: dict.InstanceAvailability, Level: archive.LevelPatient, Computed: true},
	{Tag: dict.NumberOfPatientRelatedStudies, Level: archive.LevelPatient, Computed: true},
	{Tag: dict.NumberOfPatientRelatedSeries, Level: archive.LevelPatient, Computed: true},
	{Tag: dict.NumberOfPatientRelatedInstances, Level: archive.LevelPatient, Computed: true},

	// Study level (PS3.4 table C.6-2, PS3.3 sections C.7.2.1 and C.7.2.2).
	{Tag: dict.StudyInstanceUID, Level: archive.LevelStudy},
	{Tag: dict.StudyDate, Level: archive.LevelStudy},
	{Tag: dict.StudyTime, Level: archive.LevelStudy},
	{Tag: dict.AccessionNumber, Level: archive.LevelStudy},
	{Tag: dict.StudyID, Level: archive.LevelStudy},
	{Tag: dict.StudyDescription, Level: archive.LevelStudy},
	{Tag: dict.ReferringPhysicianName, Level: archive.LevelStudy},
	{Tag: dict.PhysiciansOfRecord, Level: archive.LevelStudy},
	{Tag: dict.NameOfPhysiciansReadingStudy, Level: archive.LevelStudy},
	{Tag: dict.AdmittingDiagnosesDescription, Level: archive.LevelStudy},
	{Tag: dict.AdmissionID, Level: archive.LevelStudy},
	{Tag: dict.PatientAge, Level: archive.LevelStudy},
	{Tag: dict.PatientSize, Level: archive.LevelStudy},
	{Tag: dict.PatientWeight, Level: archive.LevelStudy},
	{Tag: dict.Occupation, Level: archive.LevelStudy},
	{Tag: dict.AdditionalPatientHistory, Level: archive.LevelStudy},
	{Tag: dict.TimezoneOffsetFromUTC, Level: archive.LevelStudy},
	{Tag: dict.IssuerOfAccessionNumberSequence, Level: archive.LevelStudy, Items: []dicom.Tag{
		dict.LocalNamespaceEntityID, dict.UniversalEntityID, dict.UniversalEntityIDType}},
	{Tag: dict.ProcedureCodeSequence, Level: archive.LevelStudy, Items: code},
	{Tag: dict.ModalitiesInStudy, Level: archive.LevelStudy, Computed: true},
	{Tag: dict.SOPClassesInStudy, Level: archive.LevelStudy, Computed: true},
	{Tag: dict.NumberOfStudyRelatedSeries, Level: archive.LevelStudy, Computed: true},
	{Tag: dict.NumberOfStudyRelatedInstances, Level: archive.LevelStudy, Computed: true},

	// Series level (PS3.4 table C.6-3, PS3.3 sections C.7.3.1 and C.7.5.1).
	{Tag: dict.SeriesInstanceUID, Level: archive.LevelSeries},
	{Tag: dict.Modality, Level: archive.LevelSeries},
	{Tag: dict.SeriesNumber, Level: archive.LevelSeries},
	{Tag: dict.SeriesDate, Level: archive.LevelSeries},
	{Tag: dict.SeriesTime, Level: archive.LevelSeries},
	{Tag: dict.SeriesDescription, Level: archive.LevelSeries},
	{Tag: dict.BodyPartExamined, Level: archive.LevelSeries},
	{Tag: dict.Laterality, Level: archive.LevelSeries},
	{Tag: dict.PatientPosition, Level: archive.LevelSeries},
	{Tag: dict.ProtocolName, Level: archive.LevelSeries},
	{Tag: dict.PerformingPhysicianName, Level: archive.LevelSeries},
	{Tag: dict.OperatorsName, Level: archive.LevelSeries},
	{Tag: dict.InstitutionName, Level: archive.LevelSeries},
	{Tag: dict.InstitutionalDepartmentName, Level: archive.LevelSeries},
	{Tag: dict.StationName, Level: archive.LevelSeries},
	{Tag: dict.Manufacturer, Level: archive.LevelSeries},
	{Tag: dict.ManufacturerModelName, Level: archive.LevelSeries},
	{Tag: dict.DeviceSerialNumber, Level: archive.LevelSeries},
	{Tag: dict.FrameOfReferenceUID, Level: archive.LevelSeries},
	{Tag: dict.PerformedProcedureStepStartDate, Level: archive.LevelSeries},
	{Tag: dict.PerformedProcedureStepStartTime, Level: archive.LevelSeries},
	{Tag: dict.PerformedProcedureStepID, Level: archive.LevelSeries},
	{Tag: dict.PerformedProcedureStepDescription, Level: archive.LevelSeries},
	{Tag: dict.RequestAttributesSequence, Level: archive.LevelSeries, Items: []dicom.Tag{
		dict.AccessionNumber, dict.StudyInstanceUID, dict.RequestedProcedureDescription,
		dict.ScheduledProcedureStepDescription, dict.ScheduledProcedureStepID, dict.RequestedProcedureID}},
	{Tag: dict.NumberOfSeriesRelatedInstances, Level: archive.LevelSeries, Computed: true},

	// Instance level (PS3.4 table C.6-4, PS3.3 sections C.12.1, C.7.6 and C.17).
	{Tag: dict.SOPInstanceUID, Level: archive.LevelInstance},
	{Tag: dict.SOPClassUID, Level: archive.LevelInstance},
	{Tag: dict.InstanceNumber, Level: archive.LevelInstance},
	{Tag: dict.ImageType, Level: archive.LevelInstance},
	{Tag: dict.InstanceCreationDate, Level: archive.LevelInstance},
	{Tag: dict.InstanceCreationTime, Level: archive.LevelInstance},
	{Tag: dict.AcquisitionDate, Level: archive.LevelInstance},
	{Tag: dict.AcquisitionTime, Level: archive.LevelInstance},
	{Tag: dict.AcquisitionDateTime, Level: archive.LevelInstance},
	{Tag: dict.AcquisitionNumber, Level: archive.LevelInstance},
	{Tag: dict.ContentDate, Level: archive.LevelInstance},
	{Tag: dict.ContentTime, Level: archive.LevelInstance},
	{Tag: dict.ContentLabel, Level: archive.LevelInstance},
	{Tag: dict.ContentDescription, Level: archive.LevelInstance},
	{Tag: dict.ContentCreatorName, Level: archive.LevelInstance},
	{Tag: dict.ConceptNameCodeSequence, Level: archive.LevelInstance, Items: code},
	{Tag: dict.CompletionFlag, Level: archive.LevelInstance},
	{Tag: dict.VerificationFlag, Level: archive.LevelInstance},
	{Tag: dict.ObservationDateTime, Level: archive.LevelInstance},
	{Tag: dict.DocumentTitle, Level: archive.LevelInstance},
	{Tag: dict.MIMETypeOfEncapsulatedDocument, Level: archive.LevelInstance},
	{Tag: dict.PresentationCreationDate, Level: archive.LevelInstance},
	{Tag: dict.PresentationCreationTime, Level: archive.LevelInstance},
	{Tag: dict.Rows, Level: archive.LevelInstance},
	{Tag: dict.Columns, Level: archive.LevelInstance},
	{Tag: dict.BitsAllocated, Level: archive.LevelInstance},
	{Tag: dict.NumberOfFrames, Level: archive.LevelInstance},
}

// code is what is kept of a code sequence item (PS3.3 section 8.8).
var code = []dicom.Tag{dict.CodeValue, dict.CodingSchemeDesignator, dict.CodeMeaning}

// instanceTable is what of the table is read anew from every instance.
var instanceTable []*Attribute

func init() {
	slices.SortFunc(table, func(a, b Attribute) int { return int(int64(a.Tag) - int64(b.Tag)) })
	for i := range table {
		table[i].VR = dict.VR(table[i].Tag)
		slices.Sort(table[i].Items)
		if table[i].Level == archive.LevelInstance && !table[i].Computed {
			instanceTable = append(instanceTable, &table[i])
		}
	}
}

// Lookup returns the attribute with tag t, nil if the catalog does not keep it.
func Lookup(t dicom.Tag) *Attribute {
	i, ok := slices.BinarySearchFunc(table, t, func(a Attribute, t dicom.Tag) int { return int(int64(a.Tag) - int64(t)) })
	if !ok {
		return nil
	}
	return &table[i]
}

// All ranges over the attributes that the catalog keeps, in ascending order of tags.
func All() iter.Seq[*Attribute] {
	return func(yield func(*Attribute) bool) {
		for i := range table {
			if !yield(&table[i]) {
				return
			}
		}
	}
}

// unique lists the unique keys of the levels (PS3.4 section C.6.1.1).
var unique = map[archive.Level]dicom.Tag{
	archive.LevelPatient:  dict.PatientID,
	archive.LevelStudy:    dict.StudyInstanceUID,
	archive.LevelSeries:   dict.SeriesInstanceUID,
	archive.LevelInstance: dict.SOPInstanceUID,
}
