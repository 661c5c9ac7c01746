package encoding

import (
	"io"
	"sync"
)

// source is the stream a decoder reads, seen through a window of bytes that
// were read ahead. Values are handed out as parts of the window, so a window is
// written once and then left to them.
type source struct {
	window []byte // read, from base on
	store  []byte // what window is part of
	pos    int    // of the next byte, in window
	base   int64  // offset of window[0]
	shared bool   // parts of window were handed out
	r      io.Reader
	err    error // of r, io.EOF too; sticky
	next   int   // size of the next window
	size   int64 // how much r had at the start, if it tells; 0 if not
	idle   int   // reads in a row that brought nothing
}

const (
	firstWindow = 4 << 10
	lastWindow  = 32 << 10
	maxHeader   = 14 // the longest header, with the two bytes of Pixel Representation
)

// newSource returns a source that reads r.
func newSource(r io.Reader) *source {
	s := &source{r: r}
	if l, ok := r.(interface{ Len() int }); ok {
		s.size = int64(l.Len())
	}
	return s
}

// offset returns how far the stream is read.
func (s *source) offset() int64 { return s.base + int64(s.pos) }

// peek returns at least n bytes without reading past them, fewer only if the
// stream ends or fails before.
func (s *source) peek(n int) []byte {
	if len(s.window)-s.pos < n && s.err == nil {
		s.fill(n)
	}
	return s.window[s.pos:]
}

// skipPeeked moves over n bytes that peek returned.
func (s *source) skipPeeked(n int) { s.pos += n }

// fill makes the window hold n bytes from pos on, if the stream has them.
func (s *source) fill(n int) {
	if cap(s.window)-s.pos < n {
		s.slide(n)
	}
	for len(s.window)-s.pos < n && s.err == nil {
		m := s.read(s.window[len(s.window):cap(s.window)])
		s.window = s.window[:len(s.window)+m]
	}
}

// read reads from the stream beneath; what fails stays in s.err.
func (s *source) read(p []byte) int {
	n, err := s.r.Read(p)
	if s.err = err; n > 0 {
		s.idle = 0
	} else if s.idle++; s.idle > 100 && err == nil {
		s.err = io.ErrNoProgress
	}
	return n
}

// slide makes room for n bytes from pos on: in the same window if nobody has
// part of it, else in a new one.
func (s *source) slide(n int) {
	rest := s.window[s.pos:]
	s.base += int64(s.pos)
	s.pos = 0
	if !s.shared && cap(s.store) >= n {
		s.window = append(s.store[:0], rest...)
		return
	}
	if s.next == 0 {
		s.next = firstWindow
	}
	s.store = make([]byte, 0, max(n, s.next))
	s.window = append(s.store, rest...)
	s.next = min(s.next*2, lastWindow)
	s.shared = false
}

// take returns the next n bytes, which stay as they are.
func (s *source) take(n int64) ([]byte, error) {
	if n > int64(len(s.window)-s.pos) {
		if s.r == nil {
			return nil, io.ErrUnexpectedEOF
		}
		if n > lastWindow {
			return s.takeLarge(n)
		}
		if len(s.peek(int(n))) < int(n) {
			return nil, s.failure()
		}
	}
	end := s.pos + int(n)
	b := s.window[s.pos:end:end]
	s.pos = end
	s.shared = true
	return b, nil
}

// failure returns why the stream has no more.
func (s *source) failure() error {
	if s.err == nil || s.err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return s.err
}

// takeLarge reads n bytes into memory of their own, which grows as they arrive.
func (s *source) takeLarge(n int64) ([]byte, error) {
	const step = 256 << 10
	room := int64(step)
	if s.size > 0 {
		room = max(room, s.size) // it is there: bytes.Reader and its like know
	}
	b := make([]byte, 0, min(n, room))
	for int64(len(b)) < n {
		if len(b) == cap(b) {
			b = append(make([]byte, 0, min(n, int64(cap(b))*4)), b...)
		}
		m, err := s.Read(b[len(b):min(int64(cap(b)), n)])
		b = b[:len(b)+m]
		if err != nil && int64(len(b)) < n {
			return nil, s.failure()
		}
	}
	return b, nil
}

// Read reads what the window has, else from the stream beneath.
func (s *source) Read(p []byte) (int, error) {
	if s.pos < len(s.window) {
		n := copy(p, s.window[s.pos:])
		s.pos += n
		return n, nil
	}
	if s.err != nil || s.r == nil {
		return 0, s.failure()
	}
	if len(p) == 0 {
		return 0, nil
	}
	n := s.read(p)
	// The window lies behind: it is empty, and what comes next has the offset.
	s.base += int64(len(s.window)) + int64(n)
	s.pos = 0
	s.window = s.window[len(s.window):]
	if n == 0 && s.err != nil {
		return 0, s.failure()
	}
	return n, nil
}

// wholeReader reads a source and ends with io.EOF where it ends.
type wholeReader struct{ s *source }

func (w wholeReader) Read(p []byte) (int, error) {
	n, err := w.s.Read(p)
	if err != nil && w.s.err == io.EOF {
		err = io.EOF
	}
	return n, err
}

// scratch holds buffers for bytes that nobody wants.
var scratch = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// discard moves over n bytes.
func (s *source) discard(n int64) error {
	if have := int64(len(s.window) - s.pos); n <= have {
		s.pos += int(n)
		return nil
	} else if s.r == nil {
		s.pos = len(s.window)
		return io.ErrUnexpectedEOF
	}
	buf := scratch.Get().(*[64 << 10]byte)
	defer scratch.Put(buf)
	for n > 0 {
		m, err := s.Read(buf[:min(n, int64(len(buf)))])
		n -= int64(m)
		if err != nil {
			return err
		}
	}
	return nil
}
