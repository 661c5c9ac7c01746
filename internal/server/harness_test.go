package server_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/peers"
	"github.com/tresor-pacs/tresor/internal/server"
	"github.com/tresor-pacs/tresor/internal/synth"
)

// running is an archive that runs in this process.
type running struct {
	dir   string
	dicom string // address
	https string
	log   *safeBuffer
	since time.Time     // records before it are not looked at
	lines *bufio.Reader // what it printed after the first line
	stop  func() error
}

// said returns what the archive printed after it was ready.
func (r *running) said() string {
	b, err := r.lines.Peek(r.lines.Buffered())
	if err != nil {
		return ""
	}
	return string(b)
}

func (r *running) port(t *testing.T) string {
	t.Helper()
	_, port, err := net.SplitHostPort(r.dicom)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// safeBuffer is written and read by different goroutines.
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

// start starts an archive in an empty folder for as long as the test runs.
func start(t *testing.T) *running { return startIn(t, t.TempDir(), nil) }

func startIn(t *testing.T, dir string, change func(*server.Config)) *running {
	t.Helper()
	c := server.DefaultConfig()
	c.DICOM, c.HTTPS = "127.0.0.1:0", "127.0.0.1:0"
	c.Limits.StopGrace = server.Duration(2 * time.Second)
	if change != nil {
		change(&c)
	}
	r := &running{dir: dir, log: &safeBuffer{}}
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := server.Run(ctx, dir, c, "test", in, r.log)
		in.CloseWithError(errors.Join(io.EOF, err))
		ended <- err
	}()
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "ready") {
		t.Fatalf("%q, %v\n%s", line, err, r.log)
	}
	for word := range strings.FieldsSeq(line) {
		if a, ok := strings.CutPrefix(word, "dicom="); ok {
			r.dicom = a
		}
		if a, ok := strings.CutPrefix(word, "https="); ok {
			r.https = a
		}
	}
	r.lines = lines
	r.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Error("the archive ended:", err)
		}
		if t.Failed() {
			t.Logf("the archive said:\n%s", r.log)
		}
	})
	return r
}

// device is an enrolled device with its files.
type device struct {
	name, aet string
	dir       string
}

func (d *device) tls() peers.TLS { return peers.FromDir(d.dir) }

// enrol enrols a device as `tresor device add` does.
func (r *running) enrol(t *testing.T, name, aet, allow string, change func(*identity.Device)) *device {
	t.Helper()
	a, err := server.OpenAdmin(r.dir, server.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	rights, err := identity.ParseRights(allow)
	if err != nil {
		t.Fatal(err)
	}
	d := identity.Device{Name: name, AETitles: []dicom.AETitle{dicom.AETitle(aet)}, Rights: rights}
	if change != nil {
		change(&d)
	}
	e, err := a.Identity.Add(t.Context(), d, identity.Credential{})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), name)
	if err := e.WriteBundle(dir, false); err != nil {
		t.Fatal(err)
	}
	r.known(t, d.AETitles[0], d.Name, dir)
	return &device{name: name, aet: aet, dir: dir}
}

// known waits until the running archive lets the device in: within a second.
func (r *running) known(t *testing.T, aet dicom.AETitle, name, dir string) {
	t.Helper()
	for deadline := time.Now().Add(time.Second); ; time.Sleep(20 * time.Millisecond) {
		conn, err := r.dial(dir)
		if err == nil {
			conn.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("device %s is not let in within a second: %v", name, err)
		}
	}
}

// dial connects with the files of a device and waits for the end of the
// handshake on both sides, which TLS 1.3 does not show by itself.
func (r *running) dial(dir string) (*tls.Conn, error) {
	config, err := identity.ClientTLS(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "ca.pem"))
	if err != nil {
		return nil, err
	}
	conn, err := tls.Dial("tcp", r.dicom, config)
	if err != nil {
		return nil, err
	}
	conn.SetReadDeadline(time.Now().Add(30 * time.Millisecond))
	var b [1]byte
	if _, err := conn.Read(b[:]); err != nil {
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			// Nothing was said: the peer waits for us. A connection with a
			// deadline passed cannot be used again, so this one is a probe.
			return conn, nil
		}
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// associate requests an association as the device.
func (r *running) associate(t *testing.T, d *device, o ul.RequestOptions) (*dimse.Client, error) {
	t.Helper()
	return r.associateWith(t, d, o, dimse.ClientOptions{})
}

func (r *running) associateWith(t *testing.T, d *device, o ul.RequestOptions, co dimse.ClientOptions) (*dimse.Client, error) {
	t.Helper()
	config, err := identity.ClientTLS(d.tls().Cert, d.tls().Key, d.tls().CA)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", r.dicom, config)
	if err != nil {
		return nil, err
	}
	if o.Called == "" {
		o.Called = "TRESOR"
	}
	if o.Calling == "" {
		o.Calling = dicom.AETitle(d.aet)
	}
	a, err := ul.Request(t.Context(), conn, o)
	if err != nil {
		return nil, err
	}
	client := dimse.NewClient(a, co)
	t.Cleanup(func() { client.Close(context.Background()) })
	return client, nil
}

// sample is an instance with its encoded data set.
type sample struct {
	*synth.Object
	path   string
	syntax encoding.TransferSyntax
	data   []byte
}

// samples writes a synthetic study to files.
func samples(t *testing.T, ts encoding.TransferSyntax, o synth.Options) []sample {
	t.Helper()
	dir := t.TempDir()
	var list []sample
	for object := range synth.New(1).Objects(o) {
		path := filepath.Join(dir, string(object.Instance)+".dcm")
		if err := object.WriteFile(path, ts.UID); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := object.Write(&b, ts); err != nil {
			t.Fatal(err)
		}
		list = append(list, sample{object, path, ts, b.Bytes()})
	}
	return list
}

func paths(list []sample) []string {
	var p []string
	for _, s := range list {
		p = append(p, s.path)
	}
	return p
}

// dialNow connects with the files of a device without waiting.
func (r *running) dialNow(d *device) (*tls.Conn, error) {
	config, err := identity.ClientTLS(d.tls().Cert, d.tls().Key, d.tls().CA)
	if err != nil {
		return nil, err
	}
	return tls.Dial("tcp", r.dicom, config)
}
