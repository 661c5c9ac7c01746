package seal

import (
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"io"
)

// Writer seals a stream. It is for one goroutine. Nothing is allocated for a
// segment: bytes are sealed in the buffer that they are collected in.
type Writer struct {
	w     io.Writer
	aead  cipher.AEAD
	nonce nonce
	seg   uint64 // number of the current segment
	buf   []byte // whole segments: sealed ones, then the current one
	start int    // of the current segment's plaintext in buf
	n     int    // end of what is in buf
	err   error
}

// NewWriter returns a Writer that seals under key and ad, which the stream
// opens with, and writes to w. buf is its buffer: at least SegmentSize bytes,
// a multiple of it; w gets writes of that length. The caller has it back after
// Finish or Close.
func NewWriter(w io.Writer, key, ad, buf []byte) (*Writer, error) {
	if len(buf) < SegmentSize || len(buf)%SegmentSize != 0 {
		return nil, errors.New("seal: the buffer is not whole segments")
	}
	s := &Writer{w: w, buf: buf, start: HeaderSize, n: HeaderSize}
	buf[0] = HeaderSize
	rand.Read(buf[1:HeaderSize]) // never fails: it ends the program instead
	copy(s.nonce[:], buf[1+saltSize:HeaderSize])
	var err error
	s.aead, err = segmentKey(key, buf[1:1+saltSize], ad)
	return s, err
}

// room is how much plaintext the current segment still takes.
func (s *Writer) room() int { return s.start/SegmentSize*SegmentSize + segmentPlain - s.n }

// Write seals p.
func (s *Writer) Write(p []byte) (int, error) {
	done := 0
	for len(p) > done && s.err == nil {
		if s.room() == 0 && !s.next(s.buf[s.start:s.n]) {
			break
		}
		rest := p[done:]
		if s.n == s.start && len(rest) > s.room() { // a whole segment, and not the last: no copy
			whole := rest[:s.room()]
			if s.next(whole) {
				done += len(whole)
			}
			continue
		}
		k := copy(s.buf[s.n:s.n+s.room()], rest)
		s.n += k
		done += k
	}
	return done, s.err
}

// next seals plain as the current segment, which is not the last, and begins
// another one. It reports whether that went well.
func (s *Writer) next(plain []byte) bool {
	s.seal(plain, false)
	if s.n == len(s.buf) && s.err == nil {
		s.flush()
	}
	s.start = s.n
	return s.err == nil
}

func (s *Writer) seal(plain []byte, last bool) {
	if s.seg >= maxSegments {
		s.err = ErrTooLong
		return
	}
	sealed := s.aead.Seal(s.buf[s.start:s.start], s.nonce.set(uint32(s.seg), last), plain, nil)
	s.n = s.start + len(sealed)
	s.seg++
}

func (s *Writer) flush() {
	if n, err := s.w.Write(s.buf[:s.n]); err != nil {
		s.err = err
	} else if n != s.n {
		s.err = io.ErrShortWrite
	}
	s.n = 0
}

// Finish seals the last segment and returns what has not been written yet: all
// of the stream, if it fits into the buffer.
func (s *Writer) Finish() ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	s.seal(s.buf[s.start:s.n], true)
	if s.err != nil {
		return nil, s.err
	}
	s.err = errors.New("seal: the stream has ended")
	return s.buf[:s.n], nil
}

// Close seals the last segment and writes what is left. It does not close the
// underlying writer.
func (s *Writer) Close() error {
	rest, err := s.Finish()
	if err != nil {
		return err
	}
	_, err = s.w.Write(rest)
	return err
}
