package identity

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Origin tells where a certificate of a device comes from.
type Origin string

// The origins.
const (
	Issued Origin = "issued" // key and certificate were made here
	Signed Origin = "signed" // the device's own key, signed by our CA
	Pinned Origin = "pinned" // a foreign certificate that was registered
)

// Certificate is one certificate of a device as the registry keeps it.
type Certificate struct {
	Fingerprint string    `json:"fingerprint"` // SHA-256 of the certificate, in hexadecimal
	SPKI        string    `json:"spki"`        // SHA-256 of its SubjectPublicKeyInfo
	Serial      string    `json:"serial"`      // in hexadecimal
	Subject     string    `json:"subject"`
	Origin      Origin    `json:"origin"`
	NotBefore   time.Time `json:"not_before"`
	NotAfter    time.Time `json:"not_after"`
	Added       time.Time `json:"added"`
	Revoked     time.Time `json:"revoked,omitzero"`
}

func describe(c *x509.Certificate, o Origin, now time.Time) Certificate {
	return Certificate{
		Fingerprint: fingerprint(c.Raw), SPKI: fingerprint(c.RawSubjectPublicKeyInfo),
		Serial: fmt.Sprintf("%x", c.SerialNumber), Subject: c.Subject.String(), Origin: o,
		NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(), Added: now.UTC().Truncate(time.Second),
	}
}

func fingerprint(der []byte) string {
	h := sha256.Sum256(der)
	return hex.EncodeToString(h[:])
}

// Usable reports whether the certificate is in date and not revoked.
func (c *Certificate) Usable(now time.Time) bool {
	return c.Revoked.IsZero() && !now.Before(c.NotBefore) && !now.After(c.NotAfter)
}

// DaysLeft returns the whole days until the certificate ends; it is negative
// after its end.
func (c *Certificate) DaysLeft(now time.Time) int { return daysLeft(c.NotAfter, now) }

// maxPEM bounds certificates and requests that are read, in bytes.
const maxPEM = 64 << 10

// parseOne reads exactly one PEM block of a type, or DER.
func parseOne(b []byte, kinds ...string) ([]byte, error) {
	if len(b) > maxPEM {
		return nil, fmt.Errorf("longer than %d bytes", maxPEM)
	}
	if len(b) > 0 && b[0] == 0x30 { // a DER SEQUENCE
		return b, nil
	}
	var found []byte
	for {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil {
			break
		}
		if !slices.Contains(kinds, block.Type) {
			if block.Type == "PRIVATE KEY" || block.Type == "EC PRIVATE KEY" || block.Type == "RSA PRIVATE KEY" {
				return nil, errors.New("it holds a private key, which should stay with the device")
			}
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("it holds more than one %s", kinds[0])
		}
		found = block.Bytes
	}
	if found == nil {
		return nil, fmt.Errorf("it holds no %s", kinds[0])
	}
	return found, nil
}

// ParseCertificate reads one certificate, PEM or DER, and refuses weak keys.
func ParseCertificate(b []byte) (*x509.Certificate, error) {
	der, err := parseOne(b, "CERTIFICATE")
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	if err := checkKey(c.PublicKey); err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	return c, nil
}

// ParseCAs reads the certificates of CAs from PEM, for Device.TrustedCAs.
func ParseCAs(b []byte) ([][]byte, error) {
	if len(b) > maxPEM {
		return nil, fmt.Errorf("read CAs: longer than %d bytes", maxPEM)
	}
	var cas [][]byte
	for {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil {
			break
		}
		c, err := ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("read CAs: %w", err)
		}
		if !c.IsCA {
			return nil, fmt.Errorf("read CAs: the certificate of %s is not that of a CA; pin it instead", c.Subject)
		}
		cas = append(cas, c.Raw)
	}
	if cas == nil {
		return nil, errors.New("read CAs: there is no certificate")
	}
	return cas, nil
}

// ParseCSR reads one certificate request (PKCS #10), PEM or DER, checks that it
// is signed by its own key and refuses weak keys.
func ParseCSR(b []byte) (*x509.CertificateRequest, error) {
	der, err := parseOne(b, "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST")
	if err != nil {
		return nil, fmt.Errorf("read certificate request: %w", err)
	}
	r, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, fmt.Errorf("read certificate request: %w", err)
	}
	if err := r.CheckSignature(); err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	if err := checkKey(r.PublicKey); err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	return r, nil
}

// checkKey holds public keys to RFC 9325 section 4.5: RSA of at least 2048 bits,
// curves of at least 256. Go's crypto/tls takes no RSA keys above 8192 bits.
func checkKey(key any) error {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if n := k.N.BitLen(); n < 2048 || n > 8192 {
			return fmt.Errorf("RSA key of %d bits: 2048 to 8192 are taken", n)
		}
	case *ecdsa.PublicKey:
		if n := k.Curve.Params().BitSize; n < 256 {
			return fmt.Errorf("elliptic curve of %d bits: at least 256 are needed", n)
		}
	case ed25519.PublicKey:
	default:
		return errors.New("key is neither RSA, ECDSA nor Ed25519")
	}
	return nil
}
