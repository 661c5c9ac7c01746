package identity

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"slices"
	"testing"
	"time"
)

// foreign makes a self-signed certificate as devices have it.
func foreign(t testing.TB, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(5), Subject: pkix.Name{CommonName: "scanner"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	if change != nil {
		change(template)
	}
	return sign(t, template, template, key.Public(), key, key)
}

func sign(t testing.TB, template, parent *x509.Certificate, public crypto.PublicKey, parentKey, key crypto.Signer) tls.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, parentKey)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func reasonOf(err error) Reason {
	var e *AuthError
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

// TestHandshakes: who is let in and who is not, in real handshakes of TLS 1.2
// and 1.3. Whoever is refused gets not a byte.
func TestHandshakes(t *testing.T) {
	clock := time.Now()
	dir := t.TempDir()
	s := open(t, dir, Options{Now: func() time.Time { return clock }})
	server, err := s.ServerTLS()
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	good := bundle(t, add(t, s, device("good", "GOOD"), Credential{}))
	revoked := bundle(t, add(t, s, device("revoked", "REVOKED"), Credential{}))
	if err := s.Revoke(ctx, "revoked"); err != nil {
		t.Fatal(err)
	}
	disabled := bundle(t, add(t, s, device("disabled", "DISABLED"), Credential{}))
	if err := s.Update(ctx, "disabled", func(d *Device) error { d.Disabled = true; return nil }); err != nil {
		t.Fatal(err)
	}
	short := bundle(t, add(t, s, device("short", "SHORT"), Credential{Validity: time.Minute}))
	removed := bundle(t, add(t, s, device("removed", "REMOVED"), Credential{}))
	if err := s.Remove(ctx, "removed"); err != nil {
		t.Fatal(err)
	}
	other := open(t, t.TempDir(), Options{})
	stranger := bundle(t, add(t, other, device("good", "GOOD"), Credential{}))
	pinned := foreign(t, nil)
	add(t, s, device("pinned", "PINNED"), Credential{Pin: certPEM(pinned.Leaf.Raw)})
	later := foreign(t, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(20 * time.Minute) })
	add(t, s, device("later", "LATER"), Credential{Pin: later.Leaf.Raw})
	with := func(certs ...tls.Certificate) *tls.Config {
		c := good.Clone()
		c.Certificates = certs
		return c
	}
	trusting := func(c *tls.Config) *tls.Config {
		c = c.Clone()
		c.RootCAs = good.RootCAs
		return c
	}
	tests := []struct {
		name   string
		client *tls.Config
		after  time.Duration
		want   Reason
	}{
		{"issued", good, 0, ""},
		{"pinned", with(pinned), 0, ""},
		{"no certificate", with(), 0, "no AuthError"},
		{"revoked", revoked, 0, Revoked},
		{"disabled", disabled, 0, Disabled},
		{"in date", short, 0, ""},
		{"expired", short, 2 * time.Minute, Expired},
		{"not yet valid", with(later), 0, NotYetValid},
		{"removed", removed, 0, Unknown},
		{"of another archive", trusting(stranger), 0, Unknown},
		{"not registered", with(foreign(t, nil)), 0, Unknown},
	}
	for _, test := range tests {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			clock = time.Now().Add(test.after)
			client := test.client.Clone()
			client.MaxVersion = version
			cs, serverErr, clientErr := shake(t, server, client)
			clock = time.Now()
			if test.want == "" {
				if serverErr != nil || clientErr != nil || cs.Version != version {
					t.Errorf("%s, %x: server %v, client %v", test.name, version, serverErr, clientErr)
				}
				continue
			}
			if serverErr == nil || clientErr == nil {
				t.Errorf("%s, %x: let in: server %v, client %v", test.name, version, serverErr, clientErr)
			}
			if got := reasonOf(serverErr); got != test.want && test.want != "no AuthError" {
				t.Errorf("%s, %x: reason %q, want %q (%v)", test.name, version, got, test.want, serverErr)
			}
		}
	}
}

// TestRegisteredButWrong puts certificates into the registry that Add would not
// take, and asks for them.
func TestRegisteredButWrong(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	serverOnly := foreign(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
	anyUse := foreign(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} })
	notOurs := foreign(t, nil)
	d := device("d", "D")
	add(t, s, d, Credential{})
	err := s.Update(context.Background(), "d", func(d *Device) error {
		d.Certificates = append(d.Certificates, describe(serverOnly.Leaf, Pinned, time.Now()),
			describe(anyUse.Leaf, Pinned, time.Now()), describe(notOurs.Leaf, Issued, time.Now()))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		cert *x509.Certificate
		want Reason
	}{"server only": {serverOnly.Leaf, WrongPurpose}, "any use": {anyUse.Leaf, ""}, "not from our CA": {notOurs.Leaf, BadChain}} {
		_, err := s.Authenticate(tls.ConnectionState{PeerCertificates: []*x509.Certificate{test.cert}})
		if got := reasonOf(err); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	if _, err := s.Authenticate(tls.ConnectionState{}); reasonOf(err) != NoCertificate {
		t.Errorf("no certificate: %v", err)
	}
	if _, err := s.Add(context.Background(), device("e", "E"), Credential{Pin: certPEM(serverOnly.Leaf.Raw)}); err == nil {
		t.Error("a certificate for servers was pinned")
	}
}

// TestSuites: every suite of TLS 1.2 that Go knows, and is not of T-1, fails.
func TestSuites(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	server, err := s.ServerTLS()
	if err != nil {
		t.Fatal(err)
	}
	client := bundle(t, add(t, s, device("ct1", "CT1"), Credential{}))
	allowed := []string{
		"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
		"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
		"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
	}
	if len(server.CipherSuites) != len(allowed) {
		t.Errorf("%d suites configured", len(server.CipherSuites))
	}
	accepted := 0
	for _, suite := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		if !slices.Contains(suite.SupportedVersions, tls.VersionTLS12) {
			continue
		}
		c := client.Clone()
		c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{suite.ID}
		cs, serverErr, clientErr := shake(t, server, c)
		if serverErr == nil && clientErr == nil {
			accepted++
			if cs.CipherSuite != suite.ID || !slices.Contains(allowed, suite.Name) {
				t.Errorf("%s is spoken", suite.Name)
			}
		}
	}
	if accepted != 3 { // our certificate is ECDSA
		t.Errorf("%d suites are spoken", accepted)
	}
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		c := client.Clone()
		c.MinVersion, c.MaxVersion, c.CipherSuites = version, version, nil
		if _, serverErr, _ := shake(t, server, c); serverErr == nil {
			t.Errorf("version %x is spoken", version)
		}
	}
}

// TestPostQuantum: the default curves stay, with X25519MLKEM768 first (T-5).
func TestPostQuantum(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	server, err := s.ServerTLS()
	if err != nil {
		t.Fatal(err)
	}
	client := bundle(t, add(t, s, device("ct1", "CT1"), Credential{}))
	cs, _, _ := shake(t, server, client)
	if cs.CurveID != tls.X25519MLKEM768 || cs.Version != tls.VersionTLS13 {
		t.Errorf("key exchange %v, version %x", cs.CurveID, cs.Version)
	}
}

// TestNoResumption: a client that keeps sessions gets none to resume.
func TestNoResumption(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	server, err := s.ServerTLS()
	if err != nil {
		t.Fatal(err)
	}
	client := bundle(t, add(t, s, device("ct1", "CT1"), Credential{}))
	client.ClientSessionCache = tls.NewLRUClientSessionCache(10)
	for range 3 {
		if cs, _, _ := shake(t, server, client); cs.DidResume || !cs.HandshakeComplete {
			t.Errorf("resumed %v, complete %v", cs.DidResume, cs.HandshakeComplete)
		}
	}
}

// TestTellsNoTrust: the request for a certificate names no CA, and the server
// sends nothing else before the client has shown one.
func TestTellsNoTrust(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	server, err := s.ServerTLS()
	if err != nil {
		t.Fatal(err)
	}
	asked := false
	client := &tls.Config{InsecureSkipVerify: true, GetClientCertificate: func(r *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		asked = true
		if len(r.AcceptableCAs) > 0 {
			t.Errorf("%d CAs named", len(r.AcceptableCAs))
		}
		return new(tls.Certificate), nil
	}}
	if _, serverErr, clientErr := shake(t, server, client); serverErr == nil || clientErr == nil || !asked {
		t.Errorf("server %v, client %v, asked %v", serverErr, clientErr, asked)
	}
}

func TestHTTPSAsksForNoCertificate(t *testing.T) {
	s := open(t, t.TempDir(), Options{Names: []string{"pacs.example", "192.0.2.7"}})
	server, err := s.HTTPSTLS()
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.CAPEM())
	for _, name := range []string{"localhost", "127.0.0.1", "::1", "pacs.example", "192.0.2.7"} {
		client := &tls.Config{RootCAs: roots, ServerName: name, NextProtos: []string{"h2"}}
		cs, serverErr, clientErr := shake(t, server, client)
		if serverErr != nil || clientErr != nil || cs.NegotiatedProtocol != "h2" {
			t.Errorf("%s: server %v, client %v, %q", name, serverErr, clientErr, cs.NegotiatedProtocol)
		}
	}
	client := &tls.Config{RootCAs: roots, ServerName: "elsewhere.example"}
	if _, _, clientErr := shake(t, server, client); clientErr == nil {
		t.Error("another name is taken")
	}
}

// TestOutgoing: what the archive takes from a device that it calls.
func TestOutgoing(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	ctx := context.Background()
	ca := foreign(t, func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	})
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	underCA := sign(t, &x509.Certificate{SerialNumber: big.NewInt(9), NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"ws.example"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, ca.Leaf, leafKey.Public(), ca.PrivateKey.(crypto.Signer), leafKey)
	pinned := foreign(t, nil)

	issued := device("issued", "ISSUED")
	issued.Address = "localhost:11112"
	issuedCert := bundle(t, add(t, s, issued, Credential{})).Certificates[0]
	caller := bundle(t, add(t, s, device("caller", "CALLER"), Credential{})).Certificates[0]
	p := device("pinned", "PINNED")
	p.Address = "10.1.2.3:104"
	add(t, s, p, Credential{Pin: pinned.Leaf.Raw})
	ws := device("ws", "WS")
	ws.Address, ws.TrustedCAs = "ws.example:104", [][]byte{ca.Leaf.Raw}
	add(t, s, ws, Credential{})
	moved := device("moved", "MOVED")
	moved.Address, moved.TrustedCAs = "other.example:104", [][]byte{ca.Leaf.Raw}
	add(t, s, moved, Credential{})

	for _, test := range []struct {
		device string
		cert   tls.Certificate
		ok     bool
	}{
		{"issued", issuedCert, true}, {"pinned", pinned, true}, {"ws", underCA, true},
		{"issued", pinned, false},  // another device's certificate
		{"pinned", underCA, false}, // a CA that is not trusted for it
		{"moved", underCA, false},  // another host
		{"caller", caller, false},  // not for servers: it takes no associations
		{"issued", caller, false},  // a device that would pass itself off as another
		{"ws", foreign(t, nil), false},
	} {
		config, err := s.OutgoingTLS(test.device)
		if err != nil {
			t.Fatal(err)
		}
		var shown []*x509.Certificate
		server := &tls.Config{Certificates: []tls.Certificate{test.cert}, ClientAuth: tls.RequireAnyClientCert,
			VerifyConnection: func(cs tls.ConnectionState) error { shown = cs.PeerCertificates; return nil }}
		_, serverErr, clientErr := shake(t, server, config)
		if ok := serverErr == nil && clientErr == nil; ok != test.ok {
			t.Errorf("%s: server %v, client %v", test.device, serverErr, clientErr)
		}
		if test.ok && (len(shown) == 0 || shown[0].CheckSignatureFrom(s.CA()) != nil || !permits(shown[0], x509.ExtKeyUsageClientAuth)) {
			t.Errorf("%s: our own certificate: %v", test.device, shown)
		}
	}
	if _, err := s.OutgoingTLS("nobody"); err == nil {
		t.Error("a device that is not there can be called")
	}
	// What was set up before a revocation does not outlive it.
	config, err := s.OutgoingTLS("issued")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Revoke(ctx, "issued"); err != nil {
		t.Fatal(err)
	}
	server := &tls.Config{Certificates: []tls.Certificate{issuedCert}}
	if _, _, clientErr := shake(t, server, config); reasonOf(clientErr) != Revoked {
		t.Errorf("after the revocation: %v", clientErr)
	}
}

func TestClientTLSErrors(t *testing.T) {
	if _, err := ClientTLS("none", "none", "none"); err == nil {
		t.Error("no files, no error")
	}
}

// TestServerCertificateRenewed: our own certificate is made anew when a name is
// added and when its end comes near, and stays otherwise.
func TestServerCertificateRenewed(t *testing.T) {
	dir := t.TempDir()
	clock := time.Now()
	serial := func(names ...string) *big.Int {
		s := open(t, dir, Options{Names: names, Now: func() time.Time { return clock }})
		defer s.Close()
		if _, err := s.ServerTLS(); err != nil {
			t.Fatal(err)
		}
		return s.ServerCertificate().SerialNumber
	}
	first := serial()
	if serial().Cmp(first) != 0 {
		t.Error("made anew without a reason")
	}
	second := serial("pacs.example")
	if second.Cmp(first) == 0 {
		t.Error("a new name was not taken over")
	}
	clock = clock.Add(ownValidity - ownRenewal + time.Hour)
	if serial("pacs.example").Cmp(second) == 0 {
		t.Error("not renewed before its end")
	}
	s := open(t, dir, Options{Names: []string{"pacs.example"}, Now: func() time.Time { return clock }})
	if _, err := s.ServerTLS(); err != nil {
		t.Fatal(err)
	}
	before := s.ServerCertificate().SerialNumber
	clock = clock.Add(ownValidity - ownRenewal + time.Hour)
	s.renewOwn()
	if s.ServerCertificate().SerialNumber.Cmp(before) == 0 {
		t.Error("not renewed while running")
	}
}

// FuzzParse: requests and certificates from outside.
func FuzzParse(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(csr)
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr}))
	f.Add(certPEM(foreign(f, nil).Leaf.Raw))
	f.Add(bytes.Repeat([]byte("-----BEGIN CERTIFICATE-----\n"), 3))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := ParseCertificate(b); err == nil && checkKey(c.PublicKey) != nil {
			t.Fatal("a weak key passed")
		}
		if r, err := ParseCSR(b); err == nil && r.CheckSignature() != nil {
			t.Fatal("an unsigned request passed")
		}
	})
}
