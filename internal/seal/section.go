package seal

import "io"

// Section reads a part of a sealed stream from its start to its end. It opens
// each segment once, whatever the sizes of the reads, and WriteTo copies
// nothing. It is for one goroutine. Close gives its buffer back.
type Section struct {
	r     *Reader
	off   int64 // of the next byte that is not in plain
	end   int64
	x     *scratch // nil while there is none
	plain []byte   // opened and not read yet
	err   error
}

// Section returns a Section of n bytes at off; what lies beyond the stream is left out.
func (r *Reader) Section(off, n int64) *Section {
	off = min(max(off, 0), r.size)
	return &Section{r: r, off: off, end: off + min(max(n, 0), r.size-off)}
}

// Close gives the buffer back; the Section is at its end then.
func (s *Section) Close() error {
	if s.x != nil {
		scratchPool.Put(s.x)
	}
	s.x, s.plain, s.off = nil, nil, s.end
	return nil
}

// Read implements io.Reader.
func (s *Section) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(s.plain) == 0 {
		if s.err != nil {
			return 0, s.err
		}
		if s.off >= s.end {
			_ = s.Close()
			return 0, io.EOF
		}
		if n := s.whole(len(p)); n > 0 {
			return s.direct(p[:n])
		}
		if s.err = s.each(1, func(plain []byte) error { s.plain = plain; return nil }); s.err != nil {
			return 0, s.err
		}
	}
	n := copy(p, s.plain)
	s.plain = s.plain[n:]
	return n, nil
}

// whole returns how many of the next n bytes are whole segments.
func (s *Section) whole(n int) int {
	if _, begins := segmentAt(s.off); begins != s.off {
		return 0
	}
	if s.end == s.r.size && s.end-s.off <= int64(n) {
		return int(s.end - s.off)
	}
	_, begins := segmentAt(min(s.off+int64(n), s.end))
	return int(max(begins-s.off, 0))
}

// direct opens whole segments straight into p.
func (s *Section) direct(p []byte) (int, error) {
	n, err := s.r.ReadAt(p, s.off)
	s.off += int64(n)
	if n == len(p) {
		err = nil
	}
	s.err = err
	return n, err
}

// each opens up to k segments in the buffer and calls f with the wanted part of each.
func (s *Section) each(k int64, f func(plain []byte) error) error {
	if s.x == nil {
		s.x = scratchPool.Get().(*scratch)
	}
	first, begins := segmentAt(s.off)
	last, _ := segmentAt(s.end - 1)
	sealed, err := s.r.load(first, min(last, first+k-1), s.x)
	if err != nil {
		return err
	}
	for seg := first; len(sealed) > 0; seg++ {
		var one []byte
		one, sealed = s.r.cut(seg, sealed)
		plain, err := s.r.open(one[:0], one, seg, s.x)
		if err != nil {
			return err
		}
		length := int64(len(plain))
		part := plain[s.off-begins : min(length, s.end-begins)]
		begins += length
		s.off += int64(len(part))
		if err := f(part); err != nil {
			return err
		}
	}
	return nil
}

// WriteTo implements io.WriterTo: w gets the plaintext segment by segment from
// the buffer that it was opened in.
func (s *Section) WriteTo(w io.Writer) (int64, error) {
	var done int64
	write := func(b []byte) error {
		n, err := w.Write(b)
		done += int64(n)
		if err == nil && n != len(b) {
			err = io.ErrShortWrite
		}
		return err
	}
	if len(s.plain) > 0 {
		b := s.plain
		s.plain = nil
		if err := write(b); err != nil {
			return done, err
		}
	}
	for s.err == nil && s.off < s.end {
		s.err = s.each(batch, write)
	}
	if s.err != nil {
		return done, s.err
	}
	return done, s.Close()
}
