package seal

import "encoding/binary"

// RingBox is the Box of a purpose: the key's version in four bytes, then what
// AEAD makes. It seals under the newest key and opens under all.
type RingBox struct {
	ring    *Keyring
	purpose string
}

// RingOverhead is how much longer than its plaintext a blob of a RingBox is.
const RingOverhead = 4 + Overhead

// Box returns the Box of a purpose, whose key it makes at the first use.
func (k *Keyring) Box(purpose string) (Box, error) { return k.RingBox(purpose) }

// RingBox is Box with the concrete type, which also appends.
func (k *Keyring) RingBox(purpose string) (*RingBox, error) {
	if _, err := k.newest(purpose); err != nil {
		return nil, err
	}
	return &RingBox{k, purpose}, nil
}

// newest returns the key that seals. There is one since RingBox was called, and
// the newest is never retired.
func (b *RingBox) newest() *dataKey {
	b.ring.mu.RLock()
	defer b.ring.mu.RUnlock()
	return latest(b.ring.keys, b.purpose)
}

// Version is that of the key that seals now.
func (b *RingBox) Version() uint32 { return b.newest().Version }

// VersionOf returns the version of the key that a blob was sealed under, 0 if
// it is too short to be one.
func VersionOf(sealed []byte) uint32 {
	if len(sealed) < RingOverhead {
		return 0
	}
	return binary.BigEndian.Uint32(sealed)
}

// Seal returns the sealed plaintext.
func (b *RingBox) Seal(plaintext, ad []byte) []byte {
	return b.AppendSeal(make([]byte, 0, len(plaintext)+RingOverhead), plaintext, ad)
}

// AppendSeal appends the sealed plaintext to dst, which it must not overlap.
func (b *RingBox) AppendSeal(dst, plaintext, ad []byte) []byte {
	d := b.newest()
	return d.aead.AppendSeal(binary.BigEndian.AppendUint32(dst, d.Version), plaintext, ad)
}

// Open returns the plaintext of sealed.
func (b *RingBox) Open(sealed, ad []byte) ([]byte, error) {
	return b.AppendOpen(nil, sealed, ad)
}

// AppendOpen appends the plaintext of sealed to dst.
func (b *RingBox) AppendOpen(dst, sealed, ad []byte) ([]byte, error) {
	if len(sealed) < RingOverhead {
		return nil, ErrDamaged
	}
	d, err := b.ring.version(b.purpose, VersionOf(sealed))
	if err != nil {
		return nil, err
	}
	return d.aead.AppendOpen(dst, sealed[4:], ad)
}
