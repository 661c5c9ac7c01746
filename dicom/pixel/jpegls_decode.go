package pixel

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/tresor-pacs/tresor/dicom/dict"
)

var (
	_ = register(dict.UIDJPEGLSLossless, decodeJPEGLS)
	_ = register(dict.UIDJPEGLSNearLossless, decodeJPEGLS)
)

// lsDecoder decodes JPEG-LS (ISO/IEC 14495-1), lossless and near-lossless, in
// all three interleave modes.
type lsDecoder struct {
	header *jpegHeader
	preset lsPreset
	out    []byte
	width  int
	done   int // components
	seen   [4]bool
}

func decodeJPEGLS(frame []byte, d *Description, _ Limits) (decoded, error) {
	s := &jpegStream{b: frame}
	dec := &lsDecoder{width: d.SampleBytes()}
	for {
		marker, segment, err := s.next()
		if err != nil {
			return decoded{}, err
		}
		switch {
		case marker == markerSOF55 && dec.header == nil:
			err = dec.start(segment, d)
		case isFrameHeader(marker):
			err = fmt.Errorf("%w: JPEG process of SOF%d in a JPEG-LS transfer syntax", ErrUnsupported, marker-markerSOF0)
		case marker == markerLSE:
			err = dec.parsePreset(segment)
		case marker == 0xE8 && len(segment) >= 5 && string(segment[:4]) == "mrfx" && segment[4] != 0:
			err = fmt.Errorf("%w: JPEG-LS with a colour transform", ErrUnsupported)
		case marker == markerDRI:
			err = fmt.Errorf("%w: JPEG-LS with restart intervals", ErrUnsupported)
		case marker == markerSOS:
			if err = dec.scan(s, segment); err == nil && dec.done == d.SamplesPerPixel {
				return decoded{samples: dec.out}, nil
			}
		case marker == markerEOI:
			err = jpegError("components are missing")
		}
		if err != nil {
			return decoded{}, err
		}
	}
}

func (dec *lsDecoder) start(segment []byte, d *Description) error {
	h, err := parseHeader(markerSOF55, segment, d)
	if err != nil {
		return err
	}
	for _, c := range h.components {
		if c.h != h.components[0].h || c.v != h.components[0].v {
			return fmt.Errorf("%w: subsampled JPEG-LS", ErrUnsupported)
		}
	}
	dec.header, dec.out = h, make([]byte, d.FrameBytes())
	return nil
}

// parsePreset reads an LSE segment (ISO/IEC 14495-1 section C.2.4.1).
func (dec *lsDecoder) parsePreset(b []byte) error {
	if len(b) < 1 || b[0] != 1 {
		return fmt.Errorf("%w: JPEG-LS with mapping tables or large dimensions", ErrUnsupported)
	}
	if len(b) != 11 {
		return jpegError("bad preset parameters")
	}
	at := func(i int) int { return int(binary.BigEndian.Uint16(b[i:])) }
	dec.preset = lsPreset{at(1), at(3), at(5), at(7), at(9)}
	return nil
}

func (dec *lsDecoder) scan(s *jpegStream, segment []byte) error {
	if dec.header == nil {
		return jpegError("scan before the frame header")
	}
	scan, err := dec.header.parseScan(segment)
	if err != nil {
		return err
	}
	near, mode := scan.ss, scan.se
	preset, ok := dec.preset.withDefaults(dec.header.precision, near)
	if !ok || mode > 2 || mode == 0 && len(scan.components) > 1 {
		return jpegError("scan parameters out of range")
	}
	for _, c := range scan.components {
		if dec.seen[c] {
			return jpegError("component is there twice")
		}
		dec.seen[c] = true
		if comp := dec.header.components[c]; comp.td != 0 || comp.ta != 0 || scan.ah != 0 || scan.al != 0 {
			return fmt.Errorf("%w: JPEG-LS with mapping tables or a point transform", ErrUnsupported)
		}
	}
	dec.done += len(scan.components)
	ls := &lsScan{lsModel: newLSModel(preset, near), r: lsBits{b: s.b, pos: s.pos}}
	lines := newLSLines(len(scan.components), dec.header.columns)
	for y := range dec.header.rows {
		for i := range lines {
			lines[i].next()
		}
		if err := ls.lines(lines, mode == 2 && len(lines) > 1); err != nil {
			return err
		}
		for i, c := range scan.components {
			dec.store(lines[i].this[1:dec.header.columns+1], c, y)
		}
	}
	s.pos = ls.r.pos
	return nil
}

func (dec *lsDecoder) store(line []int32, c, y int) {
	n := len(dec.header.components)
	if dec.width == 1 {
		out := dec.out[y*len(line)*n+c:]
		for x, v := range line {
			out[x*n] = byte(v)
		}
		return
	}
	out := dec.out[2*(y*len(line)*n+c):]
	for x, v := range line {
		binary.LittleEndian.PutUint16(out[2*x*n:], uint16(v))
	}
}

// lsScan decodes the lines of one scan.
type lsScan struct {
	*lsModel
	r lsBits
}

// lines decodes one line of each component, sample by sample if together.
func (s *lsScan) lines(lines []lsLines, together bool) (err error) {
	if together {
		err = s.pixels(lines)
	} else {
		for i := range lines {
			if err = s.line(&lines[i]); err != nil {
				break
			}
		}
	}
	if err == nil && s.r.ended() {
		err = jpegError("entropy-coded data ends too early")
	}
	return err
}

// line decodes one line of one component.
func (s *lsScan) line(l *lsLines) error {
	this, above := l.this, l.above
	for x := 1; x < len(this)-1; {
		a, b, c := this[x-1], above[x], above[x-1]
		q := s.context(a, b, c, above[x+1])
		if q != 0 {
			v, err := s.regular(q, a, b, c)
			if err != nil {
				return err
			}
			this[x] = v
			x++
			continue
		}
		n, err := s.runLength(&l.run, len(this)-1-x)
		if err != nil {
			return err
		}
		for range n {
			this[x] = a
			x++
		}
		if x == len(this)-1 {
			return nil
		}
		b = above[x]
		kind, p := 0, b
		if d := int(a - b); d <= s.near && -d <= s.near {
			kind, p = 1, a
		}
		e, err := s.interruption(kind, l.run)
		if err != nil {
			return err
		}
		if kind == 0 && a > b {
			e = -e
		}
		this[x] = s.reconstruct(int(p), e)
		x++
		l.run = max(l.run-1, 0)
	}
	return nil
}

// pixels decodes one line of several components whose samples are interleaved
// (ISO/IEC 14495-1 section B.2.3): runs are those of all components.
func (s *lsScan) pixels(lines []lsLines) error {
	end := len(lines[0].this) - 1
	run := &lines[0].run
	var contexts [4]int
	for x := 1; x < end; x++ {
		any := 0
		for i := range lines {
			l := &lines[i]
			contexts[i] = s.context(l.this[x-1], l.above[x], l.above[x-1], l.above[x+1])
			any |= contexts[i]
		}
		if any != 0 {
			for i := range lines {
				l := &lines[i]
				v, err := s.regular(contexts[i], l.this[x-1], l.above[x], l.above[x-1])
				if err != nil {
					return err
				}
				l.this[x] = v
			}
			continue
		}
		n, err := s.runLength(run, end-x)
		if err != nil {
			return err
		}
		for range n {
			for i := range lines {
				lines[i].this[x] = lines[i].this[x-1]
			}
			x++
		}
		if x == end {
			return nil
		}
		for i := range lines {
			a, b := lines[i].this[x-1], lines[i].above[x]
			e, err := s.interruption(0, *run)
			if err != nil {
				return err
			}
			if a > b {
				e = -e
			}
			lines[i].this[x] = s.reconstruct(int(b), e)
		}
		*run = max(*run-1, 0)
	}
	return nil
}

// regular decodes a sample outside of runs (ISO/IEC 14495-1 sections A.4 to
// A.6).
func (s *lsScan) regular(q int, a, b, c int32) (int32, error) {
	sign := 1
	if q < 0 {
		q, sign = -q, -1
	}
	ctx := &s.contexts[q]
	p := s.clamp(predicted(a, b, c) + sign*ctx.c)
	k := golomb(ctx.n, ctx.a)
	mapped, err := s.r.golomb(k, s.limit, s.bits)
	if err != nil {
		return 0, err
	}
	e := mapped >> 1
	if mapped&1 == 1 {
		e = -e - 1
	}
	if k == 0 && s.near == 0 && 2*ctx.b <= -ctx.n {
		e = -e - 1
	}
	ctx.update(e, s.lsModel)
	return s.reconstruct(p, sign*e), nil
}

// runLength decodes how many samples a run has, up to rest (ISO/IEC 14495-1
// section A.7.1.2).
func (s *lsScan) runLength(run *int, rest int) (int, error) {
	n := 0
	for s.r.bits(1) == 1 {
		segment := 1 << lsRunLengths[*run]
		if n+segment > rest {
			return rest, nil
		}
		n += segment
		*run = min(*run+1, 31)
		if n == rest {
			return n, nil
		}
	}
	n += s.r.bits(lsRunLengths[*run])
	if n >= rest {
		return 0, jpegError("run beyond the end of a line")
	}
	return n, nil
}

// interruption decodes the error of the sample that ends a run (ISO/IEC 14495-1
// section A.7.2.2).
func (s *lsScan) interruption(kind, run int) (int, error) {
	ctx := &s.runs[kind]
	k := ctx.runGolomb(kind)
	mapped, err := s.r.golomb(k, s.limit-lsRunLengths[run]-1, s.bits)
	if err != nil {
		return 0, err
	}
	t := mapped + kind
	e := (t + 1) >> 1
	if (k != 0 || 2*ctx.b >= ctx.n) == (t&1 == 1) {
		e = -e
	}
	ctx.updateRun(e, mapped, kind, s.reset)
	return e, nil
}

// lsBits reads the entropy-coded bits of a scan: behind a byte FF the next one
// has seven bits (ISO/IEC 14495-1 section A.1).
type lsBits struct {
	b    []byte
	pos  int
	acc  uint64 // the next bits, the first one highest
	n    int    // how many
	made int    // bits of acc that the stream does not have
}

func (r *lsBits) fill() {
	for r.n <= 56 {
		width, v := 8, byte(0)
		if r.pos >= len(r.b) || r.b[r.pos] == 0xFF && (r.pos+1 >= len(r.b) || r.b[r.pos+1] >= 0x80) {
			r.made += 8
		} else {
			v = r.b[r.pos]
			if r.pos > 0 && r.b[r.pos-1] == 0xFF { // its highest bit is 0
				width, v = 7, v<<1
			}
			r.pos++
		}
		r.acc |= uint64(v) << (56 - r.n)
		r.n += width
	}
}

func (r *lsBits) ended() bool { return r.n < r.made }

// bits reads n bits, up to 32.
func (r *lsBits) bits(n int) int {
	if r.n < n {
		r.fill()
	}
	v := int(r.acc >> 1 >> (63 - n))
	r.acc <<= n
	r.n -= n
	return v
}

// golomb decodes a number (ISO/IEC 14495-1 section A.5.3) of which limit and
// bits bound the length.
func (r *lsBits) golomb(k uint, limit, size int) (int, error) {
	escape := limit - size - 1
	zeros := 0
	for {
		r.fill()
		z := bits.LeadingZeros64(r.acc)
		if z < r.n {
			zeros += z
			r.acc <<= z + 1
			r.n -= z + 1
			break
		}
		zeros += r.n
		r.acc, r.n = 0, 0
		if zeros > escape {
			break
		}
	}
	switch {
	case zeros > escape || k > 24:
		return 0, jpegError("code of an impossible length")
	case zeros == escape:
		return r.bits(size) + 1, nil
	}
	v := zeros<<k | r.bits(int(k))
	if v > 1<<18 {
		return 0, jpegError("error of an impossible size")
	}
	return v, nil
}
