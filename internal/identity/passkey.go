package identity

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/webauthn"
)

// Passkey is a key of a user for signing in without a password (Web
// Authentication Level 3).
type Passkey struct {
	ID      string    `json:"id"`   // for lists and the trail
	Name    string    `json:"name"` // that the user gave it
	Created time.Time `json:"created"`
	Used    time.Time `json:"used,omitzero"`
	Synced  bool      `json:"synced"` // its maker keeps a copy elsewhere
}

// passkey is a Passkey as the registry keeps it.
type passkey struct {
	Name       string              `json:"name"`
	Credential webauthn.Credential `json:"credential"`
	Created    time.Time           `json:"created"`
	Used       time.Time           `json:"used,omitzero"`
}

const (
	maxPasskeys    = 20
	maxPasskeyName = 64 // characters
	handleLength   = 64 // bytes, as Web Authentication Level 3 section 14.6.1 recommends
)

// ErrNoPasskey says that the user has no passkey of that ID.
var ErrNoPasskey = errors.New("there is no such passkey")

func (p *passkey) id() string {
	sum := sha256.Sum256(p.Credential.ID)
	return hex.EncodeToString(sum[:6])
}

func (p *passkey) shown() Passkey {
	return Passkey{ID: p.id(), Name: p.Name, Created: p.Created, Used: p.Used, Synced: p.Credential.Flags.BackupState}
}

// ErrPasskeyName says that a passkey cannot be called so.
var ErrPasskeyName = fmt.Errorf("the name of a passkey has at most %d characters, and none that control", maxPasskeyName)

// checkPasskeyName returns the name that a user gives a passkey, tidied.
func checkPasskeyName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxPasskeyName || strings.ContainsFunc(name, unicode.IsControl) {
		return "", ErrPasskeyName
	}
	return cmp.Or(name, "passkey"), nil
}

// RenamePasskey gives a passkey of the user another name.
func (a *Accounts) RenamePasskey(ctx context.Context, user, id, name string) error {
	name, err := checkPasskeyName(name)
	if err != nil {
		return err
	}
	return a.updateFactors(ctx, user, func(f *factors) error {
		i := f.passkey(id)
		if i < 0 {
			return ErrNoPasskey
		}
		f.Passkeys[i].Name = name
		return nil
	})
}

// RemovePasskey takes a passkey from the user. The recovery codes go with the
// last second factor.
func (a *Accounts) RemovePasskey(ctx context.Context, user, id string) error {
	return a.updateFactors(ctx, user, func(f *factors) error {
		i := f.passkey(id)
		if i < 0 {
			return ErrNoPasskey
		}
		f.Passkeys = slices.Delete(f.Passkeys, i, i+1)
		f.dropRecovery()
		return nil
	})
}

func (f *factors) passkey(id string) int {
	return slices.IndexFunc(f.Passkeys, func(p passkey) bool { return p.id() == id })
}

// handleOf makes sure that the user has a handle.
func (a *Accounts) handleOf(ctx context.Context, user string) error {
	if f := a.current.Load().byFactor[user]; f != nil && len(f.Handle) > 0 {
		return nil
	}
	return a.updateFactors(ctx, user, func(f *factors) error {
		if len(f.Handle) == 0 {
			f.Handle = make([]byte, handleLength)
			rand.Read(f.Handle) // never fails
		}
		return nil
	})
}

// authenticatorUser is a user as the library sees it.
type authenticatorUser struct {
	name string
	f    *factors
}

func (u *authenticatorUser) WebAuthnID() []byte          { return u.f.Handle }
func (u *authenticatorUser) WebAuthnName() string        { return u.name }
func (u *authenticatorUser) WebAuthnDisplayName() string { return u.name }

func (u *authenticatorUser) WebAuthnCredentials() []webauthn.Credential {
	list := make([]webauthn.Credential, len(u.f.Passkeys))
	for i := range u.f.Passkeys {
		list[i] = u.f.Passkeys[i].Credential
	}
	return list
}
