package file

import (
	"errors"
	"io"

	"github.com/tresor-pacs/tresor/internal/seal"
)

// readAhead is how much a scan reads at once: headers, metas and summaries of
// small objects lie close together, those of large ones do not.
const readAhead = 16 << 10

// scanner goes through the records of a pack in order. Where a header is
// damaged it goes on at the next one that is not.
type scanner struct {
	src  io.ReaderAt
	pack uint32
	off  int64 // where to look next
	end  int64

	buf   []byte // a piece of the pack
	bufAt int64

	// gap and dirt tell of the bytes that were passed over to find the last
	// record, or the end: how many, and whether any was not zero.
	gap  int64
	dirt bool
}

// peek returns n bytes at off; fewer if the end comes before. They are good
// until the next call.
func (s *scanner) peek(off int64, n int) ([]byte, error) {
	n = int(max(0, min(int64(n), s.end-off)))
	if off < s.bufAt || off+int64(n) > s.bufAt+int64(len(s.buf)) {
		if err := s.fill(off, max(n, readAhead)); err != nil {
			return nil, err
		}
		n = min(n, len(s.buf))
	}
	at := int(off - s.bufAt)
	return s.buf[at : at+n], nil
}

// fill reads n bytes at off into the buffer, fewer where the end comes before.
// The end may have come nearer: a pack loses the space reserved behind its last
// record when the next pack begins.
func (s *scanner) fill(off int64, n int) error {
	n = int(min(int64(n), s.end-off))
	if cap(s.buf) < n {
		s.buf = make([]byte, n)
	}
	got, err := s.src.ReadAt(s.buf[:n], off)
	if got < n {
		if err != io.EOF {
			s.buf = s.buf[:0]
			return err
		}
		s.end = off + int64(got)
	}
	s.buf, s.bufAt = s.buf[:got], off
	return nil
}

// next returns the next record and its offset; ok is false at the end.
func (s *scanner) next() (off int64, h header, ok bool, err error) {
	s.gap, s.dirt = 0, false
	for s.off+headerSize <= s.end {
		b, err := s.peek(s.off, headerSize)
		if err != nil {
			return 0, h, false, err
		}
		if h, ok := parseHeader(b, s.pack); ok && s.off+int64(h.total) <= s.end {
			off, s.off = s.off, s.off+int64(h.total)
			return off, h, true, nil
		}
		s.dirt = s.dirt || !allZero(b)
		s.off += align
		s.gap += align
	}
	if s.off < s.end {
		s.gap += s.end - s.off
		s.off = s.end
	}
	return 0, h, false, nil
}

// frontWhole reports whether the sealed meta and summary of the record at off are
// as they were written.
func (s *scanner) frontWhole(off int64, h header) (bool, error) {
	sum, left := uint32(0), int64(h.meta)+int64(h.summary)
	for at := off + headerSize; left > 0; {
		b, err := s.peek(at, int(min(left, 256<<10)))
		if err != nil {
			return false, err
		}
		if len(b) == 0 {
			return false, nil
		}
		sum = crcUpdate(sum, b)
		at, left = at+int64(len(b)), left-int64(len(b))
	}
	return sum == h.front, nil
}

// whole reports whether all of the record at off is as it was written. A body
// here has no checksum but its own authentication: it is opened.
func (v *Vault) whole(s *scanner, off int64, h header) (bool, error) {
	if ok, err := s.frontWhole(off, h); !ok || err != nil || h.ownFile() {
		return ok, err
	}
	key, err := v.studyKey(h.slot)
	if err != nil {
		return true, nil // nobody can tell, and nobody can read it: it stays
	}
	body := io.NewSectionReader(s.src, off+h.used()-h.body, h.body)
	r, err := seal.NewReader(body, h.body, key.body, h.ad(bodyLabel))
	if err == nil {
		_, err = io.Copy(io.Discard, r.Section(0, r.Size()))
	}
	if errors.Is(err, ErrDamaged) {
		return false, nil
	}
	return err == nil, err
}
