package pixel

import "math/bits"

// lsPreset are the coding parameters of JPEG-LS (ISO/IEC 14495-1 section
// C.2.4.1.1), named as there.
type lsPreset struct{ maxVal, t1, t2, t3, reset int }

// withDefaults fills in what is zero (ISO/IEC 14495-1 section C.2.4.1.1.1) and
// reports whether the parameters are in range.
func (p lsPreset) withDefaults(precision, near int) (lsPreset, bool) {
	if p.maxVal == 0 {
		p.maxVal = 1<<precision - 1
	}
	clamp := func(v, low int) int {
		if v > p.maxVal || v < low {
			return low
		}
		return v
	}
	var t1, t2, t3 int
	if p.maxVal >= 128 {
		f := (min(p.maxVal, 4095) + 128) / 256
		t1, t2, t3 = f+2+3*near, 4*f+3+5*near, 17*f+4+7*near
	} else {
		f := 256 / (p.maxVal + 1)
		t1, t2, t3 = max(2, 3/f+3*near), max(3, 7/f+5*near), max(4, 21/f+7*near)
	}
	if p.t1 == 0 {
		p.t1 = clamp(t1, near+1)
	}
	if p.t2 == 0 {
		p.t2 = clamp(t2, p.t1)
	}
	if p.t3 == 0 {
		p.t3 = clamp(t3, p.t2)
	}
	if p.reset == 0 {
		p.reset = 64
	}
	ok := p.maxVal >= 1 && p.maxVal < 1<<precision && near <= min(255, p.maxVal/2) &&
		p.t1 > near && p.t1 <= p.t2 && p.t2 <= p.t3 && p.t3 <= p.maxVal &&
		p.reset >= 3 && p.reset <= max(255, p.maxVal)
	return p, ok
}

// lsContext holds the statistics of one context: A, B, C and N. For run
// interruptions b is Nn.
type lsContext struct{ a, b, c, n int }

// lsRunLengths is J of ISO/IEC 14495-1 section A.2.1: run segments have 1<<J
// samples.
var lsRunLengths = [32]int{0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15}

// lsModel is the state that encoder and decoder of one scan have in common.
type lsModel struct {
	lsPreset
	near, step  int // step is 2*NEAR+1
	span        int // RANGE
	bits, limit int // qbpp and LIMIT
	contexts    [365]lsContext
	runs        [2]lsContext // by RItype
	regions     []int8       // of gradients, by gradient + MAXVAL
}

func newLSModel(p lsPreset, near int) *lsModel {
	m := &lsModel{lsPreset: p, near: near, step: 2*near + 1}
	m.span = (m.maxVal+2*near)/m.step + 1
	m.bits = bits.Len(uint(m.span - 1))
	bpp := max(2, bits.Len(uint(m.maxVal)))
	m.limit = 2 * (bpp + max(8, bpp))
	start := lsContext{a: max(2, (m.span+32)/64), n: 1}
	for i := range m.contexts {
		m.contexts[i] = start
	}
	m.runs = [2]lsContext{start, start}
	m.regions = make([]int8, 2*m.maxVal+1)
	for i := range m.regions {
		m.regions[i] = m.region(i - m.maxVal)
	}
	return m
}

// region quantises a gradient (ISO/IEC 14495-1 section A.3.3).
func (m *lsModel) region(d int) int8 {
	if d < 0 {
		return -m.region(-d)
	}
	switch {
	case d <= m.near:
		return 0
	case d < m.t1:
		return 1
	case d < m.t2:
		return 2
	case d < m.t3:
		return 3
	}
	return 4
}

// context returns the number of the context of three gradients, negative if
// their signs are turned around, 0 for a run (ISO/IEC 14495-1 section A.3.4).
func (m *lsModel) context(a, b, c, d int32) int {
	r := m.regions
	z := int32(m.maxVal)
	return 81*int(r[d-b+z]) + 9*int(r[b-c+z]) + int(r[c-a+z])
}

// predicted is the prediction for a regular sample without its correction
// (ISO/IEC 14495-1 section A.4.1).
func predicted(a, b, c int32) int {
	low, high := min(a, b), max(a, b)
	switch {
	case c >= high:
		return int(low)
	case c <= low:
		return int(high)
	}
	return int(a + b - c)
}

// golomb returns k of ISO/IEC 14495-1 section A.5.1.
func golomb(n, a int) uint {
	k := uint(0)
	for n<<k < a {
		k++
	}
	return k
}

// clamp limits a prediction to what a sample can be.
func (m *lsModel) clamp(v int) int { return min(max(v, 0), m.maxVal) }

// reconstruct makes the sample of a prediction and a signed error.
func (m *lsModel) reconstruct(p, e int) int32 {
	v := p + e*m.step
	if v < -m.near {
		v += m.span * m.step
	} else if v > m.maxVal+m.near {
		v -= m.span * m.step
	}
	return int32(m.clamp(v))
}

// update takes a regular error into the statistics (ISO/IEC 14495-1 section
// A.6).
func (c *lsContext) update(e int, m *lsModel) {
	c.b += e * m.step
	if e < 0 {
		c.a -= e
	} else {
		c.a += e
	}
	if c.n == m.reset {
		c.a >>= 1
		c.b >>= 1 // rounds down, which is what the standard spells out
		c.n >>= 1
	}
	c.n++
	switch {
	case c.b <= -c.n:
		c.b = max(c.b+c.n, 1-c.n)
		c.c = max(c.c-1, -128)
	case c.b > 0:
		c.b = min(c.b-c.n, 0)
		c.c = min(c.c+1, 127)
	}
}

// runGolomb returns k for the sample that ends a run (ISO/IEC 14495-1 section
// A.7.2); kind is RItype.
func (c *lsContext) runGolomb(kind int) uint {
	a := c.a
	if kind == 1 {
		a += c.n >> 1
	}
	return golomb(c.n, a)
}

// updateRun takes the error of a sample that ended a run into the statistics;
// mapped is EMErrval.
func (c *lsContext) updateRun(e, mapped, kind, reset int) {
	if e < 0 {
		c.b++
	}
	c.a += (mapped + 1 - kind) >> 1
	if c.n == reset {
		c.a >>= 1
		c.b >>= 1
		c.n >>= 1
	}
	c.n++
}

// lsLines are two lines of one component, with a sample more on either side.
type lsLines struct {
	this, above []int32
	run         int // RUNindex
}

func newLSLines(n, columns int) []lsLines {
	lines := make([]lsLines, n)
	for i := range lines {
		lines[i] = lsLines{this: make([]int32, columns+2), above: make([]int32, columns+2)}
	}
	return lines
}

// next makes room for the next line and sets the samples beside the lines (ISO/
// IEC 14495-1 section A.2.1).
func (l *lsLines) next() {
	l.this, l.above = l.above, l.this
	l.this[0] = l.above[1]
	l.above[len(l.above)-1] = l.above[len(l.above)-2]
}
