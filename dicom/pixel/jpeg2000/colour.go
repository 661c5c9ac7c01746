package jpeg2000

import "math"

// finish turns the samples of a tile's components into those of the image: it
// undoes the component transform (T.800 annex G), adds the level of unsigned
// components, and cuts what is outside the range.
func (t *tile) finish(infos []ComponentInfo) error {
	if t.mct {
		if len(t.comps) < 3 {
			return malformed("component transform of %d components", len(t.comps))
		}
		a, b, c := &t.comps[0], &t.comps[1], &t.comps[2]
		if a.rect != b.rect || a.rect != c.rect || a.reversible != b.reversible || a.reversible != c.reversible {
			return malformed("component transform of unlike components")
		}
		if a.reversible {
			inverseRCT(a.ints, b.ints, c.ints)
		} else {
			inverseICT(a.floats, b.floats, c.floats)
		}
	}
	for i := range t.comps {
		t.comps[i].level(&infos[i])
	}
	return nil
}

// inverseRCT is the reversible transform (T.800 section G.2.2).
func inverseRCT(y0, y1, y2 []int32) {
	y1, y2 = y1[:len(y0)], y2[:len(y0)]
	for i, y := range y0 {
		u, v := y1[i], y2[i]
		g := y - (u+v)>>2
		y0[i], y1[i], y2[i] = v+g, g, u+g
	}
}

// inverseICT is the irreversible transform (T.800 section G.3.2).
func inverseICT(y0, y1, y2 []float32) {
	y1, y2 = y1[:len(y0)], y2[:len(y0)]
	for i, y := range y0 {
		cb, cr := y1[i], y2[i]
		y0[i] = y + 1.402*cr
		y1[i] = y - 0.344136*cb - 0.714136*cr
		y2[i] = y + 1.772*cb
	}
}

// level makes integers of the component's samples, within their range.
func (c *tileComp) level(info *ComponentInfo) {
	low, high, add := int32(0), int32(1)<<info.Bits-1, int32(1)<<(info.Bits-1)
	if info.Signed {
		low, high, add = -add, add-1, 0
	}
	if c.reversible {
		for i, v := range c.ints {
			c.ints[i] = max(low, min(high, v+add))
		}
		return
	}
	c.ints = make([]int32, len(c.floats))
	for i, v := range c.floats {
		// Bounded first: what a float of any size becomes as an integer is not defined.
		v = max(float32(low)-1, min(float32(high)+1, v+float32(add)))
		c.ints[i] = max(low, min(high, int32(math.RoundToEven(float64(v)))))
	}
	c.floats = nil
}
