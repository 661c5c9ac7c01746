package identity

import (
	"crypto/tls"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestDCMTK: echoscu gets through the handshake with a bundle as it was written
// and sends its A-ASSOCIATE-RQ; a revoked one does not.
func TestDCMTK(t *testing.T) {
	echoscu, err := exec.LookPath("echoscu")
	if err != nil {
		t.Skip("skipped: echoscu is absent (Debian package dcmtk)")
	}
	s := open(t, t.TempDir(), Options{})
	config, err := s.ServerTLS()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		revoke bool
	}{{"good", false}, {"revoked", true}} {
		e := add(t, s, device(test.name, "ECHO"), Credential{})
		dir := t.TempDir()
		if err := e.WriteBundle(dir, false); err != nil {
			t.Fatal(err)
		}
		if test.revoke {
			if err := s.Revoke(t.Context(), test.name); err != nil {
				t.Fatal(err)
			}
		}
		l, err := tls.Listen("tcp", "127.0.0.1:0", config)
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		cmd := exec.Command(echoscu, "+tls", filepath.Join(dir, BundleKey), filepath.Join(dir, BundleCert),
			"+cf", filepath.Join(dir, BundleCA), "-aet", "ECHO", "-aec", "TRESOR", "127.0.0.1", port)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		kind, err := firstByte(l)
		if got := err == nil && kind == 1; got == test.revoke {
			t.Errorf("%s: first byte %d, %v", test.name, kind, err)
		}
		if test.revoke && reasonOf(err) != Revoked {
			t.Errorf("reason: %v", err)
		}
		cmd.Wait() // it fails in both cases: nobody answers the request
		l.Close()
		if err := s.Remove(t.Context(), test.name); err != nil {
			t.Fatal(err)
		}
	}
}

// firstByte takes one connection and returns the type of the PDU that it sends.
func firstByte(l net.Listener) (byte, error) {
	c, err := l.Accept()
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return 0, err
	}
	var b [1]byte
	_, err = io.ReadFull(c, b[:])
	return b[0], err
}
