package identity

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tresor-pacs/tresor/internal/durable"
)

// The files of a bundle.
const (
	BundleKey  = "key.pem"
	BundleCert = "cert.pem"
	BundleCA   = "ca.pem"
)

// CheckBundle says whether WriteBundle would replace a file in dir. Asking
// before Add spares a device whose key was made and lost.
func CheckBundle(dir string) error {
	for _, name := range []string{BundleKey, BundleCert, BundleCA} {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("write bundle: %s is there already", filepath.Join(dir, name))
		}
	}
	return nil
}

// WriteBundle writes what a device needs into dir: key.pem, readable by its
// owner alone, cert.pem and ca.pem; what the enrolment has not is not written.
// Files that are there already are an error unless replace is true.
func (e *Enrolment) WriteBundle(dir string, replace bool) error {
	if !replace {
		if err := CheckBundle(dir); err != nil {
			return err
		}
	}
	if err := durable.MkdirAll(durable.OS, dir, 0o700); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	for _, f := range []struct {
		name string
		data []byte
		perm fs.FileMode
	}{{BundleKey, e.KeyPEM, 0o600}, {BundleCert, e.CertPEM, 0o644}, {BundleCA, e.CAPEM, 0o644}} {
		if f.data == nil {
			continue
		}
		if err := durable.WriteFile(durable.OS, filepath.Join(dir, f.name), f.data, f.perm); err != nil {
			return fmt.Errorf("write bundle: %w", err)
		}
	}
	return nil
}
