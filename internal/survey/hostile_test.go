package survey_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/survey"
)

// What a hostile host may cost: its time limit, and a megabyte.
const (
	hostileLimit = 3 * time.Second
	hostileBytes = 1 << 20
)

// flood sends the same bytes for ever.
func flood(c net.Conn, b []byte) {
	for {
		if _, err := c.Write(b); err != nil {
			return
		}
	}
}

// endless is an archive that answers queries for ever, if it answers at all.
func endless(t testing.TB, find func(rw dimse.ResponseWriter)) int {
	t.Helper()
	return listen(t, func(c net.Conn) {
		a, err := ul.Accept(context.Background(), c, ul.AcceptOptions{Negotiate: func(_ context.Context, n *ul.Negotiation) error {
			for _, c := range n.Request.Contexts {
				n.Accept(c.ID, c.TransferSyntaxes[0])
			}
			return nil
		}})
		if err != nil {
			return
		}
		dimse.Serve(context.Background(), a, func(f dimse.CommandField, _ ul.PresentationContext) dimse.Handler {
			return dimse.HandlerFunc(func(_ context.Context, rw dimse.ResponseWriter, req *dimse.Request) error {
				if f != dimse.CFindRQ {
					return nil
				}
				keys, err := req.ReadDataSet(1 << 16)
				if err != nil || keys.String(dict.StudyDate) == "" {
					return err
				}
				find(rw)
				return nil
			})
		}, dimse.ServeOptions{})
	})
}

func webHost(t testing.TB, f http.HandlerFunc) int {
	t.Helper()
	s := httptest.NewServer(f)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s.Listener.Addr().(*net.TCPAddr).Port
}

// zeroes is a body of so many bytes.
func zeroes(n int64) io.Reader { return io.LimitReader(zeroReader{}, n) }

type zeroReader struct{}

func (zeroReader) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// hostileHosts are hosts that mean harm.
func hostileHosts(t testing.TB) map[string]int {
	match := &dicom.DataSet{}
	match.PutString(dict.PatientName, dicom.VRPN, string(bytes.Repeat([]byte("x"), 60)))
	large := match.Clone()
	large.PutString(dict.StudyDescription, dicom.VRLT, string(bytes.Repeat([]byte("x"), 8<<20)))
	ac := []byte{2, 0, 0x7f, 0xff, 0xff, 0xff}
	return map[string]int{
		"endless zeroes":  listen(t, func(c net.Conn) { flood(c, make([]byte, 64<<10)) }),
		"endless AC":      listen(t, func(c net.Conn) { c.Write(ac); flood(c, make([]byte, 64<<10)) }),
		"endless PDUs":    listen(t, func(c net.Conn) { flood(c, []byte{4, 0, 0, 0, 0, 6, 0, 0, 0, 2, 1, 3}) }),
		"endless abort":   listen(t, func(c net.Conn) { flood(c, []byte{7, 0, 0, 0, 0, 4, 0, 0, 0, 0}) }),
		"slow bytes":      listen(t, func(c net.Conn) { slowly(c, append(ac, make([]byte, 1000)...)) }),
		"endless TLS":     listen(t, func(c net.Conn) { flood(c, []byte{0x16, 3, 3, 0x40, 0}) }),
		"endless matches": endless(t, func(rw dimse.ResponseWriter) { forever(rw, match) }),
		"matches of 8 MB": endless(t, func(rw dimse.ResponseWriter) { forever(rw, large) }),
		"10 GB page": webHost(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10737418240")
			io.Copy(w, zeroes(10<<30))
		}),
		"endless chunks":  webHost(t, func(w http.ResponseWriter, _ *http.Request) { io.Copy(w, zeroes(1<<40)) }),
		"endless headers": listen(t, endlessHeaders),
		"slow headers":    listen(t, func(c net.Conn) { slowly(c, bytes.Repeat([]byte("HTTP/1.1 200 OK\r\nX: y\r\n"), 100)) }),
		"redirects": webHost(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path+"/login", http.StatusFound)
		}),
		"endless interim":  listen(t, func(c net.Conn) { flood(c, []byte("HTTP/1.1 103 Early Hints\r\n\r\n")) }),
		"10 GB of studies": webHost(t, hugeStudies),
		"gzip bomb": webHost(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			io.Copy(w, zeroes(1<<30))
		}),
		"endless by TLS": listen(t, func(c net.Conn) { flood(tls.Server(c, serverTLS), make([]byte, 16<<10)) }),
		"counters without end": webHost(t, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, `{"ApiVersion":1,"CountStudies":1`)
			io.Copy(w, spaces{})
		}),
		"offsets without an end": webHost(t, everyOffset),
	}
}

type spaces struct{}

func (spaces) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

func forever(rw dimse.ResponseWriter, match *dicom.DataSet) {
	for rw.Pending(dimse.StatusPending, match, nil) == nil {
	}
}

func slowly(c net.Conn, b []byte) {
	for i := range b {
		if _, err := c.Write(b[i : i+1]); err != nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func endlessHeaders(c net.Conn) {
	io.WriteString(c, "HTTP/1.1 200 OK\r\n")
	for n := 0; ; n++ {
		if _, err := fmt.Fprintf(c, "X-%d: %d\r\n", n, n); err != nil {
			return
		}
	}
}

// hugeStudies permits queries, with 10 GB for each.
func hugeStudies(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/dicom-web/studies" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/dicom+json")
	io.WriteString(w, "[")
	if r.URL.Query().Has("offset") {
		io.Copy(w, spaces{})
	}
	io.Copy(w, zeroes(10<<30))
}

// everyOffset has a study at every offset.
func everyOffset(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/dicom-web/studies" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/dicom+json")
	if r.URL.Query().Has("offset") {
		io.WriteString(w, "[{")
		io.Copy(w, spaces{})
		return
	}
	io.WriteString(w, "[]")
}

var serverTLS *tls.Config

// TestHostileHosts measures what hosts that mean harm cost: time by the clock,
// bytes by what was read, memory by the heap while all are looked at at once.
func TestHostileHosts(t *testing.T) {
	if testing.Short() {
		t.Skip("hostile hosts take their time")
	}
	serverTLS = mutualTLS(t)
	serverTLS.ClientAuth = tls.NoClientCert
	hosts := hostileHosts(t)
	guard := loopback(t, "sample")
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	most, stop := watchHeap()
	var wg sync.WaitGroup
	for name, port := range hosts {
		wg.Go(func() {
			began := time.Now()
			r := lookAt(t, survey.Prober{Guard: guard, Timeout: time.Second, Limit: hostileLimit}, port)
			took := time.Since(began)
			if r.Received > hostileBytes {
				t.Errorf("%s: %d bytes were read", name, r.Received)
			}
			if took > hostileLimit+2*time.Second {
				t.Errorf("%s: took %v", name, took)
			}
			t.Logf("%-22s %-10s %7d bytes, %v", name, r.State, r.Received, took.Round(time.Millisecond))
		})
	}
	wg.Wait()
	stop()
	// The hosts are in this process too, with their 8 MB of match and buffers.
	if grown := int64(most()) - int64(before.HeapAlloc); grown > int64(len(hosts))*hostileBytes+(64<<20) {
		t.Errorf("the heap grew by %d MB", grown>>20)
	} else {
		t.Logf("the heap grew by %d MB for %d hosts, theirs included", grown>>20, len(hosts))
	}
}

// watchHeap returns the most that the heap had until stop was called.
func watchHeap() (most func() uint64, stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	var top uint64
	go func() {
		defer close(ended)
		var m runtime.MemStats
		for {
			runtime.ReadMemStats(&m)
			top = max(top, m.HeapAlloc)
			select {
			case <-done:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	return func() uint64 { return top }, func() { close(done); <-ended }
}
