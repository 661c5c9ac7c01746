package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path/filepath"
	"slices"

	"github.com/tresor-pacs/tresor/internal/durable"
)

// LineError says that a line of the trail cannot be read, and which.
type LineError struct {
	File string
	Line int // of the lines that were read
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("%s line %d: %v", e.File, e.Line, e.Err) }

// Unwrap returns why.
func (e *LineError) Unwrap() error { return e.Err }

// Reader reads a trail record by record as far as it is durable, beside others
// that append to it, and goes on when it has grown. It is for one goroutine.
type Reader struct {
	fsys durable.FS
	dir  string
	box  Box

	head  position
	last  uint64 // number of the last record that was passed
	id    trailID
	n     uint64 // number of the open file
	f     durable.File
	lines *lineReader
}

// NewReader returns a reader of the records of the trail in dir with numbers
// after the given one. Without a box the events stay closed: records have their
// places, times and hashes alone.
func NewReader(dir string, box Box, after uint64) *Reader {
	return &Reader{fsys: durable.OS, dir: dir, box: box, last: after}
}

// Next returns the next record; io.EOF if there is none yet, after which Next
// may be called again. After a *LineError the next call goes on behind the line.
// Numbers grow; a jump says that records are missing.
func (r *Reader) Next() (Record, error) {
	if r.head.seq <= r.last {
		if err := r.look(); err != nil {
			return Record{}, err
		}
	}
	for r.head.seq > r.last {
		if r.f == nil {
			if err := r.enter(); err != nil {
				return Record{}, err
			}
		}
		b, err := r.lines.next()
		if err == io.EOF || err == errPartial {
			if err := r.ended(err); err != nil {
				return Record{}, err
			}
			continue
		}
		if err != nil && err != errSyntax {
			return Record{}, fmt.Errorf("audit: read the trail: %w", err)
		}
		rec, err := r.record(b, err)
		if err != nil || rec.Seq > 0 {
			return rec, err
		}
	}
	return Record{}, io.EOF
}

// look reads the head; a trail that does not exist yet has no records.
func (r *Reader) look() error {
	p, _, err := readHead(r.fsys, r.dir, r.box)
	if errors.Is(err, errNoHead) {
		return io.EOF
	}
	if err != nil {
		return fmt.Errorf("audit: read the trail: %w", err)
	}
	r.head = p
	return nil
}

// enter opens the file with the record after the last one.
func (r *Reader) enter() error {
	files, err := listFiles(r.fsys, r.dir)
	if err != nil {
		return fmt.Errorf("audit: read the trail: %w", err)
	}
	if r.n > 0 { // the one after the last
		if i, _ := slices.BinarySearch(files, r.n+1); i < len(files) {
			return r.open(files[i])
		}
		return io.EOF
	}
	for i := len(files) - 1; i >= 0; i-- {
		// Of a file whose header is damaged nobody knows where it begins: the one
		// before it is the better start.
		if h, ok := r.header(files[i]); i == 0 || ok && h.first <= r.last+1 {
			return r.open(files[i])
		}
	}
	return io.EOF
}

func (r *Reader) header(n uint64) (header, bool) {
	for raw := range readFile(r.fsys, r.dir, n) {
		if raw.err != nil {
			break
		}
		h, err := parseHeader(raw.bytes)
		return h, err == nil
	}
	return header{}, false
}

func (r *Reader) open(n uint64) error {
	f, err := r.fsys.OpenFile(filepath.Join(r.dir, fileName(n)), 0, 0)
	if err != nil {
		return fmt.Errorf("audit: read the trail: %w", err)
	}
	r.n, r.f, r.lines = n, f, newLineReader(f, 0)
	return nil
}

// ended goes on at the end of what was read of a file: in the file, if it has
// grown meanwhile, else in the next one. Where there is none the trail is
// shorter than its head says, which Verify names.
func (r *Reader) ended(how error) error {
	size, err := r.f.Size()
	if err != nil {
		return fmt.Errorf("audit: read the trail: %w", err)
	}
	line := r.lines.line
	more := size > r.lines.offset && how == io.EOF
	if more || r.n >= r.head.file {
		r.lines = newLineReader(r.f, r.lines.offset)
		r.lines.line = line - 1
		if !more {
			return io.EOF
		}
		return nil
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("audit: read the trail: %w", err)
	}
	if how == errPartial {
		return &LineError{fileName(r.n), line, how}
	}
	return nil
}

// record reads a line; it returns no record for a header and for what was
// passed before.
func (r *Reader) record(b []byte, err error) (Record, error) {
	place := Record{File: fileName(r.n), Line: r.lines.line}
	if r.lines.line == 1 && err == nil {
		if h, headErr := parseHeader(b); headErr == nil {
			r.id = h.id
			return Record{}, nil
		}
	}
	var l line
	if err == nil {
		l, err = parseLine(b)
	}
	if err != nil {
		return place, &LineError{place.File, place.Line, err}
	}
	if l.seq <= r.last {
		return Record{}, nil
	}
	if l.seq > r.head.seq {
		return place, &LineError{place.File, place.Line, errBeyond}
	}
	place.Seq, place.Time, place.Leaf, place.Chain = l.seq, l.time, l.leaf, l.chain
	if r.box == nil {
		r.last = l.seq
		return place, nil
	}
	payload, err := r.box.Open(l.sealed, recordAD(r.id, l.seq, l.time))
	if err != nil {
		return place, &LineError{place.File, place.Line, errNotAuthentic} // its number means nothing
	}
	r.last = l.seq
	if place.Event, err = parseEvent(payload); err != nil {
		return place, &LineError{place.File, place.Line, err}
	}
	place.Event.Time = l.time
	return place, nil
}

var errBeyond = errors.New("its number is beyond the head's")

// Head returns the name of the trail and the number of the last durable record
// as Next saw them last.
func (r *Reader) Head() (id string, last uint64) { return r.head.id.String(), r.head.seq }

// Close closes the file that the reader has open.
func (r *Reader) Close() error {
	if r.f == nil {
		return nil
	}
	err := r.f.Close()
	r.f = nil
	return err
}

// Leaves yields the records of the whole trail in dir as far as their lines can
// be read, in the order of the files, without their events: what a checkpoint
// covers. It believes neither numbers nor hashes, and needs no key.
func Leaves(ctx context.Context, dir string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		files, err := listFiles(durable.OS, dir)
		if err != nil {
			yield(Record{}, fmt.Errorf("audit: read the trail: %w", err))
			return
		}
		for _, n := range files {
			for raw := range readFile(durable.OS, dir, n) {
				if err := ctx.Err(); err != nil {
					yield(Record{}, err)
					return
				}
				if raw.err != nil && raw.err != errPartial && raw.err != errSyntax {
					yield(Record{}, fmt.Errorf("audit: read the trail: %w", raw.err))
					return
				}
				l, err := parseLine(raw.bytes)
				if raw.err != nil || err != nil {
					continue // a header, or damage that Verify names
				}
				if !yield(Record{Seq: l.seq, File: fileName(n), Line: raw.number, Time: l.time, Leaf: l.leaf, Chain: l.chain}, nil) {
					return
				}
			}
		}
	}
}

// Last returns the name of the trail in dir and the number of its last durable
// record; fs.ErrNotExist if there is no trail, or no head that can be trusted.
func Last(dir string, box Box) (id string, last uint64, err error) {
	p, _, err := readHead(durable.OS, dir, box)
	if errors.Is(err, errNoHead) {
		return "", 0, fmt.Errorf("audit: %w in %s: %w", err, dir, fs.ErrNotExist)
	}
	if err != nil {
		return "", 0, fmt.Errorf("audit: %w", err)
	}
	return p.id.String(), p.seq, nil
}

// ID returns the name of the trail in dir: 32 hexadecimal digits; fs.ErrNotExist
// if there is none.
func ID(dir string) (string, error) {
	files, err := listFiles(durable.OS, dir)
	if err != nil {
		return "", err
	}
	r := NewReader(dir, nil, 0)
	for _, n := range files {
		if h, ok := r.header(n); ok {
			return h.id.String(), nil
		}
	}
	return "", fmt.Errorf("audit: no trail in %s: %w", dir, fs.ErrNotExist)
}
