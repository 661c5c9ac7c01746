package seal

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Reader opens a sealed stream anywhere. It may be used at once from many
// goroutines. Damage is ErrDamaged; bytes are returned only after they were
// authenticated.
type Reader struct {
	src    io.ReaderAt
	aead   cipher.AEAD
	prefix [prefixSize]byte
	sealed int64 // length of the sealed stream
	size   int64 // length of the plaintext
}

// batch is how many segments are read at once.
const batch = 4

// scratch is where a batch is opened.
type scratch struct {
	buf   [batch * SegmentSize]byte
	nonce nonce
}

var scratchPool = sync.Pool{New: func() any { return new(scratch) }}

// NewReader returns a Reader of the sealed stream of that length in src. It
// reads the header, which is authenticated with the first segment that is read.
// The length is not: a stream cut between two segments is found when its end is
// read, or by comparing Size with a length known from elsewhere.
func NewReader(src io.ReaderAt, sealed int64, key, ad []byte) (*Reader, error) {
	size, ok := plainSize(sealed)
	if !ok {
		return nil, fmt.Errorf("sealed stream of %d bytes: %w", sealed, ErrDamaged)
	}
	var header [HeaderSize]byte
	if err := readFull(src, header[:], 0); err != nil {
		return nil, fmt.Errorf("read the header of a sealed stream: %w", err)
	}
	if header[0] != HeaderSize {
		return nil, fmt.Errorf("header of a sealed stream: %w", ErrDamaged)
	}
	r := &Reader{src: src, sealed: sealed, size: size}
	copy(r.prefix[:], header[1+saltSize:])
	var err error
	r.aead, err = segmentKey(key, header[1:1+saltSize], ad)
	return r, err
}

// Size returns the length of the plaintext.
func (r *Reader) Size() int64 { return r.size }

// segmentAt returns the segment that holds the plaintext byte at off, and where
// its plaintext begins.
func segmentAt(off int64) (seg, begins int64) {
	seg = (off + HeaderSize) / segmentPlain
	return seg, max(0, seg*segmentPlain-HeaderSize)
}

func (r *Reader) lastSegment() int64 { return (r.sealed - 1) / SegmentSize }

// ReadAt implements io.ReaderAt on the plaintext.
func (r *Reader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("seal: read before the start")
	}
	if off >= r.size {
		return 0, io.EOF
	}
	want := int(min(int64(len(p)), r.size-off))
	x := scratchPool.Get().(*scratch)
	defer scratchPool.Put(x)
	n := 0
	for n < want {
		k, err := r.readBatch(p[n:want], off+int64(n), x)
		n += k
		if err != nil {
			return n, err
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// readBatch opens the segments that hold p, at most batch of them.
func (r *Reader) readBatch(p []byte, off int64, x *scratch) (int, error) {
	first, begins := segmentAt(off)
	last, _ := segmentAt(off + int64(len(p)) - 1)
	sealed, err := r.load(first, min(last, first+batch-1), x)
	if err != nil {
		return 0, err
	}
	done := 0
	for seg := first; len(sealed) > 0; seg++ {
		var one []byte
		one, sealed = r.cut(seg, sealed)
		skip := int(off + int64(done) - begins)
		length := len(one) - tagSize
		if skip == 0 && len(p)-done >= length { // all of it is wanted: straight to its place
			if _, err := r.open(p[done:done:done+length], one, seg, x); err != nil {
				return done, err
			}
			done += length
		} else {
			plain, err := r.open(one[:0], one, seg, x)
			if err != nil {
				return done, err
			}
			done += copy(p[done:], plain[skip:])
		}
		begins += int64(length)
	}
	return done, nil
}

// load reads the sealed segments first to last, without the header.
func (r *Reader) load(first, last int64, x *scratch) ([]byte, error) {
	from, to := first*SegmentSize, min((last+1)*SegmentSize, r.sealed)
	if first == 0 {
		from = HeaderSize
	}
	b := x.buf[:to-from]
	if err := readFull(r.src, b, from); err != nil {
		return nil, fmt.Errorf("read sealed segment %d: %w", first, err)
	}
	return b, nil
}

// cut splits the sealed bytes of segment seg off.
func (r *Reader) cut(seg int64, sealed []byte) (one, rest []byte) {
	n := SegmentSize
	if seg == 0 {
		n -= HeaderSize
	}
	n = min(n, len(sealed))
	return sealed[:n:n], sealed[n:]
}

func (r *Reader) open(dst, sealed []byte, seg int64, x *scratch) ([]byte, error) {
	copy(x.nonce[:], r.prefix[:])
	plain, err := r.aead.Open(dst, x.nonce.set(uint32(seg), seg == r.lastSegment()), sealed, nil)
	if err != nil {
		return nil, fmt.Errorf("segment %d: %w", seg, ErrDamaged)
	}
	return plain, nil
}

// readFull reads all of p; a stream that is shorter than it should be is damaged.
func readFull(src io.ReaderAt, p []byte, off int64) error {
	n, err := src.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == io.EOF {
		return ErrDamaged
	}
	return err
}
