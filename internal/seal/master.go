package seal

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"

	"golang.org/x/crypto/argon2"
)

// Master is a master key (KEK): it wraps data keys. The package has two of its
// own, from a file and from a passphrase; a KMS is a third.
type Master interface {
	// ID names the key, for ever; it is stored beside what the key wrapped.
	ID() string
	// Wrap seals a data key with associated data.
	Wrap(key, ad []byte) ([]byte, error)
	// Unwrap is the reverse; its error is ErrDamaged if the key or the
	// associated data is another one.
	Unwrap(wrapped, ad []byte) ([]byte, error)
}

// Errors of OpenKeyring that an operator can mend.
var (
	// ErrPassphrase says that the master key wants a passphrase and has none, or a wrong one.
	ErrPassphrase = errors.New("the master key needs the right passphrase")
	// ErrMode says that others than its owner may read a key file.
	ErrMode = errors.New("key file readable by others: its mode must be 0600")
	// ErrNoMaster says that the data keys' master key is not there.
	ErrNoMaster = errors.New("the master key of the data keys is missing")
	// ErrNoKey says that a keyring opened read-only has no key for a purpose.
	ErrNoKey = errors.New("no such data key")
)

// Kinds of entries in the master key file.
const (
	kindFile       = "file"
	kindPassphrase = "passphrase"
)

// masterEntry is one master key as the file master.key holds it: the key
// itself, or how to derive it from a passphrase.
type masterEntry struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	Key  []byte `json:"key,omitempty"`
	// Argon2id parameters (RFC 9106): salt, passes, KiB of memory, lanes.
	Salt      []byte `json:"salt,omitempty"`
	Passes    uint32 `json:"passes,omitempty"`
	MemoryKiB uint32 `json:"memory_kib,omitempty"`
	Lanes     uint8  `json:"lanes,omitempty"`
}

// The parameters that RFC 9106 section 4 recommends where memory is scarce.
const (
	argonPasses    = 3
	argonMemoryKiB = 64 << 10
	argonLanes     = 4
	// Limits on what a file may ask for, so that a damaged one cannot make the
	// start take all memory or for ever.
	maxArgonPasses    = 64
	maxArgonMemoryKiB = 4 << 20
)

func newMasterEntry(passphrase []byte) masterEntry {
	e := masterEntry{ID: hex.EncodeToString(random(8)), Kind: kindFile}
	if len(passphrase) == 0 {
		e.Key = random(KeySize)
		return e
	}
	e.Kind = kindPassphrase
	e.Salt, e.Passes, e.MemoryKiB, e.Lanes = random(16), argonPasses, argonMemoryKiB, argonLanes
	return e
}

// open makes the master key of an entry usable.
func (e masterEntry) open(passphrase []byte) (Master, error) {
	key := e.Key
	switch e.Kind {
	case kindFile:
	case kindPassphrase:
		if len(passphrase) == 0 {
			return nil, ErrPassphrase
		}
		if len(e.Salt) < 16 || e.Passes == 0 || e.Passes > maxArgonPasses ||
			e.MemoryKiB > maxArgonMemoryKiB || e.Lanes == 0 {
			return nil, fmt.Errorf("master key %s: bad Argon2id parameters", e.ID)
		}
		key = argon2.IDKey(passphrase, e.Salt, e.Passes, e.MemoryKiB, e.Lanes, KeySize)
	default:
		return nil, fmt.Errorf("master key %s: unknown kind %q", e.ID, e.Kind)
	}
	aead, err := NewAEAD(key)
	if err != nil {
		return nil, fmt.Errorf("master key %s: %w", e.ID, err)
	}
	return &localMaster{e.ID, aead}, nil
}

// localMaster is a master key in this process's memory.
type localMaster struct {
	id   string
	aead *AEAD
}

func (m *localMaster) ID() string                                { return m.id }
func (m *localMaster) Wrap(key, ad []byte) ([]byte, error)       { return m.aead.Seal(key, ad), nil }
func (m *localMaster) Unwrap(wrapped, ad []byte) ([]byte, error) { return m.aead.Open(wrapped, ad) }

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails: it ends the program instead
	return b
}
