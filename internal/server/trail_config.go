package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/tresor-pacs/tresor/internal/audit/checkpoint"
	"github.com/tresor-pacs/tresor/internal/audit/message"
)

// Trail says what becomes of the trail beside its own files.
type Trail struct {
	// Checkpoint is how often the head of the trail is signed, if it has grown:
	// between a second and a day. It also is at the start and at the end.
	Checkpoint Duration `toml:"checkpoint"`
	// Site and Source name the archive in audit messages: AuditEnterpriseSiteID
	// and AuditSourceID (PS3.15 section A.5.2). Source is the host's name unless
	// it is given.
	Site   string `toml:"site"`
	Source string `toml:"source"`
	// Witnesses get every checkpoint and sign it.
	Witnesses []Witness `toml:"witness"`
	// Syslog is where audit messages are sent; nowhere without an address.
	Syslog Syslog `toml:"syslog"`
}

// Witness is a witness of c2sp.org/tlog-witness.
type Witness struct {
	URL string `toml:"url"` // submission prefix, https
	Key string `toml:"key"` // verifier key of its cosignatures
	CA  string `toml:"ca"`  // file with the certificates to trust; the system's without it
}

// Syslog is an audit record repository that takes syslog over TLS (PS3.15
// section A.6).
type Syslog struct {
	Address     string   `toml:"address"`     // HOST:PORT; 6514 is the usual port
	Name        string   `toml:"name"`        // in its certificate, if not the host
	CA          string   `toml:"ca"`          // file with the certificates to trust; the system's without it
	Certificate string   `toml:"certificate"` // file with ours, if it asks for one
	Key         string   `toml:"key"`         // file with its key
	MaxMessage  int      `toml:"max_message"` // bytes of a message that it takes
	Lag         Duration `toml:"lag"`         // how long records may wait before the log has an alarm
}

// defaultTrail is the configuration without a file.
func defaultTrail() Trail {
	return Trail{Checkpoint: Duration(time.Minute), Syslog: Syslog{MaxMessage: message.MinLength, Lag: Duration(5 * time.Minute)}}
}

func (t *Trail) check() error {
	if d := time.Duration(t.Checkpoint); d < time.Second || d > 24*time.Hour {
		return errors.New("trail: checkpoint must lie between a second and a day")
	}
	for _, w := range t.Witnesses {
		if _, err := w.open(); err != nil {
			return fmt.Errorf("trail: witness %s: %w", w.URL, err)
		}
	}
	s := &t.Syslog
	if s.Address == "" {
		return nil
	}
	if _, _, err := net.SplitHostPort(s.Address); err != nil {
		return fmt.Errorf("trail: syslog: %w; write it as HOST:PORT", err)
	}
	if s.MaxMessage < message.MinLength {
		return fmt.Errorf("trail: syslog: max_message must be at least %d (PS3.15 section A.6)", message.MinLength)
	}
	if _, err := s.tls(); err != nil {
		return fmt.Errorf("trail: syslog: %w", err)
	}
	return nil
}

// open returns the witness.
func (w *Witness) open() (*checkpoint.Witness, error) {
	pool, err := trusted(w.CA)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	return checkpoint.NewWitness(w.URL, w.Key, client)
}

// tls returns how the repository is known, and what we show it.
func (s *Syslog) tls() (*tls.Config, error) {
	pool, err := trusted(s.CA)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{RootCAs: pool, ServerName: s.Name, MinVersion: tls.VersionTLS12}
	if (s.Certificate == "") != (s.Key == "") {
		return nil, errors.New("certificate and key belong together")
	}
	if s.Certificate != "" {
		own, err := tls.LoadX509KeyPair(s.Certificate, s.Key)
		if err != nil {
			return nil, fmt.Errorf("read our certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{own}
	}
	return c, nil
}

// trusted reads a file of certificates; nil, which stands for the system's,
// without a name.
func trusted(name string) (*x509.CertPool, error) {
	if name == "" {
		return nil, nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read the certificates to trust: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		return nil, fmt.Errorf("%s has no certificate in PEM", name)
	}
	return pool, nil
}
