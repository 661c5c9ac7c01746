package file

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/durable"
	"github.com/tresor-pacs/tresor/internal/seal"
)

// writebackEvery is how many bytes of a large object gather before the system
// is asked to begin writing them, so that the sync at the end finds little to do.
const writebackEvery = 8 << 20

var bodyPool = sync.Pool{New: func() any { return new([maxInline]byte) }}

// writer seals one object. Up to maxInline sealed bytes stay in its buffer;
// beyond that they stream into a file.
type writer struct {
	v      *Vault
	key    *studyKey
	header header
	buf    *[maxInline]byte
	sealer *seal.Writer
	n      int64 // plaintext written
	ended  bool

	file   durable.File // nil while the object is small
	size   int64        // of file
	pushed int64        // of it, writeback asked for
}

// Create implements archive.Vault.
func (v *Vault) Create(ctx context.Context, study dicom.UID) (archive.ObjectWriter, error) {
	if err := v.writable(ctx); err != nil {
		return nil, fmt.Errorf("create: %w", err)
	}
	slot, err := v.slots.findOrMake(study)
	if err != nil {
		return nil, fmt.Errorf("create: %w", v.note(err))
	}
	key, err := v.keys.get(slot)
	if err != nil {
		return nil, fmt.Errorf("create: %w", err)
	}
	if key.study != study {
		return nil, fmt.Errorf("create: slot %d holds the key of another study: %w", slot, ErrDamaged)
	}
	w := &writer{v: v, key: key, buf: bodyPool.Get().(*[maxInline]byte)}
	w.header = header{kind: kindObject, slot: slot}
	rand.Read(w.header.id[:]) // never fails: it ends the program instead
	if w.sealer, err = seal.NewWriter((*spill)(w), key.body, w.header.ad(bodyLabel), w.buf[:]); err != nil {
		w.Abort()
		return nil, fmt.Errorf("create: %w", err)
	}
	return w, nil
}

var errEnded = errors.New("object was committed or aborted")

// Write implements archive.ObjectWriter.
func (w *writer) Write(p []byte) (int, error) {
	if w.ended {
		return 0, errEnded
	}
	n, err := w.sealer.Write(p)
	w.n += int64(n)
	return n, err
}

// spill is a writer as what its sealer writes to, when the buffer is full.
type spill writer

func (s *spill) Write(b []byte) (int, error) {
	if s.file == nil {
		f, err := s.v.fsys.OpenFile(s.v.incomingPath(s.header.id), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return 0, fmt.Errorf("create object file: %w", err)
		}
		s.file = f
	}
	n, err := s.file.WriteAt(b, s.size)
	s.size += int64(n)
	if err != nil {
		return n, fmt.Errorf("write object file: %w", err)
	}
	if s.size-s.pushed >= writebackEvery {
		s.file.Writeback(s.pushed, s.size-s.pushed)
		s.pushed = s.size
	}
	return n, nil
}

// Abort implements archive.ObjectWriter.
func (w *writer) Abort() {
	if w.ended {
		return
	}
	w.end()
	if w.file != nil {
		_ = w.file.Close()
		_ = w.v.fsys.Remove(w.v.incomingPath(w.header.id)) // or the next start removes it
	}
}

// end gives the buffer back.
func (w *writer) end() {
	w.ended = true
	bodyPool.Put(w.buf)
	w.buf = nil
}

// Commit implements archive.ObjectWriter.
func (w *writer) Commit(ctx context.Context, m archive.Meta) (archive.Location, archive.Mark, error) {
	if w.ended {
		return "", "", errEnded
	}
	p, end, err := w.commit(ctx, &m)
	if err != nil {
		w.Abort()
		return "", "", fmt.Errorf("commit: %w", err)
	}
	w.end()
	return archive.Location(p.String()), archive.Mark(end.String()), nil
}

func (w *writer) commit(ctx context.Context, m *archive.Meta) (p, end place, err error) {
	if err := w.v.writable(ctx); err != nil {
		return p, end, err
	}
	switch {
	case m.Study != w.key.study:
		return p, end, errors.New("metadata of another study")
	case m.Length != w.n:
		return p, end, fmt.Errorf("metadata of %d bytes, %d were written", m.Length, w.n)
	case len(m.Summary) > maxSummary:
		return p, end, errors.New("summary too long")
	}
	body, err := w.sealer.Finish()
	if err != nil {
		return p, end, err
	}
	front, err := w.front(m)
	if err != nil {
		return p, end, err
	}
	e := &entry{parts: [][]byte{front}}
	if w.file == nil {
		w.header.body = int64(len(body))
		e.parts = append(e.parts, body)
	} else if err := w.settle(body); err != nil {
		return p, end, w.v.note(err)
	}
	w.header.front = checksum(front)
	e.header = w.header
	if err := w.v.tail.commit(e); err != nil {
		w.unsettle()
		return p, end, err
	}
	return e.place, place{e.place.pack, e.place.off + int64(e.header.total)}, nil
}

// front returns the sealed meta and summary.
func (w *writer) front(m *archive.Meta) ([]byte, error) {
	plain, err := appendMeta(make([]byte, 0, 512), m)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, 1024+len(m.Summary)/2)
	b = w.v.metaBox.AppendSeal(b, plain, w.header.ad(metaLabel))
	meta := len(b)
	if b, err = appendSummary(b, m.Summary, w.key.summary, w.header.ad(summaryLabel)); err != nil {
		return nil, err
	}
	if meta > maxMeta || len(b)-meta > maxSummary {
		return nil, errMeta
	}
	w.header.meta, w.header.summary = uint32(meta), uint32(len(b)-meta)
	return b, nil
}

// settle makes the object's file durable under its own name. The record that
// refers to it comes after.
func (w *writer) settle(rest []byte) error {
	if _, err := (*spill)(w).Write(rest); err != nil {
		return err
	}
	if err := w.file.Sync(); err != nil {
		return &fatalError{fmt.Errorf("sync object file: %w", err)}
	}
	if err := w.file.Close(); err != nil {
		return &fatalError{fmt.Errorf("close object file: %w", err)}
	}
	id := w.header.id
	if err := durable.MkdirAll(w.v.fsys, w.v.objectDir(id), 0o700); err != nil {
		return &fatalError{fmt.Errorf("make object directory: %w", err)}
	}
	if err := w.v.fsys.Rename(w.v.incomingPath(id), w.v.objectPath(id)); err != nil {
		return fmt.Errorf("name object file: %w", err)
	}
	if err := w.v.fsys.SyncDir(w.v.objectDir(id)); err != nil {
		return &fatalError{fmt.Errorf("sync object directory: %w", err)}
	}
	w.header.flags |= flagOwnFile
	w.header.body = w.size
	return nil
}

// unsettle removes the file of an object whose record was refused. Where a
// write failed nobody knows whether the record is there: then the file stays.
func (w *writer) unsettle() {
	if w.header.ownFile() && w.v.Failed() == nil {
		_ = w.v.fsys.Remove(w.v.objectPath(w.header.id)) // or Orphans finds it
	}
}
