package jpeg2000

// rect is an area of a grid: x0 and y0 are in it, x1 and y1 are not.
type rect struct{ x0, y0, x1, y1 int }

func (r rect) width() int  { return r.x1 - r.x0 }
func (r rect) height() int { return r.y1 - r.y0 }
func (r rect) empty() bool { return r.x1 <= r.x0 || r.y1 <= r.y0 }

// tile is one tile on its way from packets to samples (T.800 annex B).
type tile struct {
	rect
	*params
	comps  []tileComp
	budget *budget
	blocks int // code-blocks made so far
}

// budget bounds the structures of one image: without it, tiny precincts of many
// tiles and levels would cost much more than their samples.
type budget struct{ precincts int }

const (
	// maxPrecincts is the most precincts and resolutions of all tiles together.
	maxPrecincts = 1 << 21
	// maxBlocks is the most code-blocks of one tile: 64 Mi samples in blocks of
	// 64 by 64 are 16,384.
	maxBlocks = 1 << 19
)

// tileComp is one component of a tile.
type tileComp struct {
	rect
	*coding
	res   []resolution
	shift int // of the region of interest
	// The coefficients, later the samples: the resolutions nested in the top
	// left corner (T.800 figure F.4). One of the two is used.
	ints   []int32
	floats []float32
}

// resolution is one resolution level (T.800 section B.5).
type resolution struct {
	rect
	ppx, ppy  int // logarithms of the precinct's sides
	wide      int // precincts in a row
	bands     []band
	precincts []precinct
}

// band is one sub-band.
type band struct {
	rect
	orient   int // bandLL...
	offset   int // of its first coefficient in the component's
	planes   int // the most magnitude bit-planes, M_b of T.800 equation E-2
	stepSize float32
}

const (
	bandLL = iota
	bandHL
	bandLH
	bandHH
)

// precinct holds the code-blocks of one precinct, one part for each band, made
// when its first packet comes.
type precinct struct {
	layers int // packets read
	parts  []part
}

// part is a precinct's share of one band.
type part struct {
	wide      int
	blocks    []block
	inclusion *tagTree
	zeroes    *tagTree
}

// block is a code-block.
type block struct {
	rect
	included bool
	zero     uint8 // missing bit-planes
	lblock   uint8
	passes   int
	segs     []seg
}

// seg is a codeword segment: the passes that one run of the entropy decoder
// covers, and their bytes, in pieces if several layers bring them.
type seg struct {
	passes int
	pieces [][]byte
}

// newTile lays out tile number n (T.800 sections B.3 to B.7).
func (s *stream) newTile(n int, b *budget) (*tile, error) {
	p, q := n%s.tilesWide, n/s.tilesWide
	t := &tile{params: s.tiles[n].params, budget: b, rect: rect{
		x0: max(s.tx0+p*s.tdx, s.x0), y0: max(s.ty0+q*s.tdy, s.y0),
		x1: min(s.tx0+(p+1)*s.tdx, s.x1), y1: min(s.ty0+(q+1)*s.tdy, s.y1)}}
	t.comps = make([]tileComp, len(s.components))
	for i := range t.comps {
		info := &s.components[i]
		c := &t.comps[i]
		c.coding, c.shift = &t.coding[i], int(t.roi[i])
		c.rect = rect{ceilDiv(t.x0, info.DX), ceilDiv(t.y0, info.DY), ceilDiv(t.x1, info.DX), ceilDiv(t.y1, info.DY)}
		if err := t.layout(c, info, &t.quant[i]); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// layout makes the resolutions of a component.
func (t *tile) layout(c *tileComp, info *ComponentInfo, q *quant) error {
	c.res = make([]resolution, c.levels+1)
	for r := range c.res {
		res := &c.res[r]
		down := c.levels - r
		res.rect = rect{ceilShift(c.x0, down), ceilShift(c.y0, down), ceilShift(c.x1, down), ceilShift(c.y1, down)}
		res.ppx, res.ppy = int(c.precinct[r][0]), int(c.precinct[r][1])
		count := 0
		if !res.empty() {
			res.wide = ceilShift(res.x1, res.ppx) - res.x0>>res.ppx
			high := ceilShift(res.y1, res.ppy) - res.y0>>res.ppy
			if res.wide > maxPrecincts || high > maxPrecincts {
				return tooMuch("precincts")
			}
			count = res.wide * high
		}
		if t.budget.precincts += count + 1; t.budget.precincts > maxPrecincts {
			return tooMuch("precincts")
		}
		res.precincts = make([]precinct, count)
		if err := c.makeBands(r, info, q); err != nil {
			return err
		}
	}
	return nil
}

// makeBands makes the bands of resolution r (T.800 equations B-15, E-2, E-3).
func (c *tileComp) makeBands(r int, info *ComponentInfo, q *quant) error {
	res := &c.res[r]
	orients := []int{bandHL, bandLH, bandHH}
	first, level := 3*(r-1)+1, c.levels-r+1
	if r == 0 {
		orients, first, level = []int{bandLL}, 0, c.levels
	}
	for i, orient := range orients {
		b := band{orient: orient}
		xo, yo := orient&1, orient>>1
		half := 0
		if level > 0 {
			half = 1 << (level - 1)
		}
		b.rect = rect{ceilShift(c.x0-half*xo, level), ceilShift(c.y0-half*yo, level),
			ceilShift(c.x1-half*xo, level), ceilShift(c.y1-half*yo, level)}
		if orient&1 != 0 {
			b.offset += c.res[r-1].width()
		}
		if orient&2 != 0 {
			b.offset += c.res[r-1].height() * c.width()
		}
		s, err := q.step(first + i)
		if err != nil {
			return err
		}
		gain := [4]int{0, 1, 1, 2}[orient]
		b.planes = q.guard + int(s.exponent) - 1
		b.stepSize = float32(1+float64(s.mantissa)/2048) * pow2(info.Bits+gain-int(s.exponent))
		res.bands = append(res.bands, b)
	}
	return nil
}

func pow2(n int) float32 {
	if n < 0 {
		return 1 / float32(uint64(1)<<-n)
	}
	return float32(uint64(1) << n)
}

// build makes the code-blocks of precinct k of resolution r (T.800 section B.7).
func (t *tile) build(c *tileComp, r, k int) error {
	res := &c.res[r]
	pre := &res.precincts[k]
	px, py := res.x0>>res.ppx+k%res.wide, res.y0>>res.ppy+k/res.wide
	ppx, ppy := res.ppx, res.ppy
	if r > 0 { // the bands have half the resolution's samples
		ppx, ppy = ppx-1, ppy-1
	}
	xcb, ycb := min(c.xcb, ppx), min(c.ycb, ppy)
	pre.parts = make([]part, len(res.bands))
	for i := range res.bands {
		b := &res.bands[i]
		area := rect{max(px<<ppx, b.x0), max(py<<ppy, b.y0), min((px+1)<<ppx, b.x1), min((py+1)<<ppy, b.y1)}
		if area.empty() {
			continue
		}
		bx, by := area.x0>>xcb, area.y0>>ycb
		wide, high := ceilShift(area.x1, xcb)-bx, ceilShift(area.y1, ycb)-by
		if wide > maxBlocks || high > maxBlocks || t.blocks+wide*high > maxBlocks {
			return tooMuch("code-blocks")
		}
		t.blocks += wide * high
		p := &pre.parts[i]
		p.wide, p.blocks = wide, make([]block, wide*high)
		p.inclusion, p.zeroes = newTagTree(wide, high), newTagTree(wide, high)
		for j := range p.blocks {
			x, y := bx+j%wide, by+j/wide
			p.blocks[j].lblock = 3
			p.blocks[j].rect = rect{max(x<<xcb, area.x0), max(y<<ycb, area.y0),
				min((x+1)<<xcb, area.x1), min((y+1)<<ycb, area.y1)}
		}
	}
	return nil
}
