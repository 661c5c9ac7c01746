package server_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/peers"
	"github.com/tresor-pacs/tresor/internal/server"
)

// pebble is Let's Encrypt's ACME server for tests. It is built at test time and
// never becomes part of the archive.
const pebblePackage = "github.com/letsencrypt/pebble/v2/cmd/pebble@v2.8.0"

// pebble returns the program from the user's cache, where go puts it the first
// time; without it the test is skipped.
func pebble(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skip("there is no folder for caches:", err)
	}
	dir := filepath.Join(cache, "tresor-tests", "pebble-2.8.0")
	program := filepath.Join(dir, "pebble")
	if _, err := os.Stat(program); err == nil {
		return program
	}
	cmd := exec.Command("go", "install", pebblePackage)
	cmd.Dir = t.TempDir() // outside of the module
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("pebble cannot be had, ACME is not tried: go install %s: %v\n%s", pebblePackage, err, out)
	}
	return program
}

// nameServer answers every question for an IPv4 address with 127.0.0.1 (RFC 1035
// section 4.1), and others with nothing.
func nameServer(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		for q := make([]byte, 512); ; {
			n, from, err := conn.ReadFrom(q)
			if err != nil {
				return
			}
			end := 12
			for end < n && q[end] != 0 {
				end += int(q[end]) + 1
			}
			if end += 5; end > n {
				continue
			}
			a := append([]byte{q[0], q[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, q[12:end]...)
			if q[end-4] == 0 && q[end-3] == 1 { // type A
				a[7] = 1
				a = append(a, 0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1)
			}
			conn.WriteTo(a, from)
		}
	}()
	return conn.LocalAddr().String()
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// acmeServer runs pebble, which checks names on the port, and returns its
// directory, a file with the CA of its HTTPS, and how to get its root.
func acmeServer(t *testing.T, port int) (directory, ca string, root func() *x509.CertPool) {
	t.Helper()
	program := pebble(t)
	dir := t.TempDir()
	authority, err := peers.NewAuthority(dir)
	if err != nil {
		t.Fatal(err)
	}
	own, err := authority.Issue("localhost")
	if err != nil {
		t.Fatal(err)
	}
	listen, manage := freePort(t), freePort(t)
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": fmt.Sprint("127.0.0.1:", listen), "managementListenAddress": fmt.Sprint("127.0.0.1:", manage),
		"certificate": own.Cert, "privateKey": own.Key, "httpPort": freePort(t), "tlsPort": port,
	}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "pebble.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-config", file, "-strict", "-dnsserver", nameServer(t))
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1")
	var said safeBuffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	root = func() *x509.CertPool {
		a, err := client.Get(fmt.Sprintf("https://127.0.0.1:%d/roots/0", manage))
		if err != nil {
			return nil
		}
		defer a.Body.Close()
		b, err := io.ReadAll(a.Body)
		pool := x509.NewCertPool()
		if err != nil || !pool.AppendCertsFromPEM(b) {
			return nil
		}
		return pool
	}
	for deadline := time.Now().Add(20 * time.Second); root() == nil; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("pebble does not answer: ", said.String())
		}
	}
	return fmt.Sprintf("https://localhost:%d/dir", listen), own.CA, root
}

// TestCertificateByACME has a real ACME server (RFC 8555) issue the certificate
// of HTTPS, and starts the archive again with what it kept.
func TestCertificateByACME(t *testing.T) {
	port := freePort(t)
	directory, ca, root := acmeServer(t, port)
	dir := t.TempDir()
	change := func(c *server.Config) {
		c.HTTPS = fmt.Sprint("127.0.0.1:", port)
		c.Certificate.ACME = server.ACME{Names: []string{"pacs.example"}, Directory: directory, CA: ca, AcceptTerms: true}
	}
	serial := func(r *running) string {
		t.Helper()
		var c *tls.Conn
		r.within(t, 30*time.Second, func() bool {
			var err error
			c, err = tls.Dial("tcp", r.https, &tls.Config{RootCAs: root(), ServerName: "pacs.example"})
			return err == nil
		})
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	r := startIn(t, dir, change)
	first := serial(r)
	// Another name gets the certificate of the archive's own CA.
	if name, _ := r.shows(t, "other.example"); name != "TRESOR" {
		t.Errorf("for another name it shows that of %s", name)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadDir(filepath.Join(dir, "acme"))
	if err != nil || len(kept) == 0 {
		t.Fatal(kept, err)
	}
	for _, f := range kept {
		b, err := os.ReadFile(filepath.Join(dir, "acme", f.Name()))
		if block, _ := pem.Decode(b); err != nil || block != nil || strings.Contains(string(b), "PRIVATE KEY") {
			t.Errorf("%s is not sealed: %v", f.Name(), err)
		}
	}
	if again := serial(startIn(t, dir, change)); again != first {
		t.Error("a restart asks for another certificate")
	}
}
