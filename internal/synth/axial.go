package synth

import (
	"fmt"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// The modalities whose pictures are axial slices of one volume.

// perSeries is how many slices a series has, unless told otherwise.
const perSeries = 16

// fieldOfView is the shorter side of an axial picture in millimetres.
func (s *study) fieldOfView() float64 {
	if s.Head {
		return 240
	}
	return 400
}

// slices of a chest cover 300 mm, of a head 150 mm, however many there are.
func (s *study) sliceDistance(count int) float64 {
	if s.Head {
		return 150 / float64(count)
	}
	return 300 / float64(count)
}

// plane says where a slice lies (PS3.3 section C.7.6.2) and returns its height
// in the body, from 0 at the lower end of the head or the upper end of the chest to 1.
func (s *study) plane(ds *dicom.DataSet, rows, cols, instance, count int) (z float64) {
	z = (float64(instance) - 0.5) / float64(count)
	spacing := s.fieldOfView() / float64(min(rows, cols))
	distance := s.sliceDistance(count)
	at := -distance * float64(instance-1)
	if s.Head {
		at = -at
	}
	put(ds, dict.SliceThickness, decimal(distance))
	put(ds, dict.PatientPosition, "HFS")
	put(ds, dict.ImagePositionPatient, decimal(-spacing*float64(cols-1)/2), decimal(-spacing*float64(rows-1)/2), decimal(at))
	put(ds, dict.ImageOrientationPatient, "1", "0", "0", "0", "1", "0")
	put(ds, dict.FrameOfReferenceUID, string(s.frameOfReference()))
	put(ds, dict.PositionReferenceIndicator)
	put(ds, dict.SliceLocation, decimal(at))
	put(ds, dict.PixelSpacing, decimal(spacing), decimal(spacing))
	return z
}

// decimal writes a number for VR DS: at most 16 characters (PS3.5 section 6.2).
func decimal(v float64) string { return fmt.Sprintf("%.6g", v) }

var ct = maker{modality: "CT", class: dict.UIDCTImageStorage, count: perSeries, fill: fillCT}

// fillCT adds the CT Image module (PS3.3 section C.8.2.1).
func fillCT(s *study, o *Object, series, instance int) {
	ds := o.Header
	rows, cols := s.size(512, 512)
	put(ds, dict.ImageType, "ORIGINAL", "PRIMARY", "AXIAL")
	put(ds, dict.BodyPartExamined, s.bodyPart())
	put(ds, dict.KVP, "120")
	put(ds, dict.AcquisitionNumber, "1")
	put(ds, dict.AcquisitionDate, s.date)
	put(ds, dict.AcquisitionTime, s.time)
	z := s.plane(ds, rows, cols, instance, orElse(s.Count, perSeries))
	centre, width := "40", "400"
	if s.Head {
		centre, width = "40", "100"
	}
	put(ds, dict.WindowCenter, centre)
	put(ds, dict.WindowWidth, width)
	put(ds, dict.RescaleIntercept, "-1024")
	put(ds, dict.RescaleSlope, "1")
	put(ds, dict.RescaleType, "HU")
	o.gray(rows, cols, 12, 1, func(int) *canvas {
		c := newCanvas(rows, cols, huAir)
		deviation := float32(14)
		if s.Head {
			s.patient.body.head(c, z, headCT)
			deviation = 4
		} else {
			s.patient.body.chest(c, z)
		}
		c.soften()
		c.grain(s.random(series, instance), deviation)
		c.shift(1024)
		return c
	})
}

var mr = maker{modality: "MR", class: dict.UIDMRImageStorage, count: perSeries, fill: fillMR}

// fillMR adds the MR Image module (PS3.3 section C.8.3.1): a T1 weighted head.
func fillMR(s *study, o *Object, series, instance int) {
	ds := o.Header
	head := *s
	head.Head = true
	rows, cols := s.size(256, 256)
	put(ds, dict.ImageType, "ORIGINAL", "PRIMARY", "OTHER")
	put(ds, dict.BodyPartExamined, "HEAD")
	put(ds, dict.ScanningSequence, "SE")
	put(ds, dict.SequenceVariant, "NONE")
	put(ds, dict.ScanOptions)
	put(ds, dict.MRAcquisitionType, "2D")
	put(ds, dict.RepetitionTime, "500")
	put(ds, dict.EchoTime, "12")
	put(ds, dict.EchoTrainLength, "1")
	put(ds, dict.MagneticFieldStrength, "1.5")
	put(ds, dict.AcquisitionNumber, "1")
	z := head.plane(ds, rows, cols, instance, orElse(s.Count, perSeries))
	put(ds, dict.WindowCenter, "700")
	put(ds, dict.WindowWidth, "1400")
	o.gray(rows, cols, 12, 1, func(int) *canvas {
		c := newCanvas(rows, cols, headMR.air)
		s.patient.body.head(c, z, headMR)
		c.soften()
		c.grain(s.random(series, instance), 25)
		return c
	})
}

var pt = maker{modality: "PT", class: dict.UIDPositronEmissionTomographyImageStorage, count: perSeries, fill: fillPT}

// fillPT adds the PET Series, Isotope and Image modules (PS3.3 sections C.8.9.1,
// C.8.9.2 and C.8.9.4): uptake of the heart, the liver and the nodule.
func fillPT(s *study, o *Object, series, instance int) {
	ds := o.Header
	rows, cols := s.size(128, 128)
	count := orElse(s.Count, perSeries)
	put(ds, dict.ImageType, "ORIGINAL", "PRIMARY")
	put(ds, dict.BodyPartExamined, "CHEST")
	put(ds, dict.AcquisitionDate, s.date)
	put(ds, dict.AcquisitionTime, s.time)
	put(ds, dict.ActualFrameDuration, "180000")
	put(ds, dict.CollimatorType, "NONE")
	put(ds, dict.CorrectedImage, "DECY", "ATTN", "SCAT")
	put(ds, dict.DecayCorrection, "START")
	put(ds, dict.FrameReferenceTime, "0")
	put(ds, dict.CountsSource, "EMISSION")
	put(ds, dict.SeriesType, "STATIC", "IMAGE")
	put(ds, dict.Units, "BQML")
	put(ds, dict.DecayFactor, "1")
	ds.PutItems(dict.PatientOrientationCodeSequence)
	ds.PutItems(dict.PatientGantryRelationshipCodeSequence)
	putInt(ds, dict.NumberOfSlices, int64(count))
	putInt(ds, dict.ImageIndex, int64(instance))
	isotope := new(dicom.DataSet)
	put(isotope, dict.RadiopharmaceuticalStartTime, s.time)
	put(isotope, dict.RadionuclideTotalDose, "350000000")
	put(isotope, dict.RadionuclideHalfLife, "6586.2")
	isotope.PutItems(dict.RadionuclideCodeSequence, code("C-111A1", "SRT", "^18^Fluorine"))
	ds.PutItems(dict.RadiopharmaceuticalInformationSequence, isotope)
	z := s.plane(ds, rows, cols, instance, count)
	ds.Delete(dict.PatientPosition) // Patient Orientation Code Sequence is in its place
	put(ds, dict.WindowCenter, "5000")
	put(ds, dict.WindowWidth, "10000")
	put(ds, dict.RescaleIntercept, "0")
	put(ds, dict.RescaleSlope, "1")
	o.gray(rows, cols, 16, 1, func(int) *canvas {
		c := newCanvas(rows, cols, huAir)
		s.patient.body.chest(c, z)
		for i, hu := range c.v {
			c.v[i] = uptake(hu)
		}
		if n := s.patient.body.nodule; abs(z-n.z) < n.r*3 {
			c.paint(ellipse{x: n.x, y: n.y, rx: n.r * 1.6, ry: n.r * 1.6, value: 12000})
		}
		for range 3 { // PET is blurred far more than CT
			c.soften()
		}
		c.grain(s.random(series, instance), 150)
		return c
	})
}

// uptake guesses from what a tissue measures in CT how much tracer it takes up.
func uptake(hu float32) float32 {
	switch {
	case hu < -500:
		return 250
	case hu > 60 && hu < 200: // heart, liver
		return 5200
	case hu > 200:
		return 1300
	}
	return 1900
}

func abs(v float64) float64 { return max(v, -v) }

// code returns an item of a code sequence (PS3.3 section 8).
func code(value, scheme, meaning string) *dicom.DataSet {
	ds := new(dicom.DataSet)
	put(ds, dict.CodeValue, value)
	put(ds, dict.CodingSchemeDesignator, scheme)
	put(ds, dict.CodeMeaning, meaning)
	return ds
}
