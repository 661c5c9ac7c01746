package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"strings"
)

const (
	recoveryCodes = 10
	recoveryBytes = 10 // 80 random bits: a single hash is enough for what cannot be guessed
)

// recoveryText writes codes without letters that look like digits.
var recoveryText = base32.NewEncoding("abcdefghjkmnpqrstuvwxyz023456789").WithPadding(base32.NoPadding)

// newRecovery makes recovery codes, each like abcd-efgh-jkmn-pqrs, and their
// hashes.
func newRecovery() (codes, hashes []string) {
	for range recoveryCodes {
		b := make([]byte, recoveryBytes)
		rand.Read(b) // never fails
		s := recoveryText.EncodeToString(b)
		code := s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:]
		codes, hashes = append(codes, code), append(hashes, hashRecovery(code))
	}
	return codes, hashes
}

// hashRecovery returns the hash of a code as people type it: case, spaces and
// hyphens do not count.
func hashRecovery(code string) string {
	code = strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(code))
	sum := sha256.Sum256([]byte("tresor recovery code " + code))
	return hex.EncodeToString(sum[:])
}

// ensureRecovery returns new codes if none are left, else none.
func (f *factors) ensureRecovery() (codes []string) {
	if len(f.Recovery) == 0 {
		codes, f.Recovery = newRecovery()
	}
	return codes
}

// NewRecoveryCodes replaces the recovery codes of a user who has a second factor.
// The codes cannot be shown again.
func (a *Accounts) NewRecoveryCodes(ctx context.Context, user string) (codes []string, err error) {
	err = a.updateFactors(ctx, user, func(f *factors) error {
		if f.TOTP == nil && len(f.Passkeys) == 0 {
			return errors.New("recovery codes stand in for a second factor: set one up first")
		}
		codes, f.Recovery = newRecovery()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}
