package identity

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
)

// suites are the cipher suites of TLS 1.2 that are spoken (T-1): ECDHE with GCM
// or ChaCha20, nothing else. Those of TLS 1.3 cannot be chosen, nor need to be.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// base is what all configurations have in common (PS3.15 section B.12, RFC
// 9325): TLS 1.2 and 1.3; the default curves, which begin with X25519MLKEM768.
func base() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, CipherSuites: suites, Renegotiation: tls.RenegotiateNever}
}

// ServerTLS returns the configuration of the DICOM listener: a handshake
// succeeds only with a certificate that Authenticate accepts at that moment.
// Sessions are not resumed, so that each connection is looked at anew.
func (s *Store) ServerTLS() (*tls.Config, error) {
	if err := s.use(serving); err != nil {
		return nil, fmt.Errorf("identity: server certificate: %w", err)
	}
	c := base()
	c.GetCertificate = s.serverCertificate
	c.SessionTicketsDisabled = true
	// The full check is VerifyConnection's: ClientCAs would know neither pins
	// nor revocations, and would tell strangers whom we trust.
	c.ClientAuth = tls.RequireAnyClientCert
	c.VerifyConnection = func(cs tls.ConnectionState) error {
		_, err := s.Authenticate(cs)
		return err
	}
	return c, nil
}

// HTTPSTLS returns the configuration of the HTTPS listener, which asks for no
// client certificate.
func (s *Store) HTTPSTLS() (*tls.Config, error) {
	if err := s.use(serving); err != nil {
		return nil, fmt.Errorf("identity: server certificate: %w", err)
	}
	c := base()
	c.GetCertificate = s.serverCertificate
	c.NextProtos = []string{"h2", "http/1.1"}
	return c, nil
}

func (s *Store) serverCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return s.own[serving].cert.Load(), nil
}

// OutgoingTLS returns the configuration for an association that the archive
// requests from the named device: it shows the archive's own certificate, and
// takes from the device one of its registered certificates, or one that a CA
// trusted for this device issued for the host of its address.
func (s *Store) OutgoingTLS(name string) (*tls.Config, error) {
	d, ok := s.Device(name)
	if !ok {
		return nil, fmt.Errorf("identity: there is no device %q", name)
	}
	if err := s.use(calling); err != nil {
		return nil, fmt.Errorf("identity: client certificate: %w", err)
	}
	c := base()
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return s.own[calling].cert.Load(), nil
	}
	c.SessionTicketsDisabled = true
	if host, _, err := net.SplitHostPort(d.Address); err == nil {
		c.ServerName = host
	}
	// A pinned certificate seldom has the host's name; VerifyConnection, which
	// is always called, does all the checking.
	c.InsecureSkipVerify = true
	c.VerifyConnection = func(cs tls.ConnectionState) error { return s.verifyDevice(name, cs) }
	return c, nil
}

// verifyDevice checks what a device shows when we call it.
func (s *Store) verifyDevice(name string, cs tls.ConnectionState) error {
	if len(cs.PeerCertificates) == 0 {
		return &AuthError{Reason: NoCertificate, Device: name}
	}
	snapshot := s.snapshot()
	d, ok := snapshot.byName[name]
	if !ok || d.Disabled {
		return &AuthError{Reason: Disabled, Device: name}
	}
	cert := cs.PeerCertificates[0]
	e, known := snapshot.byCert[fingerprint(cert.Raw)]
	if known && e.device.Name == name {
		if reason := s.judge(e, cert, x509.ExtKeyUsageServerAuth); reason != "" {
			return &AuthError{Reason: reason, Device: name, Fingerprint: e.cert.Fingerprint}
		}
		return nil
	}
	if known || len(d.TrustedCAs) == 0 {
		return &AuthError{Reason: Unknown, Device: name, Fingerprint: fingerprint(cert.Raw)}
	}
	return s.verifyForeign(d, cs)
}

// verifyForeign checks a certificate against the CAs that are trusted for d.
func (s *Store) verifyForeign(d *Device, cs tls.ConnectionState) error {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for _, der := range d.TrustedCAs {
		if ca, err := x509.ParseCertificate(der); err == nil {
			roots.AddCert(ca)
		}
	}
	for _, c := range cs.PeerCertificates[1:] {
		between.AddCert(c)
	}
	host, _, err := net.SplitHostPort(d.Address)
	if err != nil {
		return &AuthError{Reason: Unknown, Device: d.Name, Fingerprint: fingerprint(cs.PeerCertificates[0].Raw)}
	}
	_, err = cs.PeerCertificates[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: s.now(), DNSName: host,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	if err != nil {
		return &AuthError{Reason: BadChain, Device: d.Name, Fingerprint: fingerprint(cs.PeerCertificates[0].Raw), Cause: err}
	}
	return nil
}

// ClientTLS returns the configuration of a client that shows the certificate of
// certFile and trusts the CAs of caFile alone. The peer's certificate must have
// the host name that is dialled.
func ClientTLS(certFile, keyFile, caFile string) (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("load certificate and key: %w", err)
	}
	cas, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("load CA: %w", err)
	}
	c := base()
	c.Certificates = []tls.Certificate{cert}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(cas) {
		return nil, fmt.Errorf("load CA: %w", errors.New(caFile+" holds no certificate"))
	}
	return c, nil
}
