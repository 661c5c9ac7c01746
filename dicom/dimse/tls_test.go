package dimse

import (
	"bytes"
	"crypto/tls"
	"net"
	"testing"

	"github.com/tresor-pacs/tresor/dicom/ul"
)

// TestTLS does everything that is particular to TLS: the handshake within Accept
// and Dial, C-FIND with a reader beside the handler, and the half-closed end.
func TestTLS(t *testing.T) {
	server, client := testTLS(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m := heldArchive(t)
	served := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			err = serveConn(tls.Server(ul.NewBatch(conn), server), m.routes().route)
		}
		served <- err
	}()
	c, err := Dial(t.Context(), l.Addr().String(), DialOptions{TLS: client, RequestOptions: ul.RequestOptions{
		Called: "PACS", Calling: "TESTER", Contexts: contexts(ct, studyFind)}})
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 1<<20)
	r, err := c.Store(t.Context(), StoreRequest{SOPClass: ct, SOPInstance: "1.9", TransferSyntax: explicit, DataSet: bytes.NewReader(data)})
	if err != nil || r.Status != StatusSuccess || !bytes.Equal(m.all()[1].data, data) {
		t.Errorf("store: %+v, %v", r, err)
	}
	n := 0
	for _, err := range c.Find(t.Context(), QueryRequest{SOPClass: studyFind, Identifier: withID("")}) {
		if err != nil {
			t.Error(err)
		}
		n++
	}
	if n != 2 {
		t.Errorf("%d matches", n)
	}
	closeClient(t, c)
	if err := <-served; err != nil {
		t.Errorf("the server ended with %v", err)
	}
	if _, err := Dial(t.Context(), "127.0.0.1:1", DialOptions{}); err == nil {
		t.Error("a connection to nobody")
	}
}
