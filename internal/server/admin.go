package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/access"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/seal"
)

// The rooms of the data folder.
const (
	keysDir     = "keys"
	trailDir    = "trail"
	vaultDir    = "vault"
	catalogFile = "catalog.db"
	jobsDir     = "jobs"
	identityDir = "identity"
)

// Purposes of data keys.
const (
	trailKey    = "trail"
	identityKey = "identity"
	catalogKey  = "catalog"
	jobsKey     = "jobs"
)

// passphraseVariable names the environment variable that has the passphrase of
// the master key, where that is not kept in a file.
const passphraseVariable = "TRESOR_PASSPHRASE"

func openKeyring(dir string, readOnly bool) (*seal.Keyring, error) {
	o := seal.Options{ReadOnly: readOnly}
	if p := os.Getenv(passphraseVariable); p != "" {
		o.Passphrase = []byte(p)
	}
	ring, err := seal.OpenKeyring(filepath.Join(dir, keysDir), o)
	if err != nil && readOnly && errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no archive in %s: give --dir, or start one with `tresor serve`", dir)
	}
	return ring, err
}

// Admin does administration on a data folder, beside a running server or
// without one. Everything it changes is in the trail first.
type Admin struct {
	dir      string
	keyring  *seal.Keyring
	trail    *audit.Trail
	Identity *identity.Store
	Accounts *identity.Accounts
	Access   *access.Register
}

// OpenAdmin opens the data folder, which it makes if there is none.
func OpenAdmin(dir string, c Config) (*Admin, error) {
	ring, err := openKeyring(dir, false)
	if err != nil {
		return nil, err
	}
	a := &Admin{dir: dir, keyring: ring}
	box, err := ring.Box(trailKey)
	if err != nil {
		return nil, fmt.Errorf("open the trail's key: %w", err)
	}
	if a.trail, err = audit.Open(filepath.Join(dir, trailDir), box, audit.Options{}); err != nil {
		return nil, err
	}
	if a.Identity, err = openIdentity(dir, ring, c); err != nil {
		return nil, errors.Join(err, a.trail.Close())
	}
	if a.Accounts, err = openAccounts(dir, ring); err != nil {
		return nil, errors.Join(err, a.Identity.Close(), a.trail.Close())
	}
	if a.Access, err = openAccess(dir, ring, c); err != nil {
		return nil, errors.Join(err, a.Accounts.Close(), a.Identity.Close(), a.trail.Close())
	}
	return a, nil
}

func openAccounts(dir string, ring *seal.Keyring) (*identity.Accounts, error) {
	box, err := ring.Box(identityKey)
	if err != nil {
		return nil, fmt.Errorf("open the key of users: %w", err)
	}
	return identity.OpenAccounts(dir, box, identity.Options{Poll: identityPoll})
}

func openIdentity(dir string, ring *seal.Keyring, c Config) (*identity.Store, error) {
	box, err := ring.Box(identityKey)
	if err != nil {
		return nil, fmt.Errorf("open the key of devices: %w", err)
	}
	return identity.Open(dir, box, identity.Options{AET: dicom.AETitle(c.AET), Names: c.Names, Poll: identityPoll})
}

// identityPoll is how often a running server looks whether the devices changed.
const identityPoll = 100 * time.Millisecond

// Settle returns when a running server, if there is one, has taken over what
// was changed.
func (a *Admin) Settle() {
	if _, err := os.Stat(filepath.Join(a.dir, addressesFile)); err == nil {
		time.Sleep(3 * identityPoll)
	}
}

// Close closes what Admin opened.
func (a *Admin) Close() error {
	return errors.Join(a.Access.Close(), a.Accounts.Close(), a.Identity.Close(), a.trail.Close())
}

// Note writes an act of administration to the trail, in the name of the account
// that runs the command.
func (a *Admin) Note(ctx context.Context, e audit.Event) error {
	e.PrincipalKind, e.Principal = string(policy.System), commandLine()
	if _, err := a.trail.Append(ctx, e); err != nil {
		return fmt.Errorf("write the trail: %w", err)
	}
	return nil
}

// commandLine names the account that runs the command.
func commandLine() string {
	if u, err := user.Current(); err == nil {
		return "command line: " + u.Username
	}
	return "command line"
}

// DeviceEvent is an audit.Event about a device.
func DeviceEvent(code audit.Code, device, detail string) audit.Event {
	e := audit.Event{Code: code, Details: []audit.Detail{{Name: "device", Value: device}}}
	if detail != "" {
		e.Details = append(e.Details, audit.Detail{Name: "what", Value: detail})
	}
	return e
}

// UserEvent is an audit.Event about a user's account or tokens.
func UserEvent(user, detail string) audit.Event {
	e := audit.Event{Code: audit.UserSecurity, Details: []audit.Detail{{Name: "what", Value: detail}}}
	if user != "" {
		e.Details = append(e.Details, audit.Detail{Name: "user", Value: user})
	}
	return e
}
