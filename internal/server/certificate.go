package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Certificate says which certificate HTTPS shows. Without one it is the one that
// the archive's own CA issues, as DICOM always shows.
type Certificate struct {
	// File and Key are the operator's own: the certificate with its chain, and
	// its key, in PEM. A change of the files is taken over without a restart.
	File string `toml:"file"`
	Key  string `toml:"key"`
	// ACME has a public CA issue it.
	ACME ACME `toml:"acme"`
}

// check returns what is wrong with the settings.
func (c *Certificate) check() error {
	if (c.File == "") != (c.Key == "") {
		return errors.New("certificate: file and key belong together")
	}
	if c.File != "" && len(c.ACME.Names) > 0 {
		return errors.New("certificate: either file and key or acme, not both")
	}
	return c.ACME.check()
}

// httpsTLS returns the configuration of the HTTPS listener.
func (s *Server) httpsTLS() (*tls.Config, error) {
	config, err := s.data.identity.HTTPSTLS()
	if err != nil {
		return nil, err
	}
	c := &s.config.Certificate
	own := config.GetCertificate
	switch {
	case c.File != "":
		f, err := openCertificateFile(c.File, c.Key, s.log)
		if err != nil {
			return nil, err
		}
		config.GetCertificate = f.get
	case len(c.ACME.Names) > 0:
		if err := s.useACME(config); err != nil {
			return nil, err
		}
	}
	config.GetCertificate = s.watched(config.GetCertificate, own)
	return config, nil
}

// watched remembers the certificate that was shown last; where one kind of
// certificate cannot be had, the one of the archive's own CA is shown.
func (s *Server) watched(get, own func(*tls.ClientHelloInfo) (*tls.Certificate, error)) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		c, err := get(hello)
		if err != nil {
			s.log.Debug("https: no certificate for this name; showing that of our own CA", "error", err)
			return own(hello)
		}
		if c.Leaf != nil {
			s.shown.Store(c.Leaf)
		}
		return c, nil
	}
}

// httpsCertificate returns the certificate that HTTPS shows.
func (s *Server) httpsCertificate() *x509.Certificate {
	if c := s.shown.Load(); c != nil {
		return c
	}
	return s.data.identity.ServerCertificate()
}

// certificateFile is a certificate in files of the operator.
type certificateFile struct {
	file, key string
	log       *slog.Logger
	current   atomic.Pointer[tls.Certificate]
	mu        sync.Mutex
	looked    time.Time
	seen      [2]stamp
}

// stamp tells one state of a file from another.
type stamp struct {
	changed time.Time
	size    int64
}

// lookEvery is how often the files are looked at while somebody connects.
const lookEvery = time.Second

// openCertificateFile loads the files: at the start they must be good.
func openCertificateFile(file, key string, log *slog.Logger) (*certificateFile, error) {
	f := &certificateFile{file: file, key: key, log: log}
	if err := f.load(); err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	return f, nil
}

// get returns the certificate as its files have it now. Files that cannot be
// read leave the certificate before in force.
func (f *certificateFile) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.looked) >= lookEvery {
		f.looked = time.Now()
		if f.stamps() != f.seen {
			if err := f.load(); err != nil {
				f.log.Error("the certificate of HTTPS has changed and cannot be read; the one before stays", "file", f.file, "error", err)
			} else {
				f.log.Info("the certificate of HTTPS was renewed", "file", f.file, "until", f.current.Load().Leaf.NotAfter)
			}
		}
	}
	return f.current.Load(), nil
}

func (f *certificateFile) stamps() (s [2]stamp) {
	for i, name := range []string{f.file, f.key} {
		if info, err := os.Stat(name); err == nil {
			s[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return s
}

func (f *certificateFile) load() error {
	f.seen = f.stamps() // a change meanwhile shows at the next look
	pair, err := tls.LoadX509KeyPair(f.file, f.key)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return err
	}
	if err != nil {
		return fmt.Errorf("%s and %s: %w", f.file, f.key, err)
	}
	if time.Now().After(pair.Leaf.NotAfter) {
		return fmt.Errorf("%s has ended on %s", f.file, pair.Leaf.NotAfter.Format(time.DateOnly))
	}
	f.current.Store(&pair)
	return nil
}
