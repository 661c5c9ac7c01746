package file

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/batch"
	"github.com/tresor-pacs/tresor/internal/durable"
)

const (
	// maxBatch bounds the bytes that share a sync, and so what recovery looks
	// through after a crash.
	maxBatch = 32 << 20
	// reserve is how much of a pack is allocated at once.
	reserve = 64 << 20
	// checkpointEvery is how many bytes lie between checkpoints.
	checkpointEvery = 16 << 20
)

// entry is a record that waits to be appended.
type entry struct {
	header header
	parts  [][]byte // meta and summary, then the body if it is inline
	place  place
	err    error // why it was not appended
}

// appender is the one writer of the packs. While one batch is written and
// synced the next one gathers.
type appender struct {
	v     *Vault
	queue *batch.Queue[*entry]
	file  durable.File // the last pack; nil if there is none yet

	mu  sync.Mutex
	end place // of what is durable

	// used by append alone
	head      []byte // headers of the batch
	vector    [][]byte
	allocated int64
	mark      place // of the last checkpoint
}

var padding [batchAlign]byte

func (a *appender) start(v *Vault, end place) {
	a.v, a.end, a.mark = v, end, end
	a.queue = batch.New(a.append, fits)
}

// commit appends e, durable on return.
func (a *appender) commit(e *entry) error {
	if !a.queue.Do(e) {
		return errClosed
	}
	return e.err
}

// fits reports whether one more entry may share a sync with those of a batch.
func fits(batch []*entry, next *entry) bool {
	size := next.header.used()
	for _, e := range batch {
		size += e.header.used()
	}
	return size <= maxBatch
}

// append makes a batch durable.
func (a *appender) append(batch []*entry) {
	good := batch[:0]
	for _, e := range batch {
		if a.v.slots.stateOf(e.header.slot) != slotLive {
			e.err = fmt.Errorf("the study was erased meanwhile: %w", archive.ErrNotFound)
			continue
		}
		good = append(good, e)
	}
	if len(good) == 0 {
		return
	}
	end, err := a.write(good)
	if err != nil {
		for _, e := range good {
			e.err = err
		}
		return
	}
	a.mu.Lock()
	a.end = end
	a.mu.Unlock()
	a.checkpoint(end, false)
}

func (a *appender) write(batch []*entry) (place, error) {
	if err := a.v.Failed(); err != nil {
		return place{}, fmt.Errorf("vault has stopped: %w", err)
	}
	if err := a.v.note(a.v.slots.sync()); err != nil {
		return place{}, err
	}
	start, err := a.room(batch)
	if err != nil {
		return place{}, a.v.note(err)
	}
	size := a.lay(batch, start)
	n, err := a.file.WriteVAt(a.vector, start.off)
	clear(a.vector) // the buffers are their owners' again
	if err != nil || n != size {
		return place{}, a.v.note(&fatalError{fmt.Errorf("write pack %d: %w", start.pack, errors.Join(err, short(n, size)))})
	}
	if err := a.file.Sync(); err != nil {
		return place{}, a.v.note(&fatalError{fmt.Errorf("sync pack %d: %w", start.pack, err)})
	}
	return place{start.pack, start.off + size}, nil
}

func short(n, want int64) error {
	if n == want {
		return nil
	}
	return fmt.Errorf("%d of %d bytes written", n, want)
}

// lay gives each entry its place and puts the bytes of the batch into the
// vector. The last record is padded so that the next batch has a block of its own.
func (a *appender) lay(batch []*entry, start place) (size int64) {
	if need := len(batch) * headerSize; cap(a.head) < need {
		a.head = make([]byte, need)
	}
	a.vector = a.vector[:0]
	for i, e := range batch {
		e.place = place{start.pack, start.off + size}
		used := e.header.used()
		to := int64(align)
		if i == len(batch)-1 {
			to = batchAlign
		}
		total := roundUp(size+used, to) - size
		e.header.total, e.header.pack = uint32(total), start.pack
		b := a.head[i*headerSize : (i+1)*headerSize]
		e.header.put(b)
		a.vector = append(append(a.vector, b), e.parts...)
		if total > used {
			a.vector = append(a.vector, padding[:total-used])
		}
		size += total
	}
	return size
}

// room makes sure that the last pack takes the batch, and returns where. That
// there is no space is found here, before anything is written: it fails the
// batch but not the vault.
func (a *appender) room(batch []*entry) (place, error) {
	size := int64(batchAlign)
	for _, e := range batch {
		size += e.header.used() + align
	}
	at := a.end
	if a.file == nil || at.off > packHeaderSize && at.off+size > a.v.packSize {
		if err := a.roll(); err != nil {
			return place{}, err
		}
		at = place{at.pack + 1, packHeaderSize}
		a.mu.Lock()
		a.end = at
		a.mu.Unlock()
	}
	for a.allocated < at.off+size {
		n := max(min(reserve, a.v.packSize-a.allocated), at.off+size-a.allocated)
		if err := a.file.Allocate(a.allocated, n); err != nil {
			return place{}, fmt.Errorf("reserve space in pack %d: %w", at.pack, err)
		}
		a.allocated += n
	}
	return at, nil
}

// roll begins the next pack, whose name and header are durable on return.
func (a *appender) roll() error {
	if a.file != nil {
		if err := a.file.Truncate(a.end.off); err != nil {
			return fmt.Errorf("end pack %d: %w", a.end.pack, err)
		}
		a.allocated = a.end.off
		if err := a.file.Sync(); err != nil {
			return &fatalError{fmt.Errorf("sync pack %d: %w", a.end.pack, err)}
		}
	}
	n := a.end.pack + 1
	f, err := a.v.createPack(n)
	if err != nil {
		return err
	}
	if a.file != nil {
		if err := a.file.Close(); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	a.file, a.allocated = f, packHeaderSize
	return nil
}

// createPack makes an empty pack.
func (v *Vault) createPack(n uint32) (durable.File, error) {
	f, err := v.fsys.OpenFile(v.packPath(n), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create pack %d: %w", n, err)
	}
	if _, err := f.WriteAt(packHeader(n), 0); err != nil {
		return nil, errors.Join(fmt.Errorf("write pack %d: %w", n, err), f.Close())
	}
	err = f.Sync()
	if err == nil {
		err = v.fsys.SyncDir(v.path(packsName))
	}
	if err != nil {
		return nil, &fatalError{errors.Join(fmt.Errorf("sync pack %d: %w", n, err), f.Close())}
	}
	return f, nil
}

// last returns the end of what is durable.
func (a *appender) last() place {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.end
}

// stop appends what waits, takes no more, and leaves the last pack without slack.
func (a *appender) stop() error {
	a.queue.Close()
	if a.file == nil || a.v.Failed() != nil {
		return nil
	}
	if err := a.file.Truncate(a.end.off); err != nil {
		return err
	}
	if err := a.file.Sync(); err != nil {
		return err
	}
	a.checkpoint(a.end, true)
	return nil
}
