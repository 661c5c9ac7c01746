package audit

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// DamageError says that the end of the trail is not what its head vouches for:
// somebody, or a failing disk, changed or removed records. Verify says more.
type DamageError struct {
	File    string // where it shows; "" if it is no file's
	Problem string
}

func (e *DamageError) Error() string {
	if e.File == "" {
		return "the trail is damaged: " + e.Problem
	}
	return "the trail is damaged: " + e.File + ": " + e.Problem
}

// catchUp makes t.at the end of the trail. It returns at once if nobody else
// wrote since; else it follows the trail from the head. The result are events
// that have to be noted. The caller holds the lock.
func (t *Trail) catchUp() ([]*entry, error) {
	changed, err := t.head.changed()
	if err != nil {
		return nil, err
	}
	if !changed && t.file != nil {
		size, err := t.file.Size()
		if err != nil || size == t.at.offset {
			return nil, err
		}
	}
	p, bad, err := parseHead(t.head.bytes, t.box)
	if err != nil {
		return nil, t.begin()
	}
	if t.at.id != (trailID{}) && t.at.id != p.id {
		return nil, &DamageError{Problem: "it was replaced by another trail"}
	}
	if t.at.id != (trailID{}) && p.seq < t.at.seq {
		return nil, &DamageError{Problem: "its head went back"}
	}
	if err := t.openAt(p); err != nil {
		return nil, err
	}
	notes, err := t.follow()
	if err == nil && bad > 0 {
		return t.mendHead(notes)
	}
	return notes, err
}

// mendHead makes both slots of the head good again. A loss of power can spoil
// one, but so can somebody who cut off the last records; hence the note.
func (t *Trail) mendHead(notes []*entry) ([]*entry, error) {
	note, err := t.note(Event{Code: TrailRecovered, Outcome: MinorFailure,
		Reason: "a slot of the head could not be read", Details: []Detail{{"file", headName}}})
	if err != nil {
		return notes, err
	}
	t.at, err = t.head.begin(t.at, t.box)
	return append(notes, note), err
}

// begin starts a trail where there is no record yet: there was none, or its
// beginning broke off. Records without a head are no reason to start one.
func (t *Trail) begin() error {
	files, err := listFiles(t.fsys, t.dir)
	if err != nil {
		return err
	}
	if len(files) > 1 || len(files) == 1 && (files[0] != 1 || t.hasRecords(1)) {
		return &DamageError{headName, "it is gone or neither of its slots can be trusted, but there are records"}
	}
	p := position{file: 1}
	rand.Read(p.id[:]) // never fails: it ends the program instead
	p.chain = p.id.genesis()
	h := header{p.id, p.file, p.seq + 1, p.chain}
	if err := t.create(h); err != nil {
		return err
	}
	p.offset = int64(len(h.append(nil)))
	if t.at, err = t.head.begin(p, t.box); err != nil {
		return err
	}
	if err := t.fsys.SyncDir(t.dir); err != nil {
		return err
	}
	return t.reopen(1)
}

// hasRecords reports whether a file holds more than a header.
func (t *Trail) hasRecords(n uint64) bool {
	f, err := t.openFile(n)
	if err != nil {
		return true // what cannot be read is not overwritten
	}
	defer f.Close()
	r := newLineReader(f, 0)
	if _, err := r.next(); err != nil {
		return err != io.EOF && err != errPartial
	}
	_, err = r.next()
	return err != io.EOF
}

// reopen makes the file number n the one that is appended to.
func (t *Trail) reopen(n uint64) error {
	if t.file != nil {
		if err := t.file.Close(); err != nil {
			return err
		}
		t.file = nil
	}
	f, err := t.openFile(n)
	if errors.Is(err, fs.ErrNotExist) {
		return &DamageError{fileName(n), "the file is gone"}
	}
	if err != nil {
		return err
	}
	t.file = f
	return nil
}

// openAt opens the head's file and checks that the line which ends at the
// head's offset is the one that it vouches for.
func (t *Trail) openAt(p position) error {
	if err := t.reopen(p.file); err != nil {
		return err
	}
	name := fileName(p.file)
	size, err := t.file.Size()
	if err != nil {
		return err
	}
	if size < p.offset {
		return &DamageError{name, fmt.Sprintf("it ends at byte %d, before record %d that was written up to byte %d", size, p.seq, p.offset)}
	}
	b, err := lineBefore(t.file, p.offset)
	if err != nil {
		return err
	}
	if !vouches(p, b) {
		return &DamageError{name, fmt.Sprintf("the line before byte %d is not record %d as it was written", p.offset, p.seq)}
	}
	t.at = p
	return nil
}

// lineBefore returns the line that ends at offset, without its line feed; nil if
// none does. Most lines are short, so it looks at a little first.
func lineBefore(f io.ReaderAt, offset int64) ([]byte, error) {
	for _, n := range []int64{8 << 10, maxLine + 1} {
		b := make([]byte, min(n, offset))
		if _, err := f.ReadAt(b, offset-int64(len(b))); err != nil && err != io.EOF {
			return nil, fmt.Errorf("read: %w", err)
		}
		b, ends := bytes.CutSuffix(b, []byte{'\n'})
		if !ends {
			return nil, nil
		}
		if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
			return b[i+1:], nil
		}
		if offset <= n {
			return b, nil
		}
	}
	return nil, nil
}

// vouches reports whether the head p names the line b.
func vouches(p position, b []byte) bool {
	if l, err := parseLine(b); err == nil {
		return l.seq == p.seq && l.chain == p.chain
	}
	h, err := parseHeader(b)
	return err == nil && h.id == p.id && h.file == p.file && h.first == p.seq+1 && h.prev == p.chain
}

// follow takes in the records behind t.at: of a process that ended before it
// moved the head, or from before a loss of power. What is no record there was
// never acknowledged; it is moved aside.
func (t *Trail) follow() ([]*entry, error) {
	var notes []*entry
	for {
		before := t.at
		if err := t.takeIn(); err != nil {
			return notes, err
		}
		note, err := t.setAside()
		if err != nil {
			return notes, err
		}
		if note != nil {
			notes = append(notes, note)
		}
		more, err := t.enterNext()
		if err != nil {
			return notes, err
		}
		if !more && t.at == before {
			return notes, nil
		}
		if !more {
			t.at.turn++
			return notes, t.head.write(t.at, t.box)
		}
	}
}

// takeIn moves t.at over the records that continue it.
func (t *Trail) takeIn() error {
	r := newLineReader(t.file, t.at.offset)
	for {
		b, err := r.next()
		if err == io.EOF || err == errPartial || err == errSyntax {
			return t.syncTaken(r)
		}
		if err != nil {
			return err
		}
		l, err := parseLine(b)
		if err != nil || l.seq != t.at.seq+1 || l.chain != t.at.chain.chain(l.leaf) {
			return t.syncTaken(r)
		}
		t.at.seq, t.at.chain, t.at.offset = l.seq, l.chain, r.offset
	}
}

// syncTaken makes records durable that another process may only have written.
func (t *Trail) syncTaken(r *lineReader) error {
	if r.line <= 1 {
		return nil
	}
	return t.file.Sync()
}

// enterNext goes on to the file after t.at's if it continues the trail. A file
// with no more than a header is the remainder of a roll that broke off.
func (t *Trail) enterNext() (bool, error) {
	n := t.at.file + 1
	f, err := t.openFile(n)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	r := newLineReader(f, 0)
	b, err := r.next()
	if err == nil {
		if h, err := parseHeader(b); err == nil && (h == header{t.at.id, n, t.at.seq + 1, t.at.chain}) {
			old := t.file
			t.file, t.at.file, t.at.offset = f, n, r.offset
			return true, old.Close()
		}
	}
	if err := f.Close(); err != nil {
		return false, err
	}
	if t.hasRecords(n) {
		return false, &DamageError{fileName(n), "it does not continue the file before it"}
	}
	return false, nil
}
