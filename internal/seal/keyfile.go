package seal

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"

	"github.com/tresor-pacs/tresor/internal/durable"
)

// Files of a keyring's directory.
const (
	masterFile = "master.key"
	dataFile   = "data.keys"
	lockFile   = "lock"
)

const (
	keyFileVersion = 1
	maxKeyFile     = 16 << 20
	keyFileMode    = 0o600
)

// masterKeys is the content of master.key. It has one entry, and two from the
// start of a change of the master key to its end.
type masterKeys struct {
	Version int           `json:"version"`
	Keys    []masterEntry `json:"keys"`
}

// dataKeys is the content of data.keys.
type dataKeys struct {
	Version int       `json:"version"`
	Master  string    `json:"master"` // ID of the master key that wraps all of Keys
	Keys    []dataKey `json:"keys"`
}

type dataKey struct {
	Purpose string `json:"purpose"`
	Version uint32 `json:"version"` // from 1; the highest one seals, all open
	Wrapped []byte `json:"wrapped"`
	plain   []byte
	aead    *AEAD
}

// checkPurpose is a data key that is always there, so that a wrong passphrase
// is noticed when nothing else has been wrapped yet.
const checkPurpose = "check"

// ad is the associated data of a wrapped data key.
func (k *dataKey) ad() []byte {
	b := append([]byte("tresor data key\x00"), k.Purpose...)
	return binary.BigEndian.AppendUint32(append(b, 0), k.Version)
}

// make gives k a new key.
func (k *dataKey) make(m Master) error {
	if err := k.set(random(KeySize)); err != nil {
		return err
	}
	return k.wrap(m)
}

func (k *dataKey) wrap(m Master) error {
	w, err := m.Wrap(k.plain, k.ad())
	if err != nil {
		return fmt.Errorf("wrap data key %s: %w", k.Purpose, err)
	}
	k.Wrapped = w
	return nil
}

func (k *dataKey) unwrap(m Master) error {
	p, err := m.Unwrap(k.Wrapped, k.ad())
	if err != nil {
		return fmt.Errorf("unwrap data key %s: %w", k.Purpose, err)
	}
	if err := k.set(p); err != nil {
		return fmt.Errorf("unwrap data key %s: %w", k.Purpose, err)
	}
	return nil
}

// set gives k its key in plain.
func (k *dataKey) set(plain []byte) (err error) {
	k.plain = plain
	k.aead, err = NewAEAD(plain)
	return err
}

func validPurpose(s string) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// readKeyFile reads a key file strictly; fs.ErrNotExist if it is absent.
func readKeyFile(fsys durable.FS, dir, name string, version *int, into any) error {
	path := filepath.Join(dir, name)
	info, err := fsys.Stat(path)
	if err != nil {
		return err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s has mode %04o: %w", path, info.Mode().Perm(), ErrMode)
	}
	b, err := durable.ReadFile(fsys, path, maxKeyFile)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("read %s: not a key file", name) // the cause may quote a key
	}
	if *version != keyFileVersion {
		return fmt.Errorf("read %s: version %d is not known", name, *version)
	}
	return nil
}

func writeKeyFile(fsys durable.FS, dir, name string, from any) error {
	b, err := json.MarshalIndent(from, "", "  ")
	if err != nil {
		return err
	}
	return durable.WriteFile(fsys, filepath.Join(dir, name), append(b, '\n'), fs.FileMode(keyFileMode))
}

func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) }
