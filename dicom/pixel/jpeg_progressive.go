package pixel

import (
	"fmt"

	"github.com/tresor-pacs/tresor/dicom/dict"
)

// The progressive processes have transfer syntaxes of their own, which are
// retired, and turn up in files that claim to be sequential.
var (
	_ = register(dict.UIDJPEGSpectralSelectionNonHierarchical68, decodeJPEG)
	_ = register(dict.UIDJPEGFullProgressionNonHierarchical1012, decodeJPEG)
)

// progressive decodes the progressive DCT processes with Huffman coding, 8 and
// 12 bits (ISO/IEC 10918-1 annex G): scans bring the coefficients of all blocks
// band by band and bit by bit.
type progressive[T uint8 | uint16] struct {
	dctDecoder[T]
	components []progressiveComponent
	visits     int // of blocks, by all scans
}

// progressiveComponent has the coefficients of one component, 64 a block.
type progressiveComponent struct {
	coefficients []int16
	stride       int      // blocks in a row
	low          [64]int8 // the lowest bit that is known of each coefficient; unseen at first
}

// unseen is what progressiveComponent.low has of a coefficient that no scan has
// brought.
const unseen = 127

// maxVisits bounds the work of all scans, each of which may visit every block
// for next to no bytes: enough for 12 scans of the largest frame.
const maxVisits = 1 << 25

func progressiveFrame[T uint8 | uint16](s *jpegStream, h *jpegHeader, t *dctTables, d *Description) (decoded, error) {
	dec := &progressive[T]{dctDecoder: dctDecoder[T]{header: h, tables: &t.huffman, quant: &t.quant}}
	if err := dec.allocate(len(s.b), 1); err != nil { // a bit for the DC of a block
		return decoded{}, err
	}
	mx, my := dec.mcus()
	for _, c := range h.components {
		p := progressiveComponent{coefficients: make([]int16, 64*mx*c.h*my*c.v), stride: mx * c.h}
		for k := range p.low {
			p.low[k] = unseen
		}
		dec.components = append(dec.components, p)
	}
	for {
		marker, segment, err := s.next()
		if err != nil {
			return decoded{}, err
		}
		switch {
		case marker == markerSOS:
			dec.interval = t.interval
			if err := dec.scan(s, segment); err != nil {
				return decoded{}, err
			}
		case marker == markerEOI:
			if err := dec.finish(); err != nil {
				return decoded{}, err
			}
			return decoded{samples: dec.join(d), photometric: dec.photometric(d, t.adobe)}, nil
		case isFrameHeader(marker):
			return decoded{}, jpegError("second frame header")
		}
		if err := t.parse(marker, segment); err != nil {
			return decoded{}, err
		}
	}
}

// progressivePart is one component's part of a scan.
type progressivePart struct {
	*progressiveComponent
	h, v   int // blocks in an MCU of this scan
	dc, ac *huffman
	last   int // DC of the block before
}

// progressiveScan is one scan.
type progressiveScan struct {
	*jpegScan
	r   *jpegBits
	run int // blocks left without further coefficients: EOBRUN
}

func (dec *progressive[T]) scan(s *jpegStream, segment []byte) error {
	scan, err := dec.header.parseScan(segment)
	if err != nil {
		return err
	}
	dc := scan.ss == 0
	if scan.se > 63 || scan.al > 13 || scan.ah != 0 && scan.ah != scan.al+1 ||
		dc && scan.se != 0 || !dc && (scan.se < scan.ss || len(scan.components) > 1) {
		return jpegError("scan that no progressive process has")
	}
	parts := make([]progressivePart, len(scan.components))
	for i, c := range scan.components {
		comp := &dec.header.components[c]
		parts[i] = progressivePart{progressiveComponent: &dec.components[c], h: comp.h, v: comp.v,
			dc: &dec.tables[0][comp.td], ac: &dec.tables[1][comp.ta]}
		if dc && scan.ah == 0 && !parts[i].dc.defined || !dc && !parts[i].ac.defined {
			return jpegError("scan without its tables")
		}
		if err := parts[i].advance(scan); err != nil {
			return err
		}
	}
	mx, my := dec.mcus()
	if len(parts) == 1 {
		plane := &dec.planes[scan.components[0]]
		parts[0].h, parts[0].v = 1, 1
		mx, my = ceilDiv(plane.width, 8), ceilDiv(plane.height, 8)
	}
	if dec.visits += mx * my * len(parts); dec.visits > maxVisits {
		return fmt.Errorf("%w: JPEG scans that visit %d blocks", ErrLimit, dec.visits)
	}
	r := &progressiveScan{jpegScan: scan, r: &jpegBits{b: s.b, pos: s.pos}}
	if err := dec.mcuLoop(r, parts, mx, my); err != nil {
		return err
	}
	s.pos = r.r.pos
	return nil
}

// advance notes what the scan brings: each coefficient once, and then one bit
// more at a time (ISO/IEC 10918-1 section G.1.1.1.2).
func (c *progressiveComponent) advance(scan *jpegScan) error {
	if scan.ss > 0 && c.low[0] == unseen {
		return jpegError("AC coefficients before DC")
	}
	for k := scan.ss; k <= scan.se; k++ {
		want := int8(unseen)
		if scan.ah != 0 {
			want = int8(scan.ah)
		}
		if c.low[k] != want {
			return jpegError("scan of coefficients that were there, or refining others")
		}
		c.low[k] = int8(scan.al)
	}
	return nil
}

func (dec *progressive[T]) mcuLoop(s *progressiveScan, parts []progressivePart, mx, my int) error {
	for m := range mx * my {
		if dec.interval > 0 && m > 0 && m%dec.interval == 0 {
			if err := s.r.restart(m/dec.interval - 1); err != nil {
				return err
			}
			s.run = 0
			for i := range parts {
				parts[i].last = 0
			}
		}
		for i := range parts {
			p := &parts[i]
			for b := range p.h * p.v {
				x, y := m%mx*p.h+b%p.h, m/mx*p.v+b/p.h
				block := p.coefficients[64*(y*p.stride+x):][:64]
				if err := s.block(p, block); err != nil {
					return err
				}
			}
		}
		if s.r.ended() {
			return jpegError("entropy-coded data ends too early")
		}
	}
	return nil
}

// block reads what the scan brings of one block.
func (s *progressiveScan) block(p *progressivePart, block []int16) error {
	switch {
	case s.ss == 0 && s.ah == 0:
		if s.r.n < 32 {
			s.r.fill()
		}
		n := s.r.symbol(p.dc)
		if n < 0 || n > 15 {
			return jpegError("bad DC code")
		}
		p.last = int(int16(p.last + int(s.r.signed(n))))
		block[0] = int16(p.last << s.al)
	case s.ss == 0:
		block[0] |= int16(s.bits(1) << s.al)
	case s.ah == 0:
		return s.first(p.ac, block)
	default:
		return s.refine(p.ac, block)
	}
	return nil
}

// bits reads n bits, 16 at most.
func (s *progressiveScan) bits(n int) int {
	if n == 0 {
		return 0
	}
	if s.r.n < 32 {
		s.r.fill()
	}
	v := int(s.r.acc >> (64 - n))
	s.r.acc <<= n
	s.r.n -= n
	return v
}

// code reads a run of zeros and the size of the coefficient behind it.
func (s *progressiveScan) code(ac *huffman) (run, size int, err error) {
	if s.r.n < 32 {
		s.r.fill()
	}
	rs := s.r.symbol(ac)
	if rs < 0 {
		return 0, 0, jpegError("bad AC code")
	}
	return rs >> 4, rs & 15, nil
}

// first reads a band of coefficients (ISO/IEC 10918-1 section G.1.2.2).
func (s *progressiveScan) first(ac *huffman, block []int16) error {
	if s.run > 0 {
		s.run--
		return nil
	}
	for k := s.ss; k <= s.se; k++ {
		run, size, err := s.code(ac)
		switch {
		case err != nil:
			return err
		case size == 0 && run < 15:
			s.run = 1<<run - 1 + s.bits(run)
			return nil
		}
		if k += run; size == 0 {
			continue
		}
		if k > s.se {
			return jpegError("coefficients beyond the band")
		}
		if s.r.n < 32 {
			s.r.fill()
		}
		block[zigzag[k]] = int16(s.r.signed(size) << s.al)
	}
	return nil
}

// refine reads one bit more of those coefficients of a band that are not zero,
// and those that become so (ISO/IEC 10918-1 section G.1.2.3).
func (s *progressiveScan) refine(ac *huffman, block []int16) error {
	k := s.ss
	for s.run == 0 && k <= s.se {
		run, size, err := s.code(ac)
		if err != nil {
			return err
		}
		if size == 0 && run < 15 {
			s.run = 1<<run + s.bits(run)
			break
		}
		v := int16(0)
		if size > 0 {
			v = int16(2*s.bits(1)-1) << s.al
		}
		if k = s.pass(block, k, run); v != 0 {
			if k > s.se {
				return jpegError("coefficients beyond the band")
			}
			block[zigzag[k]] = v
		}
		k++
	}
	if s.run > 0 {
		s.pass(block, k, 64)
		s.run--
	}
	return nil
}

// pass refines coefficients from k on, over zeros of them that are zero, and
// returns where the next zero is.
func (s *progressiveScan) pass(block []int16, k, zeros int) int {
	for ; k <= s.se; k++ {
		c := &block[zigzag[k]]
		if *c == 0 {
			if zeros == 0 {
				break
			}
			zeros--
			continue
		}
		if s.bits(1) == 1 {
			if *c > 0 {
				*c += 1 << s.al
			} else {
				*c -= 1 << s.al
			}
		}
	}
	return k
}

// finish makes samples of the coefficients. Bands that no scan brings are zero,
// as the standard has it, but for DC.
func (dec *progressive[T]) finish() error {
	var block [64]int
	for i := range dec.components {
		c, plane := &dec.components[i], &dec.planes[i]
		quant := &dec.quant[dec.header.components[i].tq]
		if c.low[0] == unseen || quant[0] == 0 {
			return jpegError("components or tables are missing")
		}
		for y := range ceilDiv(plane.height, 8) {
			for x := range ceilDiv(plane.width, 8) {
				for k, v := range c.coefficients[64*(y*c.stride+x):][:64] {
					block[k] = int(v) * quant[k]
				}
				idct(&block, dec.header.precision)
				plane.put(&block, 8*x, 8*y, dec.header.precision)
			}
		}
	}
	return nil
}
