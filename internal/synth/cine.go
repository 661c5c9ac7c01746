package synth

import (
	"math"

	"github.com/tresor-pacs/tresor/dicom/dict"
)

// The modalities whose objects have many frames.

var (
	us = maker{modality: "US", class: dict.UIDUltrasoundMultiFrameImageStorage, count: 1, fill: fillUS}
	xa = maker{modality: "XA", class: dict.UIDXRayAngiographicImageStorage, count: 1, fill: fillXA}
)

// cine adds the Multi-frame and Cine modules (PS3.3 sections C.7.6.6 and C.7.6.5).
func (s *study) cine(o *Object, frames int, milliseconds string) {
	ds := o.Header
	put(ds, dict.NumberOfFrames, decimal(float64(frames)))
	must(dict.FrameIncrementPointer, ds.PutInts(dict.FrameIncrementPointer, dict.VR(dict.FrameIncrementPointer), int64(dict.FrameTime)))
	put(ds, dict.FrameTime, milliseconds)
	put(ds, dict.PatientOrientation)
}

// beat is the number of frames of one heart beat, after which a cine repeats.
const beat = 20

// fillUS adds the US Image module (PS3.3 section C.8.5.6): a beating heart in a
// sector, in colour.
func fillUS(s *study, o *Object, series, instance int) {
	ds := o.Header
	rows, cols := s.size(480, 640)
	frames := orElse(s.Frames, beat)
	put(ds, dict.ImageType, "ORIGINAL", "PRIMARY")
	put(ds, dict.BodyPartExamined, "HEART")
	put(ds, dict.LossyImageCompression, "00")
	s.cine(o, frames, "40")
	random := s.random(series, instance)
	from := random.IntN(len(noise))
	o.colour(rows, cols, frames, func(frame int, dst []byte) {
		c := newCanvas(rows, cols, 0)
		phase := 2 * math.Pi * float64(frame%beat) / beat
		for j := range rows {
			for i := range cols {
				x, y := c.at(j, i)
				grey, flow := sector(x, y+0.95, phase)
				speckle := 0.75 + 0.35*math.Abs(float64(noise[(from+j*cols*7+i*13+frame*1009)%len(noise)]))
				v := byte(min(255, grey*speckle))
				p := dst[3*(j*cols+i):]
				p[0], p[1], p[2] = v, v, v
				if flow > 0 { // towards the probe: red
					p[0] = byte(min(255, 90+flow*speckle))
				} else if flow < 0 {
					p[2] = byte(min(255, 90-flow*speckle))
				}
			}
		}
	})
	o.pixels.repeat(beat)
}

// sector returns how bright an ultrasound picture is at a place (the probe at
// the origin, y is depth) and how fast blood flows there.
func sector(x, y, phase float64) (grey, flow float64) {
	depth := math.Hypot(x, y)
	if y <= 0 || depth > 1.85 || depth < 0.06 || math.Abs(x) > y*0.85 {
		return 0, 0
	}
	squeeze := 1 - 0.22*(0.5+0.5*math.Sin(phase))
	inside := func(cx, cy, rx, ry float64) float64 {
		u, w := (x-cx)/(rx*squeeze), (y-cy)/(ry*squeeze)
		return u*u + w*w
	}
	grey = 70 - 20*depth
	for _, k := range [][4]float64{{-0.22, 0.95, 0.22, 0.38}, {0.22, 0.95, 0.19, 0.33}, {-0.20, 1.45, 0.18, 0.17}, {0.20, 1.43, 0.17, 0.16}} {
		switch d := inside(k[0], k[1], k[2], k[3]); {
		case d < 1:
			grey = 8
			if k[1] < 1 && d < 0.25 && k[0] < 0 {
				flow = 150 * math.Sin(phase)
			}
			return grey, flow
		case d < 1.45:
			grey = 175 - 40*depth
		}
	}
	return grey, 0
}

// fillXA adds the X-Ray Image and Acquisition modules (PS3.3 sections C.8.7.1
// and C.8.7.2): contrast medium that fills a tree of vessels.
func fillXA(s *study, o *Object, series, instance int) {
	ds := o.Header
	rows, cols := s.size(512, 512)
	frames := orElse(s.Frames, beat)
	put(ds, dict.ImageType, "ORIGINAL", "PRIMARY", "SINGLE PLANE")
	put(ds, dict.BodyPartExamined, "HEART")
	put(ds, dict.KVP, "80")
	put(ds, dict.ExposureTime, "7")
	put(ds, dict.XRayTubeCurrent, "500")
	put(ds, dict.Exposure, "4")
	put(ds, dict.RadiationSetting, "GR")
	put(ds, dict.PixelIntensityRelationship, "LIN")
	put(ds, dict.PositionerMotion, "STATIC")
	put(ds, dict.PositionerPrimaryAngle, "30")
	put(ds, dict.PositionerSecondaryAngle, "-20")
	put(ds, dict.LossyImageCompression, "00")
	s.cine(o, frames, "66.7")
	o.gray(rows, cols, 8, frames, func(frame int) *canvas {
		c := newCanvas(rows, cols, 185)
		phase := float64(frame%beat) / beat
		c.paint(ellipse{x: 0.45, y: 0.35, rx: 0.9, ry: 0.8, value: 150}, ellipse{x: -0.75, rx: 0.13, ry: 1.2, value: 125})
		branch(c, -0.45, -0.75, 0.9+0.06*math.Sin(2*math.Pi*phase), 0.05, 0.9, 0.2+1.6*phase)
		c.soften()
		c.grain(s.random(series, instance*beat+frame), 5)
		return c
	})
	o.pixels.repeat(beat)
}

// branch paints a vessel that starts at x, y in a direction, and its branches,
// as far as the contrast medium has come.
func branch(c *canvas, x, y, direction, width, length, filled float64) {
	const step = 0.02
	for at := 0.0; at < length; at += step {
		if filled -= step; filled < 0 || width < 0.006 {
			return
		}
		sin, cos := math.Sincos(direction + 0.35*math.Sin(at*6+x))
		x, y = x+step*cos, y+step*sin
		c.paint(ellipse{x: x, y: y, rx: width / 2, ry: width / 2, value: 60})
		width *= 0.985
		if k := int(at/step) % 12; k == 8 {
			turn := 0.75
			if int(at/step/12)%2 == 0 {
				turn = -0.75
			}
			branch(c, x, y, direction+turn, width*0.6, length*0.6, filled)
		}
	}
}
