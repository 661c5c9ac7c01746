package server

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/store/file"
	"github.com/tresor-pacs/tresor/internal/store/sqlite"
)

// Kept says how long a study has to be kept.
type Kept struct {
	Study dicom.UID `json:"study"`
	policy.Retention
	State string `json:"state"` // kept, held or due
}

// reading is a data folder that is open for reading beside a running server, or
// without one; what is read is in its trail.
type reading struct {
	*Admin
	archive *archive.Archive
	data    *data
}

// openReading opens a data folder for reading.
func openReading(ctx context.Context, dir string) (*reading, error) {
	if _, err := openKeyring(dir, true); err != nil {
		return nil, err
	}
	c, err := LoadConfig(dir, "")
	if err != nil {
		return nil, err
	}
	a, err := OpenAdmin(dir, c)
	if err != nil {
		return nil, err
	}
	r := &reading{Admin: a, data: &data{keyring: a.keyring}}
	if err := r.open(dir); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	r.archive, err = archive.OpenReadOnly(ctx, archive.Config{Catalog: r.data.catalog, Vault: r.data.vault, Trail: a.trail,
		Guard: a.Access, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func (r *reading) open(dir string) error {
	v, err := file.Open(filepath.Join(dir, vaultDir), r.keyring, file.Options{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("open the vault: %w", err)
	}
	r.data.vault, r.data.closers = v, append(r.data.closers, v.Close)
	return r.data.openCatalog(dir, sqlite.OpenReadOnly)
}

// Close closes what openReading opened.
func (r *reading) Close() error { return errors.Join(r.data.close(), r.Admin.Close()) }

// session returns the archive as the account that runs the command may see it.
func (r *reading) session(rights ...policy.Right) *archive.Session {
	p := operator()
	p.Rights = append(p.Rights, rights...)
	return r.archive.As(p)
}

// Retention computes how long the study, or every one if uid is empty, has to be kept.
func Retention(ctx context.Context, dir string, uid dicom.UID, f func(Kept) error) (err error) {
	r, err := openReading(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for facts, err := range r.session().Facts(ctx, uid) {
		if err != nil {
			return err
		}
		k := Kept{Study: facts.UID}
		k.Retention, k.State = r.Access.Kept(facts.UID, facts.Patient, facts.Study)
		if err := f(k); err != nil {
			return err
		}
	}
	return nil
}

// StudiesOf returns the studies of the patient with the ID.
func StudiesOf(ctx context.Context, dir, patient string) (list []dicom.UID, err error) {
	r, err := openReading(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return archive.StudiesOf(ctx, r.session(), patient)
}

// CertificateKey returns the key that certificates of erasure are signed for.
func (a *Admin) CertificateKey() (ed25519.PublicKey, error) {
	key, err := certificateSigner(a.keyring)
	if err != nil {
		return nil, err
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("the key of certificates is none")
	}
	return public, nil
}
