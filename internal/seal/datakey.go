package seal

import (
	"fmt"
	"slices"
)

// Key returns the newest data key of a purpose: KeySize bytes, made and stored
// at the first use, durable on return. The caller must not change it.
func (k *Keyring) Key(purpose string) ([]byte, error) {
	d, err := k.newest(purpose)
	if err != nil {
		return nil, err
	}
	return d.plain, nil
}

// newest returns the newest key of a purpose.
func (k *Keyring) newest(purpose string) (*dataKey, error) {
	if !validPurpose(purpose) {
		return nil, fmt.Errorf("data key: %q cannot be a purpose", purpose)
	}
	k.mu.RLock()
	d := latest(k.keys, purpose)
	k.mu.RUnlock()
	if d != nil {
		return d, nil
	}
	d, err := k.add(purpose, true)
	if err != nil {
		return nil, fmt.Errorf("make data key %s: %w", purpose, err)
	}
	return d, nil
}

// version returns a key by its version.
func (k *Keyring) version(purpose string, v uint32) (*dataKey, error) {
	k.mu.RLock()
	d := find(k.keys, purpose, v)
	k.mu.RUnlock()
	if d != nil {
		return d, nil
	}
	k.mu.Lock() // another process may have made it since
	defer k.mu.Unlock()
	if err := k.reload(); err != nil {
		return nil, fmt.Errorf("data key %s: %w", purpose, err)
	}
	if d = find(k.keys, purpose, v); d == nil {
		return nil, fmt.Errorf("data key %s, version %d: %w", purpose, v, ErrNoKey)
	}
	return d, nil
}

// Rotate makes a new version of a purpose's data key, durable on return: from
// now on it seals, and the older ones go on opening. It returns the new version.
func (k *Keyring) Rotate(purpose string) (uint32, error) {
	if !validPurpose(purpose) {
		return 0, fmt.Errorf("rotate data key: %q cannot be a purpose", purpose)
	}
	d, err := k.add(purpose, false)
	if err != nil {
		return 0, fmt.Errorf("rotate data key %s: %w", purpose, err)
	}
	return d.Version, nil
}

// Retire destroys the versions of a purpose's data key that are older than
// version. What they sealed is lost: the caller has sealed it anew, and no
// other process uses the purpose.
func (k *Keyring) Retire(purpose string, version uint32) error {
	err := k.change(func() error {
		if d := latest(k.keys, purpose); d == nil || d.Version < version {
			return ErrNoKey
		}
		return k.write(slices.DeleteFunc(slices.Clone(k.keys), func(d dataKey) bool {
			return d.Purpose == purpose && d.Version < version
		}))
	})
	if err != nil {
		return fmt.Errorf("retire data key %s: %w", purpose, err)
	}
	return nil
}

// add makes a key one version above the newest; if firstOnly is set and there
// is one by now, it returns that.
func (k *Keyring) add(purpose string, firstOnly bool) (*dataKey, error) {
	d := &dataKey{Purpose: purpose, Version: 1}
	err := k.change(func() error {
		if last := latest(k.keys, purpose); last != nil {
			if firstOnly {
				d = last
				return nil
			}
			d.Version = last.Version + 1
		}
		if err := d.make(k.master); err != nil {
			return err
		}
		return k.write(append(slices.Clone(k.keys), *d))
	})
	return d, err
}

// change runs f with the directory locked and the newest keys read.
func (k *Keyring) change(f func() error) error {
	if k.ro {
		return ErrNoKey
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	unlock, err := k.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := k.settle(); err != nil {
		return err
	}
	if err := k.reload(); err != nil {
		return err
	}
	return f()
}

// find returns a version of a purpose's key, nil if it is not there.
func find(keys []dataKey, purpose string, v uint32) *dataKey {
	for i := range keys {
		if d := &keys[i]; d.Version == v && d.Purpose == purpose {
			return d
		}
	}
	return nil
}

// latest returns the newest key of a purpose, nil if there is none.
func latest(keys []dataKey, purpose string) *dataKey {
	var best *dataKey
	for i := range keys {
		if d := &keys[i]; d.Purpose == purpose && (best == nil || d.Version > best.Version) {
			best = d
		}
	}
	return best
}
