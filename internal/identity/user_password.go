package identity

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// The cost of a password's hash (RFC 9106 section 4, the second recommendation)
// and the bounds of a password.
const (
	argonTime    = 3
	argonMemory  = 64 << 10 // KiB
	argonThreads = 4
	argonSalt    = 16 // bytes
	argonKey     = 32 // bytes

	minPassword = 8    // characters
	maxPassword = 1024 // bytes
)

// hashing bounds how many hashes are computed at once: each takes 64 MiB.
var hashing = make(chan struct{}, 2)

// CheckPassword says what is wrong with a new password.
func CheckPassword(password string) error {
	switch {
	case !utf8.ValidString(password):
		return errors.New("the password is not in UTF-8")
	case utf8.RuneCountInString(password) < minPassword:
		return fmt.Errorf("the password has fewer than %d characters", minPassword)
	case len(password) > maxPassword:
		return fmt.Errorf("the password has more than %d bytes", maxPassword)
	}
	return nil
}

// hashPassword returns the hash of a password with its parameters, in the usual
// notation: $argon2id$v=19$m=65536,t=3,p=4$SALT$KEY.
func hashPassword(password string) string {
	salt := make([]byte, argonSalt)
	rand.Read(salt) // never fails
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads,
		b64.EncodeToString(salt), b64.EncodeToString(derive(password, salt, argonTime, argonMemory, argonThreads, argonKey)))
}

func derive(password string, salt []byte, time, memory uint32, threads uint8, length uint32) []byte {
	hashing <- struct{}{}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(password), salt, time, memory, threads, length)
}

// verifyPassword reports whether the password has the hash. It takes as long
// for what is no hash, so that nobody learns which users there are.
func verifyPassword(hash, password string) bool {
	if len(password) > maxPassword {
		return false
	}
	salt, want, time, memory, threads, ok := parseHash(hash)
	if !ok {
		salt, want = make([]byte, argonSalt), make([]byte, argonKey)
		time, memory, threads = argonTime, argonMemory, argonThreads
	}
	got := derive(password, salt, time, memory, threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1 && ok
}

func parseHash(hash string) (salt, key []byte, time, memory uint32, threads uint8, ok bool) {
	fields := strings.Split(hash, "$")
	if len(fields) != 6 || fields[1] != "argon2id" || fields[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return nil, nil, 0, 0, 0, false
	}
	if _, err := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &memory, &time, &threads); err != nil {
		return nil, nil, 0, 0, 0, false
	}
	salt, err := base64.RawStdEncoding.DecodeString(fields[4])
	if err == nil {
		key, err = base64.RawStdEncoding.DecodeString(fields[5])
	}
	// The registry is sealed; the bounds are against mistakes.
	ok = err == nil && len(salt) >= 8 && len(key) >= 16 && time >= 1 && time <= 16 && threads >= 1 &&
		memory >= 8*uint32(threads) && memory <= 1<<20
	return salt, key, time, memory, threads, ok
}
