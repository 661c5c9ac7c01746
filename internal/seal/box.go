package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
)

// KeySize is the length of every key, in bytes.
const KeySize = 32

const (
	nonceSize = 12
	tagSize   = 16
)

// ErrDamaged says that sealed bytes were changed, cut, swapped, or sealed under
// another key or for another use: which of these, nobody can tell.
var ErrDamaged = errors.New("sealed data damaged or sealed under another key")

// Box seals and opens small blobs with AES-256-GCM and random nonces. A blob
// opens only with the associated data that it was sealed with. A Box may be
// used at once from many goroutines, for at most 2^32 blobs.
type Box interface {
	Seal(plaintext, ad []byte) []byte
	Open(sealed, ad []byte) ([]byte, error)
}

// AEAD is a Box under one key: nonce, ciphertext, tag.
type AEAD struct{ gcm cipher.AEAD }

// Overhead is how much longer than its plaintext a blob of an AEAD is.
const Overhead = nonceSize + tagSize

// NewAEAD returns the AEAD for a key of KeySize bytes.
func NewAEAD(key []byte) (*AEAD, error) {
	gcm, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	return &AEAD{gcm}, nil
}

func newGCM(key []byte) (cipher.AEAD, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("key of %d bytes, want %d", len(key), KeySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// Seal returns the sealed plaintext.
func (a *AEAD) Seal(plaintext, ad []byte) []byte {
	return a.AppendSeal(make([]byte, 0, len(plaintext)+Overhead), plaintext, ad)
}

// AppendSeal appends the sealed plaintext to dst, which it must not overlap.
func (a *AEAD) AppendSeal(dst, plaintext, ad []byte) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, nonceSize)...)
	nonce := dst[at : at+nonceSize]
	rand.Read(nonce) // never fails: it ends the program instead
	return a.gcm.Seal(dst, nonce, plaintext, ad)
}

// Open returns the plaintext of sealed; its error is ErrDamaged.
func (a *AEAD) Open(sealed, ad []byte) ([]byte, error) {
	return a.AppendOpen(nil, sealed, ad)
}

// AppendOpen appends the plaintext of sealed to dst.
func (a *AEAD) AppendOpen(dst, sealed, ad []byte) ([]byte, error) {
	if len(sealed) < Overhead {
		return nil, ErrDamaged
	}
	out, err := a.gcm.Open(dst, sealed[:nonceSize], sealed[nonceSize:], ad)
	if err != nil {
		return nil, ErrDamaged
	}
	return out, nil
}
