package forward

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/audit/message"
)

// gcm is AES-256-GCM with a random nonce.
type gcm struct{ cipher.AEAD }

var box = func() audit.Box {
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return gcm{aead}
}()

func (g gcm) Seal(plain, ad []byte) []byte           { return g.AEAD.Seal(nil, nil, plain, ad) }
func (g gcm) Open(sealed, ad []byte) ([]byte, error) { return g.AEAD.Open(nil, nil, sealed, ad) }

// pair is a certificate for both sides of the tests, signed by itself.
type pair struct {
	dir  string
	cert tls.Certificate
	pool *x509.CertPool
}

func newPair(t *testing.T) *pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	p := &pair{dir: t.TempDir(), pool: x509.NewCertPool()}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	for name, b := range map[string][]byte{"cert.pem": certPEM, "key.pem": keyPEM} {
		if err := os.WriteFile(filepath.Join(p.dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if p.cert, err = tls.X509KeyPair(certPEM, keyPEM); err != nil {
		t.Fatal(err)
	}
	p.pool.AppendCertsFromPEM(certPEM)
	return p
}

func (p *pair) client() *tls.Config {
	return &tls.Config{RootCAs: p.pool, ServerName: "localhost", Certificates: []tls.Certificate{p.cert}, MinVersion: tls.VersionTLS12}
}

// repository is a syslog server that keeps what it got.
type repository struct {
	*pair
	t       *testing.T
	address string
	mu      sync.Mutex
	got     []string
	stop    func()
	dieAt   int // number of messages after which a connection is cut; 0: never
}

func newRepository(t *testing.T) *repository {
	r := &repository{pair: newPair(t), t: t, address: "127.0.0.1:0"}
	r.start()
	t.Cleanup(func() { r.stop() })
	return r
}

func (r *repository) start() {
	r.t.Helper()
	l, err := tls.Listen("tcp", r.address, &tls.Config{Certificates: []tls.Certificate{r.cert}, ClientCAs: r.pool, ClientAuth: tls.RequireAndVerifyClientCert})
	if err != nil {
		r.t.Fatal(err)
	}
	r.address = l.Addr().String()
	var wg sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[c] = true
			mu.Unlock()
			wg.Go(func() { defer c.Close(); r.read(c) })
		}
	})
	r.stop = sync.OnceFunc(func() {
		l.Close()
		mu.Lock()
		for c := range open {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
}

func (r *repository) read(c net.Conn) {
	in := bufio.NewReader(c)
	for n := 1; ; n++ {
		word, err := in.ReadString(' ')
		if err != nil {
			return
		}
		length, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || length > 1<<20 {
			r.t.Errorf("length %q: %v", word, err)
			return
		}
		b := make([]byte, length)
		if _, err := io.ReadFull(in, b); err != nil {
			return
		}
		r.mu.Lock()
		r.got = append(r.got, string(b))
		r.mu.Unlock()
		if n == r.dieAt {
			return
		}
	}
}

// messages returns what came so far.
func (r *repository) messages() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.got...)
}

// sequenceOf returns the sequenceId of a message.
func sequenceOf(s string) uint64 {
	_, s, ok := strings.Cut(s, `sequenceId="`)
	digits, _, ok2 := strings.Cut(s, `"`)
	n, err := strconv.ParseUint(digits, 10, 64)
	if !ok || !ok2 || err != nil {
		return 0
	}
	return n
}

// complete reports whether each of the records 1 to n is there and, taken by its
// first arrival, in order.
func complete(messages []string, n uint64) error {
	next := uint64(1)
	for _, m := range messages {
		switch seq := sequenceOf(m); {
		case seq == next:
			next++
		case seq == 0 || seq > next:
			return fmt.Errorf("record %d where %d was due", seq, next)
		}
	}
	if next != n+1 {
		return fmt.Errorf("the last record is %d of %d", next-1, n)
	}
	return nil
}

func openTrail(t testing.TB, dir string) *audit.Trail {
	t.Helper()
	tr, err := audit.Open(dir, box, audit.Options{FileSize: 20_000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tr.Close() })
	return tr
}

func appendN(t testing.TB, tr *audit.Trail, n int) {
	t.Helper()
	for range n {
		if _, err := tr.Append(t.Context(), audit.Event{Code: audit.InstancesAccessed, PrincipalKind: "user", Principal: "erika",
			Patients: []string{"4711"}, Studies: nil, Reason: "Übung"}); err != nil {
			t.Fatal(err)
		}
	}
}

// safeBuffer is a log that may be read while it is written.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func (r *repository) config(trail string, log io.Writer) Config {
	return Config{Address: r.address, TLS: r.client(), Trail: trail, Box: box, Dir: filepath.Join(trail, "forward"),
		Source: message.Source{ID: "pacs.example", AET: "TRESOR"}, Log: slog.New(slog.NewTextHandler(log, nil)),
		Retry: 20 * time.Millisecond}
}

// start runs a forwarder; the result ends it and returns its error.
func start(t *testing.T, c Config) (*Forwarder, func() error) {
	t.Helper()
	f, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return f, background(t, f.Run)
}

// eventually waits until f is true.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}
