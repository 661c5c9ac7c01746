package seal

import (
	"fmt"
	"slices"
)

// RotateMaster changes the master key: all data keys are wrapped anew, and
// nothing that they seal is touched. With a passphrase the new master key is
// derived from it; with a Master that one is used; else it is made and kept in
// the file. Durable on return.
//
// It goes in three steps, each whole or not at all: the new master key joins
// the old one in master.key; data.keys is replaced by one that is wrapped under
// the new one; the old one leaves master.key. Whatever step a crash cuts off,
// data.keys names a master key that is there, and the next OpenKeyring removes
// what is left over.
func (k *Keyring) RotateMaster(o Options) error {
	if err := k.change(func() error { return k.rotateMaster(o) }); err != nil {
		return fmt.Errorf("rotate master key: %w", err)
	}
	return nil
}

func (k *Keyring) rotateMaster(o Options) error {
	next, entries, err := o.Master, []masterEntry(nil), error(nil)
	if next == nil {
		e := newMasterEntry(o.Passphrase)
		if next, err = e.open(o.Passphrase); err != nil {
			return err
		}
		entries = append(entries, e)
	}
	if err := k.keepMasters(k.master.ID(), entries); err != nil {
		return err
	}
	keys := slices.Clone(k.keys)
	for i := range keys {
		if err := keys[i].wrap(next); err != nil {
			return err
		}
	}
	old, oldOwn := k.master, k.own
	k.master, k.own = next, o.Master == nil
	if err := k.write(keys); err != nil {
		k.master, k.own = old, oldOwn
		return err
	}
	return k.keepMasters("", entries)
}

// keepMasters makes master.key hold its entry named id, if it has one, and
// those of more.
func (k *Keyring) keepMasters(id string, more []masterEntry) error {
	file, err := k.readMaster()
	if absent(err) {
		file, err = masterKeys{Version: keyFileVersion}, nil
	}
	if err != nil {
		return err
	}
	file.Keys = slices.DeleteFunc(file.Keys, func(e masterEntry) bool { return e.ID != id })
	file.Keys = append(file.Keys, more...)
	return writeKeyFile(k.fsys, k.dir, masterFile, &file)
}
