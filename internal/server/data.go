package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"

	"github.com/tresor-pacs/tresor/internal/access"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/seal"
	"github.com/tresor-pacs/tresor/internal/store/file"
	"github.com/tresor-pacs/tresor/internal/store/sqlite"
)

// data is everything that lies in the data folder, open.
type data struct {
	keyring  *seal.Keyring
	trail    *audit.Trail
	records  audit.Records
	identity *identity.Store
	accounts *identity.Accounts
	access   *access.Register
	vault    archive.Vault
	catalog  archive.Catalog
	closers  []func() error
}

// openData opens the data folder for serving; it makes what is missing. Only
// one server at a time has a folder.
func openData(dir string, c Config, log *slog.Logger) (*data, error) {
	ring, err := openKeyring(dir, false)
	if err != nil {
		return nil, err
	}
	d := &data{keyring: ring}
	for _, open := range []func() error{
		func() error { return d.openVault(dir, log) },
		func() error { return d.openTrail(dir) },
		func() error { return d.openCatalog(dir, sqlite.Open) },
		func() error { return d.openAccess(dir, c) },
		func() error {
			d.identity, err = openIdentity(dir, ring, c)
			if err == nil {
				d.closers = append(d.closers, d.identity.Close)
			}
			return err
		},
		func() error {
			d.accounts, err = openAccounts(dir, ring)
			if err == nil {
				d.closers = append(d.closers, d.accounts.Close)
			}
			return err
		},
	} {
		if err := open(); err != nil {
			return nil, errors.Join(err, d.close())
		}
	}
	return d, nil
}

func (d *data) openTrail(dir string) error {
	box, err := d.keyring.Box(trailKey)
	if err != nil {
		return fmt.Errorf("open the trail's key: %w", err)
	}
	d.records = audit.Records{Dir: filepath.Join(dir, trailDir), Box: box}
	d.trail, err = audit.Open(filepath.Join(dir, trailDir), box, audit.Options{})
	if err == nil {
		d.closers = append(d.closers, d.trail.Close)
	}
	return err
}

func (d *data) openVault(dir string, log *slog.Logger) error {
	v, err := file.Open(filepath.Join(dir, vaultDir), d.keyring, file.Options{Log: log})
	if err != nil {
		return fmt.Errorf("open the vault: %w", err)
	}
	d.vault = v
	d.closers = append(d.closers, v.Close)
	return nil
}

func (d *data) openCatalog(dir string, open func(string, []byte) (*sqlite.Catalog, error)) error {
	key, err := d.keyring.Key(catalogKey)
	if err != nil {
		return fmt.Errorf("open the catalog's key: %w", err)
	}
	c, err := open(filepath.Join(dir, catalogFile), key)
	if err != nil {
		return fmt.Errorf("open the catalog: %w", err)
	}
	d.catalog = c
	d.closers = append(d.closers, c.Close)
	return nil
}

// close closes in the reverse order of opening.
func (d *data) close() error {
	var all error
	for i := len(d.closers) - 1; i >= 0; i-- {
		all = errors.Join(all, d.closers[i]())
	}
	d.closers = nil
	return all
}

func (s *Server) listenHTTPS() (net.Listener, error) {
	config, err := s.httpsTLS()
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", s.config.HTTPS)
	if err != nil {
		return nil, fmt.Errorf("listen for HTTPS: %w", err)
	}
	return tls.NewListener(l, config), nil
}

// VerifyData reads everything in a data folder back and compares vault and
// catalog both ways, beside a running server or without one.
func VerifyData(ctx context.Context, dir string, report func(archive.Difference), progress func(archive.Verification)) (archive.Verification, error) {
	var sum archive.Verification
	ring, err := openKeyring(dir, true)
	if err != nil {
		return sum, err
	}
	d := &data{keyring: ring}
	defer d.close()
	v, err := file.Open(filepath.Join(dir, vaultDir), ring, file.Options{ReadOnly: true})
	if err != nil {
		return sum, fmt.Errorf("open the vault: %w", err)
	}
	d.vault, d.closers = v, append(d.closers, v.Close)
	if err := d.openCatalog(dir, sqlite.OpenReadOnly); err != nil {
		return sum, err
	}
	sum, err = archive.Verify(ctx, archive.Config{Catalog: d.catalog, Vault: d.vault}, report, progress)
	if err != nil {
		return sum, err
	}
	n, err := inspect(ctx, v, report)
	sum.Differences += n
	return sum, err
}

// inspect reports what is wrong with the vault's own files beside the objects.
func inspect(ctx context.Context, v *file.Vault, report func(archive.Difference)) (found int, err error) {
	in, err := v.Inspect(ctx)
	if err != nil {
		return 0, err
	}
	for _, l := range in.Missing {
		report(archive.Difference{Location: l, What: "the file of the object is missing"})
	}
	for _, slot := range in.DamagedKeys {
		report(archive.Difference{What: fmt.Sprintf("the key of a study is damaged (slot %d)", slot)})
	}
	for _, name := range in.Orphans {
		report(archive.Difference{What: "a file that no record knows: " + name + " (tresor verify --repair removes it)"})
	}
	return len(in.Missing) + len(in.DamagedKeys) + len(in.Orphans), nil
}

// RepairVault removes files that a crash left and no record knows; no server
// may run. It returns how many there were.
func RepairVault(ctx context.Context, dir string, log *slog.Logger) (int, error) {
	ring, err := openKeyring(dir, true)
	if err != nil {
		return 0, err
	}
	v, err := file.Open(filepath.Join(dir, vaultDir), ring, file.Options{Log: log})
	if err != nil {
		return 0, fmt.Errorf("open the vault: %w", err)
	}
	in, err := v.Inspect(ctx)
	if err == nil {
		err = v.RemoveOrphans(ctx, in.Orphans)
	}
	if err := errors.Join(err, v.Close()); err != nil {
		return 0, err
	}
	return len(in.Orphans), nil
}

// RebuildCatalog makes the catalog anew from the vault; no server may run.
func RebuildCatalog(ctx context.Context, dir string, log *slog.Logger) (int, error) {
	ring, err := openKeyring(dir, true)
	if err != nil {
		return 0, err
	}
	d := &data{keyring: ring}
	defer d.close()
	if err := d.openVault(dir, log); err != nil {
		return 0, err
	}
	if err := d.openCatalog(dir, sqlite.Open); err != nil {
		return 0, err
	}
	return archive.Rebuild(ctx, archive.Config{Catalog: d.catalog, Vault: d.vault, Log: log})
}
