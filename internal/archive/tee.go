package archive

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
)

// errHead says that so much came before the Study Instance UID that it cannot
// be held in memory.
var errHead = fmt.Errorf("no Study Instance UID within %d MiB", maxHead>>20)

// tee passes on what it reads to the hash and to a vault object. What comes
// before the object is known it keeps.
type tee struct {
	from     io.Reader
	hash     hash.Hash
	head     []byte
	to       ObjectWriter // nil until direct is called
	n        int64        // bytes read
	readErr  error        // of from; io.EOF at its end
	writeErr error        // of to
}

func newTee(from io.Reader) *tee { return &tee{from: from, hash: sha256.New()} }

// Read reads from the source; all it returns has gone to hash and object.
func (t *tee) Read(p []byte) (int, error) {
	if t.readErr != nil {
		return 0, t.readErr
	}
	n, err := t.from.Read(p)
	if n > 0 {
		if takeErr := t.take(p[:n]); takeErr != nil {
			t.readErr = io.EOF
			return 0, takeErr
		}
	}
	t.readErr = err
	return n, err
}

func (t *tee) take(b []byte) error {
	t.n += int64(len(b))
	t.hash.Write(b)
	if t.to == nil {
		if len(t.head)+len(b) > maxHead {
			return errHead
		}
		t.head = append(t.head, b...)
		return nil
	}
	if _, err := t.to.Write(b); err != nil {
		t.writeErr = err
		return err
	}
	return nil
}

// direct sends what was kept, and all that follows, to w.
func (t *tee) direct(w ObjectWriter) error {
	t.to = w
	_, err := w.Write(t.head)
	t.head = nil
	return err
}

// drain reads what the parser left in the source: nothing but the padding of a
// deflated data set (PS3.5 section A.5) may be there.
func (t *tee) drain() error {
	if t.readErr == io.EOF {
		return nil
	}
	var rest [2]byte
	n, err := io.ReadFull(t, rest[:])
	switch {
	case n > 1, n == 1 && rest[0] != 0:
		return errors.New("bytes after the end of the data set")
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return nil
	}
	return err
}

func (t *tee) sum() (s [sha256.Size]byte) {
	t.hash.Sum(s[:0])
	return s
}
