package synth

import (
	"math"
	"math/rand/v2"

	"github.com/tresor-pacs/tresor/dicom/dict"
)

// The modalities whose pictures are shadows.

var (
	cr = maker{modality: "CR", class: dict.UIDComputedRadiographyImageStorage, count: 1, fill: fillCR}
	dx = maker{modality: "DX", class: dict.UIDDigitalXRayImageStorageForPresentation, count: 1, fill: fillDX}
	mg = maker{modality: "MG", class: dict.UIDDigitalMammographyXRayImageStorageForPresentation, count: 4, fill: fillMG}
)

// fillCR adds the CR Series and CR Image modules (PS3.3 sections C.8.1.1 and C.8.1.2).
func fillCR(s *study, o *Object, series, instance int) {
	ds := o.Header
	put(ds, dict.ImageType, "ORIGINAL", "PRIMARY")
	put(ds, dict.BodyPartExamined, "CHEST")
	put(ds, dict.ViewPosition, "PA")
	put(ds, dict.KVP, "125")
	put(ds, dict.AcquisitionNumber, "1")
	put(ds, dict.PatientOrientation, "L", "F")
	s.shadow(o, series, instance)
}

// fillDX adds the DX modules (PS3.3 section C.8.11).
func fillDX(s *study, o *Object, series, instance int) {
	ds := o.Header
	s.presentation(o)
	put(ds, dict.BodyPartExamined, "CHEST")
	put(ds, dict.ViewPosition, "PA")
	put(ds, dict.ImageLaterality, "U")
	put(ds, dict.PositionerType)
	put(ds, dict.PatientOrientation, "L", "F")
	ds.PutItems(dict.AnatomicRegionSequence, code("51185008", "SCT", "Chest"))
	ds.PutItems(dict.ViewCodeSequence, code("399348003", "SCT", "postero-anterior"))
	s.shadow(o, series, instance)
}

// presentation adds what DX and mammography for presentation share (PS3.3
// sections C.8.11.1 to C.8.11.4).
func (s *study) presentation(o *Object) {
	ds := o.Header
	put(ds, dict.ImageType, "ORIGINAL", "PRIMARY", "")
	put(ds, dict.PresentationIntentType, "FOR PRESENTATION")
	put(ds, dict.KVP, "125")
	put(ds, dict.DetectorType, "SCINTILLATOR")
	put(ds, dict.ImagerPixelSpacing, "0.2", "0.2")
	put(ds, dict.PixelIntensityRelationship, "LOG")
	putInt(ds, dict.PixelIntensityRelationshipSign, -1)
	put(ds, dict.RescaleIntercept, "0")
	put(ds, dict.RescaleSlope, "1")
	put(ds, dict.RescaleType, "US")
	put(ds, dict.PresentationLUTShape, "IDENTITY")
	put(ds, dict.LossyImageCompression, "00")
	put(ds, dict.BurnedInAnnotation, "NO")
	put(ds, dict.AcquisitionDate, s.date)
	put(ds, dict.AcquisitionTime, s.time)
	ds.PutItems(dict.AcquisitionContextSequence)
}

// shadow draws a chest from the front.
func (s *study) shadow(o *Object, series, instance int) {
	rows, cols := s.size(1024, 880)
	put(o.Header, dict.WindowCenter, "2048")
	put(o.Header, dict.WindowWidth, "4096")
	o.gray(rows, cols, 12, 1, func(int) *canvas {
		c := newCanvas(rows, cols, 120)
		s.patient.body.frontal(c)
		c.soften()
		c.grain(s.random(series, instance), 25)
		return c
	})
}

// frontal paints a chest as X-rays from behind show it: bright is dense.
func (b *body) frontal(c *canvas) {
	add := func(e ellipse) { e.add = true; c.paint(e) }
	c.paint(ellipse{y: 0.35, rx: 0.88 * b.size, ry: 1.25, value: 1750}, ellipse{y: -0.95, rx: 0.30, ry: 0.45, value: 1700})
	for _, side := range []float64{-1, 1} {
		c.paint(ellipse{x: side * 0.78, y: -0.62, rx: 0.26, ry: 0.22, angle: side * 0.5, value: 1650})
		c.paint(ellipse{x: side * 0.41, y: 0.02, rx: 0.33, ry: 0.70, angle: side * 0.10, value: 650})
	}
	c.paint(ellipse{x: -0.42, y: 0.82, rx: 0.44, ry: 0.26, value: 1950}, ellipse{x: 0.42, y: 0.88, rx: 0.44, ry: 0.26, value: 1800}) // diaphragm
	c.paint(ellipse{y: -0.05, rx: 0.14, ry: 0.75, value: 1700},
		ellipse{x: 0.14, y: 0.38, rx: 0.34 * b.heart, ry: 0.27 * b.heart, angle: 0.55, value: 2000}, // heart
		ellipse{x: 0.13, y: -0.25, rx: 0.10, ry: 0.11, value: 1900})                                 // aortic knob
	c.paint(ellipse{y: -0.55, rx: 0.035, ry: 0.30, value: 1250}) // trachea
	for k := range 11 {
		add(ellipse{y: -0.85 + 0.16*float64(k), rx: 0.10, ry: 0.060, value: 330}) // vertebrae
		y := -0.62 + 0.125*float64(k)
		for _, side := range []float64{-1, 1} {
			reach := 0.22 + 0.028*math.Min(float64(k), 7)
			add(ellipse{x: side * (0.06 + reach), y: y + 0.10, rx: reach, ry: 0.16, angle: side * 0.30, hole: 0.90, value: 230})
		}
	}
	for _, side := range []float64{-1, 1} {
		add(ellipse{x: side * 0.42, y: -0.70, rx: 0.36, ry: 0.035, angle: -side * 0.18, value: 420}) // collar bone
		for _, v := range b.vessels {
			sin, cos := math.Sincos(v.angle)
			add(ellipse{x: side*0.22 + side*0.30*v.reach*math.Abs(cos), y: 0.02 + 0.42*v.reach*sin,
				rx: 0.16 * v.reach, ry: v.width, angle: math.Atan2(sin, side*math.Abs(cos)), value: 120})
		}
	}
	add(ellipse{x: b.nodule.x, y: b.nodule.y, rx: b.nodule.r, ry: b.nodule.r, value: 380})
}

// fillMG adds the mammography modules (PS3.3 sections C.8.11.6 and C.8.11.7):
// four instances are both breasts in both usual views.
func fillMG(s *study, o *Object, series, instance int) {
	ds := o.Header
	s.presentation(o)
	left, oblique := instance&1 == 0, instance&2 == 0
	side, orientation := "R", []string{"P", "L"}
	if left {
		side, orientation = "L", []string{"A", "R"}
	}
	view := code("399162004", "SCT", "cranio-caudal")
	viewName := "CC"
	if oblique {
		view, viewName = code("399368009", "SCT", "medio-lateral oblique"), "MLO"
	}
	view.PutItems(dict.ViewModifierCodeSequence)
	put(ds, dict.BodyPartExamined, "BREAST")
	put(ds, dict.ImageLaterality, side)
	put(ds, dict.ViewPosition, viewName)
	put(ds, dict.PatientOrientation, orientation...)
	put(ds, dict.OrganExposed, "BREAST")
	put(ds, dict.PositionerType, "MAMMOGRAPHIC")
	put(ds, dict.BreastImplantPresent, "NO")
	put(ds, dict.PartialView, "NO")
	ds.PutItems(dict.AnatomicRegionSequence, code("76752008", "SCT", "Breast"))
	ds.PutItems(dict.ViewCodeSequence, view)
	rows, cols := s.size(1200, 900)
	put(ds, dict.WindowCenter, "2048")
	put(ds, dict.WindowWidth, "4096")
	o.gray(rows, cols, 12, 1, func(int) *canvas {
		c := newCanvas(rows, cols, 40)
		breast(c, s.g.random("breast", s.Patient), left, oblique)
		c.soften()
		c.grain(s.random(series, instance), 35)
		return c
	})
}

// breast paints a breast at the chest wall, on the left side of the picture for
// a left one; the oblique view shows the pectoral muscle.
func breast(c *canvas, r *rand.Rand, left, oblique bool) {
	wall, in := 1.0, -1.0
	if left {
		wall, in = -1.0, 1.0
	}
	c.paint(ellipse{x: wall, rx: 1.45, ry: 1.05, value: 900}, ellipse{x: wall, rx: 1.36, ry: 0.98, value: 1350})
	for range 160 {
		a, d := (r.Float64()-0.5)*2.2, 0.15+1.0*r.Float64()
		c.paint(ellipse{x: wall + in*d*math.Cos(a), y: 0.8 * d * math.Sin(a), rx: 0.05 + 0.14*r.Float64(), ry: 0.012 + 0.03*r.Float64(),
			angle: in * a, value: float32(60 + 160*r.Float64()), add: true})
	}
	for range 12 {
		c.paint(ellipse{x: wall + in*0.7 + 0.2*r.NormFloat64(), y: 0.25 * r.NormFloat64(), rx: 0.006, ry: 0.006, value: 3600})
	}
	if oblique {
		c.paint(ellipse{x: wall - in*0.05, y: -1.0, rx: 0.45, ry: 1.2, angle: in * 0.35, value: 2300})
	}
}
