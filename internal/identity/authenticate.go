package identity

import (
	"crypto/tls"
	"crypto/x509"
	"slices"
	"time"
)

// Reason says why a peer was not let in.
type Reason string

// The reasons. They are for the operator and the trail, never for the peer.
const (
	NoCertificate Reason = "it showed no certificate"
	Unknown       Reason = "its certificate is not registered"
	Revoked       Reason = "its certificate was revoked"
	Disabled      Reason = "the device is disabled"
	NotYetValid   Reason = "its certificate is not valid yet"
	Expired       Reason = "its certificate has expired"
	WrongPurpose  Reason = "its certificate is not for this side of TLS"
	BadChain      Reason = "its certificate does not verify against the CA"
)

// AuthError says why a peer was not let in. Device is known where its
// certificate is registered.
type AuthError struct {
	Reason      Reason
	Device      string
	Fingerprint string // of the certificate shown, if any
	Cause       error  // what lies behind it, if anything; for the operator alone
}

// Unwrap returns the cause.
func (e *AuthError) Unwrap() error { return e.Cause }

func (e *AuthError) Error() string {
	s := "refused: " + string(e.Reason)
	if e.Device != "" {
		s += " (device " + e.Device + ")"
	}
	if e.Fingerprint != "" {
		s += ", SHA-256 " + e.Fingerprint
	}
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Authenticate returns the device whose certificate the peer has shown, as the
// registry stands now; the error is an *AuthError. It may be asked again at any
// time of a connection, such as after a change. The result is shared: it must
// not be changed.
func (s *Store) Authenticate(cs tls.ConnectionState) (*Device, error) {
	if len(cs.PeerCertificates) == 0 {
		return nil, &AuthError{Reason: NoCertificate}
	}
	cert := cs.PeerCertificates[0]
	e, known := s.snapshot().byCert[fingerprint(cert.Raw)]
	if !known {
		return nil, &AuthError{Reason: Unknown, Fingerprint: fingerprint(cert.Raw)}
	}
	if reason := s.judge(e, cert, x509.ExtKeyUsageClientAuth); reason != "" {
		return nil, &AuthError{Reason: reason, Device: e.device.Name, Fingerprint: e.cert.Fingerprint}
	}
	if e.device.Disabled {
		return nil, &AuthError{Reason: Disabled, Device: e.device.Name, Fingerprint: e.cert.Fingerprint}
	}
	return e.device, nil
}

// judge looks at a registered certificate; "" means that it is good.
func (s *Store) judge(e enrolled, cert *x509.Certificate, usage x509.ExtKeyUsage) Reason {
	now := s.now()
	switch {
	case !e.cert.Revoked.IsZero():
		return Revoked
	case now.Before(cert.NotBefore):
		return NotYetValid
	case now.After(cert.NotAfter):
		return Expired
	case !permits(cert, usage):
		return WrongPurpose
	case e.cert.Origin != Pinned && !s.chains(cert, now, usage):
		return BadChain
	}
	return ""
}

// permits reports whether a certificate may be used so. One that names no
// purpose at all, as many self-signed ones of devices, may be used for all (RFC
// 5280 section 4.2.1.12).
func permits(cert *x509.Certificate, usage x509.ExtKeyUsage) bool {
	if len(cert.ExtKeyUsage) == 0 && len(cert.UnknownExtKeyUsage) == 0 {
		return true
	}
	return slices.Contains(cert.ExtKeyUsage, usage) || slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageAny)
}

// chains reports whether our CA issued the certificate.
func (s *Store) chains(cert *x509.Certificate, now time.Time, usage x509.ExtKeyUsage) bool {
	roots := x509.NewCertPool()
	roots.AddCert(s.ca.cert)
	_, err := cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{usage}})
	return err == nil
}
