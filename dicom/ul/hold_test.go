package ul

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

// countedConn counts the calls of Write.
type countedConn struct {
	net.Conn
	writes atomic.Int32
}

func (c *countedConn) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(b)
}

// numbered is the command of message i, which its data set repeats.
func numbered(i int) []byte { return binary.BigEndian.AppendUint32([]byte("no. "), uint32(i)) }

// expectMessage reads message i, whose data set has size bytes.
func expectMessage(t *testing.T, a *Association, i, size int) {
	t.Helper()
	for _, want := range [][]byte{numbered(i), randomBytes(size)} {
		p, err := a.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(p)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("message %d: %d of %d bytes, %v", i, len(got), len(want), err)
		}
	}
}

// TestSendLater sends short and long messages, held and at once, under several
// maximum lengths: they come whole and in order, and in few writes.
func TestSendLater(t *testing.T) {
	for _, max := range []uint32{0, 4096, 16384} {
		client, server := tcpPair(t)
		counted := &countedConn{Conn: client}
		r, s := pair(t, counted, server, RequestOptions{}, AcceptOptions{Options: Options{MaxPDU: max}})
		sizes := []int{300, 300, 20_000, 300, 200_000, 2, 300, 131_060}
		const rounds = 40
		sent := make(chan error, 1)
		go func() {
			for i := range rounds * len(sizes) {
				send := r.SendLater
				if i%17 == 16 {
					send = r.Send
				}
				if err := send(3, numbered(i), bytes.NewReader(randomBytes(sizes[i%len(sizes)]))); err != nil {
					sent <- err
					return
				}
			}
			sent <- nil
		}()
		for i := range rounds * len(sizes) {
			expectMessage(t, s, i, sizes[i%len(sizes)])
		}
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
		before := counted.writes.Load()
		for i := range 30 {
			if err := r.SendLater(3, numbered(i), bytes.NewReader(randomBytes(300))); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Send(3, numbered(30), bytes.NewReader(randomBytes(300))); err != nil {
			t.Fatal(err)
		}
		for i := range 31 {
			expectMessage(t, s, i, 300)
		}
		if n := counted.writes.Load() - before; n >= 31 {
			t.Errorf("%d writes for 31 short messages", n)
		}
	}
}

// TestHeldNoLongerThan: a message that nothing follows is sent all the same.
func TestHeldNoLongerThan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		r, s := pair(t, client, server, RequestOptions{}, AcceptOptions{})
		for i := range 3 {
			start := time.Now()
			if err := r.SendLater(3, numbered(i), bytes.NewReader(randomBytes(10))); err != nil {
				t.Fatal(err)
			}
			expectMessage(t, s, i, 10)
			if d := time.Since(start); d != holdTime {
				t.Errorf("message %d came after %v", i, d)
			}
		}
		r.Abort()
		s.Close()
		r.Close()
	})
}

// TestSourceFailsBehindHeld: what is held goes out, what cannot be read leaves
// no trace.
func TestSourceFailsBehindHeld(t *testing.T) {
	client, server := tcpPair(t)
	r, s := pair(t, client, server, RequestOptions{}, AcceptOptions{})
	broken := errors.New("broken disk")
	for i, send := range []func(uint8, []byte, io.Reader) error{r.Send, r.SendLater} {
		if err := r.SendLater(3, numbered(2*i), bytes.NewReader(randomBytes(100))); err != nil {
			t.Fatal(err)
		}
		err := send(3, numbered(99), io.MultiReader(bytes.NewReader(make([]byte, 50)), iotest.ErrReader(broken)))
		if !errors.As(err, new(*SourceError)) || !errors.Is(err, broken) || r.Err() != nil {
			t.Fatalf("%v, association: %v", err, r.Err())
		}
		if err := send(3, numbered(2*i+1), bytes.NewReader(randomBytes(100))); err != nil {
			t.Fatal(err)
		}
		expectMessage(t, s, 2*i, 100)
		expectMessage(t, s, 2*i+1, 100)
	}
}
