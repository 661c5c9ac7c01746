package dicomweb

import (
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/archive/match"
)

// The attributes that results have without being asked for: PS3.18 tables
// 10.6.3-3 (studies), 10.6.3-4 (series) and 10.6.3-5 (instances).
var (
	studyFields = [][]dicom.Tag{
		{dict.StudyDate}, {dict.StudyTime}, {dict.AccessionNumber}, {dict.InstanceAvailability}, {dict.ModalitiesInStudy},
		{dict.ReferringPhysicianName}, {dict.TimezoneOffsetFromUTC}, {dict.PatientName}, {dict.PatientID},
		{dict.PatientBirthDate}, {dict.PatientSex}, {dict.StudyInstanceUID}, {dict.StudyID},
		{dict.NumberOfStudyRelatedSeries}, {dict.NumberOfStudyRelatedInstances},
	}
	seriesFields = [][]dicom.Tag{
		{dict.Modality}, {dict.TimezoneOffsetFromUTC}, {dict.SeriesDescription}, {dict.SeriesInstanceUID}, {dict.SeriesNumber},
		{dict.NumberOfSeriesRelatedInstances}, {dict.PerformedProcedureStepStartDate}, {dict.PerformedProcedureStepStartTime},
		{dict.RequestAttributesSequence, dict.ScheduledProcedureStepID}, {dict.RequestAttributesSequence, dict.RequestedProcedureID},
	}
	instanceFields = [][]dicom.Tag{
		{dict.SOPClassUID}, {dict.SOPInstanceUID}, {dict.InstanceAvailability}, {dict.TimezoneOffsetFromUTC}, {dict.InstanceNumber},
		{dict.Rows}, {dict.Columns}, {dict.BitsAllocated}, {dict.NumberOfFrames},
	}
)

// onlyIfKnown lists the attributes of these tables that a result has only if
// there is a value.
var onlyIfKnown = []dicom.Tag{dict.TimezoneOffsetFromUTC, dict.SeriesDescription, dict.PerformedProcedureStepStartDate,
	dict.PerformedProcedureStepStartTime, dict.RequestAttributesSequence, dict.Rows, dict.Columns, dict.BitsAllocated,
	dict.NumberOfFrames}

// fields adds to the query the attributes that results have at the level: those
// of the tables, of the levels above too where the path does not name them, and
// what includefield asks for (PS3.18 section 8.3.4.3).
func (s *searching) fields(include []string, level archive.Level, path map[string]string) error {
	var list [][]dicom.Tag
	if level == archive.LevelStudy || path["study"] == "" {
		list = append(list, studyFields...)
	}
	if level == archive.LevelSeries || level == archive.LevelInstance && path["series"] == "" {
		list = append(list, seriesFields...)
	}
	if level == archive.LevelInstance {
		list = append(list, instanceFields...)
	}
	s.onlyIfKnown = onlyIfKnown
	for _, f := range list {
		s.want(f)
	}
	asked := 0
	for _, names := range include {
		for name := range strings.SplitSeq(names, ",") {
			if asked++; asked > maxParameters {
				return bad("includefield has too many attributes")
			}
			if err := s.includeField(strings.TrimSpace(name), level); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *searching) includeField(name string, level archive.Level) error {
	switch name {
	case "":
		return nil
	case "all":
		for a := range match.All() {
			if a.Level > level || level > archive.LevelPatient && a.Computed && a.Level == archive.LevelPatient && a.Tag != dict.InstanceAvailability {
				continue
			}
			if !s.query.Keys.Has(a.Tag) {
				s.onlyIfKnown = append(s.onlyIfKnown[:len(s.onlyIfKnown):len(s.onlyIfKnown)], a.Tag)
			}
			s.want([]dicom.Tag{a.Tag})
		}
		return nil
	}
	path, err := parsePath(name)
	if err != nil {
		return err
	}
	if !s.supported(path, level) {
		s.warn("An attribute of includefield is not supported: it was left out")
		return nil
	}
	s.want(path)
	return nil
}

// want adds a return key unless there is one.
func (s *searching) want(path []dicom.Tag) {
	if len(path) == 1 && path[0] == dict.SpecificCharacterSet {
		return
	}
	if at, t := s.descend(path); !at.Has(t) {
		at.Put(dicom.Element{Tag: t, VR: dict.VR(t)})
	}
}
