package jpeg2000

// mqState is a row of the probability table (T.800 table C.2), once for each
// sense of the more probable symbol, which is the lowest bit of its index.
type mqState struct {
	qe         uint32
	nmps, nlps uint8
}

// mqRows is T.800 table C.2: the probability, the next state after the more and
// the less probable symbol, and whether the sense is exchanged.
var mqRows = [47]struct {
	qe         uint32
	nmps, nlps uint8
	exchange   uint8
}{
	{0x5601, 1, 1, 1}, {0x3401, 2, 6, 0}, {0x1801, 3, 9, 0}, {0x0ac1, 4, 12, 0},
	{0x0521, 5, 29, 0}, {0x0221, 38, 33, 0}, {0x5601, 7, 6, 1}, {0x5401, 8, 14, 0},
	{0x4801, 9, 14, 0}, {0x3801, 10, 14, 0}, {0x3001, 11, 17, 0}, {0x2401, 12, 18, 0},
	{0x1c01, 13, 20, 0}, {0x1601, 29, 21, 0}, {0x5601, 15, 14, 1}, {0x5401, 16, 14, 0},
	{0x5101, 17, 15, 0}, {0x4801, 18, 16, 0}, {0x3801, 19, 17, 0}, {0x3401, 20, 18, 0},
	{0x3001, 21, 19, 0}, {0x2801, 22, 19, 0}, {0x2401, 23, 20, 0}, {0x2201, 24, 21, 0},
	{0x1c01, 25, 22, 0}, {0x1801, 26, 23, 0}, {0x1601, 27, 24, 0}, {0x1401, 28, 25, 0},
	{0x1201, 29, 26, 0}, {0x1101, 30, 27, 0}, {0x0ac1, 31, 28, 0}, {0x09c1, 32, 29, 0},
	{0x08a1, 33, 30, 0}, {0x0521, 34, 31, 0}, {0x0441, 35, 32, 0}, {0x02a1, 36, 33, 0},
	{0x0221, 37, 34, 0}, {0x0141, 38, 35, 0}, {0x0111, 39, 36, 0}, {0x0085, 40, 37, 0},
	{0x0049, 41, 38, 0}, {0x0025, 42, 39, 0}, {0x0015, 43, 40, 0}, {0x0009, 44, 41, 0},
	{0x0005, 45, 42, 0}, {0x0001, 45, 43, 0}, {0x5601, 46, 46, 0},
}

var mqTable = func() (t [128]mqState) {
	for i, r := range mqRows {
		for mps := range uint8(2) {
			t[2*i+int(mps)] = mqState{r.qe, 2*r.nmps + mps, 2*r.nlps + mps ^ r.exchange}
		}
	}
	return t
}()

// Contexts of the coding passes (T.800 table D.7): nine for significance, five
// for signs, three for refinement, the run length, and the uniform one.
const (
	ctxSign    = 9
	ctxRefine  = 14
	ctxRun     = 17
	ctxUniform = 18
	contexts   = 19
)

// mqContexts are the adaptive states, 32 of them so that an index needs no check.
type mqContexts [32]uint8

func (c *mqContexts) reset() {
	*c = mqContexts{0: 4 * 2, ctxRun: 3 * 2, ctxUniform: 46 * 2}
}

// mqDecoder is the arithmetic decoder (T.800 section C.3).
type mqDecoder struct {
	b     []byte // ends with two bytes of ones, which stop the decoder
	pos   int
	a, c  uint32
	count int
	over  int // bytes made up after the end
	cx    mqContexts
}

// start begins a codeword segment, which two bytes 0xff must follow.
func (m *mqDecoder) start(b []byte) {
	m.b, m.pos, m.over = b, 0, 0
	m.c = uint32(b[0]) << 16
	m.byteIn()
	m.c <<= 7
	m.count -= 7
	m.a = 0x8000
}

// byteIn is BYTEIN of T.800 figure C.19. After the last byte come ones.
func (m *mqDecoder) byteIn() {
	if m.b[m.pos] == 0xff {
		if m.b[m.pos+1] > 0x8f {
			m.c += 0xff00
			m.count = 8
			m.over++
			return
		}
		m.pos++
		m.c += uint32(m.b[m.pos]) << 9
		m.count = 7
		return
	}
	m.pos++
	m.c += uint32(m.b[m.pos]) << 8
	m.count = 8
}

// maxOver is how many bytes of ones after the end of a segment are taken for an
// encoder's savings; more are taken for damage.
const maxOver = 1024

// decode returns the next decision in context cx (T.800 figure C.15).
func (m *mqDecoder) decode(cx uint8) uint32 {
	cx &= 31
	i := m.cx[cx] & 127
	s := &mqTable[i]
	d := uint32(i & 1)
	m.a -= s.qe
	if m.c>>16 < s.qe {
		if m.a < s.qe {
			m.cx[cx] = s.nmps
		} else {
			d ^= 1
			m.cx[cx] = s.nlps
		}
		m.a = s.qe
	} else {
		m.c -= s.qe << 16
		if m.a&0x8000 != 0 {
			return d
		}
		if m.a < s.qe {
			d ^= 1
			m.cx[cx] = s.nlps
		} else {
			m.cx[cx] = s.nmps
		}
	}
	for {
		if m.count == 0 {
			m.byteIn()
		}
		m.a <<= 1
		m.c <<= 1
		m.count--
		if m.a&0x8000 != 0 {
			return d
		}
	}
}
