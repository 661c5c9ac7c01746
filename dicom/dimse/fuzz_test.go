package dimse

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/ul"
)

// stream is a transport connection of which the peer's side is known from the
// beginning.
type stream struct {
	net.Conn
	r io.Reader
}

func (s *stream) Read(b []byte) (int, error)       { return s.r.Read(b) }
func (s *stream) Write(b []byte) (int, error)      { return len(b), nil }
func (s *stream) Close() error                     { return nil }
func (s *stream) SetReadDeadline(time.Time) error  { return nil }
func (s *stream) SetWriteDeadline(time.Time) error { return nil }
func (s *stream) RemoteAddr() net.Addr             { return &net.TCPAddr{} }

// request is an A-ASSOCIATE-RQ for what FuzzServe serves.
func request(f *testing.F) []byte {
	rq := ul.AssociateRQ{ProtocolVersion: 1, Called: "PACS", Calling: "FUZZ", ApplicationContext: ul.ApplicationContext,
		Contexts: []ul.ProposedContext{
			{ID: 1, AbstractSyntax: dict.UIDVerification, TransferSyntaxes: []dicom.UID{implicit}},
			{ID: 3, AbstractSyntax: studyGet, TransferSyntaxes: []dicom.UID{implicit}},
			{ID: 5, AbstractSyntax: ct, TransferSyntaxes: []dicom.UID{explicit}}},
		User: ul.UserInformation{ImplementationClassUID: "1.2", Roles: []ul.RoleSelection{{SOPClass: ct, SCU: true, SCP: true}}}}
	pdu, err := rq.Append(nil)
	if err != nil {
		f.Fatal(err)
	}
	return pdu
}

// pdu wraps a fragment.
func pdu(id, control byte, b []byte) []byte {
	n := len(b)
	return append([]byte{4, 0, 0, 0, byte((n + 6) >> 8), byte(n + 6), 0, 0, byte((n + 2) >> 8), byte(n + 2), id, control}, b...)
}

// FuzzServe gives a server with all service classes anything at all. It ends,
// no handler panics, and memory is bounded by what came.
func FuzzServe(f *testing.F) {
	rq := request(f)
	command := func(c Command) []byte { return AppendCommand(nil, &c) }
	f.Add(bytes.Join([][]byte{rq, pdu(1, 3, command(Command{Field: CEchoRQ, MessageID: 1, SOPClass: dict.UIDVerification}))}, nil))
	f.Add(bytes.Join([][]byte{rq, pdu(5, 3, command(Command{Field: CStoreRQ, MessageID: 1, SOPClass: ct, SOPInstance: "1.2", HasDataSet: true})),
		pdu(5, 0, []byte("data")), pdu(5, 2, []byte("more"))}, nil))
	f.Add(bytes.Join([][]byte{rq, pdu(3, 3, command(Command{Field: CGetRQ, MessageID: 1, SOPClass: studyGet, HasDataSet: true})),
		pdu(3, 2, []byte("data")), pdu(5, 3, command(Command{Field: CStoreRSP, MessageIDRespondedTo: 1})),
		pdu(3, 3, command(Command{Field: CCancelRQ, MessageIDRespondedTo: 1}))}, nil))
	names, _ := filepath.Glob(filepath.Join("..", "..", "..", "shared", "corpus", "hostile", "dimse", "*.bin"))
	for _, name := range names {
		if b, err := os.ReadFile(name); err == nil {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m := &memoryArchive{instances: []held{{ct, "1.2", explicit, []byte("data")}}}
		routes := m.routes()
		delete(routes, CMoveRQ) // it would dial
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		a, err := ul.Accept(t.Context(), &stream{r: bytes.NewReader(b)}, ul.AcceptOptions{Negotiate: acceptAs("PACS")})
		if err == nil {
			Serve(t.Context(), a, routes.route, ServeOptions{Logger: quiet(),
				Panicked: func(v any) { t.Errorf("a handler panicked: %v", v) }})
		}
		runtime.ReadMemStats(&after)
		if taken := after.TotalAlloc - before.TotalAlloc; taken > 8<<20+200*uint64(len(b)) {
			t.Fatalf("%d bytes of memory for %d bytes", taken, len(b))
		}
	})
}
