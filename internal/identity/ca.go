package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/tresor-pacs/tresor/internal/durable"
)

// How long certificates last, and by how much their beginning lies back, for
// clocks that are behind.
const (
	caValidity     = 20 * 365 * 24 * time.Hour
	deviceValidity = 365 * 24 * time.Hour
	maxValidity    = 3 * 365 * 24 * time.Hour
	ownValidity    = 90 * 24 * time.Hour
	ownRenewal     = 30 * 24 * time.Hour // what is left when our own are renewed
	backdate       = time.Hour
)

// authority is the enrolment CA.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// pair is a key and its certificate as they lie in a sealed file.
type pair struct {
	Key  []byte `json:"key"`  // PKCS #8
	Cert []byte `json:"cert"` // DER
}

func (p *pair) parse() (*x509.Certificate, crypto.Signer, error) {
	cert, err := x509.ParseCertificate(p.Cert)
	if err != nil {
		return nil, nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(p.Key)
	if err != nil {
		return nil, nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, nil, errors.New("the key cannot sign")
	}
	return cert, signer, nil
}

func (s *Store) loadCA() (*authority, error) {
	var p pair
	if err := s.readSealed(caFile, &p); err != nil {
		return nil, err
	}
	cert, key, err := p.parse()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", caFile, err)
	}
	return &authority{cert, key}, nil
}

func (s *Store) createCA() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial := newSerial()
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{Organization: []string{"Tresor"}, CommonName: fmt.Sprintf("Tresor enrolment CA %x", serial.Bytes()[:4])},
		NotBefore:             s.now().Add(-backdate),
		NotAfter:              s.now().Add(caValidity),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	p := pair{Cert: der}
	if p.Key, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		return nil, err
	}
	if err := s.writeSealed(caFile, &p); err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &authority{cert, key}, err
}

// publishCA writes the CA's certificate for peers. Nothing here ever reads it.
func (s *Store) publishCA() error {
	name := filepath.Join(s.root, CAFile)
	want := s.CAPEM()
	have, err := durable.ReadFile(durable.OS, name, maxPEM)
	if err == nil && string(have) == string(want) {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, durable.ErrTooLarge) {
		return err
	}
	return durable.WriteFile(durable.OS, name, want, 0o644)
}

// leaf says what a certificate is for.
type leaf struct {
	name           string // common name
	uri            string
	hosts          []string
	client, server bool
	validity       time.Duration
}

// issue signs a certificate for a public key. Names come from l alone: what a
// request asks for is not taken over.
func (s *Store) issue(l leaf, public crypto.PublicKey) (*x509.Certificate, error) {
	template := &x509.Certificate{
		SerialNumber: newSerial(),
		Subject:      pkix.Name{Organization: []string{"Tresor"}, CommonName: l.name},
		NotBefore:    s.now().Add(-backdate),
		NotAfter:     s.now().Add(l.validity),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	if template.NotAfter.After(s.ca.cert.NotAfter) {
		template.NotAfter = s.ca.cert.NotAfter
	}
	if l.client {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	}
	if l.server {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	for _, host := range l.hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	if l.uri != "" {
		u, err := url.Parse(l.uri)
		if err != nil {
			return nil, err
		}
		template.URIs = []*url.URL{u}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, s.ca.cert, public, s.ca.key)
	if err != nil {
		return nil, fmt.Errorf("issue certificate: %w", err)
	}
	return x509.ParseCertificate(der)
}

// newSerial returns 127 random bits (RFC 5280 section 4.1.2.2 allows 20 octets).
func newSerial() *big.Int {
	b := make([]byte, 16)
	rand.Read(b) // never fails: it ends the program instead
	b[0] = b[0]&0x7F | 0x40
	return new(big.Int).SetBytes(b)
}

func certPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func keyPEM(pkcs8 []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

// hostNames are the names of this host that need no configuration.
func hostNames() []string {
	names := []string{"localhost", "127.0.0.1", "::1"}
	if h, err := os.Hostname(); err == nil && h != "" && h != "localhost" {
		names = append(names, h)
	}
	return names
}
