package server

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"github.com/tresor-pacs/tresor/internal/durable"
	"github.com/tresor-pacs/tresor/internal/seal"
)

// ACME says how a public CA issues the certificate of HTTPS (RFC 8555). It is off
// unless names are given. The CA checks the names on the HTTPS listener itself
// (TLS-ALPN-01, RFC 8737), which it must reach on port 443.
type ACME struct {
	Names []string `toml:"names"` // host names, no wild cards
	Email string   `toml:"email"` // where the CA may write to
	// Directory is the CA's; without one it is that of Let's Encrypt.
	Directory string `toml:"directory"`
	// CA is a file with the certificates that the directory's own HTTPS is
	// checked by, where it is a private one.
	CA string `toml:"ca"`
	// AcceptTerms says that the operator agrees to the CA's terms of service.
	AcceptTerms bool `toml:"accept_terms"`
}

func (a *ACME) check() error {
	if len(a.Names) == 0 {
		return nil
	}
	if !a.AcceptTerms {
		return errors.New("certificate.acme: set accept_terms = true if you agree to the terms of service of the CA")
	}
	if a.Directory != "" {
		if u, err := url.Parse(a.Directory); err != nil || u.Scheme != "https" || u.Host == "" {
			return errors.New("certificate.acme: directory must be an https address")
		}
	}
	return nil
}

// The keys that ACME makes lie in a folder of their own, sealed.
const (
	acmeDir = "acme"
	acmeKey = "acme"
)

// useACME has the certificate come from the CA, and the CA's questions answered.
func (s *Server) useACME(config *tls.Config) error {
	a := &s.config.Certificate.ACME
	client := &acme.Client{DirectoryURL: a.Directory, UserAgent: "tresor"}
	if a.CA != "" {
		b, err := os.ReadFile(a.CA)
		if err != nil {
			return fmt.Errorf("certificate.acme: %w", err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(b) {
			return fmt.Errorf("certificate.acme: %s holds no certificate", a.CA)
		}
		client.HTTPClient = &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	}
	box, err := s.data.keyring.Box(acmeKey)
	if err != nil {
		return fmt.Errorf("open the key of ACME: %w", err)
	}
	m := &autocert.Manager{Prompt: autocert.AcceptTOS, Client: client, Email: a.Email,
		HostPolicy: autocert.HostWhitelist(a.Names...), Cache: &sealedCache{dir: filepath.Join(s.dir, acmeDir), box: box}}
	config.GetCertificate = m.GetCertificate
	config.NextProtos = append(config.NextProtos, acme.ALPNProto)
	return nil
}

// sealedCache keeps what ACME has to remember: the account's key, and
// certificates with theirs.
type sealedCache struct {
	dir string
	box seal.Box
}

// maxCached bounds one entry.
const maxCached = 1 << 20

// path is where an entry lies; its name comes partly from outside.
func (c *sealedCache) path(name string) string {
	sum := sha256.Sum256([]byte(name))
	return filepath.Join(c.dir, hex.EncodeToString(sum[:16])+".sealed")
}

func cacheAD(name string) []byte { return []byte("tresor/acme/1 " + name) }

// Get implements autocert.Cache.
func (c *sealedCache) Get(_ context.Context, name string) ([]byte, error) {
	sealed, err := durable.ReadFile(durable.OS, c.path(name), maxCached)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, autocert.ErrCacheMiss
	}
	if err != nil {
		return nil, fmt.Errorf("read what ACME keeps: %w", err)
	}
	return c.box.Open(sealed, cacheAD(name))
}

// Put implements autocert.Cache.
func (c *sealedCache) Put(_ context.Context, name string, data []byte) error {
	if err := durable.MkdirAll(durable.OS, c.dir, 0o700); err != nil {
		return fmt.Errorf("keep what ACME needs: %w", err)
	}
	return durable.WriteFile(durable.OS, c.path(name), c.box.Seal(data, cacheAD(name)), 0o600)
}

// Delete implements autocert.Cache.
func (c *sealedCache) Delete(_ context.Context, name string) error {
	err := os.Remove(c.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
