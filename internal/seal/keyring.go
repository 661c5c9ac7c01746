package seal

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"github.com/tresor-pacs/tresor/internal/durable"
)

// Options says how a keyring is opened. The zero value keeps the master key in
// a file.
type Options struct {
	// Passphrase opens a master key that is derived from one, and at first
	// start makes such a master key.
	Passphrase []byte
	// Master is used instead of a master key of the directory's own, for a KMS.
	Master Master
	// ReadOnly makes nothing and changes nothing.
	ReadOnly bool
	// FS is where the directory lies; nil is the operating system.
	FS durable.FS
}

// Keyring has the data keys of an archive, by purpose. Its methods may be
// called at once from many goroutines, and many processes may have the same
// directory open.
type Keyring struct {
	dir  string
	fsys durable.FS
	ro   bool
	own  bool // the master key is in the directory

	mu     sync.RWMutex
	master Master
	keys   []dataKey
}

// OpenKeyring opens the keyring in dir, usually DIR/keys. In an empty directory
// it makes a master key first. It never makes one where data keys are: those
// would be lost.
func OpenKeyring(dir string, o Options) (*Keyring, error) {
	k := &Keyring{dir: dir, fsys: o.FS, ro: o.ReadOnly, own: o.Master == nil, master: o.Master}
	if k.fsys == nil {
		k.fsys = durable.OS
	}
	if err := k.open(o); err != nil {
		return nil, fmt.Errorf("open keyring: %w", err)
	}
	return k, nil
}

func (k *Keyring) open(o Options) error {
	if !k.ro {
		if err := durable.MkdirAll(k.fsys, k.dir, 0o700); err != nil {
			return err
		}
		unlock, err := k.lock()
		if err != nil {
			return err
		}
		defer unlock()
		if err := k.settle(); err != nil {
			return err
		}
	}
	data, err := k.readData()
	if absent(err) && !k.ro {
		return k.create(o)
	}
	if err != nil {
		return err
	}
	if k.own {
		if k.master, err = k.findMaster(data.Master, o.Passphrase); err != nil {
			return err
		}
	} else if k.master.ID() != data.Master {
		return ErrNoMaster
	}
	if err := unwrapAll(data.Keys, k.master); err != nil {
		if _, wantsPassphrase := k.master.(*localMaster); wantsPassphrase && len(o.Passphrase) > 0 && errors.Is(err, ErrDamaged) {
			return fmt.Errorf("%w: %w", ErrPassphrase, err)
		}
		return err
	}
	k.keys = data.Keys
	if k.ro || !k.own {
		return nil
	}
	return k.dropMasters(data.Master)
}

// dropMasters ends a change of the master key that was interrupted: other
// entries than that named id leave master.key.
func (k *Keyring) dropMasters(id string) error {
	file, err := k.readMaster()
	if err != nil || len(file.Keys) == 1 {
		return err
	}
	return k.keepMasters(id, nil)
}

// settle makes the names in the directory durable before what they stand for is
// relied on: a process that died, or whose sync failed, may have left some that
// are seen but would not outlive a loss of power.
func (k *Keyring) settle() error {
	return errors.Join(k.fsys.SyncDir(filepath.Dir(k.dir)), k.fsys.SyncDir(k.dir))
}

// create makes the files of a new keyring. A crash between the two leaves a
// master key without data keys, which the next start uses.
func (k *Keyring) create(o Options) error {
	if k.own {
		file, err := k.readMaster()
		if absent(err) {
			file = masterKeys{Version: keyFileVersion, Keys: []masterEntry{newMasterEntry(o.Passphrase)}}
			err = writeKeyFile(k.fsys, k.dir, masterFile, &file)
		}
		if err != nil {
			return err
		}
		if len(file.Keys) == 0 {
			return ErrNoMaster
		}
		if k.master, err = file.Keys[0].open(o.Passphrase); err != nil {
			return err
		}
	}
	check := dataKey{Purpose: checkPurpose, Version: 1}
	if err := check.make(k.master); err != nil {
		return err
	}
	return k.write([]dataKey{check})
}

// findMaster opens the master key named id from master.key.
func (k *Keyring) findMaster(id string, passphrase []byte) (Master, error) {
	file, err := k.readMaster()
	if absent(err) {
		return nil, ErrNoMaster
	}
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(file.Keys, func(e masterEntry) bool { return e.ID == id })
	if i < 0 {
		return nil, ErrNoMaster
	}
	return file.Keys[i].open(passphrase)
}

func (k *Keyring) readMaster() (m masterKeys, err error) {
	err = readKeyFile(k.fsys, k.dir, masterFile, &m.Version, &m)
	return m, err
}

func (k *Keyring) readData() (d dataKeys, err error) {
	err = readKeyFile(k.fsys, k.dir, dataFile, &d.Version, &d)
	return d, err
}

// write makes keys the content of data.keys, and of k.
func (k *Keyring) write(keys []dataKey) error {
	d := dataKeys{Version: keyFileVersion, Master: k.master.ID(), Keys: keys}
	if err := writeKeyFile(k.fsys, k.dir, dataFile, &d); err != nil {
		return err
	}
	k.keys = keys
	return nil
}

// reload reads data.keys again: another process may have added keys. Keys that
// are known already are not unwrapped again.
func (k *Keyring) reload() error {
	d, err := k.readData()
	if err != nil {
		return err
	}
	if d.Master != k.master.ID() { // another process changed it
		if !k.own {
			return ErrNoMaster
		}
		if k.master, err = k.findMaster(d.Master, nil); err != nil {
			return err
		}
	}
	for i := range d.Keys {
		j := slices.IndexFunc(k.keys, func(o dataKey) bool { return bytes.Equal(o.Wrapped, d.Keys[i].Wrapped) })
		if j >= 0 {
			d.Keys[i] = k.keys[j]
		} else if err := d.Keys[i].unwrap(k.master); err != nil {
			return err
		}
	}
	k.keys = d.Keys
	return nil
}

// lock keeps other processes from changing the directory.
func (k *Keyring) lock() (unlock func(), err error) {
	c, err := k.fsys.Lock(filepath.Join(k.dir, lockFile), true)
	if err != nil {
		return nil, err
	}
	return func() { c.Close() }, nil
}

// MasterID names the master key.
func (k *Keyring) MasterID() string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.master.ID()
}

func unwrapAll(keys []dataKey, m Master) error {
	for i := range keys {
		if err := keys[i].unwrap(m); err != nil {
			return err
		}
	}
	return nil
}
