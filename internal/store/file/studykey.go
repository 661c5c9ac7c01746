package file

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"sync"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/seal"
)

// maxKeys is how many unwrapped study keys are kept in memory.
const maxKeys = 4096

// studyKey is the unwrapped key of a study.
type studyKey struct {
	study   dicom.UID
	slot    uint32
	body    []byte     // seals bodies
	summary *seal.AEAD // seals summaries; derived from body
}

// keyCache has the study keys used lately.
type keyCache struct {
	slots *slots
	mu    sync.RWMutex
	keys  map[uint32]*studyKey
}

// get returns the key of a slot; archive.ErrNotFound if it was erased.
func (c *keyCache) get(slot uint32) (*studyKey, error) {
	c.mu.RLock()
	k := c.keys[slot]
	c.mu.RUnlock()
	if k != nil {
		return k, nil
	}
	c.mu.Lock() // held while unwrapping, so that drop cannot come in between
	defer c.mu.Unlock()
	key, study, err := c.slots.key(slot)
	if err != nil {
		return nil, err
	}
	k = &studyKey{study: study, slot: slot, body: key}
	derived, err := hkdf.Expand(sha256.New, key, "tresor vault summary key", seal.KeySize)
	if err != nil {
		return nil, err
	}
	if k.summary, err = seal.NewAEAD(derived); err != nil {
		return nil, err
	}
	if len(c.keys) >= maxKeys {
		for other := range c.keys { // any: maps range in random order
			delete(c.keys, other)
			break
		}
	}
	c.keys[slot] = k
	return k, nil
}

// drop forgets the key of a slot that was erased.
func (c *keyCache) drop(slot uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.keys, slot)
}

func newKey() []byte {
	b := make([]byte, seal.KeySize)
	rand.Read(b) // never fails: it ends the program instead
	return b
}
