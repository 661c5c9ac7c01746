package scope

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
)

// Signature is the last table of a scope file. It signs every byte before its
// own heading, so a scope can be read, compared and archived as it was signed.
type Signature struct {
	PublicKey string `toml:"public_key"`
	Value     string `toml:"value"`
}

var heading = []byte("[signature]")

// context keeps a signature of a scope from being one of anything else.
const context = "tresor survey scope v1\n"

// signed returns the bytes of a file that its signature is over.
func signed(file []byte) []byte {
	if bytes.HasPrefix(file, heading) {
		return nil
	}
	if i := bytes.LastIndex(file, append([]byte("\n"), heading...)); i >= 0 {
		return file[:i+1]
	}
	if n := len(file); n > 0 && file[n-1] != '\n' {
		return append(bytes.Clone(file), '\n')
	}
	return file
}

// Sign returns the scope file with a signature by key, in place of one that it
// may have. The file is checked first.
func Sign(file []byte, key ed25519.PrivateKey) ([]byte, error) {
	if _, err := Parse(file); err != nil {
		return nil, err
	}
	body := bytes.Clone(signed(file))
	sig := ed25519.Sign(key, append([]byte(context), body...))
	b64 := base64.StdEncoding.EncodeToString
	out := fmt.Appendf(body, "[signature]\npublic_key = %q\nvalue = %q\n",
		b64(key.Public().(ed25519.PublicKey)), b64(sig))
	if _, err := Parse(out); err != nil {
		return nil, fmt.Errorf("signed file: %w", err)
	}
	return out, nil
}

// ErrSignature says that a scope is not signed, or not by the key it must be.
var ErrSignature = errors.New("the scope's signature is not good")

// Verify checks the signature; signer, if not nil, is the only key accepted.
func (s *Scope) Verify(signer ed25519.PublicKey) error {
	if s.Signature == nil {
		return fmt.Errorf("%w: there is none (`tresor survey scope sign`)", ErrSignature)
	}
	key, err1 := base64.StdEncoding.DecodeString(s.Signature.PublicKey)
	sig, err2 := base64.StdEncoding.DecodeString(s.Signature.Value)
	if err1 != nil || err2 != nil || len(key) != ed25519.PublicKeySize || len(sig) != ed25519.SignatureSize {
		return fmt.Errorf("%w: it is malformed", ErrSignature)
	}
	if signer != nil && !bytes.Equal(signer, key) {
		return fmt.Errorf("%w: it is by another key than the one asked for", ErrSignature)
	}
	if !ed25519.Verify(key, append([]byte(context), s.signedBytes...), sig) {
		return fmt.Errorf("%w: the file was changed after it was signed", ErrSignature)
	}
	return nil
}

// Signer names the key of the signature, "" without one: the beginning of the
// SHA-256 of the public key.
func (s *Scope) Signer() string {
	if s.Signature == nil {
		return ""
	}
	key, err := base64.StdEncoding.DecodeString(s.Signature.PublicKey)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:8])
}

// MarshalKey writes a private key as PEM (PKCS #8).
func MarshalKey(key ed25519.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("write the key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// MarshalPublicKey writes a public key as PEM.
func MarshalPublicKey(key ed25519.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("write the public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

// ParseKey reads a private ed25519 key from PEM (PKCS #8).
func ParseKey(file []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(file)
	if block == nil {
		return nil, errors.New("read the key: no PEM block")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	if k, ok := key.(ed25519.PrivateKey); ok {
		return k, nil
	}
	return nil, errors.New("read the key: it is not an ed25519 key")
}

// ParsePublicKey reads a public ed25519 key from PEM.
func ParsePublicKey(file []byte) (ed25519.PublicKey, error) {
	block, _ := pem.Decode(file)
	if block == nil {
		return nil, errors.New("read the public key: no PEM block")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the public key: %w", err)
	}
	if k, ok := key.(ed25519.PublicKey); ok {
		return k, nil
	}
	return nil, errors.New("read the public key: it is not an ed25519 key")
}
