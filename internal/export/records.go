package export

import (
	"slices"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// The keys of directory records (PS3.3 section F.5).
var (
	patientKeys  = []dicom.Tag{dict.PatientName, dict.PatientID}
	patientMore  = []dicom.Tag{dict.PatientBirthDate, dict.PatientSex}
	studyKeys    = []dicom.Tag{dict.StudyDate, dict.StudyTime, dict.StudyDescription, dict.StudyInstanceUID, dict.StudyID, dict.AccessionNumber}
	seriesKeys   = []dicom.Tag{dict.Modality, dict.SeriesInstanceUID, dict.SeriesNumber}
	seriesMore   = []dicom.Tag{dict.SeriesDescription, dict.InstitutionName}
	instanceKeys = []dicom.Tag{dict.InstanceNumber}
	documentMore = []dicom.Tag{dict.ContentDate, dict.ContentTime, dict.CompletionFlag, dict.VerificationFlag, dict.ConceptNameCodeSequence,
		dict.DocumentTitle, dict.MIMETypeOfEncapsulatedDocument, dict.ContentLabel, dict.ContentDescription,
		dict.PresentationCreationDate, dict.PresentationCreationTime}
)

// required are further keys of some kinds of records (PS3.3 section F.5).
var required = map[string][]dicom.Tag{
	"RT STRUCTURE SET": {dict.StructureSetLabel, dict.StructureSetDate, dict.StructureSetTime},
	"RT PLAN":          {dict.RTPlanLabel, dict.RTPlanDate, dict.RTPlanTime},
	"RT DOSE":          {dict.DoseSummationType},
	"RT TREAT RECORD":  {dict.TreatmentDate, dict.TreatmentTime},
	"WAVEFORM":         {dict.ContentDate, dict.ContentTime},
}

// kinds are the record types of what is no image, by modality (PS3.3 section
// F.5.1): the modality says it for all SOP classes of a kind.
var kinds = map[string]string{
	"SR": "SR DOCUMENT", "KO": "KEY OBJECT DOC", "PR": "PRESENTATION", "DOC": "ENCAP DOC", "ECG": "WAVEFORM", "HD": "WAVEFORM",
	"AU": "WAVEFORM", "EPS": "WAVEFORM", "RESP": "WAVEFORM", "RTDOSE": "RT DOSE", "RTSTRUCT": "RT STRUCTURE SET", "RTPLAN": "RT PLAN",
	"RTRECORD": "RT TREAT RECORD", "REG": "REGISTRATION", "FID": "FIDUCIAL", "RWV": "VALUE MAP",
}

// tree gathers the records of a file-set by the entities they stand for.
type tree struct {
	roots []*record
	have  map[string]*record
}

// level returns the record of an entity below another, which it makes if it is new.
func (t *tree) level(above *record, key, kind string, header *dicom.DataSet, required, optional []dicom.Tag) (*record, error) {
	if r := t.have[kind+key]; r != nil {
		return r, nil
	}
	r, err := newRecord(kind, header, required, optional)
	if err != nil {
		return nil, err
	}
	if t.have == nil {
		t.have = map[string]*record{}
	}
	t.have[kind+key] = r
	if above == nil {
		t.roots = append(t.roots, r)
	} else {
		above.lower = append(above.lower, r)
	}
	return r, nil
}

// add enters an instance and its file.
func (t *tree) add(header *dicom.DataSet, file []string, class, instance, syntax dicom.UID) error {
	patient, err := t.level(nil, header.String(dict.PatientID), "PATIENT", header, patientKeys, patientMore)
	if err != nil {
		return err
	}
	study, err := t.level(patient, header.String(dict.StudyInstanceUID), "STUDY", header, studyKeys, nil)
	if err != nil {
		return err
	}
	key := header.String(dict.StudyInstanceUID) + " " + header.String(dict.SeriesInstanceUID)
	series, err := t.level(study, key, "SERIES", header, seriesKeys, seriesMore)
	if err != nil {
		return err
	}
	kind, more := "IMAGE", []dicom.Tag(nil)
	if other := kinds[header.String(dict.Modality)]; other != "" {
		kind, more = other, documentMore
	}
	r, err := newRecord(kind, header, slices.Concat(instanceKeys, required[kind]), more)
	if err != nil {
		return err
	}
	series.lower = append(series.lower, r)
	return r.names(file, class, instance, syntax)
}
