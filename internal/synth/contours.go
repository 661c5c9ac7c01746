package synth

import (
	"fmt"
	"math"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// The objects that outline the lungs of the study's first CT series.

var (
	rtstruct = maker{modality: "RTSTRUCT", class: dict.UIDRTStructureSetStorage, count: 1, fill: fillRTSTRUCT}
	seg      = maker{modality: "SEG", class: dict.UIDSegmentationStorage, count: 1, fill: fillSEG}
)

var lungNames = [2]string{"Lung right", "Lung left"}

// fillRTSTRUCT adds the Structure Set, ROI Contour and RT ROI Observations
// modules (PS3.3 sections C.8.8.5, C.8.8.6 and C.8.8.8).
func fillRTSTRUCT(s *study, o *Object, _, _ int) {
	ds := o.Header
	series, count := s.pictures()
	put(ds, dict.OperatorsName)
	put(ds, dict.StructureSetLabel, "LUNGS")
	put(ds, dict.StructureSetDate, s.date)
	put(ds, dict.StructureSetTime, s.time)
	put(ds, dict.FrameOfReferenceUID, string(s.frameOfReference()))
	put(ds, dict.PositionReferenceIndicator)
	ds.PutItems(dict.ReferencedFrameOfReferenceSequence, s.referencedFrame(series, count))
	var regions, contours, observations []*dicom.DataSet
	for k, name := range lungNames {
		number := fmt.Sprint(k + 1)
		region, contour, observation := new(dicom.DataSet), new(dicom.DataSet), new(dicom.DataSet)
		put(region, dict.ROINumber, number)
		put(region, dict.ReferencedFrameOfReferenceUID, string(s.frameOfReference()))
		put(region, dict.ROIName, name)
		put(region, dict.ROIGenerationAlgorithm, "AUTOMATIC")
		put(contour, dict.ROIDisplayColor, "0", fmt.Sprint(120+80*k), "255")
		contour.PutItems(dict.ContourSequence, s.outlines(series, count, float64(2*k-1))...)
		put(contour, dict.ReferencedROINumber, number)
		put(observation, dict.ObservationNumber, number)
		put(observation, dict.ReferencedROINumber, number)
		put(observation, dict.RTROIInterpretedType, "ORGAN")
		put(observation, dict.ROIInterpreter)
		regions, contours, observations = append(regions, region), append(contours, contour), append(observations, observation)
	}
	ds.PutItems(dict.StructureSetROISequence, regions...)
	ds.PutItems(dict.ROIContourSequence, contours...)
	ds.PutItems(dict.RTROIObservationsSequence, observations...)
	put(ds, dict.ApprovalStatus, "UNAPPROVED")
}

func (s *study) referencedFrame(series, count int) *dicom.DataSet {
	frame, inStudy, inSeries := new(dicom.DataSet), new(dicom.DataSet), new(dicom.DataSet)
	images := make([]*dicom.DataSet, count)
	for i := range images {
		images[i] = s.reference(series, i+1)
	}
	put(inSeries, dict.SeriesInstanceUID, string(s.seriesUID(series)))
	inSeries.PutItems(dict.ContourImageSequence, images...)
	put(inStudy, dict.ReferencedSOPClassUID, string(dict.UIDDetachedStudyManagement))
	put(inStudy, dict.ReferencedSOPInstanceUID, string(s.uid))
	inStudy.PutItems(dict.RTReferencedSeriesSequence, inSeries)
	put(frame, dict.FrameOfReferenceUID, string(s.frameOfReference()))
	frame.PutItems(dict.RTReferencedStudySequence, inStudy)
	return frame
}

// outlines returns a closed contour of a lung for each slice, in millimetres.
func (s *study) outlines(series, count int, side float64) []*dicom.DataSet {
	const points = 48
	var items []*dicom.DataSet
	half := s.fieldOfView() / 2
	for i := range count {
		l := s.patient.body.lung((float64(i)+0.5)/float64(count), side)
		sin, cos := math.Sincos(l.angle)
		at := decimal(-s.sliceDistance(count) * float64(i))
		data := make([]string, 0, 3*points)
		for p := range points {
			b, a := math.Sincos(2 * math.Pi * float64(p) / points)
			a, b = a*l.rx, b*l.ry
			data = append(data, decimal(half*(l.x+a*cos-b*sin)), decimal(half*(l.y+a*sin+b*cos)), at)
		}
		item := new(dicom.DataSet)
		item.PutItems(dict.ContourImageSequence, s.reference(series, i+1))
		put(item, dict.ContourGeometricType, "CLOSED_PLANAR")
		put(item, dict.NumberOfContourPoints, fmt.Sprint(points))
		put(item, dict.ContourData, data...)
		items = append(items, item)
	}
	return items
}

// fillSEG adds the Segmentation modules (PS3.3 sections C.8.20.2 to C.8.20.4):
// one bit a pixel, a segment for each lung, a frame for each segment and slice.
func fillSEG(s *study, o *Object, _, instance int) {
	ds := o.Header
	series, count := s.pictures()
	rows, cols := s.size(512, 512)
	cols = (cols + 7) &^ 7 // frames begin at bytes
	put(ds, dict.ImageType, "DERIVED", "PRIMARY")
	put(ds, dict.InstanceNumber, fmt.Sprint(instance))
	put(ds, dict.ContentLabel, "LUNGS")
	put(ds, dict.ContentDescription, "Lungs")
	put(ds, dict.ContentCreatorName, "Synthetic")
	put(ds, dict.SegmentationType, "BINARY")
	put(ds, dict.LossyImageCompression, "00")
	put(ds, dict.FrameOfReferenceUID, string(s.frameOfReference()))
	put(ds, dict.PositionReferenceIndicator)
	put(ds, dict.NumberOfFrames, fmt.Sprint(2*count))
	ds.PutItems(dict.SegmentSequence, segment(1), segment(2))
	s.dimensions(ds, series, count, rows, cols)
	if series > 0 {
		inSeries := new(dicom.DataSet)
		put(inSeries, dict.SeriesInstanceUID, string(s.seriesUID(series)))
		images := make([]*dicom.DataSet, count)
		for i := range images {
			images[i] = s.reference(series, i+1)
		}
		inSeries.PutItems(dict.ReferencedInstanceSequence, images...)
		ds.PutItems(dict.ReferencedSeriesSequence, inSeries)
	}
	put(ds, dict.PhotometricInterpretation, "MONOCHROME2")
	o.describe(rows, cols, 1, 1, 1)
	o.pixels = &pixels{frames: 2 * count, size: rows * cols / 8, columns: cols, samples: 1, bytes: 1, packed: true,
		draw: func(frame int, dst []byte) {
			c := newCanvas(rows, cols, 0)
			l := s.patient.body.lung((float64(frame%count)+0.5)/float64(count), float64(frame/count*2-1))
			l.value = 1
			c.paint(l)
			clear(dst)
			for i, v := range c.v {
				if v > 0 {
					dst[i/8] |= 1 << (i % 8)
				}
			}
		}}
}

func segment(number int64) *dicom.DataSet {
	ds := new(dicom.DataSet)
	putInt(ds, dict.SegmentNumber, number)
	put(ds, dict.SegmentLabel, lungNames[number-1])
	put(ds, dict.SegmentAlgorithmType, "AUTOMATIC")
	put(ds, dict.SegmentAlgorithmName, "drawn")
	ds.PutItems(dict.SegmentedPropertyCategoryCodeSequence, code("123037004", "SCT", "Anatomical Structure"))
	ds.PutItems(dict.SegmentedPropertyTypeCodeSequence, code("39607008", "SCT", "Lung"))
	return ds
}

// dimensions adds the Multi-frame Dimension and Functional Groups modules (PS3.3
// sections C.7.6.17 and C.7.6.16).
func (s *study) dimensions(ds *dicom.DataSet, series, count, rows, cols int) {
	organization := string(s.g.uid("dimension", s.Number))
	item := new(dicom.DataSet)
	put(item, dict.DimensionOrganizationUID, organization)
	ds.PutItems(dict.DimensionOrganizationSequence, item)
	ds.PutItems(dict.DimensionIndexSequence,
		index(organization, dict.ReferencedSegmentNumber, dict.SegmentIdentificationSequence),
		index(organization, dict.ImagePositionPatient, dict.PlanePositionSequence))
	first, shared, orientation, measures := new(dicom.DataSet), new(dicom.DataSet), new(dicom.DataSet), new(dicom.DataSet)
	s.plane(first, rows, cols, 1, count)
	for t, group := range map[dicom.Tag]*dicom.DataSet{dict.ImageOrientationPatient: orientation,
		dict.SliceThickness: measures, dict.PixelSpacing: measures} {
		group.Put(*first.Get(t))
	}
	shared.PutItems(dict.PlaneOrientationSequence, orientation)
	shared.PutItems(dict.PixelMeasuresSequence, measures)
	ds.PutItems(dict.SharedFunctionalGroupsSequence, shared)
	frames := make([]*dicom.DataSet, 2*count)
	for f := range frames {
		frames[f] = s.frameGroups(int64(f/count+1), f%count, count, rows, cols)
		if series > 0 {
			frames[f].PutItems(dict.DerivationImageSequence, s.derivation(series, f%count+1))
		}
	}
	ds.PutItems(dict.PerFrameFunctionalGroupsSequence, frames...)
}

func index(organization string, pointer, group dicom.Tag) *dicom.DataSet {
	ds := new(dicom.DataSet)
	put(ds, dict.DimensionOrganizationUID, organization)
	putInt(ds, dict.DimensionIndexPointer, int64(pointer))
	putInt(ds, dict.FunctionalGroupPointer, int64(group))
	return ds
}

func (s *study) frameGroups(number int64, slice, count, rows, cols int) *dicom.DataSet {
	frame, content, plane, where, identification := new(dicom.DataSet), new(dicom.DataSet), new(dicom.DataSet), new(dicom.DataSet), new(dicom.DataSet)
	putInt(content, dict.DimensionIndexValues, number, int64(slice+1))
	frame.PutItems(dict.FrameContentSequence, content)
	s.plane(plane, rows, cols, slice+1, count)
	where.Put(*plane.Get(dict.ImagePositionPatient))
	frame.PutItems(dict.PlanePositionSequence, where)
	putInt(identification, dict.ReferencedSegmentNumber, number)
	frame.PutItems(dict.SegmentIdentificationSequence, identification)
	return frame
}

// derivation names the slice that a frame was drawn on (PS3.3 section C.7.6.16.2.6).
func (s *study) derivation(series, instance int) *dicom.DataSet {
	source := s.reference(series, instance)
	source.PutItems(dict.PurposeOfReferenceCodeSequence, code("121322", "DCM", "Source image for image processing operation"))
	ds := new(dicom.DataSet)
	ds.PutItems(dict.SourceImageSequence, source)
	ds.PutItems(dict.DerivationCodeSequence, code("113076", "DCM", "Segmentation"))
	return ds
}
