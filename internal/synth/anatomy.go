package synth

import (
	"math"
	"math/rand/v2"
)

// What tissues measure in a CT, in Hounsfield units.
const (
	huAir    = -1000
	huLung   = -850
	huFat    = -90
	huWater  = 8
	huBrain  = 36
	huGrey   = 44
	huMuscle = 55
	huBlood  = 140 // with contrast medium
	huSpongy = 220
	huBone   = 900
)

// body is what makes one patient's inside differ from another's.
type body struct {
	size, turn float64 // of the outline; rotation on the table
	heart      float64
	vessels    [28]struct{ angle, reach, drift, width float64 }
	nodule     struct{ x, y, z, r float64 } // something to find in one lung
}

func newBody(r *rand.Rand) body {
	b := body{size: 0.92 + 0.1*r.Float64(), turn: 0.06 * (r.Float64() - 0.5), heart: 0.9 + 0.25*r.Float64()}
	for i := range b.vessels {
		v := &b.vessels[i]
		v.angle, v.reach = 2*math.Pi*r.Float64(), 0.15+0.8*r.Float64()
		v.drift, v.width = 2*r.Float64()-1, 0.006+0.012*r.Float64()
	}
	b.nodule.x, b.nodule.y = 0.3+0.15*r.Float64(), -0.1+0.25*r.Float64()
	b.nodule.z, b.nodule.r = 0.3+0.4*r.Float64(), 0.02+0.02*r.Float64()
	return b
}

// chest paints an axial slice at height z: 0 at the collar bones, 1 at the
// diaphragm. The patient lies on the back, seen from the feet: the patient's
// left is on the right, the spine is below.
func (b *body) chest(c *canvas, z float64) {
	w, h := b.outline(z)
	c.paint(
		ellipse{y: 0.78, rx: 1.3, ry: 0.16, hole: 0.93, value: -250}, // the table
		ellipse{rx: w, ry: h, angle: b.turn, value: huFat},
		ellipse{rx: w - 0.05, ry: h - 0.05, angle: b.turn, value: huMuscle},
	)
	b.lungs(c, z)
	b.mediastinum(c, z)
	if z > 0.72 { // the dome of the liver rises into the right lung
		r := 0.55 * math.Sqrt((z-0.72)/0.28)
		c.paint(ellipse{x: -0.36, y: 0.02, rx: 0.30 * r / 0.55, ry: 0.36 * r / 0.55, value: 75})
	}
	b.ribs(c, z, w, h)
	vertebra(c, 0.30*h/0.54, z)
	c.paint(ellipse{y: -h + 0.09, rx: 0.09, ry: 0.025, value: huSpongy}, // sternum
		ellipse{y: -h + 0.09, rx: 0.09, ry: 0.025, hole: 0.75, value: huBone})
}

// outline returns the half axes of the body at height z.
func (b *body) outline(z float64) (w, h float64) {
	return b.size * (0.80 + 0.06*z), b.size * (0.54 + 0.06*z)
}

// lung returns the outline of a lung at height z: side -1 is the right one.
func (b *body) lung(z, side float64) ellipse {
	w, h := b.outline(z)
	full := math.Sqrt(max(0, 1-math.Pow(2*z-1.05, 2)*0.75)) // narrow at the apex
	return ellipse{x: side * 0.40 * w / 0.8, rx: 0.30 * full * w / 0.8, ry: (h - 0.13) * full, angle: side * 0.12, value: huLung}
}

func (b *body) lungs(c *canvas, z float64) {
	for _, side := range []float64{-1, 1} {
		l := b.lung(z, side)
		c.paint(l)
		for i, v := range b.vessels {
			if (i%2 == 0) != (side < 0) {
				continue
			}
			sin, cos := math.Sincos(v.angle + v.drift*z*3)
			reach := math.Mod(v.reach+z*0.8, 0.9)
			c.paint(ellipse{x: l.x + l.rx*reach*cos, y: l.ry * reach * sin,
				rx: v.width * (1.3 - reach), ry: v.width * (1.9 - reach), angle: v.angle, value: 30})
		}
	}
	if n := b.nodule; math.Abs(z-n.z) < n.r*2 {
		r := math.Sqrt(max(0, n.r*n.r-math.Pow((z-n.z)/2, 2)))
		c.paint(ellipse{x: n.x, y: n.y, rx: r, ry: r, value: 40})
	}
}

// mediastinum is what lies between the lungs: the trachea and, from the carina
// on, the main bronchi; the aorta with its arch; the heart; the oesophagus.
func (b *body) mediastinum(c *canvas, z float64) {
	c.paint(ellipse{y: -0.02, rx: 0.17, ry: 0.36, value: 20})
	if z < 0.45 {
		c.paint(ellipse{y: 0.02, rx: 0.045, ry: 0.05, value: huAir + 20})
	} else if z < 0.62 {
		d := 0.4 * (z - 0.42)
		c.paint(ellipse{x: -d, y: 0.04, rx: 0.034, ry: 0.03, value: huAir + 20},
			ellipse{x: d, y: 0.04, rx: 0.034, ry: 0.03, value: huAir + 20})
	}
	switch {
	case z > 0.30 && z < 0.40: // the arch crosses from front right to back left
		c.paint(ellipse{x: 0.06, y: 0.0, rx: 0.20, ry: 0.07, angle: 1.1, value: huBlood})
	case z >= 0.40:
		c.paint(ellipse{x: -0.06, y: -0.15, rx: 0.075, ry: 0.07, value: huBlood})
	}
	if z >= 0.30 {
		c.paint(ellipse{x: 0.12, y: 0.19, rx: 0.058, ry: 0.058, value: huBlood})
	}
	if z > 0.52 {
		r := b.heart * math.Sin(math.Pi*min(1, (z-0.52)/0.62))
		c.paint(ellipse{x: 0.10, y: -0.16, rx: 0.31 * r, ry: 0.23 * r, angle: 0.6, value: huMuscle},
			ellipse{x: 0.17, y: -0.12, rx: 0.14 * r, ry: 0.09 * r, angle: 0.7, value: huBlood},
			ellipse{x: -0.02, y: -0.22, rx: 0.11 * r, ry: 0.09 * r, angle: 0.5, value: huBlood - 20})
	}
	c.paint(ellipse{x: 0.03, y: 0.16, rx: 0.03, ry: 0.022, value: 35})
}

// ribs run obliquely, so that an axial slice cuts each of them somewhere else.
func (b *body) ribs(c *canvas, z, w, h float64) {
	for k := range 7 {
		a := math.Mod(float64(k)/7+z*1.7, 1)*2.5 - 0.95 // from the front to the back
		sin, cos := math.Sincos(a)
		for _, side := range []float64{-1, 1} {
			e := ellipse{x: side * (w - 0.085) * cos, y: (h - 0.085) * sin,
				rx: 0.022, ry: 0.062, angle: side * math.Atan2(w*sin, h*cos) * 0.9, value: huSpongy}
			c.paint(e)
			e.hole, e.value = 0.72, huBone
			c.paint(e)
		}
	}
}

// vertebra paints a vertebra with its centre at height y; between two of them
// lies a disc.
func vertebra(c *canvas, y, z float64) {
	disc := math.Mod(z*12, 1) > 0.8
	inside, shell := float32(huSpongy), float32(huBone)
	if disc {
		inside, shell = 85, 110
	}
	c.paint(ellipse{y: y, rx: 0.115, ry: 0.095, value: inside},
		ellipse{y: y, rx: 0.115, ry: 0.095, hole: 0.86, value: shell})
	if !disc {
		for _, side := range []float64{-1, 1} {
			c.paint(ellipse{x: side * 0.115, y: y + 0.125, rx: 0.095, ry: 0.026, angle: side * 0.45, value: huBone - 250},
				ellipse{x: side * 0.055, y: y + 0.085, rx: 0.022, ry: 0.05, value: huBone - 200})
		}
		c.paint(ellipse{y: y + 0.20, rx: 0.022, ry: 0.075, value: huBone - 250})
	}
	c.paint(ellipse{y: y + 0.115, rx: 0.048, ry: 0.038, value: 25}) // canal
	c.paint(ellipse{y: y + 0.115, rx: 0.022, ry: 0.018, value: huBrain})
}

// tissue is what a head consists of, as one modality shows it.
type tissue struct {
	air, skin, bone, fluid, white, grey, eye, lens, muscle float32
}

var (
	headCT = tissue{air: huAir, skin: huFat + 60, bone: huBone + 200, fluid: huWater, white: huBrain - 8,
		grey: huGrey, eye: 12, lens: 90, muscle: huMuscle}
	// T1 weighted: fat bright, white brighter than grey, fluid and cortical bone dark.
	headMR = tissue{air: 15, skin: 1500, bone: 90, fluid: 220, white: 1050, grey: 760, eye: 260, lens: 700, muscle: 620}
)

// head paints an axial slice at height z: 0 at the base of the skull, 1 near
// the vertex. The nose is above.
func (b *body) head(c *canvas, z float64, t tissue) {
	round := math.Sqrt(1 - 0.72*math.Pow(max(0, z-0.35)/0.65, 2.2))
	rx, ry := 0.62*b.size*round, 0.80*b.size*round
	if z < 0.30 { // the face
		c.paint(ellipse{y: -ry, rx: 0.10, ry: 0.14 * (1 - z/0.3), value: t.skin},
			ellipse{x: -rx, y: 0.05, rx: 0.05, ry: 0.12, value: t.skin}, ellipse{x: rx, y: 0.05, rx: 0.05, ry: 0.12, value: t.skin})
	}
	c.paint(ellipse{rx: rx, ry: ry, angle: b.turn, value: t.skin},
		ellipse{rx: rx - 0.035, ry: ry - 0.035, angle: b.turn, value: t.bone},
		ellipse{rx: rx - 0.085, ry: ry - 0.085, angle: b.turn, value: t.fluid})
	b.brain(c, z, rx-0.10, ry-0.10, t)
	if z < 0.30 {
		b.base(c, z, t)
	}
}

// brain paints folds of grey matter around white matter, the falx and the
// ventricles.
func (b *body) brain(c *canvas, z, rx, ry float64, t tissue) {
	c.paint(ellipse{rx: rx, ry: ry, angle: b.turn, value: t.grey}, ellipse{rx: rx - 0.05, ry: ry - 0.05, angle: b.turn, value: t.white})
	for k := range 36 {
		a := float64(k)/36*2*math.Pi + 0.3*math.Sin(z*9+float64(k))
		sin, cos := math.Sincos(a)
		depth := 0.05 + 0.03*math.Sin(float64(k)*2.3+z*7)
		c.paint(ellipse{x: (rx - depth) * cos, y: (ry - depth) * sin, rx: depth + 0.02, ry: 0.020, angle: math.Atan2(sin*rx, cos*ry), value: t.grey},
			ellipse{x: (rx - depth/2) * cos, y: (ry - depth/2) * sin, rx: depth, ry: 0.007, angle: math.Atan2(sin*rx, cos*ry), value: t.fluid})
	}
	c.paint(ellipse{rx: 0.006, ry: ry, value: t.fluid})
	if z > 0.32 && z < 0.75 {
		open := math.Sin(math.Pi * (z - 0.32) / 0.43)
		for _, side := range []float64{-1, 1} {
			c.paint(ellipse{x: side * 0.20, y: 0.0, rx: 0.075, ry: 0.11, value: t.grey}, // basal ganglia
				ellipse{x: side * 0.07, y: -0.14, rx: 0.035 * open, ry: 0.16 * open, angle: side * 0.25, value: t.fluid},
				ellipse{x: side * 0.12, y: 0.22, rx: 0.045 * open, ry: 0.15 * open, angle: -side * 0.30, value: t.fluid})
		}
	}
}

// base paints what lies below the brain: eyes, sinuses, the petrous bones, the
// brain stem and the cerebellum.
func (b *body) base(c *canvas, z float64, t tissue) {
	c.paint(ellipse{y: -0.45, rx: 0.16, ry: 0.22, value: t.bone}, ellipse{y: -0.45, rx: 0.13, ry: 0.18, value: t.air},
		ellipse{y: -0.45, rx: 0.012, ry: 0.20, value: t.bone})
	eye := 0.115 * math.Sqrt(max(0, 1-math.Pow((z-0.14)/0.14, 2)))
	for _, side := range []float64{-1, 1} {
		c.paint(ellipse{x: side * 0.29, y: -0.44, rx: 0.15, ry: 0.19, angle: side * 0.3, value: t.skin},
			ellipse{x: side * 0.29, y: -0.49, rx: eye, ry: eye, value: t.eye},
			ellipse{x: side * 0.29, y: -0.49 - eye*0.75, rx: eye * 0.4, ry: eye * 0.18, value: t.lens},
			ellipse{x: side * 0.22, y: -0.28, rx: 0.016, ry: 0.13, angle: side * 0.5, value: t.muscle},
			ellipse{x: side * 0.30, y: 0.05, rx: 0.24, ry: 0.055, angle: side * 0.35, value: t.bone},
			ellipse{x: side * 0.36, y: 0.06, rx: 0.05, ry: 0.03, value: t.air},
			ellipse{x: side * 0.19, y: 0.42, rx: 0.24, ry: 0.19, value: t.grey},
			ellipse{x: side * 0.19, y: 0.42, rx: 0.15, ry: 0.10, value: t.white})
	}
	c.paint(ellipse{y: 0.16, rx: 0.12, ry: 0.12, value: t.white}, ellipse{y: 0.30, rx: 0.04, ry: 0.03, value: t.fluid})
}
