package survey

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"
)

// TLSFacts are what a TLS handshake shows. Names in the certificate are not kept.
type TLSFacts struct {
	Version             string    `json:"version,omitempty"`
	Suite               string    `json:"suite,omitempty"`
	NotBefore           time.Time `json:"not_before,omitzero"`
	NotAfter            time.Time `json:"not_after,omitzero"`
	Key                 string    `json:"key,omitempty"`
	SelfSigned          bool      `json:"self_signed,omitempty"`
	ClientCertAsked     bool      `json:"client_certificate_asked"`
	ClientCertEnforced  bool      `json:"client_certificate_enforced"`
	HandshakeIncomplete bool      `json:"handshake_incomplete,omitempty"`
	weakKey             bool
	old                 bool
}

// handshake makes TLS on a connection. It takes old versions and any certificate,
// because it is there to see them, and trusts nothing that it is told over it.
// The facts are nil if the host does not speak TLS.
//
// A host that demands a client certificate fails the handshake in TLS 1.2; in
// TLS 1.3 the client thinks it done and then reads an alert or end of file
// (RFC 8446 section 4.4.2.4). That it asked is seen in either case.
func (l *look) handshake(ctx context.Context, raw net.Conn) (*tls.Conn, *TLSFacts, error) {
	facts := &TLSFacts{}
	config := &tls.Config{
		InsecureSkipVerify: true, // looked at, not trusted
		MinVersion:         tls.VersionTLS10,
		CipherSuites:       allSuites(),
		ServerName:         l.e.Name,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			facts.ClientCertAsked = true
			return &tls.Certificate{}, nil
		},
	}
	conn := tls.Client(raw, config)
	err := conn.HandshakeContext(ctx)
	if err != nil && !facts.ClientCertAsked {
		if !isAlert(err) {
			return nil, nil, fmt.Errorf("TLS: %w", err)
		}
		facts.HandshakeIncomplete = true
		return nil, facts, fmt.Errorf("TLS: %w", err)
	}
	facts.read(conn.ConnectionState())
	if err != nil {
		facts.HandshakeIncomplete = true
		facts.ClientCertEnforced = true
		return nil, facts, fmt.Errorf("TLS: %w", err)
	}
	return conn, facts, nil
}

// isAlert reports whether the host answered with a TLS alert: it does speak TLS.
func isAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}

func allSuites() []uint16 {
	var out []uint16
	for _, s := range tls.CipherSuites() {
		out = append(out, s.ID)
	}
	for _, s := range tls.InsecureCipherSuites() {
		out = append(out, s.ID)
	}
	return out
}

// read takes the facts; in a handshake that failed some are missing.
func (f *TLSFacts) read(s tls.ConnectionState) {
	if s.Version != 0 {
		f.Version, f.Suite = tls.VersionName(s.Version), tls.CipherSuiteName(s.CipherSuite)
		f.old = s.Version < tls.VersionTLS12
	}
	if len(s.PeerCertificates) == 0 {
		return
	}
	c := s.PeerCertificates[0]
	f.NotBefore, f.NotAfter = c.NotBefore.UTC(), c.NotAfter.UTC()
	f.SelfSigned = c.CheckSignatureFrom(c) == nil || string(c.RawIssuer) == string(c.RawSubject)
	f.Key, f.weakKey = keyOf(c)
}

func keyOf(c *x509.Certificate) (name string, weak bool) {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", k.N.BitLen()), k.N.BitLen() < 2048
	case *ecdsa.PublicKey:
		return fmt.Sprintf("ECDSA %d", k.Params().BitSize), k.Params().BitSize < 224
	case ed25519.PublicKey:
		return "Ed25519", false
	}
	return c.PublicKeyAlgorithm.String(), true
}
