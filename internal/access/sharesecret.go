package access

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// newSecret returns 256 random bits for a link, and their hash.
func newSecret() (secret, hash string) {
	var b [32]byte
	rand.Read(b[:]) // never fails
	secret = base64.RawURLEncoding.EncodeToString(b[:])
	return secret, hashSecret(secret)
}

func hashSecret(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func newSalt() []byte {
	b := make([]byte, 16)
	rand.Read(b) // never fails
	return b
}

// newCode returns a code of 8 letters and digits that are not mistaken for each other.
func newCode() string {
	const letters = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
	b := make([]byte, 8)
	for i := 0; i < len(b); {
		var one [1]byte
		if rand.Read(one[:]); int(one[0]) < 256/len(letters)*len(letters) { // so that each is as likely
			b[i] = letters[int(one[0])%len(letters)]
			i++
		}
	}
	return string(b)
}

// normal is an answer without what people write between its parts.
func normal(answer string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'A' && r <= 'Z':
			return r
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return -1
	}, answer)
}

// derive makes guessing slow for who has the state and its key.
func derive(answer string, salt []byte) []byte {
	key, err := pbkdf2.Key(sha256.New, normal(answer), salt, 100_000, 32)
	if err != nil {
		return nil // not with these lengths
	}
	return key
}
