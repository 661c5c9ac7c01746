package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/durable"
)

// The files of a tree, below the trail's folder.
const (
	treeDir        = "tree"
	hashesName     = "hashes"
	checkpointName = "checkpoint"
)

// Log is the tree over one trail. Its methods may be called at once from many
// goroutines and processes.
type Log struct {
	trail string // folder
	dir   string // of the tree
	box   audit.Box
	key   *Key
	fsys  durable.FS

	mu     sync.Mutex
	hashes *hashes
	known  Checkpoint // that hashes was found to hold
	reader *audit.Reader
	held   audit.Record // that reader gave and the tree has not come to; Seq 0: none
	at     uint64       // number of the last record in hashes
}

// New returns the tree over the trail in the folder trail, which must exist.
// Seed is that of the key: 32 bytes that stay secret.
func New(trail string, box audit.Box, seed []byte) (*Log, error) {
	id, err := audit.ID(trail)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	key, err := NewKey(id, seed)
	if err != nil {
		return nil, err
	}
	return &Log{trail: trail, dir: filepath.Join(trail, treeDir), box: box, key: key, fsys: durable.OS}, nil
}

// Public returns the verifier key of the checkpoints.
func (l *Log) Public() string { return l.key.Public() }

// Latest returns the latest checkpoint, signed; fs.ErrNotExist if there is none.
func (l *Log) Latest() ([]byte, error) { return Latest(l.trail) }

// Latest returns the latest checkpoint of the trail in the folder, signed;
// fs.ErrNotExist if there is none.
func Latest(trail string) ([]byte, error) {
	b, err := durable.ReadFile(durable.OS, filepath.Join(trail, treeDir, checkpointName), MaxNote)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: read the latest one: %w", err)
	}
	return b, nil
}

// Update takes the records that came since the latest checkpoint into the tree
// and signs a new one, which is durable when it returns. Without new records it
// returns the latest one. A *audit.DamageError says that trail or tree are not
// what the latest checkpoint covers: then nothing is signed any more.
func (l *Log) Update(ctx context.Context) (signed []byte, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	err = l.locked(func() error {
		c, old, err := l.load()
		if err != nil {
			return err
		}
		if err := l.ensure(ctx, c); err != nil {
			return err
		}
		next, err := l.grow(ctx, c)
		if err != nil {
			l.drop()
			return err
		}
		if next.Size == c.Size && old != nil {
			signed = old
			return nil
		}
		signed, err = l.save(next)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	return signed, nil
}

// locked runs f while other processes are kept out.
func (l *Log) locked(f func() error) error {
	if err := durable.MkdirAll(l.fsys, l.dir, 0o700); err != nil {
		return err
	}
	lock, err := l.fsys.Lock(filepath.Join(l.dir, "lock"), true)
	if err != nil {
		return err
	}
	return errors.Join(f(), lock.Close())
}

// load reads the latest checkpoint; the empty one if there is none.
func (l *Log) load() (Checkpoint, []byte, error) {
	b, err := l.Latest()
	if errors.Is(err, fs.ErrNotExist) {
		return Checkpoint{Origin: l.key.name, Root: new(rooter).root()}, nil, nil
	}
	if err != nil {
		return Checkpoint{}, nil, err
	}
	c, err := Open(b, l.key.public)
	if err != nil {
		return c, nil, l.damaged(err.Error())
	}
	return c, b, nil
}

func (l *Log) damaged(problem string) error {
	return &audit.DamageError{File: filepath.Join(treeDir, checkpointName), Problem: problem}
}

// ensure makes hashes the tree of c: as it lies there, or made anew from the trail.
func (l *Log) ensure(ctx context.Context, c Checkpoint) error {
	if l.hashes != nil && l.known == c {
		return nil
	}
	l.drop()
	h, err := openHashes(l.fsys, filepath.Join(l.dir, hashesName))
	if err != nil {
		return err
	}
	good, err := h.holds(c)
	if err != nil {
		return errors.Join(err, h.f.Close())
	}
	l.hashes, l.known, l.at = h, c, c.Size
	if good {
		err = l.resume(c)
	} else {
		err = l.rebuild(ctx, c)
	}
	if err != nil {
		l.drop()
	}
	return err
}

// resume goes on behind c. The last record that c covers is compared with the
// trail's: whoever wrote another history from any record before has another one
// there as well, for no two sealed records are the same.
func (l *Log) resume(c Checkpoint) error {
	if c.Size == 0 {
		l.reader = audit.NewReader(l.trail, l.box, 0)
		return nil
	}
	l.reader = audit.NewReader(l.trail, l.box, c.Size-1)
	r, err := l.reader.Next()
	var line *audit.LineError
	if err == io.EOF || errors.As(err, &line) {
		return nil // grow and Verify tell what that means
	}
	if err != nil {
		return err
	}
	if r.Seq > c.Size {
		l.held = r
		return nil
	}
	if leaf, ok := l.hashes.leaf(c.Size); !ok || leaf != tlog.Hash(r.Leaf) {
		return l.damaged(fmt.Sprintf("record %d of the trail is not the one that it covers", c.Size))
	}
	return nil
}

// rebuild makes the tree of c anew from the trail, which must give its root.
func (l *Log) rebuild(ctx context.Context, c Checkpoint) error {
	l.hashes.written, l.hashes.pending, l.at, l.held = 0, nil, 0, audit.Record{}
	l.reader = audit.NewReader(l.trail, l.box, 0)
	if err := l.take(ctx, c.Size); err != nil {
		return err
	}
	if l.at < c.Size {
		return l.damaged(fmt.Sprintf("it covers %d records, but the trail has %d", c.Size, l.at))
	}
	root, err := tlog.TreeHash(int64(c.Size), l.hashes)
	if err != nil {
		return err
	}
	if root != c.Root {
		return l.damaged(fmt.Sprintf("its %d records are not those of the trail", c.Size))
	}
	return nil
}

// grow takes in what came after c.
func (l *Log) grow(ctx context.Context, c Checkpoint) (Checkpoint, error) {
	if err := l.take(ctx, 1<<62); err != nil {
		return c, err
	}
	if _, last := l.reader.Head(); last < c.Size {
		return c, l.damaged(fmt.Sprintf("it covers %d records, but the trail ends with record %d: it was rolled back", c.Size, last))
	}
	if err := l.hashes.sync(); err != nil {
		return c, err
	}
	next := Checkpoint{Origin: l.key.name, Size: l.at, Root: c.Root}
	if l.at == c.Size {
		return next, nil
	}
	var err error
	next.Root, err = tlog.TreeHash(int64(l.at), l.hashes)
	return next, err
}

// take adds records to the tree up to number upTo. A record that is missing, or
// whose line cannot be read, has a leaf that says so.
func (l *Log) take(ctx context.Context, upTo uint64) error {
	for l.at < upTo {
		if err := ctx.Err(); err != nil {
			return err
		}
		if l.held.Seq == 0 {
			r, err := l.reader.Next()
			var line *audit.LineError
			switch {
			case err == io.EOF:
				return nil
			case errors.As(err, &line):
				continue
			case err != nil:
				return err
			}
			l.held = r
		}
		leaf := missingLeaf(l.at + 1)
		if l.held.Seq == l.at+1 {
			leaf, l.held = tlog.Hash(l.held.Leaf), audit.Record{}
		}
		if err := l.add(leaf); err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) add(leaf tlog.Hash) error {
	if err := l.hashes.add(l.at, leaf); err != nil {
		return err
	}
	l.at++
	return nil
}

// save signs c and makes it the latest.
func (l *Log) save(c Checkpoint) ([]byte, error) {
	signed, err := l.key.sign(c)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	if err := durable.WriteFile(l.fsys, filepath.Join(l.dir, checkpointName), signed, 0o600); err != nil {
		return nil, err
	}
	l.known = c
	return signed, nil
}

// drop forgets what is open, so that the next Update begins with the files.
func (l *Log) drop() {
	if l.hashes != nil {
		l.hashes.f.Close()
	}
	if l.reader != nil {
		l.reader.Close()
	}
	l.hashes, l.reader, l.known, l.held = nil, nil, Checkpoint{}, audit.Record{}
}

// Close closes the files.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop()
	return nil
}

// Restart puts the tree aside and begins a new one over the trail as it is now.
// Checkpoints from before no longer hold, and whoever kept one sees it: only a
// person decides that, after damage.
func (l *Log) Restart(ctx context.Context) error {
	l.mu.Lock()
	l.drop()
	err := l.locked(func() error {
		for i := 1; ; i++ {
			aside := fmt.Sprintf("%s-%d", l.dir, i)
			if _, err := l.fsys.Stat(aside); errors.Is(err, fs.ErrNotExist) {
				return errors.Join(l.fsys.Rename(l.dir, aside), l.fsys.SyncDir(l.trail))
			}
		}
	})
	l.mu.Unlock()
	if err != nil {
		return fmt.Errorf("checkpoint: put the tree aside: %w", err)
	}
	_, err = l.Update(ctx)
	return err
}
