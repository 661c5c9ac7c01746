package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync/atomic"
)

// role is what a certificate of the archive's own is for.
type role int

const (
	serving role = iota // the listeners
	calling             // associations that the archive requests
)

func (r role) file() string { return [...]string{serverFile, clientFile}[r] }

// ownPair is a key and certificate of the archive's own, nil until it is used.
type ownPair struct {
	cert atomic.Pointer[tls.Certificate]
}

// use makes the pair of a role ready, and renews it if it has to be.
func (s *Store) use(r role) error {
	lock, err := s.lock()
	if err != nil {
		return err
	}
	defer lock.Close()
	var p pair
	err = s.readSealed(r.file(), &p)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil || !s.fresh(r, &p) {
		if p, err = s.issueOwn(r); err != nil {
			return err
		}
		if err := s.writeSealed(r.file(), &p); err != nil {
			return err
		}
	}
	cert, key, err := p.parse()
	if err != nil {
		return fmt.Errorf("read %s: %w", r.file(), err)
	}
	s.own[r].cert.Store(&tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert})
	return nil
}

// fresh reports whether a pair can go on being used.
func (s *Store) fresh(r role, p *pair) bool {
	cert, _, err := p.parse()
	if err != nil || cert.CheckSignatureFrom(s.ca.cert) != nil || s.now().Before(cert.NotBefore) {
		return false
	}
	if left := cert.NotAfter.Sub(s.now()); left < ownRenewal && cert.NotAfter.Before(s.ca.cert.NotAfter) {
		return false
	}
	return r != serving || !slices.ContainsFunc(s.serverNames(), func(name string) bool { return cert.VerifyHostname(name) != nil })
}

func (s *Store) serverNames() []string {
	names := hostNames()
	for _, n := range s.names {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

func (s *Store) issueOwn(r role) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	l := leaf{name: string(s.aet), validity: ownValidity, client: r == calling, server: r == serving}
	if r == serving {
		l.hosts = s.serverNames()
	}
	cert, err := s.issue(l, key.Public())
	if err != nil {
		return pair{}, err
	}
	p := pair{Cert: cert.Raw}
	p.Key, err = x509.MarshalPKCS8PrivateKey(key)
	return p, err
}

// renewOwn renews the pairs in use that end soon.
func (s *Store) renewOwn() {
	for r := serving; r <= calling; r++ {
		cert := s.own[r].cert.Load()
		if cert == nil || cert.Leaf.NotAfter.Sub(s.now()) >= ownRenewal {
			continue
		}
		if err := s.use(r); err != nil {
			s.log.Error("renew the archive's own certificate", "file", r.file(), "error", err)
		}
	}
}

// ServerCertificate returns the certificate that the listeners show, nil before
// ServerTLS or HTTPSTLS was called.
func (s *Store) ServerCertificate() *x509.Certificate {
	if c := s.own[serving].cert.Load(); c != nil {
		return c.Leaf
	}
	return nil
}
