package jpeg2000

// mqEncoder is the arithmetic encoder (T.800 section C.2). Its first byte of
// output stands for the one before the segment and is no part of it.
type mqEncoder struct {
	out   []byte
	a, c  uint32
	count int
	cx    mqContexts
}

func (m *mqEncoder) start() {
	m.out = append(m.out[:0], 0)
	m.a, m.c, m.count = 0x8000, 0, 12
	m.cx.reset()
}

// encode codes decision d in context cx.
func (m *mqEncoder) encode(cx uint8, d uint32) {
	cx &= 31
	i := m.cx[cx] & 127
	s := &mqTable[i]
	m.a -= s.qe
	if d == uint32(i&1) {
		if m.a&0x8000 != 0 {
			m.c += s.qe
			return
		}
		if m.a < s.qe {
			m.a = s.qe
		} else {
			m.c += s.qe
		}
		m.cx[cx] = s.nmps
	} else {
		if m.a < s.qe {
			m.c += s.qe
		} else {
			m.a = s.qe
		}
		m.cx[cx] = s.nlps
	}
	for m.a&0x8000 == 0 {
		m.a <<= 1
		m.c <<= 1
		if m.count--; m.count == 0 {
			m.byteOut()
		}
	}
}

// byteOut is BYTEOUT of T.800 figure C.8.
func (m *mqEncoder) byteOut() {
	last := &m.out[len(m.out)-1]
	if *last != 0xff && m.c >= 0x8000000 {
		*last++
		m.c &= 0x7ffffff
	}
	if *last == 0xff {
		m.out = append(m.out, byte(m.c>>20))
		m.c &= 0xfffff
		m.count = 7
		return
	}
	m.out = append(m.out, byte(m.c>>19))
	m.c &= 0x7ffff
	m.count = 8
}

// finish ends the segment (T.800 figure C.11) and returns it. It is valid until
// the next start.
func (m *mqEncoder) finish() []byte {
	high := m.c + m.a
	m.c |= 0xffff
	if m.c >= high {
		m.c -= 0x8000
	}
	m.c <<= m.count
	m.byteOut()
	m.c <<= m.count
	m.byteOut()
	n := len(m.out)
	if m.out[n-1] == 0xff {
		n--
	}
	return m.out[1:n]
}
