package audit

import (
	"fmt"
	"io"
	"strconv"
)

// goOn continues a damaged trail in a new file, after a person decided so. The
// new file is chained to the last line that can be read, and its numbers begin
// after the highest one known, so that what is missing shows for ever.
func (t *Trail) goOn(damage *DamageError) ([]*entry, error) {
	files, err := listFiles(t.fsys, t.dir)
	if err != nil {
		return nil, err
	}
	head, _, headErr := parseHead(t.head.bytes, t.box)
	at := head
	if headErr != nil {
		at = position{}
	}
	found := uint64(0)
	for _, n := range files {
		if err := t.scan(n, &at, &found); err != nil {
			return nil, err
		}
	}
	if at.id == (trailID{}) {
		return nil, fmt.Errorf("no file can be read: %w", damage)
	}
	at.seq = max(found, head.seq)
	if t.file != nil {
		if err := t.file.Close(); err != nil {
			return nil, err
		}
		t.file = nil
	}
	if err := t.restart(at); err != nil {
		return nil, err
	}
	e := Event{Code: TrailDamaged, Outcome: MajorFailure, Reason: damage.Error(), Details: []Detail{
		{"last record found", strconv.FormatUint(found, 10)}}}
	if headErr == nil {
		e.Details = append(e.Details, Detail{"last record of the head", strconv.FormatUint(head.seq, 10)},
			Detail{"chain of the head", head.chain.String()})
	}
	note, err := t.note(e)
	if err != nil {
		return nil, err
	}
	return []*entry{note}, nil
}

// restart begins the file after at.file and a new head.
func (t *Trail) restart(at position) error {
	at.file++
	h := header{at.id, at.file, at.seq + 1, at.chain}
	if err := t.create(h); err != nil {
		return err
	}
	at.offset = int64(len(h.append(nil)))
	if err := t.reopen(at.file); err != nil {
		return err
	}
	var err error
	t.at, err = t.head.begin(at, t.box)
	return err
}

// scan looks for the last line of a file that can be read, and for the highest
// number in it.
func (t *Trail) scan(n uint64, at *position, found *uint64) error {
	f, err := t.openFile(n)
	if err != nil {
		return err
	}
	defer f.Close()
	at.file = max(at.file, n)
	r := newLineReader(f, 0)
	for {
		b, err := r.next()
		switch err {
		case nil:
		case io.EOF, errPartial:
			return nil
		case errSyntax:
			continue
		default:
			return err
		}
		if h, err := parseHeader(b); err == nil && (at.id == trailID{} || at.id == h.id) {
			at.id, at.chain = h.id, h.prev
		}
		if l, err := parseLine(b); err == nil {
			at.chain = l.chain
			*found = max(*found, l.seq)
		}
	}
}
