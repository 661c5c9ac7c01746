package identity

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/policy"
)

func open(t testing.TB, dir string, o Options) *Store {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s, err := Open(dir, testBox(t, 1), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func device(name string, aet dicom.AETitle) Device {
	return Device{Name: name, AETitles: []dicom.AETitle{aet}, Rights: []policy.Right{policy.Echo, policy.Store}}
}

func add(t testing.TB, s *Store, d Device, c Credential) *Enrolment {
	t.Helper()
	e, err := s.Add(context.Background(), d, c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// bundle writes the enrolment and returns the client configuration made of it.
func bundle(t testing.TB, e *Enrolment) *tls.Config {
	t.Helper()
	dir := t.TempDir()
	if err := e.WriteBundle(dir, false); err != nil {
		t.Fatal(err)
	}
	c, err := ClientTLS(filepath.Join(dir, BundleCert), filepath.Join(dir, BundleKey), filepath.Join(dir, BundleCA))
	if err != nil {
		t.Fatal(err)
	}
	c.ServerName = "localhost"
	return c
}

// connected returns the two ends of a connection over the loopback interface: a
// net.Pipe has no buffer, so that an alert waits for a peer that has gone.
func connected(t testing.TB) (net.Conn, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	a, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return a, b
}

// shake does a handshake, lets the server send a byte and returns
// what the server knows of the client and the errors of both sides.
func shake(t testing.TB, server, client *tls.Config) (cs tls.ConnectionState, serverErr, clientErr error) {
	t.Helper()
	a, b := connected(t)
	defer a.Close()
	defer b.Close()
	for _, c := range []net.Conn{a, b} {
		if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c := tls.Server(a, server)
		if serverErr = c.Handshake(); serverErr == nil {
			cs = c.ConnectionState()
			_, serverErr = c.Write([]byte{42})
		}
		a.Close()
	}()
	c := tls.Client(b, client)
	if clientErr = c.Handshake(); clientErr == nil {
		_, clientErr = c.Read(make([]byte, 1))
	}
	b.Close()
	<-done
	return cs, serverErr, clientErr
}

func TestEnrolledDeviceIsLetIn(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	config, err := s.ServerTLS()
	if err != nil {
		t.Fatal(err)
	}
	client := bundle(t, add(t, s, device("ct1", "CT1"), Credential{}))
	cs, serverErr, clientErr := shake(t, config, client)
	if serverErr != nil || clientErr != nil {
		t.Fatalf("server: %v, client: %v", serverErr, clientErr)
	}
	d, err := s.Authenticate(cs)
	if err != nil || d.Name != "ct1" || !d.MayCallItself("CT1") || d.MayCallItself("CT2") {
		t.Fatalf("authenticated %+v, %v", d, err)
	}
	if p := d.Principal(); p.Kind != policy.Device || p.Name != "ct1" || !p.Has(policy.Store) || p.Has(policy.Find) {
		t.Fatalf("principal %+v", p)
	}
}
