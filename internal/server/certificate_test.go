package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/server"
)

// operatorCertificate writes a self-signed certificate of an operator.
func operatorCertificate(t *testing.T, dir, name string, end time.Time) (file, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		DNSNames: []string{name}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: end}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	file, key = filepath.Join(dir, "https.pem"), filepath.Join(dir, "https.key")
	for path, block := range map[string]*pem.Block{key: {Type: "PRIVATE KEY", Bytes: pkcs8}, file: {Type: "CERTIFICATE", Bytes: der}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return file, key
}

// shows returns the name in the certificate that HTTPS shows, and the protocol.
func (r *running) shows(t *testing.T, name string) (common, protocol string) {
	t.Helper()
	c, err := tls.Dial("tcp", r.https, &tls.Config{InsecureSkipVerify: true, ServerName: name, NextProtos: []string{"h2", "http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s := c.ConnectionState()
	return s.PeerCertificates[0].Subject.CommonName, s.NegotiatedProtocol
}

func TestOperatorsCertificateIsTakenOverWhenItsFilesChange(t *testing.T) {
	dir := t.TempDir()
	file, key := operatorCertificate(t, dir, "pacs.example", time.Now().Add(time.Hour))
	r := startIn(t, t.TempDir(), func(c *server.Config) { c.Certificate.File, c.Certificate.Key = file, key })
	if name, protocol := r.shows(t, "pacs.example"); name != "pacs.example" || protocol != "h2" {
		t.Errorf("%s, %s", name, protocol)
	}
	if err := os.WriteFile(file, []byte("half a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.within(t, 5*time.Second, func() bool {
		name, _ := r.shows(t, "pacs.example")
		return name == "pacs.example" && strings.Contains(r.log.String(), "the one before stays")
	})
	operatorCertificate(t, dir, "renewed.example", time.Now().Add(time.Hour))
	r.within(t, 5*time.Second, func() bool { name, _ := r.shows(t, "pacs.example"); return name == "renewed.example" })
}

func TestCertificateThatCannotBeUsedIsSaidAtTheStart(t *testing.T) {
	dir := t.TempDir()
	file, key := operatorCertificate(t, dir, "old.example", time.Now().Add(-time.Hour))
	for name, c := range map[string]server.Certificate{
		"ended":   {File: file, Key: key},
		"missing": {File: filepath.Join(dir, "none.pem"), Key: key},
		"half":    {File: file},
		"both":    {File: file, Key: key, ACME: server.ACME{Names: []string{"pacs.example"}, AcceptTerms: true}},
		"terms":   {ACME: server.ACME{Names: []string{"pacs.example"}}},
		"plain":   {ACME: server.ACME{Names: []string{"pacs.example"}, AcceptTerms: true, Directory: "http://ca.example/dir"}},
	} {
		config := server.DefaultConfig()
		config.DICOM, config.HTTPS, config.Certificate = "127.0.0.1:0", "127.0.0.1:0", c
		var out safeBuffer
		err := server.Run(t.Context(), t.TempDir(), config, "test", &out, &safeBuffer{})
		if err == nil || !strings.Contains(err.Error(), "certificate") || out.String() != "" {
			t.Errorf("%s: %v %q", name, err, out.String())
		}
	}
}
