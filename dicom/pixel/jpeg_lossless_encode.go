package pixel

import (
	"encoding/binary"
	"fmt"

	"github.com/tresor-pacs/tresor/dicom/dict"
)

var (
	_ = registerEncoder(dict.UIDJPEGLosslessSV1, encodeJPEGLossless)
	_ = registerEncoder(dict.UIDJPEGLossless, encodeJPEGLossless) // any predictor is allowed there, the first too
)

// encodeJPEGLossless encodes process 14 with predictor 1 (ISO/IEC 10918-1 annex
// H), all components in one scan, with the Huffman table that suits the frame.
func encodeJPEGLossless(samples []byte, d *Description) ([]byte, error) {
	if d.SampleBytes() > 2 {
		return nil, fmt.Errorf("%w: JPEG of more than 16 bits", ErrUnsupported)
	}
	precision := max(2, d.BitsStored)
	var counts [17]int
	eachDifference(samples, d, precision, func(diff int32) { counts[bitSize(diff)]++ })
	lengths, order := huffmanLengths(counts[:])
	var codes [17]uint32
	var sizes [17]int
	code, k := uint32(0), 0
	for length := 1; length <= 16; length++ {
		for range lengths[length-1] {
			codes[order[k]], sizes[order[k]] = code, length
			code++
			k++
		}
		code <<= 1
	}
	out := losslessHeaders(d, precision, lengths, order)
	w := jpegWriter{out: out}
	eachDifference(samples, d, precision, func(diff int32) {
		n := bitSize(diff)
		w.put(codes[n], sizes[n])
		if n < 16 {
			if diff < 0 {
				diff--
			}
			w.put(uint32(diff)&(1<<n-1), n)
		}
	})
	return append(w.flush(), 0xFF, markerEOI), nil
}

// losslessHeaders returns everything before the entropy-coded data.
func losslessHeaders(d *Description, precision int, lengths [16]byte, order []byte) []byte {
	out := []byte{0xFF, markerSOI, 0xFF, markerSOF3}
	n := d.SamplesPerPixel
	out = binary.BigEndian.AppendUint16(out, uint16(8+3*n))
	out = append(out, byte(precision))
	out = binary.BigEndian.AppendUint16(out, uint16(d.Rows))
	out = binary.BigEndian.AppendUint16(out, uint16(d.Columns))
	out = append(out, byte(n))
	for i := range n {
		out = append(out, byte(i+1), 0x11, 0)
	}
	out = append(out, 0xFF, markerDHT)
	out = binary.BigEndian.AppendUint16(out, uint16(19+len(order)))
	out = append(append(append(out, 0), lengths[:]...), order...)
	out = append(out, 0xFF, markerSOS)
	out = binary.BigEndian.AppendUint16(out, uint16(6+2*n))
	out = append(out, byte(n))
	for i := range n {
		out = append(out, byte(i+1), 0)
	}
	return append(out, 1, 0, 0) // predictor 1, no point transform
}

// eachDifference calls f with the differences of all samples in their order,
// modulo 65536 as -32767 to 32768.
func eachDifference(samples []byte, d *Description, precision int, f func(diff int32)) {
	n, width := d.SamplesPerPixel, d.SampleBytes()
	at := func(i int) int32 {
		if width == 1 {
			return int32(samples[i])
		}
		return int32(binary.LittleEndian.Uint16(samples[2*i:]))
	}
	row := d.Columns * n
	for i := range d.Rows * row {
		p := int32(1) << (precision - 1)
		switch {
		case i%row >= n:
			p = at(i - n)
		case i >= row:
			p = at(i - row)
		}
		diff := int32(int16(at(i) - p))
		if diff == -32768 {
			diff = 32768
		}
		f(diff)
	}
}

// huffmanLengths returns the best Huffman code for symbols that occur so often:
// how many codes there are of each length up to 16, and the symbols in the order
// of their codes. No code is all ones (ISO/IEC 10918-1 section K.2).
func huffmanLengths(counts []int) (lengths [16]byte, order []byte) {
	weights := make([]int, len(counts)+1)
	copy(weights, counts)
	weights[len(counts)] = 1 // its code is left out, so that there is room behind the last one
	for {
		depth, deepest := huffmanDepths(weights)
		if deepest > 16 { // make it flatter and try again
			for i, w := range weights {
				if w > 1 {
					weights[i] = (w + 1) / 2
				}
			}
			continue
		}
		for length := 1; length <= 16; length++ {
			for symbol, n := range depth[:len(counts)] {
				if n == length {
					lengths[length-1]++
					order = append(order, byte(symbol))
				}
			}
		}
		return lengths, order
	}
}

// huffmanDepths returns the length of each symbol's code, 0 for symbols that
// do not occur.
func huffmanDepths(weights []int) (depth []int, deepest int) {
	type node struct{ weight, at int }
	parent := make([]int, 2*len(weights))
	var live []node
	for i, w := range weights {
		if w > 0 {
			live = append(live, node{w, i})
		}
	}
	next := len(weights)
	take := func() node {
		least := 0
		for i, n := range live {
			if n.weight < live[least].weight {
				least = i
			}
		}
		n := live[least]
		live = append(live[:least], live[least+1:]...)
		return n
	}
	for len(live) > 1 {
		a, b := take(), take()
		parent[a.at], parent[b.at] = next, next
		live = append(live, node{a.weight + b.weight, next})
		next++
	}
	depth = make([]int, len(weights))
	for i, w := range weights {
		if w == 0 {
			continue
		}
		for at := i; parent[at] != 0; at = parent[at] {
			depth[i]++
		}
		deepest = max(deepest, depth[i])
	}
	return depth, deepest
}

// jpegWriter writes entropy-coded bits with the stuffing of ISO/IEC 10918-1
// section F.1.2.3.
type jpegWriter struct {
	out []byte
	acc uint32
	n   int
}

// put writes the low n bits of v, up to 16.
func (w *jpegWriter) put(v uint32, n int) {
	w.acc = w.acc<<n | v
	w.n += n
	for w.n >= 8 {
		b := byte(w.acc >> (w.n - 8))
		w.out = append(w.out, b)
		if b == 0xFF {
			w.out = append(w.out, 0)
		}
		w.n -= 8
	}
}

// flush fills the last byte with ones and returns all that was written.
func (w *jpegWriter) flush() []byte {
	if w.n > 0 {
		w.put(1<<(8-w.n)-1, 8-w.n)
	}
	return w.out
}
