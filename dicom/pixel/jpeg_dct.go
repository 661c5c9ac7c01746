package pixel

import (
	"encoding/binary"
	"fmt"

	"github.com/tresor-pacs/tresor/dicom/dict"
)

var (
	_ = register(dict.UIDJPEGBaseline8Bit, decodeJPEG)
	_ = register(dict.UIDJPEGExtended12Bit, decodeJPEG)
)

// zigzag gives the place in a block of each coefficient in its coded order
// (ISO/IEC 10918-1 figure A.6).
var zigzag = [64]byte{
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
}

// dctDecoder decodes the sequential DCT processes with Huffman coding, 8 and 12
// bits (ISO/IEC 10918-1 annex F). T is the type of a sample.
type dctDecoder[T uint8 | uint16] struct {
	header     *jpegHeader
	hmax, vmax int
	tables     *huffmanTables
	quant      *[4][64]int
	interval   int // of restarts, in MCUs
	planes     []dctPlane[T]
}

// dctPlane is a component as it is coded: perhaps of fewer samples than the
// picture, and padded to whole MCUs.
type dctPlane[T uint8 | uint16] struct {
	samples       []T
	stride        int
	width, height int // without padding
	done          bool
}

// dctTables is what a stream defines before and between scans.
type dctTables struct {
	huffman  huffmanTables
	quant    [4][64]int
	interval int
	adobe    int // the colour transform that an Adobe segment tells; -1 without one
}

func decodeJPEG(frame []byte, d *Description, _ Limits) (decoded, error) {
	s := &jpegStream{b: frame}
	t := &dctTables{adobe: -1}
	for {
		marker, segment, err := s.next()
		if err != nil {
			return decoded{}, err
		}
		switch {
		case marker == markerSOF0 || marker == markerSOF1 || marker == markerSOF2:
			h, err := parseHeader(marker, segment, d)
			if err != nil {
				return decoded{}, err
			}
			switch {
			case h.precision == 8 && marker == markerSOF2:
				return progressiveFrame[uint8](s, h, t, d)
			case h.precision == 12 && marker == markerSOF2:
				return progressiveFrame[uint16](s, h, t, d)
			case h.precision == 8:
				return dctFrame[uint8](s, h, t, d)
			case h.precision == 12:
				return dctFrame[uint16](s, h, t, d)
			}
			return decoded{}, jpegError("precision is neither 8 nor 12")
		case isFrameHeader(marker):
			return decoded{}, fmt.Errorf("%w: JPEG process of SOF%d", ErrUnsupported, marker-markerSOF0)
		case marker == markerSOS:
			return decoded{}, jpegError("scan before the frame header")
		case marker == markerEOI:
			return decoded{}, jpegError("no frame")
		}
		if err := t.parse(marker, segment); err != nil {
			return decoded{}, err
		}
	}
}

// parse reads a segment that defines tables; others it passes over.
func (t *dctTables) parse(marker byte, b []byte) error {
	switch marker {
	case markerDHT:
		return t.huffman.parse(b)
	case markerDRI:
		if len(b) != 2 {
			return jpegError("bad restart interval")
		}
		t.interval = int(binary.BigEndian.Uint16(b))
	case 0xEE: // APP14
		if len(b) >= 12 && string(b[:5]) == "Adobe" {
			t.adobe = int(b[11])
		}
	case markerDQT:
		for len(b) > 0 {
			size := 1 + int(b[0]>>4)
			if size > 2 || b[0]&15 > 3 || len(b) < 1+64*size {
				return jpegError("bad quantisation table")
			}
			q := &t.quant[b[0]&15]
			for i, at := range zigzag {
				if size == 1 {
					q[at] = int(b[1+i])
				} else {
					q[at] = int(binary.BigEndian.Uint16(b[1+2*i:]))
				}
			}
			b = b[1+64*size:]
		}
	}
	return nil
}

// dctFrame decodes everything behind the frame header.
func dctFrame[T uint8 | uint16](s *jpegStream, h *jpegHeader, t *dctTables, d *Description) (decoded, error) {
	dec := &dctDecoder[T]{header: h, tables: &t.huffman, quant: &t.quant}
	if err := dec.allocate(len(s.b), 2); err != nil {
		return decoded{}, err
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
			if dec.complete() {
				return decoded{samples: dec.join(d), photometric: dec.photometric(d, t.adobe)}, nil
			}
		case marker == markerEOI:
			return decoded{}, jpegError("components are missing")
		case isFrameHeader(marker):
			return decoded{}, jpegError("second frame header")
		}
		if err := t.parse(marker, segment); err != nil {
			return decoded{}, err
		}
	}
}

func (dec *dctDecoder[T]) mcus() (x, y int) {
	return ceilDiv(dec.header.columns, 8*dec.hmax), ceilDiv(dec.header.rows, 8*dec.vmax)
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// allocate makes the planes, if a stream of size bytes can have so many blocks of
// least bits each.
func (dec *dctDecoder[T]) allocate(size, least int) error {
	for _, c := range dec.header.components {
		dec.hmax, dec.vmax = max(dec.hmax, c.h), max(dec.vmax, c.v)
	}
	mx, my := dec.mcus()
	blocks := 0
	for _, c := range dec.header.components {
		if dec.hmax%c.h != 0 || dec.vmax%c.v != 0 {
			return fmt.Errorf("%w: JPEG sampling factors that do not divide each other", ErrUnsupported)
		}
		blocks += ceilDiv(dec.header.columns*c.h, 8*dec.hmax) * ceilDiv(dec.header.rows*c.v, 8*dec.vmax)
	}
	if size*8 < least*blocks {
		return jpegError("too short for its dimensions")
	}
	for _, c := range dec.header.components {
		dec.planes = append(dec.planes, dctPlane[T]{
			samples: make([]T, mx*c.h*8*my*c.v*8),
			stride:  mx * c.h * 8,
			width:   ceilDiv(dec.header.columns*c.h, dec.hmax),
			height:  ceilDiv(dec.header.rows*c.v, dec.vmax),
		})
	}
	return nil
}

func (dec *dctDecoder[T]) complete() bool {
	for i := range dec.planes {
		if !dec.planes[i].done {
			return false
		}
	}
	return true
}

// dctBlocks is one component's part of a scan.
type dctBlocks[T uint8 | uint16] struct {
	plane  *dctPlane[T]
	h, v   int // blocks in an MCU of this scan
	dc, ac *huffman
	quant  *[64]int
	last   int // DC of the block before
}

func (dec *dctDecoder[T]) scan(s *jpegStream, segment []byte) error {
	scan, err := dec.header.parseScan(segment)
	if err != nil {
		return err
	}
	if scan.ss != 0 || scan.se != 63 || scan.ah != 0 || scan.al != 0 {
		return jpegError("scan of a progressive process in a sequential one")
	}
	parts := make([]dctBlocks[T], len(scan.components))
	for i, c := range scan.components {
		comp := &dec.header.components[c]
		p := dctBlocks[T]{plane: &dec.planes[c], h: comp.h, v: comp.v,
			dc: &dec.tables[0][comp.td], ac: &dec.tables[1][comp.ta], quant: &dec.quant[comp.tq]}
		if p.plane.done || !p.dc.defined || !p.ac.defined || p.quant[0] == 0 {
			return jpegError("scan without its tables, or of a component for the second time")
		}
		p.plane.done = true
		parts[i] = p
	}
	mx, my := dec.mcus()
	if len(parts) == 1 { // ISO/IEC 10918-1 section A.2.2: an MCU is one block
		parts[0].h, parts[0].v = 1, 1
		mx, my = ceilDiv(parts[0].plane.width, 8), ceilDiv(parts[0].plane.height, 8)
	}
	return dec.mcuLoop(s, parts, mx, my)
}

func (dec *dctDecoder[T]) mcuLoop(s *jpegStream, parts []dctBlocks[T], mx, my int) error {
	r := &jpegBits{b: s.b, pos: s.pos}
	var block [64]int
	for m := range mx * my {
		if dec.interval > 0 && m > 0 && m%dec.interval == 0 {
			if err := r.restart(m/dec.interval - 1); err != nil {
				return err
			}
			for i := range parts {
				parts[i].last = 0
			}
		}
		for i := range parts {
			p := &parts[i]
			for b := range p.h * p.v {
				if err := p.decode(r, &block); err != nil {
					return err
				}
				idct(&block, dec.header.precision)
				x, y := m%mx*p.h+b%p.h, m/mx*p.v+b/p.h
				p.plane.put(&block, 8*x, 8*y, dec.header.precision)
			}
		}
		if r.ended() {
			return jpegError("entropy-coded data ends too early")
		}
	}
	s.pos = r.pos
	return nil
}

// decode reads the coefficients of one block and dequantises them (ISO/IEC
// 10918-1 section F.2.2).
func (p *dctBlocks[T]) decode(r *jpegBits, block *[64]int) error {
	*block = [64]int{}
	if r.n < 32 {
		r.fill()
	}
	n := r.symbol(p.dc)
	if n < 0 || n > 15 {
		return jpegError("bad DC code")
	}
	p.last = int(int16(p.last + int(r.signed(n))))
	block[0] = p.last * p.quant[0]
	for k := 1; k < 64; k++ {
		if r.n < 32 {
			r.fill()
		}
		rs := r.symbol(p.ac)
		if rs < 0 {
			return jpegError("bad AC code")
		}
		run, size := rs>>4, rs&15
		if size == 0 {
			if run != 15 {
				return nil // end of block
			}
			k += 15
			continue
		}
		if k += run; k > 63 {
			return jpegError("coefficients beyond the block")
		}
		at := zigzag[k]
		block[at] = int(r.signed(size)) * p.quant[at]
	}
	return nil
}

// put writes a block of samples, shifted and limited to the precision.
func (pl *dctPlane[T]) put(block *[64]int, x, y, precision int) {
	centre, top := 1<<(precision-1), 1<<precision-1
	for i := range 8 {
		row := pl.samples[(y+i)*pl.stride+x:][:8]
		for j := range row {
			row[j] = T(min(max(block[8*i+j]+centre, 0), top))
		}
	}
}

// photometric tells what the samples are where the data set cannot be right:
// chrominance alone is subsampled, and an Adobe segment is explicit.
func (dec *dctDecoder[T]) photometric(d *Description, adobe int) Photometric {
	if d.SamplesPerPixel != 3 {
		return ""
	}
	p := full422(d.Photometric)
	switch {
	case p == RGB && (dec.hmax > dec.header.components[1].h || dec.vmax > dec.header.components[1].v || adobe == 1):
		return YBRFull
	case p == YBRFull && adobe == 0 && dec.header.components[0].id == 'R':
		return RGB
	}
	return p
}
