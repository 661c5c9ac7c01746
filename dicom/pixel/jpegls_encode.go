package pixel

import (
	"encoding/binary"
	"fmt"

	"github.com/tresor-pacs/tresor/dicom/dict"
)

var _ = registerEncoder(dict.UIDJPEGLSLossless, encodeJPEGLS)

// encodeJPEGLS encodes JPEG-LS without loss with the default parameters, the
// lines of several components interleaved.
func encodeJPEGLS(samples []byte, d *Description) ([]byte, error) {
	if d.SampleBytes() > 2 {
		return nil, fmt.Errorf("%w: JPEG-LS of more than 16 bits", ErrUnsupported)
	}
	precision, n := max(2, d.BitsStored), d.SamplesPerPixel
	preset, _ := lsPreset{}.withDefaults(precision, 0)
	e := &lsEncoder{lsModel: newLSModel(preset, 0)}
	e.w.out = lsHeaders(d, precision)
	lines := newLSLines(n, d.Columns)
	width := d.SampleBytes()
	for y := range d.Rows {
		for i := range lines {
			lines[i].next()
			this := lines[i].this[1 : d.Columns+1]
			from := samples[(y*d.Columns*n+i)*width:]
			for x := range this {
				if width == 1 {
					this[x] = int32(from[x*n])
				} else {
					this[x] = int32(binary.LittleEndian.Uint16(from[2*x*n:]))
				}
			}
			e.line(&lines[i])
		}
	}
	return append(e.w.flush(), 0xFF, markerEOI), nil
}

// lsHeaders returns everything before the entropy-coded data.
func lsHeaders(d *Description, precision int) []byte {
	n := d.SamplesPerPixel
	out := []byte{0xFF, markerSOI, 0xFF, markerSOF55}
	out = binary.BigEndian.AppendUint16(out, uint16(8+3*n))
	out = append(out, byte(precision))
	out = binary.BigEndian.AppendUint16(out, uint16(d.Rows))
	out = binary.BigEndian.AppendUint16(out, uint16(d.Columns))
	out = append(out, byte(n))
	for i := range n {
		out = append(out, byte(i+1), 0x11, 0)
	}
	out = append(out, 0xFF, markerSOS)
	out = binary.BigEndian.AppendUint16(out, uint16(6+2*n))
	out = append(out, byte(n))
	for i := range n {
		out = append(out, byte(i+1), 0)
	}
	mode := byte(0)
	if n > 1 {
		mode = 1
	}
	return append(out, 0, mode, 0) // NEAR, ILV, no point transform
}

// lsEncoder encodes the lines of one scan. NEAR is 0.
type lsEncoder struct {
	*lsModel
	w lsWriter
}

func (e *lsEncoder) line(l *lsLines) {
	this, above := l.this, l.above
	end := len(this) - 1
	for x := 1; x < end; {
		a, b, c := this[x-1], above[x], above[x-1]
		if q := e.context(a, b, c, above[x+1]); q != 0 {
			e.regular(q, a, b, c, this[x])
			x++
			continue
		}
		from := x
		for x < end && this[x] == a {
			x++
		}
		e.run(&l.run, x-from, x == end)
		if x == end {
			return
		}
		b = above[x]
		kind, p := 0, b
		if a == b {
			kind = 1
		}
		diff := int(this[x] - p)
		if kind == 0 && a > b {
			diff = -diff
		}
		e.interruption(diff, kind, l.run)
		x++
		l.run = max(l.run-1, 0)
	}
}

// modulo brings an error into the range that is coded (ISO/IEC 14495-1 section
// A.4.5).
func (e *lsEncoder) modulo(diff int) int {
	if diff < 0 {
		diff += e.span
	}
	if diff >= (e.span+1)/2 {
		diff -= e.span
	}
	return diff
}

func (e *lsEncoder) regular(q int, a, b, c, v int32) {
	sign := 1
	if q < 0 {
		q, sign = -q, -1
	}
	ctx := &e.contexts[q]
	diff := e.modulo(sign * (int(v) - e.clamp(predicted(a, b, c)+sign*ctx.c)))
	k := golomb(ctx.n, ctx.a)
	coded := diff
	if k == 0 && 2*ctx.b <= -ctx.n {
		coded = -diff - 1
	}
	mapped := 2 * coded
	if coded < 0 {
		mapped = -2*coded - 1
	}
	e.w.golomb(mapped, k, e.limit, e.bits)
	ctx.update(diff, e.lsModel)
}

// run encodes the length of a run (ISO/IEC 14495-1 section A.7.1.2).
func (e *lsEncoder) run(index *int, n int, atEnd bool) {
	for n >= 1<<lsRunLengths[*index] {
		e.w.put(1, 1)
		n -= 1 << lsRunLengths[*index]
		*index = min(*index+1, 31)
	}
	if atEnd {
		if n > 0 {
			e.w.put(1, 1)
		}
		return
	}
	e.w.put(0, 1)
	e.w.put(uint64(n), lsRunLengths[*index])
}

// interruption encodes the error of the sample that ends a run (ISO/IEC 14495-1
// section A.7.2.2).
func (e *lsEncoder) interruption(diff, kind, run int) {
	diff = e.modulo(diff)
	ctx := &e.runs[kind]
	k := ctx.runGolomb(kind)
	mapped := 2*max(diff, -diff) - kind
	if diff != 0 && (k != 0 || 2*ctx.b >= ctx.n) == (diff < 0) {
		mapped--
	}
	e.w.golomb(mapped, k, e.limit-lsRunLengths[run]-1, e.bits)
	ctx.updateRun(diff, mapped, kind, e.reset)
}

// lsWriter writes entropy-coded bits: behind a byte FF the next one has seven
// bits.
type lsWriter struct {
	out []byte
	acc uint64
	n   int
}

// put writes the low n bits of v, up to 32.
func (w *lsWriter) put(v uint64, n int) {
	w.acc = w.acc<<n | v
	w.n += n
	for {
		size := 8
		if w.out[len(w.out)-1] == 0xFF {
			size = 7
		}
		if w.n < size {
			return
		}
		w.n -= size
		w.out = append(w.out, byte(w.acc>>w.n)&(1<<size-1))
	}
}

// golomb writes a number (ISO/IEC 14495-1 section A.5.3).
func (w *lsWriter) golomb(v int, k uint, limit, size int) {
	zeros, rest, width := v>>k, v&(1<<k-1), int(k)
	if escape := limit - size - 1; zeros >= escape {
		zeros, rest, width = escape, v-1, size
	}
	for zeros > 16 {
		w.put(0, 16)
		zeros -= 16
	}
	w.put(1, zeros+1)
	w.put(uint64(rest), width)
}

// flush fills the last byte with zeros and returns all that was written.
func (w *lsWriter) flush() []byte {
	for w.n > 0 {
		w.put(0, 1)
	}
	if w.out[len(w.out)-1] == 0xFF {
		w.out = append(w.out, 0)
	}
	return w.out
}
