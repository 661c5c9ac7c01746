package server_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/fhir"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/server"
)

// Every route of the trail's FHIR service, for everybody: strangers learn that a
// token is needed, people without the right that they lack it, and auditors read.
func TestTrailOverFHIR(t *testing.T) {
	r := start(t)
	for _, route := range fhir.Routes() {
		path := "/fhir" + strings.Replace(route.Pattern, "{id}", "1", 1)
		for _, token := range []string{"", "tresor_00000000_" + strings.Repeat("0", 64)} {
			if resp, body := r.browser(t, token).do(route.Method, path, nil); resp.StatusCode != http.StatusUnauthorized || strings.Contains(string(body), "resourceType") {
				t.Errorf("%s %s with token %q: %s", route.Method, path, token, resp.Status)
			}
		}
	}
	for _, role := range policy.Roles {
		secret, _ := r.user(t, string(role)+"1", role)
		may := role == policy.Auditor || role == policy.PrivacyOfficer
		b := r.browser(t, secret)
		for _, path := range []string{"/fhir/AuditEvent?type=110114&_count=5", "/fhir/AuditEvent/1"} {
			resp, body := b.do(http.MethodGet, path, nil)
			if may != (resp.StatusCode == http.StatusOK) || !may && resp.StatusCode != http.StatusForbidden {
				t.Errorf("%s %s: %s %s", role, path, resp.Status, body)
			}
		}
		if resp, _ := b.do(http.MethodPost, "/fhir/AuditEvent/_search", strings.NewReader("outcome=8"), "Content-Type", "application/x-www-form-urlencoded"); may != (resp.StatusCode == http.StatusOK) {
			t.Errorf("%s by POST: %s", role, resp.Status)
		}
	}
	refused, read := 0, 0
	for _, e := range r.records(t, audit.AuditLogUsed) {
		switch {
		case e.PrincipalKind != string(policy.Token) && e.PrincipalKind != string(policy.User):
		case e.Outcome == audit.Success:
			read++
		default:
			refused++
		}
	}
	if read != 6 || refused != 3*(len(policy.Roles)-2) {
		t.Errorf("the trail has %d reads and %d refusals", read, refused)
	}
}

// selfSigned writes a certificate for localhost and its key into a folder.
func selfSigned(t *testing.T) (cert tls.Certificate, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// A server that is told to forward its trail does so from the first record to
// the last, and shows its checkpoints to its witness.
func TestTrailIsForwardedAndWitnessed(t *testing.T) {
	cert, ca := selfSigned(t)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	messages := make(chan string, 100)
	go readSyslog(l, messages)
	shown := make(chan string, 10)
	w, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	_, witnessPort, _ := net.SplitHostPort(w.Addr().String())
	witness := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		shown <- r.URL.Path + "\n" + string(b)
		w.WriteHeader(http.StatusServiceUnavailable)
	})}
	defer witness.Close()
	go witness.Serve(w)

	r := startIn(t, t.TempDir(), func(c *server.Config) {
		c.Trail.Checkpoint = server.Duration(time.Second)
		c.Trail.Source = "pacs.example"
		c.Trail.Syslog.Address, c.Trail.Syslog.CA = "localhost:"+port, ca
		c.Trail.Witnesses = []server.Witness{{URL: "https://localhost:" + witnessPort + "/w", CA: ca,
			Key: "witness.example+0080fed4+BAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"}}
	})
	select {
	case m := <-messages:
		if !strings.Contains(m, "pacs.example tresor") || !strings.Contains(m, `csd-code="110120"`) {
			t.Errorf("the first message is %s", m)
		}
	case <-time.After(time.Minute):
		t.Fatalf("nothing was forwarded\n%s", r.log)
	}
	select {
	case s := <-shown:
		if !strings.HasPrefix(s, "/w/add-checkpoint\nold 0\n\ntresor-trail/") {
			t.Errorf("the witness was shown %q", s)
		}
	case <-time.After(time.Minute):
		t.Fatalf("the witness was shown nothing\n%s", r.log)
	}
	r.within(t, time.Minute, func() bool { return strings.Contains(r.log.String(), "a witness has not signed the checkpoint") })
}

// readSyslog reads framed messages (RFC 5425 section 4.3).
func readSyslog(l net.Listener, to chan<- string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			in := bufio.NewReader(c)
			for {
				word, err := in.ReadString(' ')
				n, numErr := strconv.Atoi(strings.TrimSpace(word))
				if err != nil || numErr != nil {
					return
				}
				b := make([]byte, n)
				if _, err := io.ReadFull(in, b); err != nil {
					return
				}
				select {
				case to <- string(b):
				default:
				}
			}
		}()
	}
}

// A trail that was put back to an earlier state while its tree was not: the
// archive does not start until a person accepts it, and the checkpoint that was
// kept elsewhere tells it for ever.
func TestRolledBackTrailDoesNotStart(t *testing.T) {
	dir := t.TempDir()
	if err := startIn(t, dir, nil).stop(); err != nil {
		t.Fatal(err)
	}
	trail := filepath.Join(dir, "trail")
	early := t.TempDir()
	for _, name := range []string{"00000001.log", "head"} {
		b, err := os.ReadFile(filepath.Join(trail, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(early, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := startIn(t, dir, nil)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	kept, key, err := server.Checkpoint(t.Context(), dir, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"00000001.log", "head"} {
		b, err := os.ReadFile(filepath.Join(early, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(trail, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := server.DefaultConfig()
	c.DICOM, c.HTTPS = "127.0.0.1:0", "127.0.0.1:0"
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err = server.Run(ctx, dir, c, "test", io.Discard, io.Discard)
	var damage *audit.DamageError
	if !errors.As(err, &damage) || !strings.Contains(err.Error(), "audit accept") {
		t.Fatalf("%v", err)
	}
	if err := server.AcceptTrail(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	r = startIn(t, dir, nil)
	if len(r.records(t, audit.TrailDamaged)) != 1 {
		t.Error("that it was accepted is not in the trail")
	}
	report, err := server.VerifyTrail(t.Context(), dir, server.Against{Checkpoint: kept, Key: key})
	if err != nil || report.OK() {
		t.Errorf("%+v, %v", report, err)
	}
	if report, err := server.VerifyTrail(t.Context(), dir, server.Against{}); err != nil || !report.OK() {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestTrailConfiguration(t *testing.T) {
	_, ca := selfSigned(t)
	for what, change := range map[string]func(*server.Trail){
		"checkpoint":         func(c *server.Trail) { c.Checkpoint = server.Duration(time.Millisecond) },
		"witness":            func(c *server.Trail) { c.Witnesses = []server.Witness{{URL: "https://w.example", Key: "none"}} },
		"HOST:PORT":          func(c *server.Trail) { c.Syslog.Address = "repository" },
		"max_message":        func(c *server.Trail) { c.Syslog.Address, c.Syslog.MaxMessage = "r:6514", 1024 },
		"certificates":       func(c *server.Trail) { c.Syslog.Address, c.Syslog.CA = "r:6514", "absent.pem" },
		"belong together":    func(c *server.Trail) { c.Syslog.Address, c.Syslog.Certificate = "r:6514", ca },
		"our certificate":    func(c *server.Trail) { c.Syslog.Address, c.Syslog.Certificate, c.Syslog.Key = "r:6514", ca, ca },
		"certificate in PEM": func(c *server.Trail) { c.Syslog.Address, c.Syslog.CA = "r:6514", os.Args[0] },
	} {
		c := server.DefaultConfig()
		change(&c.Trail)
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
	c := server.DefaultConfig()
	c.Trail.Syslog.Address, c.Trail.Syslog.CA = "repository.example:6514", ca
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}
