package pixel

import (
	"encoding/binary"
	"fmt"

	"github.com/tresor-pacs/tresor/dicom/dict"
)

var (
	_ = register(dict.UIDJPEGLossless, decodeJPEGLossless)
	_ = register(dict.UIDJPEGLosslessSV1, decodeJPEGLossless)
)

// losslessDecoder decodes process 14 (ISO/IEC 10918-1 annex H): Huffman coded
// differences from a prediction.
type losslessDecoder struct {
	header   *jpegHeader
	tables   huffmanTables
	interval int // of restarts, in samples of a component
	out      []byte
	width    int // bytes of a sample in out
	done     []bool
}

func decodeJPEGLossless(frame []byte, d *Description, _ Limits) (decoded, error) {
	s := &jpegStream{b: frame}
	dec := &losslessDecoder{width: d.SampleBytes()}
	for {
		marker, segment, err := s.next()
		if err != nil {
			return decoded{}, err
		}
		switch {
		case marker == markerSOF3 && dec.header == nil:
			if err := dec.start(segment, d, len(frame)); err != nil {
				return decoded{}, err
			}
		case isFrameHeader(marker):
			return decoded{}, fmt.Errorf("%w: JPEG process of SOF%d in a lossless transfer syntax", ErrUnsupported, marker-markerSOF0)
		case marker == markerDHT:
			if err := dec.tables.parse(segment); err != nil {
				return decoded{}, err
			}
		case marker == markerDRI:
			if len(segment) != 2 {
				return decoded{}, jpegError("bad restart interval")
			}
			dec.interval = int(binary.BigEndian.Uint16(segment))
		case marker == markerSOS:
			if err := dec.scan(s, segment); err != nil {
				return decoded{}, err
			}
			if dec.complete() {
				return decoded{samples: dec.out}, nil
			}
		case marker == markerEOI:
			return decoded{}, jpegError("components are missing")
		}
	}
}

func (dec *losslessDecoder) start(segment []byte, d *Description, size int) error {
	h, err := parseHeader(markerSOF3, segment, d)
	if err != nil {
		return err
	}
	for _, c := range h.components {
		if c.h != h.components[0].h || c.v != h.components[0].v {
			return fmt.Errorf("%w: subsampled lossless JPEG", ErrUnsupported)
		}
	}
	if int64(size)*8 < int64(d.Pixels())*int64(d.SamplesPerPixel) { // a sample takes a bit
		return jpegError("too short for its dimensions")
	}
	dec.header, dec.out, dec.done = h, make([]byte, d.FrameBytes()), make([]bool, len(h.components))
	return nil
}

func (dec *losslessDecoder) complete() bool {
	for _, d := range dec.done {
		if !d {
			return false
		}
	}
	return true
}

// scan decodes one scan, of one component or of several.
func (dec *losslessDecoder) scan(s *jpegStream, segment []byte) error {
	if dec.header == nil {
		return jpegError("scan before the frame header")
	}
	scan, err := dec.header.parseScan(segment)
	if err != nil {
		return err
	}
	columns := dec.header.columns
	if scan.ss < 1 || scan.ss > 7 || scan.al >= dec.header.precision {
		return jpegError("predictor or point transform out of range")
	}
	if dec.interval%columns != 0 {
		return jpegError("restart interval is no whole number of lines")
	}
	n := len(scan.components)
	tables := make([]*huffman, n)
	lines := make([][2][]int32, n) // this line and the one above
	for i, c := range scan.components {
		if dec.done[c] {
			return jpegError("component is there twice")
		}
		dec.done[c] = true
		if tables[i] = &dec.tables[0][dec.header.components[c].td]; !tables[i].defined {
			return jpegError("Huffman table is missing")
		}
		lines[i] = [2][]int32{make([]int32, columns), make([]int32, columns)}
	}
	r := &jpegBits{b: s.b, pos: s.pos}
	restarts := 0
	for y := range dec.header.rows {
		first := y == 0
		if dec.interval > 0 && y > 0 && y%(dec.interval/columns) == 0 {
			if err := r.restart(restarts); err != nil {
				return err
			}
			restarts++
			first = true
		}
		this, above := y&1, 1-y&1
		if err := differences(r, tables, lines, this); err != nil {
			return err
		}
		for i, c := range scan.components {
			predict(lines[i][this], lines[i][above], scan.ss, first, 1<<(dec.header.precision-scan.al-1))
			dec.store(lines[i][this], c, y, scan.al)
		}
	}
	s.pos = r.pos
	return nil
}

// differences reads one line of differences for each component.
func differences(r *jpegBits, tables []*huffman, lines [][2][]int32, this int) error {
	columns := len(lines[0][this])
	for x := range columns {
		for i, table := range tables {
			if r.n < 32 {
				r.fill()
			}
			n := r.symbol(table)
			switch {
			case n < 0 || n > 16:
				return jpegError("code that the Huffman table does not have")
			case n == 16: // ISO/IEC 10918-1 section H.1.2.2: no further bits
				lines[i][this][x] = 32768
			default:
				lines[i][this][x] = r.signed(n)
			}
		}
	}
	if r.ended() {
		return jpegError("entropy-coded data ends too early")
	}
	return nil
}

// predict makes samples of one line of differences (ISO/IEC 10918-1 section
// H.1.2.1). Samples are kept modulo 65536.
func predict(line, above []int32, predictor int, first bool, initial int32) {
	if first {
		line[0] = (line[0] + initial) & 0xFFFF
		predictor = 1
	} else {
		line[0] = (line[0] + above[0]) & 0xFFFF
	}
	left := line[0]
	above = above[:len(line)]
	for x := 1; x < len(line); x++ {
		var p int32
		switch predictor {
		case 1:
			p = left
		case 2:
			p = above[x]
		case 3:
			p = above[x-1]
		case 4:
			p = left + above[x] - above[x-1]
		case 5:
			p = left + (above[x]-above[x-1])>>1
		case 6:
			p = above[x] + (left-above[x-1])>>1
		default:
			p = (left + above[x]) >> 1
		}
		left = (line[x] + p) & 0xFFFF
		line[x] = left
	}
}

// store writes line y of component c, undoing the point transform.
func (dec *losslessDecoder) store(line []int32, c, y, shift int) {
	n := len(dec.header.components)
	if dec.width == 1 {
		out := dec.out[y*len(line)*n+c:]
		for x, v := range line {
			out[x*n] = byte(v << shift)
		}
		return
	}
	out := dec.out[2*(y*len(line)*n+c):]
	for x, v := range line {
		binary.LittleEndian.PutUint16(out[2*x*n:], uint16(v<<shift))
	}
}
