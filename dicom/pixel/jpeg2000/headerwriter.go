package jpeg2000

import "math/bits"

// headerWriter writes the bits of a packet header, as headerBits reads them.
type headerWriter struct {
	out  []byte
	acc  byte
	left int // bits free in acc
}

func newHeaderWriter() *headerWriter { return &headerWriter{left: 8} }

// bits writes the n low bits of v.
func (w *headerWriter) bits(v uint, n int) {
	for n > 0 {
		n--
		w.left--
		w.acc |= byte(v>>n&1) << w.left
		if w.left == 0 {
			w.flush()
		}
	}
}

func (w *headerWriter) flush() {
	w.out = append(w.out, w.acc)
	w.left = 8
	if w.acc == 0xff {
		w.left = 7
	}
	w.acc = 0
}

// finish fills the last byte, and adds one after a byte of ones.
func (w *headerWriter) finish() []byte {
	if w.left < 8 {
		w.flush()
	}
	if n := len(w.out); n > 0 && w.out[n-1] == 0xff {
		w.out = append(w.out, 0)
	}
	return w.out
}

// passCount writes the number of coding passes (T.800 table B.4).
func (w *headerWriter) passCount(n int) {
	switch {
	case n <= 2:
		w.bits(uint(n-1)<<1, n)
	case n <= 5:
		w.bits(3<<2|uint(n-3), 4)
	case n <= 36:
		w.bits(15<<5|uint(n-6), 9)
	default:
		w.bits(511<<7|uint(n-37), 16)
	}
}

// length writes a length in as many bits as it takes, three and the logarithm
// of the passes at least.
func (w *headerWriter) length(n, passes int) {
	more := bits.Len(uint(passes)) - 1
	size := max(3, bits.Len(uint(n))-more)
	w.bits(1<<(size-3+1)-2, size-3+1)
	w.bits(uint(n), size+more)
}
