package audit

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
)

// testBox is AES-256-GCM with a random nonce.
type testBox struct{ cipher.AEAD }

func newTestBox(key byte) Box {
	k := make([]byte, 32)
	k[0] = key
	block, err := aes.NewCipher(k)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return testBox{aead}
}

func (b testBox) Seal(plaintext, ad []byte) []byte {
	nonce := make([]byte, b.NonceSize(), b.NonceSize()+len(plaintext)+b.Overhead())
	rand.Read(nonce)
	return b.AEAD.Seal(nonce, nonce, plaintext, ad)
}

func (b testBox) Open(sealed, ad []byte) ([]byte, error) {
	if len(sealed) < b.NonceSize() {
		return nil, errors.New("too short")
	}
	return b.AEAD.Open(nil, sealed[:b.NonceSize()], sealed[b.NonceSize():], ad)
}
