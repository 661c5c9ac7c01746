package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/durable"
	"github.com/tresor-pacs/tresor/internal/seal"
)

// Purposes of the vault's keys in the keyring.
const (
	purposeKeys  = "vault-keys"  // wraps the keys of studies
	purposeMeta  = "vault-meta"  // seals what identifies an object
	purposeNames = "vault-names" // makes the tags of studies; never rotated
)

// DefaultPackSize is the length at which a pack is full.
const DefaultPackSize = 1 << 30

// Options says how a vault is opened. The zero value opens it for reading and writing.
type Options struct {
	// ReadOnly changes nothing and takes no lock, so that a vault can be
	// checked while another process writes to it.
	ReadOnly bool
	// PackSize is the length at which a pack is full; DefaultPackSize if 0.
	PackSize int64
	// Log gets what an operator should know; nil is slog's default.
	Log *slog.Logger
	// FS is where the directory lies; nil is the operating system.
	FS durable.FS
}

// Vault is an archive.Vault on a directory.
type Vault struct {
	dir      string
	fsys     durable.FS
	log      *slog.Logger
	ro       bool
	packSize int64
	ring     *seal.Keyring
	metaBox  *seal.RingBox

	lock  io.Closer
	slots slots
	keys  keyCache
	tombs tombs
	packs packCache
	tail  appender

	opened time.Time

	mu     sync.Mutex
	failed error // the first fatalError
	closed bool
}

var _ archive.Vault = (*Vault)(nil)

// Open opens the vault in dir, usually DIR/vault, and makes it if there is
// none. What a crash left half written is removed. The error is
// durable.ErrLocked if another process has the vault open for writing.
func Open(dir string, ring *seal.Keyring, o Options) (*Vault, error) {
	v := &Vault{dir: dir, fsys: o.FS, log: o.Log, ro: o.ReadOnly, packSize: o.PackSize, ring: ring, opened: time.Now()}
	if v.fsys == nil {
		v.fsys = durable.OS
	}
	if v.log == nil {
		v.log = slog.Default()
	}
	if v.packSize == 0 {
		v.packSize = DefaultPackSize
	}
	v.keys = keyCache{slots: &v.slots, keys: map[uint32]*studyKey{}}
	v.packs = packCache{vault: v, open: map[uint32]*pack{}}
	v.slots.fsys, v.slots.path = v.fsys, v.path(slotsName)
	if err := v.open(); err != nil {
		return nil, fmt.Errorf("open vault: %w", errors.Join(err, v.release()))
	}
	return v, nil
}

func (v *Vault) open() (err error) {
	if !v.ro {
		if err := v.prepare(); err != nil {
			return err
		}
	}
	if err := v.openKeys(); err != nil {
		return err
	}
	if err := v.slots.open(v.ro); err != nil {
		return fmt.Errorf("study keys: %w", err)
	}
	if err := v.tombs.open(v.fsys, v.path(tombsName), v.ro, v.log); err != nil {
		return fmt.Errorf("tombstones: %w", err)
	}
	if v.ro {
		return nil
	}
	// As with names: what was read may be in memory only.
	if err := errors.Join(v.slots.file.Sync(), v.tombs.file.Sync()); err != nil {
		return err
	}
	if err := v.eraseAgain(); err != nil {
		return err
	}
	if err := v.dropIncoming(); err != nil {
		return err
	}
	end, err := v.recover()
	if err != nil {
		return err
	}
	v.tail.start(v, end)
	return nil
}

func (v *Vault) openKeys() (err error) {
	if v.slots.box, err = v.ring.RingBox(purposeKeys); err != nil {
		return err
	}
	if v.metaBox, err = v.ring.RingBox(purposeMeta); err != nil {
		return err
	}
	v.slots.name, err = v.ring.Key(purposeNames)
	return err
}

// prepare makes the directories and takes the lock.
func (v *Vault) prepare() error {
	if err := durable.MkdirAll(v.fsys, v.dir, 0o700); err != nil {
		return err
	}
	var err error
	if v.lock, err = v.fsys.Lock(v.path(lockName), false); err != nil {
		return err
	}
	for _, name := range []string{packsName, incomingName, objectsName} {
		if err := durable.MkdirAll(v.fsys, v.path(name), 0o700); err != nil {
			return err
		}
	}
	// A process that died, or whose sync failed, may have left names that are
	// seen but not durable. From now on they are relied on.
	for _, dir := range []string{filepath.Dir(v.dir), v.dir, v.path(packsName), v.path(objectsName)} {
		if err := v.fsys.SyncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// eraseAgain erases what tombstones say was erased: a crash may have come in
// between, or an older slot file may have been restored.
func (v *Vault) eraseAgain() error {
	for n, tag := range v.tombs.studies {
		if v.slots.unerased(n, tag) {
			if err := v.slots.erase(n, tag); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropIncoming removes the files of objects that were being written at a crash.
func (v *Vault) dropIncoming() error {
	names, err := v.fsys.ReadDir(v.path(incomingName))
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, ok := parseObjectID(name); !ok {
			continue
		}
		if err := v.fsys.Remove(v.path(incomingName, name)); err != nil {
			return err
		}
	}
	return nil
}

// usable returns why the vault cannot be used at all, if so.
func (v *Vault) usable(ctx context.Context) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return errClosed
	}
	return ctx.Err()
}

// writable returns why the vault takes no changes, if so.
func (v *Vault) writable(ctx context.Context) error {
	if v.ro {
		return ErrReadOnly
	}
	if err := v.usable(ctx); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.failed != nil {
		return fmt.Errorf("vault has stopped: %w", v.failed)
	}
	return nil
}

// note remembers a fatal error, so that the vault takes no more changes, and
// passes every error on.
func (v *Vault) note(err error) error {
	var fatal *fatalError
	if !errors.As(err, &fatal) {
		return err
	}
	v.mu.Lock()
	first := v.failed == nil
	if first {
		v.failed = fatal
	}
	v.mu.Unlock()
	if first {
		v.log.Error("vault: takes no more changes", "error", err)
	}
	return err
}

// Failed returns why the vault takes no more changes, nil if it does.
func (v *Vault) Failed() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.failed
}

// Close ends the vault. Commits under way are answered first; open Objects
// cannot be read any more.
func (v *Vault) Close() error {
	v.mu.Lock()
	was := v.closed
	v.closed = true
	v.mu.Unlock()
	if was {
		return nil
	}
	var err error
	if !v.ro {
		err = v.tail.stop()
	}
	if err = errors.Join(err, v.release()); err != nil {
		return fmt.Errorf("close vault: %w", err)
	}
	return nil
}

// release closes files and gives the lock back.
func (v *Vault) release() error {
	err := errors.Join(v.packs.close(), closeAll(v.slots.file, v.tombs.file, v.tail.file))
	if v.lock != nil {
		err = errors.Join(err, v.lock.Close())
	}
	return err
}
