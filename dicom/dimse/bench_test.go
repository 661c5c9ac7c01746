package dimse

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom/ul"
)

// discard is io.Discard without ReaderFrom.
type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

func discardHandler(_ context.Context, _ ResponseWriter, r *Request) error {
	_, err := io.Copy(discard{}, r.DataSet)
	return err
}

// BenchmarkStore is C-STORE over loopback, our client and our server in one
// process: bytes are those of the data sets.
func BenchmarkStore(b *testing.B) {
	for _, size := range []int{10 << 10, 512 << 10, 16 << 20} {
		b.Run(fmt.Sprintf("%dKiB/plain", size>>10), func(b *testing.B) { benchmarkStore(b, size, nil, nil) })
	}
	server, client := testTLS(b)
	b.Run("512KiB/TLS", func(b *testing.B) { benchmarkStore(b, 512<<10, server, client) })
}

func benchmarkStore(b *testing.B, size int, server, client *tls.Config) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		if server != nil {
			conn = tls.Server(ul.NewBatch(conn), server)
		}
		serveConn(conn, routes{CStoreRQ: discardHandler}.route)
	}()
	c, err := Dial(b.Context(), l.Addr().String(), DialOptions{TLS: client, RequestOptions: ul.RequestOptions{
		Called: "PACS", Calling: "BENCH", Contexts: contexts(ct)}})
	if err != nil {
		b.Fatal(err)
	}
	data := bytes.NewReader(make([]byte, size))
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		data.Seek(0, io.SeekStart)
		r, err := c.Store(b.Context(), StoreRequest{SOPClass: ct, SOPInstance: "1.2.3", TransferSyntax: explicit, DataSet: data})
		if err != nil || r.Status != StatusSuccess {
			b.Fatal(r, err)
		}
	}
	c.Close(context.Background())
}

// testTLS makes a certificate for loopback.
func testTLS(tb testing.TB) (server, client *tls.Config) {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
		&tls.Config{RootCAs: pool}
}
