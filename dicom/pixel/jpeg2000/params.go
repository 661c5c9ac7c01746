package jpeg2000

// What the marker segments of T.800 annex A say, each kind in its struct.

// size is the SIZ segment (T.800 section A.5.1): the reference grid.
type size struct {
	x0, y0, x1, y1     int // the image area
	tx0, ty0, tdx, tdy int // the tile grid
	tilesWide          int
	tilesHigh          int
	components         []ComponentInfo
}

// coding is what COD and COC say of one component (T.800 sections A.6.1, A.6.2).
type coding struct {
	levels     int
	xcb, ycb   int // logarithms of the code-block's sides
	style      byte
	reversible bool
	precinct   [33][2]uint8 // logarithms of the precinct's sides by resolution
}

// Code-block styles (T.800 table A.19, T.814 table A.4).
const (
	styleBypass   = 1 << 0
	styleReset    = 1 << 1
	styleTermAll  = 1 << 2
	styleCausal   = 1 << 3
	stylePredTerm = 1 << 4
	styleSegSym   = 1 << 5
	styleHT       = 1 << 6
	styleHTMixed  = 1 << 7
)

// common is what COD says of all components of a tile.
type common struct {
	order  byte
	layers int
	mct    bool
	sop    bool
	eph    bool
}

// Progression orders (T.800 table A.16).
const (
	orderLRCP = iota
	orderRLCP
	orderRPCL
	orderPCRL
	orderCPRL
)

// quant is what QCD and QCC say of one component (T.800 section A.6.4).
type quant struct {
	style  byte // quantNone, quantDerived, quantExpounded
	guard  int
	steps  [97]step
	nsteps int
}

type step struct {
	exponent uint8
	mantissa uint16
}

const (
	quantNone = iota
	quantDerived
	quantExpounded
)

// step returns the step of band number b (0 is LL, then HL, LH, HH of each
// resolution).
func (q *quant) step(b int) (step, error) {
	if q.style == quantDerived {
		s := q.steps[0]
		if b > 0 {
			down := uint8((b - 1) / 3)
			if down > s.exponent {
				return s, malformed("derived quantisation of a negative exponent")
			}
			s.exponent -= down
		}
		return s, nil
	}
	if b >= q.nsteps {
		return step{}, malformed("no quantisation step for a band")
	}
	return q.steps[b], nil
}

// change is one entry of a POC segment (T.800 section A.6.6), or the whole
// progression of a tile without one.
type change struct {
	resStart, resEnd   int
	compStart, compEnd int
	layerEnd           int
	order              byte
}

// params are the parameters of a tile: those of the main header, and what
// headers of its tile-parts change.
type params struct {
	common
	coding []coding
	quant  []quant
	roi    []uint8 // maximum shifts (T.800 section A.6.3)
	poc    []change

	// Whether a COC or QCC of the same header has spoken for a component,
	// which a COD or QCD then does not overrule.
	ownCoding, ownQuant []bool
}

// clone returns a copy for a tile header to change.
func (p *params) clone() *params {
	c := *p
	c.coding = append([]coding(nil), p.coding...)
	c.quant = append([]quant(nil), p.quant...)
	c.roi = append([]uint8(nil), p.roi...)
	c.poc = nil
	c.ownCoding = make([]bool, len(p.coding))
	c.ownQuant = make([]bool, len(p.quant))
	return &c
}
