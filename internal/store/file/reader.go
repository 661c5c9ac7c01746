package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/durable"
	"github.com/tresor-pacs/tresor/internal/seal"
)

// Object is one object of the vault open for reading. Besides what
// archive.Object asks for it streams: see NewReader.
type Object struct {
	v      *Vault
	place  place
	header header
	meta   *archive.Meta
	body   *seal.Reader
	pack   *pack
	file   durable.File // of its own; nil if the body is in the pack

	packed []byte // compressed summary; nil when it was inflated
	once   sync.Once
	closed atomic.Bool
}

// Open implements archive.Vault; the Object is an *Object.
func (v *Vault) Open(ctx context.Context, l archive.Location) (archive.Object, error) {
	if err := v.usable(ctx); err != nil {
		return nil, fmt.Errorf("open object: %w", err)
	}
	o, err := v.openObject(l)
	if err != nil {
		return nil, fmt.Errorf("open object %s: %w", l, err)
	}
	return o, nil
}

// Meta implements archive.Vault.
func (v *Vault) Meta(ctx context.Context, l archive.Location) (*archive.Meta, error) {
	err := v.usable(ctx)
	if err != nil {
		return nil, fmt.Errorf("read metadata: %w", err)
	}
	m, err := v.readMeta(l)
	if err != nil {
		return nil, fmt.Errorf("read metadata of object %s: %w", l, err)
	}
	return m, nil
}

func (v *Vault) readMeta(l archive.Location) (*archive.Meta, error) {
	o, err := v.find(l)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	f, err := o.load()
	if err != nil {
		return nil, err
	}
	f.meta.Summary, err = inflate(f.summary)
	return f.meta, err
}

// find returns the object at l with nothing read yet.
func (v *Vault) find(l archive.Location) (*Object, error) {
	p, err := at(l)
	if err != nil {
		return nil, err
	}
	if v.tombs.deleted(p) || !v.ro && !p.before(v.tail.last()) {
		return nil, archive.ErrNotFound
	}
	o := &Object{v: v, place: p}
	o.pack, err = v.packs.get(p.pack)
	return o, err
}

func (v *Vault) openObject(l archive.Location) (*Object, error) {
	o, err := v.find(l)
	if err != nil {
		return nil, err
	}
	f, err := o.load()
	if err == nil {
		o.meta, o.packed = f.meta, f.summary
		err = o.openBody(f.key)
	}
	if err != nil {
		return nil, errors.Join(err, o.Close())
	}
	return o, nil
}

// load reads and opens all but the body.
func (o *Object) load() (f front, err error) {
	size, err := o.pack.Size()
	if err != nil {
		return f, err
	}
	if o.place.off >= size {
		return f, archive.ErrNotFound
	}
	s := &scanner{src: o.pack, pack: o.place.pack, off: o.place.off, end: size}
	b, err := s.peek(o.place.off, headerSize)
	if err != nil {
		return f, err
	}
	var ok bool
	if o.header, ok = parseHeader(b, o.place.pack); !ok {
		return f, fmt.Errorf("header: %w", ErrDamaged)
	}
	if o.header.kind != kindObject {
		return f, archive.ErrNotFound
	}
	return o.v.openFront(s, o.place.off, o.header)
}

// front is what lies before an object's body, opened.
type front struct {
	meta    *archive.Meta // without Summary
	summary []byte        // compressed
	key     *studyKey
}

// openFront opens the meta and the summary of the record at off.
func (v *Vault) openFront(s *scanner, off int64, h header) (f front, err error) {
	if f.key, err = v.studyKey(h.slot); err != nil {
		return f, err
	}
	b, err := s.peek(off+headerSize, int(h.meta)+int(h.summary))
	if err != nil {
		return f, err
	}
	if len(b) < int(h.meta)+int(h.summary) {
		return f, ErrDamaged
	}
	if f.meta, err = v.openMeta(b[:h.meta], &h); err != nil {
		return f, err
	}
	if f.meta.Study != f.key.study {
		return f, fmt.Errorf("key of another study: %w", ErrDamaged)
	}
	f.summary, err = f.key.summary.Open(b[h.meta:], h.ad(summaryLabel))
	if err != nil {
		return f, fmt.Errorf("summary: %w", err)
	}
	return f, nil
}

func (v *Vault) openMeta(sealed []byte, h *header) (*archive.Meta, error) {
	plain, err := v.metaBox.Open(sealed, h.ad(metaLabel))
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	return parseMeta(plain)
}

// studyKey returns the key of a slot. A vault that is open for reading only
// looks for slots that came since.
func (v *Vault) studyKey(slot uint32) (*studyKey, error) {
	if v.ro && v.slots.stateOf(slot) == slotFree {
		if err := v.slots.reload(); err != nil {
			return nil, err
		}
	}
	k, err := v.keys.get(slot)
	if err != nil {
		return nil, err
	}
	if v.slots.stateOf(slot) == slotErased {
		return nil, archive.ErrNotFound
	}
	return k, nil
}

func (o *Object) openBody(key *studyKey) (err error) {
	var src io.ReaderAt
	if o.header.ownFile() {
		o.file, err = o.v.fsys.OpenFile(o.v.objectPath(o.header.id), os.O_RDONLY, 0)
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("its file is missing: %w", ErrDamaged)
		}
		if err != nil {
			return err
		}
		size, err := o.file.Size()
		if err != nil {
			return err
		}
		if size != o.header.body {
			return fmt.Errorf("its file has %d bytes, not %d: %w", size, o.header.body, ErrDamaged)
		}
		src = o.file
	} else {
		src = io.NewSectionReader(o.pack, o.place.off+o.header.used()-o.header.body, o.header.body)
	}
	if o.body, err = seal.NewReader(src, o.header.body, key.body, o.header.ad(bodyLabel)); err != nil {
		return err
	}
	if o.body.Size() != o.meta.Length {
		return fmt.Errorf("body of %d bytes, not %d: %w", o.body.Size(), o.meta.Length, ErrDamaged)
	}
	return nil
}

// Meta implements archive.Object.
func (o *Object) Meta() *archive.Meta {
	o.once.Do(func() {
		o.meta.Summary, _ = inflate(o.packed) // authenticated: what does not inflate was sealed so
		o.packed = nil
	})
	return o.meta
}

// Size returns the length of the object.
func (o *Object) Size() int64 { return o.body.Size() }

// ReadAt implements io.ReaderAt.
func (o *Object) ReadAt(p []byte, off int64) (int, error) {
	if err := o.readable(); err != nil {
		return 0, err
	}
	n, err := o.body.ReadAt(p, off)
	return n, o.explain(err)
}

// readable returns why the object is not there any more, if so.
func (o *Object) readable() error {
	if o.closed.Load() {
		return fs.ErrClosed
	}
	if o.v.forgotten(o.place, o.header) {
		return archive.ErrNotFound
	}
	return nil
}

// explain turns damage into absence where the object was deleted meanwhile.
func (o *Object) explain(err error) error {
	if errors.Is(err, ErrDamaged) && o.v.forgotten(o.place, o.header) {
		return archive.ErrNotFound
	}
	return err
}

// NewReader returns a reader of the whole object that opens each segment once,
// whatever the sizes of the reads, and is an io.WriterTo without copies. It is
// for one goroutine, and for as long as the Object is open.
func (o *Object) NewReader() io.Reader { return o.NewRangeReader(0, o.Size()) }

// NewRangeReader is NewReader for n bytes at off. Closing it early gives its
// buffer back; at the end it does that by itself.
func (o *Object) NewRangeReader(off, n int64) io.ReadCloser { return o.body.Section(off, n) }

// WriteTo implements io.WriterTo: it writes the whole object.
func (o *Object) WriteTo(w io.Writer) (int64, error) {
	if err := o.readable(); err != nil {
		return 0, err
	}
	s := o.body.Section(0, o.Size())
	defer s.Close()
	n, err := s.WriteTo(w)
	return n, o.explain(err)
}

// Close implements archive.Object.
func (o *Object) Close() error {
	if o.closed.Swap(true) {
		return nil
	}
	o.v.packs.put(o.pack)
	return closeAll(o.file)
}
