package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// Vault is an honest archive.Vault in memory, for tests: it keeps the contract
// to the letter, and nothing durably.
type Vault struct {
	state  *vaultState
	closed bool // guarded by state.mu
}

type vaultState struct {
	mu      sync.RWMutex
	objects []memObject // in order of commit; the index is the location
	eras    map[dicom.UID]int
}

type memObject struct {
	meta archive.Meta
	data []byte
	gone bool
}

var errClosed = errors.New("vault is closed")

// NewVault returns an empty Vault.
func NewVault() *Vault { return &Vault{state: &vaultState{eras: map[dicom.UID]int{}}} }

// Reopen returns a Vault with v's objects, as if v had been closed and opened.
func (v *Vault) Reopen() *Vault {
	_ = v.Close()
	return &Vault{state: v.state}
}

// Close makes every later call of v fail.
func (v *Vault) Close() error {
	v.state.mu.Lock()
	defer v.state.mu.Unlock()
	v.closed = true
	return nil
}

func (v *Vault) usable(ctx context.Context) error {
	if v.closed {
		return errClosed
	}
	return ctx.Err()
}

// Create implements archive.Vault.
func (v *Vault) Create(ctx context.Context, study dicom.UID) (archive.ObjectWriter, error) {
	v.state.mu.RLock()
	defer v.state.mu.RUnlock()
	if err := v.usable(ctx); err != nil {
		return nil, err
	}
	if !study.Tolerable() {
		return nil, errors.New("create: study UID is malformed")
	}
	return &memWriter{vault: v, study: study, era: v.state.eras[study]}, nil
}

// Open implements archive.Vault.
func (v *Vault) Open(ctx context.Context, l archive.Location) (archive.Object, error) {
	v.state.mu.RLock()
	defer v.state.mu.RUnlock()
	if err := v.usable(ctx); err != nil {
		return nil, err
	}
	o := v.state.find(l)
	if o == nil {
		return nil, archive.ErrNotFound
	}
	m := o.meta
	return &memReader{bytes.NewReader(o.data), &m}, nil
}

// Meta implements archive.Vault.
func (v *Vault) Meta(ctx context.Context, l archive.Location) (*archive.Meta, error) {
	o, err := v.Open(ctx, l)
	if err != nil {
		return nil, err
	}
	return o.Meta(), o.Close()
}

// Delete implements archive.Vault.
func (v *Vault) Delete(ctx context.Context, l archive.Location) error {
	v.state.mu.Lock()
	defer v.state.mu.Unlock()
	if err := v.usable(ctx); err != nil {
		return err
	}
	o := v.state.find(l)
	if o == nil {
		return archive.ErrNotFound
	}
	o.gone, o.data = true, nil
	return nil
}

// Erase implements archive.Vault.
func (v *Vault) Erase(ctx context.Context, study dicom.UID) error {
	v.state.mu.Lock()
	defer v.state.mu.Unlock()
	if err := v.usable(ctx); err != nil {
		return err
	}
	v.state.eras[study]++
	for i := range v.state.objects {
		if o := &v.state.objects[i]; o.meta.Study == study {
			o.gone, o.data = true, nil
		}
	}
	return nil
}

// Walk implements archive.Vault.
func (v *Vault) Walk(ctx context.Context, after archive.Mark, f func(archive.Location, archive.Meta) error) (archive.Mark, error) {
	from := 0
	if after != "" {
		n, err := strconv.Atoi(string(after))
		if err != nil {
			return after, errors.New("walk: malformed mark")
		}
		from = n
	}
	v.state.mu.RLock()
	err, objects := v.usable(ctx), slices.Clone(v.state.objects)
	v.state.mu.RUnlock()
	if err != nil {
		return after, err
	}
	for i := from; i < len(objects); i++ {
		if err := ctx.Err(); err != nil {
			return after, err
		}
		if !objects[i].gone {
			if err := f(location(i), objects[i].meta); err != nil {
				return after, err
			}
		}
		after = mark(i + 1)
	}
	return after, nil
}

func location(i int) archive.Location { return archive.Location(fmt.Sprintf("mem-%d", i)) }
func mark(i int) archive.Mark         { return archive.Mark(fmt.Sprintf("%012d", i)) }

// find returns the object at l, nil if it is not or no longer there.
func (s *vaultState) find(l archive.Location) *memObject {
	var i int
	if _, err := fmt.Sscanf(string(l), "mem-%d", &i); err != nil || i < 0 || i >= len(s.objects) ||
		s.objects[i].gone || location(i) != l {
		return nil
	}
	return &s.objects[i]
}

type memWriter struct {
	vault *Vault
	study dicom.UID
	era   int
	buf   bytes.Buffer
	ended bool
}

var errEnded = errors.New("object was committed or aborted")

// Write implements archive.ObjectWriter.
func (w *memWriter) Write(p []byte) (int, error) {
	if w.ended {
		return 0, errEnded
	}
	return w.buf.Write(p)
}

// Abort implements archive.ObjectWriter.
func (w *memWriter) Abort() { w.ended = true }

// Commit implements archive.ObjectWriter.
func (w *memWriter) Commit(ctx context.Context, m archive.Meta) (archive.Location, archive.Mark, error) {
	if w.ended {
		return "", "", errEnded
	}
	w.ended = true
	s := w.vault.state
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := w.vault.usable(ctx); err != nil {
		return "", "", err
	}
	switch {
	case m.Study != w.study:
		return "", "", errors.New("commit: of another study than created for")
	case m.Length != int64(w.buf.Len()):
		return "", "", errors.New("commit: of another length than written")
	case s.eras[w.study] != w.era:
		return "", "", archive.ErrNotFound
	}
	m.Summary = bytes.Clone(m.Summary)
	s.objects = append(s.objects, memObject{meta: m, data: w.buf.Bytes()})
	n := len(s.objects)
	return location(n - 1), mark(n), nil
}

type memReader struct {
	*bytes.Reader
	meta *archive.Meta
}

// Meta implements archive.Object.
func (r *memReader) Meta() *archive.Meta { return r.meta }

// Close implements archive.Object.
func (r *memReader) Close() error { return nil }
