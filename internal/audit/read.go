package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path/filepath"
	"time"

	"github.com/tresor-pacs/tresor/internal/durable"
)

// Record is an event and its place in the trail.
type Record struct {
	Seq   uint64    `json:"seq"`
	File  string    `json:"file"`
	Line  int       `json:"line"`
	Time  time.Time `json:"-"` // the event's
	Leaf  [32]byte  `json:"-"` // hash as a leaf of a Merkle tree (RFC 6962)
	Chain [32]byte  `json:"-"` // place in the hash chain
	Event Event     `json:"event"`
}

// rawLine is a line of a file that is read only.
type rawLine struct {
	file   uint64
	number int
	offset int64 // after the line
	bytes  []byte
	err    error // errPartial, errSyntax (too long) or an error of reading
}

// readFile yields the lines of one file, the header first. The bytes are valid
// until the next line is asked for.
func readFile(fsys durable.FS, dir string, n uint64) iter.Seq[rawLine] {
	return func(yield func(rawLine) bool) {
		f, err := fsys.OpenFile(filepath.Join(dir, fileName(n)), 0, 0)
		if err != nil {
			yield(rawLine{file: n, err: err})
			return
		}
		defer f.Close()
		r := newLineReader(f, 0)
		for {
			b, err := r.next()
			if err == io.EOF {
				return
			}
			if !yield(rawLine{n, r.line, r.offset, b, err}) || err != nil && err != errSyntax {
				return
			}
		}
	}
}

// openRecord opens the payload of a line and reads its event. It reports false
// if the payload shows without reading it that it cannot match.
func (m *matcher) openRecord(id trailID, raw rawLine, l line) (Record, bool, error) {
	rec := Record{Seq: l.seq, File: fileName(raw.file), Line: raw.number, Time: l.time, Leaf: l.leaf, Chain: l.chain}
	payload, err := m.box.Open(l.sealed, recordAD(id, l.seq, l.time))
	if err != nil {
		return rec, false, errNotAuthentic
	}
	if !m.mayMatch(payload) {
		return rec, false, nil
	}
	if rec.Event, err = parseEvent(payload); err != nil {
		return rec, false, err
	}
	rec.Event.Time = l.time
	return rec, m.matches(&rec.Event), nil
}

var errNotAuthentic = errors.New("record is not authentic")

// Records reads the trail in a folder; it satisfies archive.Records.
type Records struct {
	Dir string
	Box Box
}

// Search is the function Search for the folder of r.
func (r Records) Search(ctx context.Context, f Filter) iter.Seq2[Record, error] {
	return Search(ctx, r.Dir, r.Box, f)
}

// Search yields the records of the trail in dir that match, oldest first. It
// needs no lock and works while others append. A line that cannot be read is
// yielded with its place and an error, and the search goes on; an error without
// a place ends it.
func Search(ctx context.Context, dir string, box Box, filter Filter) iter.Seq2[Record, error] {
	return searchOn(ctx, durable.OS, dir, box, filter)
}

func searchOn(ctx context.Context, fsys durable.FS, dir string, box Box, filter Filter) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		files, err := listFiles(fsys, dir)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil {
			yield(Record{}, fmt.Errorf("audit: search: %w", err))
			return
		}
		m := newMatcher(filter)
		m.fsys, m.dir, m.box = fsys, dir, box
		for i, n := range files {
			if i+1 < len(files) && m.passed(files[i+1]) || m.beyond(n) {
				continue
			}
			if !m.searchFile(ctx, n, yield) {
				return
			}
		}
	}
}

// disorder is how far the times of records may lie from the order in which they
// were written: the clock of the machine may have been set back.
const disorder = 24 * time.Hour

// passed reports whether the file before the one with number next cannot hold a
// record that matches, by what the next one begins with.
func (m *matcher) passed(next uint64) bool {
	if m.After == 0 && m.Since.IsZero() {
		return false
	}
	first, t, ok := m.begins(next)
	return ok && (first <= m.After+1 && m.After > 0 || !m.Since.IsZero() && t.Before(m.Since.Add(-disorder)))
}

// beyond reports whether a file begins after what is searched for.
func (m *matcher) beyond(n uint64) bool {
	if m.Until.IsZero() {
		return false
	}
	_, t, ok := m.begins(n)
	return ok && t.After(m.Until.Add(disorder))
}

// begins returns the number and the time of a file's first record; false if its
// header or the record cannot be read.
func (m *matcher) begins(n uint64) (first uint64, t time.Time, ok bool) {
	for raw := range readFile(m.fsys, m.dir, n) {
		if raw.err != nil {
			break
		}
		if raw.number == 1 {
			h, err := parseHeader(raw.bytes)
			if err != nil {
				break
			}
			first = h.first
			continue
		}
		l, err := parseLine(raw.bytes)
		return first, l.time, err == nil
	}
	return 0, time.Time{}, false
}

// searchFile searches one file; it returns false if the search is over.
func (m *matcher) searchFile(ctx context.Context, n uint64, yield func(Record, error) bool) bool {
	var id trailID
	for raw := range readFile(m.fsys, m.dir, n) {
		if err := ctx.Err(); err != nil {
			yield(Record{}, fmt.Errorf("audit: search: %w", err))
			return false
		}
		place := Record{File: fileName(n), Line: raw.number}
		if raw.err == errPartial {
			return true // being written, or a remainder that Open moves aside
		}
		if raw.err == nil && raw.number == 1 {
			h, err := parseHeader(raw.bytes)
			if err == nil {
				id = h.id
				continue
			}
		}
		rec, found, err := m.look(id, raw)
		if err != nil {
			rec = place
			err = fmt.Errorf("audit: %s line %d: %w", place.File, place.Line, err)
		}
		if (found || err != nil) && !yield(rec, err) {
			return false
		}
		if found && m.full() {
			return false
		}
	}
	return true
}

// look opens a line and reports whether its record matches.
func (m *matcher) look(id trailID, raw rawLine) (Record, bool, error) {
	if raw.err != nil {
		return Record{}, false, raw.err
	}
	l, err := parseLine(raw.bytes)
	if err != nil {
		return Record{}, false, err
	}
	if l.seq <= m.After || !m.inTime(l.time) {
		return Record{}, false, nil
	}
	return m.openRecord(id, raw, l)
}
