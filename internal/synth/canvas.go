package synth

import (
	"math"
	"math/rand/v2"
)

// canvas is a plane of intensities that shapes are painted on, one over the
// other. Coordinates run from -1 to 1 over the shorter side, x to the right and
// y downwards, whatever the number of pixels.
type canvas struct {
	rows, cols int
	v          []float32
}

func newCanvas(rows, cols int, background float32) *canvas {
	c := &canvas{rows: rows, cols: cols, v: make([]float32, rows*cols)}
	for i := range c.v {
		c.v[i] = background
	}
	return c
}

// scale returns how many pixels there are to one unit of length.
func (c *canvas) scale() float64 { return float64(min(c.rows, c.cols)) / 2 }

func (c *canvas) at(row, col int) (x, y float64) {
	s := c.scale()
	return (float64(col) - float64(c.cols-1)/2) / s, (float64(row) - float64(c.rows-1)/2) / s
}

// ellipse is one shape. A ring is an ellipse with a hole: of the distance from
// the centre to the rim, the inner part hole (0 to 1) stays unpainted.
type ellipse struct {
	x, y, rx, ry float64
	angle        float64 // radians, clockwise on screen
	hole         float64
	value        float32
	add          bool // add the value to what is there instead of replacing it
}

func (c *canvas) paint(shapes ...ellipse) {
	for _, e := range shapes {
		c.paintOne(e)
	}
}

func (c *canvas) paintOne(e ellipse) {
	if e.rx <= 0 || e.ry <= 0 {
		return
	}
	s, r := c.scale(), max(e.rx, e.ry)
	row := func(y float64) int { return int(math.Round(y*s + float64(c.rows-1)/2)) }
	col := func(x float64) int { return int(math.Round(x*s + float64(c.cols-1)/2)) }
	sin, cos := math.Sincos(e.angle)
	inner := e.hole * e.hole
	for j := max(0, row(e.y-r)); j <= min(c.rows-1, row(e.y+r)); j++ {
		line := c.v[j*c.cols : (j+1)*c.cols]
		for i := max(0, col(e.x-r)); i <= min(c.cols-1, col(e.x+r)); i++ {
			x, y := c.at(j, i)
			x, y = x-e.x, y-e.y
			u, w := (x*cos+y*sin)/e.rx, (y*cos-x*sin)/e.ry
			if d := u*u + w*w; d > 1 || d < inner {
				continue
			}
			if e.add {
				line[i] += e.value
			} else {
				line[i] = e.value
			}
		}
	}
}

// soften blurs a little, as every imaging system does: weights 1 2 1 both ways.
func (c *canvas) soften() {
	for j := range c.rows {
		blurLine(c.v[j*c.cols:(j+1)*c.cols], 1)
	}
	for i := range c.cols {
		blurLine(c.v[i:], c.cols)
	}
}

// blurLine blurs the values v[0], v[step], v[2*step] and so on.
func blurLine(v []float32, step int) {
	if len(v) <= step {
		return
	}
	before := v[0]
	for i := 0; i+step < len(v); i += step {
		here := v[i]
		v[i] = (before + 2*here + v[i+step]) / 4
		before = here
	}
}

// noise is a table of values of a normal distribution of mean 0 and deviation 1.
var noise = func() []float32 {
	r := rand.New(rand.NewPCG(1, 1))
	t := make([]float32, 1<<15)
	for i := range t {
		t[i] = float32(r.NormFloat64())
	}
	return t
}()

// grain adds noise of the given deviation, other noise for each line.
func (c *canvas) grain(r *rand.Rand, deviation float32) {
	for j := range c.rows {
		line := c.v[j*c.cols : (j+1)*c.cols]
		from := r.IntN(len(noise))
		for i := range line {
			line[i] += deviation * noise[(from+i)%len(noise)]
		}
	}
}

// putUint16 writes the intensities as 16-bit little endian words, clipped to
// what the number of stored bits holds.
func (c *canvas) putInt(dst []byte, bits int) {
	top := float32(int(1)<<bits - 1)
	for i, v := range c.v {
		n := uint16(min(max(v+0.5, 0), top))
		dst[2*i], dst[2*i+1] = byte(n), byte(n>>8)
	}
}

// putUint8 writes the intensities as bytes.
func (c *canvas) putUint8(dst []byte) {
	for i, v := range c.v {
		dst[i] = byte(min(max(v+0.5, 0), 255))
	}
}

// shift adds a constant.
func (c *canvas) shift(by float32) {
	for i := range c.v {
		c.v[i] += by
	}
}
