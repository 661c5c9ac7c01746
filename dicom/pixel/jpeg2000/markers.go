package jpeg2000

// Markers (T.800 table A.2).
const (
	markSOC = 0xff4f
	markCAP = 0xff50
	markSIZ = 0xff51
	markCOD = 0xff52
	markCOC = 0xff53
	markQCD = 0xff5c
	markQCC = 0xff5d
	markRGN = 0xff5e
	markPOC = 0xff5f
	markPPM = 0xff60
	markPPT = 0xff61
	markSOT = 0xff90
	markSOP = 0xff91
	markEPH = 0xff92
	markSOD = 0xff93
	markEOC = 0xffd9
)

// readSIZ reads a SIZ segment and checks it against the limits.
func readSIZ(c *cursor, lim Limits) (*size, error) {
	c.uint16() // capabilities: what matters of them is in the code-block style
	s := &size{x1: c.uint32(), y1: c.uint32(), x0: c.uint32(), y0: c.uint32(),
		tdx: c.uint32(), tdy: c.uint32(), tx0: c.uint32(), ty0: c.uint32()}
	count := c.uint16()
	switch {
	case c.short || len(c.b) != 3*count:
		return nil, malformed("SIZ of wrong length")
	case s.x0 >= s.x1 || s.y0 >= s.y1:
		return nil, malformed("empty image")
	case s.tdx == 0 || s.tdy == 0 || s.tx0 > s.x0 || s.ty0 > s.y0 ||
		s.tx0+s.tdx <= s.x0 || s.ty0+s.tdy <= s.y0:
		return nil, malformed("impossible tile grid")
	case count == 0:
		return nil, malformed("no components")
	case count > lim.Components:
		return nil, tooMuch("%d components", count)
	}
	s.tilesWide = ceilDiv(s.x1-s.tx0, s.tdx)
	s.tilesHigh = ceilDiv(s.y1-s.ty0, s.tdy)
	if s.tilesWide > lim.Tiles || s.tilesHigh > lim.Tiles || s.tilesWide*s.tilesHigh > min(lim.Tiles, 65535) {
		return nil, tooMuch("%d by %d tiles", s.tilesWide, s.tilesHigh)
	}
	left := lim.Samples
	for range count {
		info, err := s.readComponent(c)
		if err != nil {
			return nil, err
		}
		// Both factors are below 2^32: compare by division.
		if int64(info.Width) > left/int64(info.Height) {
			return nil, tooMuch("%d by %d samples more", info.Width, info.Height)
		}
		left -= int64(info.Width) * int64(info.Height)
		s.components = append(s.components, info)
	}
	return s, nil
}

// readComponent reads what SIZ says of one component.
func (s *size) readComponent(c *cursor) (ComponentInfo, error) {
	info := ComponentInfo{Bits: c.uint8(), DX: c.uint8(), DY: c.uint8()}
	info.Signed = info.Bits&0x80 != 0
	info.Bits = info.Bits&0x7f + 1
	if info.DX == 0 || info.DY == 0 {
		return info, malformed("subsampling by zero")
	}
	if info.Bits > maxBits {
		return info, unsupported("%d bits a sample", info.Bits)
	}
	info.Width = ceilDiv(s.x1, info.DX) - ceilDiv(s.x0, info.DX)
	info.Height = ceilDiv(s.y1, info.DY) - ceilDiv(s.y0, info.DY)
	if info.Width <= 0 || info.Height <= 0 {
		return info, malformed("component without samples")
	}
	return info, nil
}

// maxBits is the largest precision that fits, with the growth of the
// transforms and one bit for the middle of the interval, into 32 bits.
const maxBits = 26

// readCOD reads a COD segment.
func readCOD(c *cursor, p *params) error {
	flags := c.uint8()
	p.order = byte(c.uint8())
	p.layers = c.uint16()
	mct := c.uint8()
	p.sop, p.eph = flags&2 != 0, flags&4 != 0
	switch {
	case p.order > orderCPRL:
		return malformed("progression order %d", p.order)
	case p.layers == 0:
		return malformed("no layers")
	case mct > 1:
		return unsupported("component transform %d", mct)
	}
	p.mct = mct == 1
	code, err := readCoding(c, flags)
	if err != nil {
		return err
	}
	for i := range p.coding {
		if !p.ownCoding[i] {
			p.coding[i] = code
		}
	}
	return nil
}

// readCOC reads a COC segment.
func readCOC(c *cursor, p *params) error {
	i := c.component(len(p.coding))
	if i >= len(p.coding) {
		return malformed("COC of component %d", i)
	}
	code, err := readCoding(c, c.uint8())
	p.coding[i], p.ownCoding[i] = code, true
	return err
}

// readCoding reads the part that COD and COC have in common (T.800 table A.20).
func readCoding(c *cursor, flags int) (coding, error) {
	code := coding{levels: c.uint8(), xcb: c.uint8() + 2, ycb: c.uint8() + 2, style: byte(c.uint8())}
	wavelet := c.uint8()
	code.reversible = wavelet == 1
	switch {
	case code.levels > 32:
		return code, malformed("%d decomposition levels", code.levels)
	case code.xcb > 10 || code.ycb > 10 || code.xcb+code.ycb > 12:
		return code, malformed("code-blocks of 2^%d by 2^%d", code.xcb, code.ycb)
	case wavelet > 1:
		return code, unsupported("wavelet %d", wavelet)
	case code.style&styleHTMixed != 0:
		return code, unsupported("mixed block coders")
	}
	for r := range code.precinct {
		code.precinct[r] = [2]uint8{15, 15}
	}
	if flags&1 != 0 {
		for r := range code.levels + 1 {
			v := c.uint8()
			code.precinct[r] = [2]uint8{uint8(v & 15), uint8(v >> 4)}
			if r > 0 && (v&15 == 0 || v>>4 == 0) {
				return code, malformed("precinct without samples")
			}
		}
	}
	if c.short {
		return code, malformed("coding parameters cut off")
	}
	return code, nil
}

// readQCD reads a QCD segment.
func readQCD(c *cursor, p *params) error {
	q, err := readQuant(c)
	for i := range p.quant {
		if !p.ownQuant[i] {
			p.quant[i] = q
		}
	}
	return err
}

// readQCC reads a QCC segment.
func readQCC(c *cursor, p *params) error {
	i := c.component(len(p.quant))
	if i >= len(p.quant) {
		return malformed("QCC of component %d", i)
	}
	q, err := readQuant(c)
	p.quant[i], p.ownQuant[i] = q, true
	return err
}

func readQuant(c *cursor) (quant, error) {
	v := c.uint8()
	q := quant{style: byte(v & 31), guard: v >> 5}
	if q.style > quantExpounded {
		return q, malformed("quantisation style %d", q.style)
	}
	for len(c.b) > 0 && q.nsteps < len(q.steps) {
		if q.style == quantNone {
			q.steps[q.nsteps].exponent = uint8(c.uint8() >> 3)
		} else {
			v := c.uint16()
			q.steps[q.nsteps] = step{uint8(v >> 11), uint16(v & 0x7ff)}
		}
		q.nsteps++
	}
	if c.short || q.nsteps == 0 {
		return q, malformed("quantisation cut off")
	}
	return q, nil
}

// readRGN reads an RGN segment.
func readRGN(c *cursor, p *params) error {
	i := c.component(len(p.roi))
	style, shift := c.uint8(), c.uint8()
	switch {
	case c.short || i >= len(p.roi) || style != 0:
		return malformed("RGN")
	case shift > 31:
		return unsupported("region shifted by %d bits", shift)
	}
	p.roi[i] = uint8(shift)
	return nil
}

// readPOC appends the entries of a POC segment.
func readPOC(c *cursor, p *params) error {
	for len(c.b) > 0 {
		e := change{resStart: c.uint8(), compStart: c.component(len(p.coding)), layerEnd: c.uint16(),
			resEnd: c.uint8(), compEnd: c.component(len(p.coding)), order: byte(c.uint8())}
		if e.compEnd == 0 { // 256 in one byte
			e.compEnd = len(p.coding)
		}
		if c.short || e.order > orderCPRL || e.resEnd <= e.resStart || e.compEnd <= e.compStart {
			return malformed("POC")
		}
		if len(p.poc) == maxChanges {
			return tooMuch("%d progression changes", maxChanges)
		}
		p.poc = append(p.poc, e)
	}
	return nil
}

// maxChanges bounds the progressions of one tile: each walks all its packets.
const maxChanges = 32

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// ceilShift is a divided by 2^s, rounded up.
func ceilShift(a, s int) int { return (a + 1<<s - 1) >> s }
