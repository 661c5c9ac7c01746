package audit

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/tresor-pacs/tresor/internal/batch"
	"github.com/tresor-pacs/tresor/internal/durable"
)

// ErrClosed says that the trail was closed.
var ErrClosed = errors.New("audit: the trail is closed")

// ErrBroken says that a write or a sync of the trail failed before. It takes no
// more events until it is opened anew.
var ErrBroken = errors.New("audit: the trail is broken")

// DefaultFileSize is how long a file grows before the next one begins.
const DefaultFileSize = 64 << 20

// Options for Open; the zero value is what an archive uses.
type Options struct {
	FileSize int64            // 0: DefaultFileSize
	Now      func() time.Time // nil: time.Now
	FS       durable.FS       // nil: durable.OS
	// Continue goes on after damage that Open found (DamageError): what is
	// missing stays missing and Verify goes on naming it; a record of code
	// TrailDamaged says when the trail went on. Only a person decides that.
	Continue bool
}

// Trail is a trail open for appending. Its methods may be called at once from
// many goroutines, and other processes may append to the same trail.
type Trail struct {
	dir  string
	box  Box
	fsys durable.FS
	size int64
	now  func() time.Time

	queue *batch.Queue[*entry]

	mu     sync.Mutex
	closed bool
	broken error
	end    position // where the last batch ended

	// The rest belongs to commit, or to Open and Close.
	at   position
	file durable.File // the file at.file
	head *headFile
	buf  []byte
}

// Open opens the trail in dir, or begins one. It follows the trail from its
// head to its end: lines that a crash left unfinished are moved aside and noted
// in a record; if records that the head vouches for are gone or changed, the
// error is a *DamageError. Verify looks at all of the trail; Open does not.
func Open(dir string, box Box, o Options) (*Trail, error) {
	if box == nil {
		return nil, errors.New("audit: a trail needs a key")
	}
	t := &Trail{dir: dir, box: box, fsys: o.FS, size: o.FileSize, now: o.Now}
	t.queue = batch.New(t.commit, func([]*entry, *entry) bool { return true })
	if t.fsys == nil {
		t.fsys = durable.OS
	}
	if t.size <= 0 {
		t.size = DefaultFileSize
	}
	if t.now == nil {
		t.now = time.Now
	}
	if err := t.open(o.Continue); err != nil {
		return nil, fmt.Errorf("audit: open the trail: %w", errors.Join(err, t.closeFiles()))
	}
	return t, nil
}

func (t *Trail) open(goOn bool) error {
	if err := durable.MkdirAll(t.fsys, t.dir, 0o700); err != nil {
		return err
	}
	lock, err := t.lock()
	if err != nil {
		return err
	}
	defer lock.Close()
	if t.head, err = openHead(t.fsys, t.dir); err != nil {
		return err
	}
	notes, err := t.catchUp()
	var damage *DamageError
	if goOn && errors.As(err, &damage) {
		notes, err = t.goOn(damage)
	}
	if err == nil && len(notes) > 0 {
		err = t.write(notes)
	}
	t.end = t.at
	return err
}

// lock keeps other processes out. Closing the result gives the lock back.
func (t *Trail) lock() (closer, error) { return t.fsys.Lock(filepath.Join(t.dir, "lock"), true) }

type closer interface{ Close() error }

// Head returns the number and the chain of the last record that this process
// wrote, or found when it opened the trail.
func (t *Trail) Head() (seq uint64, chain [32]byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.end.seq, t.end.chain
}

// Broken returns why the trail takes no more events, nil while it does.
func (t *Trail) Broken() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.broken
}

// Close waits for the events under way, syncs the head and closes the files.
// Later Appends fail.
func (t *Trail) Close() error {
	t.queue.Close()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil
	}
	t.closed = true
	var err error
	if t.broken == nil {
		err = t.head.f.Sync()
	}
	if err = errors.Join(err, t.closeFiles()); err != nil {
		return fmt.Errorf("audit: close the trail: %w", err)
	}
	return nil
}

func (t *Trail) closeFiles() error {
	var err error
	if t.file != nil {
		err = t.file.Close()
	}
	if t.head != nil {
		err = errors.Join(err, t.head.f.Close())
	}
	return err
}
