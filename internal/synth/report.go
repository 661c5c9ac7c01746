package synth

import (
	"bytes"
	"fmt"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

var (
	sr  = maker{modality: "SR", class: dict.UIDBasicTextSRStorage, count: 1, fill: fillSR}
	doc = maker{modality: "DOC", class: dict.UIDEncapsulatedPDFStorage, count: 1, fill: fillDOC}
)

// fillSR adds the SR Document General and Content modules (PS3.3 sections
// C.17.2 and C.17.3): a short report with a finding, by TID 2000 of PS3.16.
func fillSR(s *study, o *Object, _, _ int) {
	ds := o.Header
	put(ds, dict.CompletionFlag, "COMPLETE")
	put(ds, dict.VerificationFlag, "UNVERIFIED")
	ds.PutItems(dict.ReferencedPerformedProcedureStepSequence)
	ds.PutItems(dict.PerformedProcedureCodeSequence)
	if evidence := s.evidence(); evidence != nil {
		ds.PutItems(dict.CurrentRequestedProcedureEvidenceSequence, evidence)
	}
	put(ds, dict.ValueType, "CONTAINER")
	put(ds, dict.ContinuityOfContent, "SEPARATE")
	ds.PutItems(dict.ConceptNameCodeSequence, code("18748-4", "LN", "Diagnostic Imaging Report"))
	n := s.patient.body.nodule
	ds.PutItems(dict.ContentSequence,
		section("55111-9", "Current Procedure Descriptions", s.bodyPart()+" without contrast medium"),
		section("59776-5", "Procedure Findings", fmt.Sprintf("Round opacity of %.0f mm in the left lung", n.r*400)),
		section("19005-8", "Radiology - Impression", "Invented finding of an invented patient"))
}

func section(value, meaning, text string) *dicom.DataSet {
	item, paragraph := new(dicom.DataSet), new(dicom.DataSet)
	put(paragraph, dict.RelationshipType, "CONTAINS")
	put(paragraph, dict.ValueType, "TEXT")
	paragraph.PutItems(dict.ConceptNameCodeSequence, code("121071", "DCM", "Finding"))
	put(paragraph, dict.TextValue, text)
	put(item, dict.RelationshipType, "CONTAINS")
	put(item, dict.ValueType, "CONTAINER")
	put(item, dict.ContinuityOfContent, "SEPARATE")
	item.PutItems(dict.ConceptNameCodeSequence, code(value, "LN", meaning))
	item.PutItems(dict.ContentSequence, paragraph)
	return item
}

// evidence refers to all instances of the study's first CT series; nil if it has none.
func (s *study) evidence() *dicom.DataSet {
	series, count := s.pictures()
	if series == 0 {
		return nil
	}
	instances := make([]*dicom.DataSet, count)
	for i := range instances {
		instances[i] = s.reference(series, i+1)
	}
	inSeries, inStudy := new(dicom.DataSet), new(dicom.DataSet)
	put(inSeries, dict.SeriesInstanceUID, string(s.seriesUID(series)))
	inSeries.PutItems(dict.ReferencedSOPSequence, instances...)
	put(inStudy, dict.StudyInstanceUID, string(s.uid))
	inStudy.PutItems(dict.ReferencedSeriesSequence, inSeries)
	return inStudy
}

// pictures returns the number of the study's first CT series and how many
// slices it has; 0 if there is none.
func (s *study) pictures() (series, count int) {
	for i, m := range s.Modalities {
		if m == "CT" {
			return i + 1, orElse(s.Count, perSeries)
		}
	}
	return 0, orElse(s.Count, perSeries)
}

// reference names a CT slice of the study (PS3.3 section 10.8).
func (s *study) reference(series, instance int) *dicom.DataSet {
	ds := new(dicom.DataSet)
	put(ds, dict.ReferencedSOPClassUID, string(ct.class))
	put(ds, dict.ReferencedSOPInstanceUID, string(s.instanceUID(series, instance)))
	return ds
}

// fillDOC adds the Encapsulated Document module (PS3.3 section C.24.2): a page of PDF.
func fillDOC(s *study, o *Object, _, _ int) {
	ds := o.Header
	put(ds, dict.ConversionType, "WSD")
	put(ds, dict.BurnedInAnnotation, "YES")
	put(ds, dict.AcquisitionDateTime)
	put(ds, dict.DocumentTitle, "Synthetic report")
	ds.PutItems(dict.ConceptNameCodeSequence, code("18748-4", "LN", "Diagnostic Imaging Report"))
	put(ds, dict.MIMETypeOfEncapsulatedDocument, "application/pdf")
	page := pdf("Synthetic report", "Patient "+s.patient.ID, "Study of "+s.date, "Invented finding of an invented patient")
	putInt(ds, dict.EncapsulatedDocumentLength, int64(len(page)))
	ds.Put(dicom.Element{Tag: dict.EncapsulatedDocument, VR: dicom.VROB, Data: dicom.Pad(page, dicom.VROB)})
}

// pdf returns a page with lines of plain ASCII text (ISO 32000-1).
func pdf(lines ...string) []byte {
	var text bytes.Buffer
	text.WriteString("BT /F1 16 Tf 72 770 Td 24 TL\n")
	for _, l := range lines {
		fmt.Fprintf(&text, "(%s) Tj T*\n", l)
	}
	text.WriteString("ET")
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R /Resources << /Font << /F1 4 0 R >> >> >>",
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", text.Len(), text.String()),
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	table := "0000000000 65535 f \n"
	for i, o := range objects {
		table += fmt.Sprintf("%010d 00000 n \n", b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n",
		len(objects)+1, table, len(objects)+1, start)
	return b.Bytes()
}
