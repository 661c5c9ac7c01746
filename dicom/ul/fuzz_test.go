package ul

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"testing"
	"time"
)

func FuzzAssociateRQ(f *testing.F) {
	pdu, _ := fullRQ().Append(nil)
	f.Add(pdu[headerSize:])
	f.Fuzz(func(t *testing.T, b []byte) {
		rq, err := ParseAssociateRQ(b)
		if err != nil {
			return
		}
		pdu, err := rq.Append(nil)
		if err != nil {
			return // e.g. items that together are longer than one item may be
		}
		again, err := ParseAssociateRQ(pdu[headerSize:])
		if err != nil {
			t.Fatalf("%+v cannot be read again: %v", rq, err)
		}
		rq.names, again.names = titles{}, titles{}
		if !reflect.DeepEqual(rq.Contexts, again.Contexts) || !reflect.DeepEqual(rq.User.Roles, again.User.Roles) {
			t.Fatalf("%+v became %+v", rq, again)
		}
	})
}

func FuzzAssociateAC(f *testing.F) {
	pdu, _ := fullAC().Append(nil)
	f.Add(pdu[headerSize:])
	f.Fuzz(func(t *testing.T, b []byte) {
		ac, err := ParseAssociateAC(b)
		if err != nil {
			return
		}
		if pdu, err = ac.Append(nil); err != nil {
			return
		}
		if _, err := ParseAssociateAC(pdu[headerSize:]); err != nil {
			t.Fatalf("%+v cannot be read again: %v", ac, err)
		}
	})
}

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

// FuzzAcceptor gives an acceptor anything at all. It ends, and what it takes in
// memory is bounded by a small multiple of what came.
func FuzzAcceptor(f *testing.F) {
	rq, _ := fullRQ().Append(nil)
	data := []byte{4, 0, 0, 0, 0, 8, 0, 0, 0, 4, 1, 3, 0, 0}
	f.Add(cat(rq, data, data, appendReleaseRQ(nil)))
	f.Add(cat(rq, data, abortPDU(2, 1)))
	addHostile(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		a, err := Accept(context.Background(), &stream{r: bytes.NewReader(b)}, AcceptOptions{Negotiate: acceptAll})
		for err == nil {
			var p *Part
			if p, err = a.NextPart(); err == nil {
				_, err = p.WriteTo(io.Discard)
			}
		}
		if a != nil {
			a.Close()
		}
		runtime.ReadMemStats(&after)
		if taken := after.TotalAlloc - before.TotalAlloc; taken > 4<<20+100*uint64(len(b)) {
			t.Fatalf("%d bytes of memory for %d bytes", taken, len(b))
		}
	})
}

// addHostile adds the hostile streams of the corpus, if it is there.
func addHostile(f *testing.F) {
	names, _ := filepath.Glob(filepath.Join("..", "..", "..", "shared", "corpus", "hostile", "dimse", "*.bin"))
	for _, name := range names {
		if b, err := os.ReadFile(name); err == nil {
			f.Add(b)
		}
	}
}
