package ul

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipePair is pair over an in-memory connection, for virtual time.
func pipePair(t *testing.T, o Options) (r, s *Association, client net.Conn) {
	client, server := net.Pipe()
	r, s = pair(t, client, server, RequestOptions{Options: o}, AcceptOptions{Options: o})
	return r, s, client
}

func wantTimeout(t *testing.T, err error, what string) {
	t.Helper()
	var timeout *TimeoutError
	if !errors.As(err, &timeout) || timeout.What != what {
		t.Errorf("%v, want a timeout of %s", err, what)
	}
}

// TestARTIM: whoever connects and says nothing is gone after ARTIM (Evt18 in Sta2).
func TestARTIM(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		defer client.Close()
		start := time.Now()
		_, err := Accept(t.Context(), server, AcceptOptions{Negotiate: acceptAll})
		wantTimeout(t, err, "ARTIM")
		if d := time.Since(start); d != 15*time.Second {
			t.Errorf("after %v", d)
		}
		if _, err := client.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the connection is still open: %v", err)
		}
	})
}

// TestARTIMDrip: a byte now and then does not stop ARTIM.
func TestARTIMDrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		var dripping sync.WaitGroup
		dripping.Go(func() {
			for {
				if _, err := client.Write([]byte{1}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		})
		start := time.Now()
		_, err := Accept(t.Context(), server, AcceptOptions{Negotiate: acceptAll})
		if err == nil || time.Since(start) > 31*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		client.Close()
		dripping.Wait()
	})
}

// TestARTIMAfterReject: a peer that does not close after the A-ASSOCIATE-RJ is
// gone after ARTIM (Evt18 in Sta13).
func TestARTIMAfterReject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		done := make(chan time.Duration, 1)
		go func() {
			start := time.Now()
			_, err := Accept(context.Background(), server, AcceptOptions{
				Negotiate: func(context.Context, *Negotiation) error { return RejectCalling }})
			if !errors.Is(err, RejectCalling) {
				t.Errorf("acceptor: %v", err)
			}
			done <- time.Since(start)
		}()
		rq := AssociateRQ{ProtocolVersion: 1, Called: "A", Calling: "B", ApplicationContext: ApplicationContext, Contexts: twoContexts()}
		rq.Contexts[0].ID, rq.Contexts[1].ID = 1, 3
		pdu, err := rq.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		client.Write(pdu)
		if _, err := io.ReadFull(client, make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
		if d := <-done; d != 15*time.Second {
			t.Errorf("after %v", d)
		}
	})
}

func TestNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		go io.Copy(io.Discard, server)
		_, err := Request(t.Context(), client, RequestOptions{Called: "A", Calling: "B", Contexts: twoContexts()})
		wantTimeout(t, err, "reply")
		server.Close()
	})
}

// TestContextEnds: a request is given up when its context ends.
func TestContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		go io.Copy(io.Discard, server)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := Request(ctx, client, RequestOptions{Options: Options{ARTIM: 5 * time.Second}, Called: "A", Calling: "B", Contexts: twoContexts()})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 7*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		server.Close()
	})
}

// TestIdle: an association without PDUs ends, and SetIdle changes when, even
// for a read under way.
func TestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s, _ := pipePair(t, Options{Idle: 60 * time.Second})
		r.conn.SetDeadline(time.Time{})
		go io.Copy(io.Discard, r.conn)
		start := time.Now()
		go func() {
			time.Sleep(30 * time.Second)
			s.SetIdle(0)
			time.Sleep(10 * time.Minute)
			s.SetIdle(5 * time.Second)
		}()
		_, err := s.NextPart()
		wantTimeout(t, err, "idle")
		if d := time.Since(start); d != 10*time.Minute+35*time.Second {
			t.Errorf("after %v", d)
		}
		r.conn.Close()
		s.Close()
	})
}

// TestIngestRate: a peer that drips a message is aborted, one that is fast
// enough is not, and the time that the receiver takes is not the peer's.
func TestIngestRate(t *testing.T) {
	for _, c := range []struct {
		perSecond int
		pause     time.Duration // of the receiver after each read
		ok        bool
	}{{9000, 0, true}, {7000, 0, false}, {2, 0, false}, {9000, 40 * time.Second, true}} {
		synctest.Test(t, func(t *testing.T) {
			_, s, client := pipePair(t, Options{})
			client.SetDeadline(time.Time{})
			var dripping sync.WaitGroup
			dripping.Go(func() { drip(client, c.perSecond) })
			p, err := s.NextPart()
			if err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 64<<10)
			for err == nil {
				_, err = p.Read(buf)
				time.Sleep(c.pause)
			}
			if c.ok && err != io.EOF {
				t.Errorf("%d bytes a second: %v", c.perSecond, err)
			}
			if !c.ok {
				wantTimeout(t, err, "ingest rate")
			}
			client.Close()
			s.Close()
			dripping.Wait()
		})
	}
}

// drip sends a data set that takes 100 s, in PDUs of 4 KiB, ten times a second.
func drip(w io.Writer, perSecond int) {
	chunk := make([]byte, max(2, perSecond/10&^1))
	for size := 100 * perSecond; size > 0; {
		n := min(size, 4096)
		size -= n
		pdu := []byte{4, 0, 0, 0, byte((n + 6) >> 8), byte(n + 6), 0, 0, byte((n + 2) >> 8), byte(n + 2), 3, 0}
		if size == 0 {
			pdu[11] = controlLast
		}
		if _, err := w.Write(pdu); err != nil {
			return
		}
		for n > 0 {
			k := min(n, len(chunk))
			if _, err := w.Write(chunk[:k]); err != nil {
				return
			}
			n -= k
			time.Sleep(time.Duration(k) * time.Second / time.Duration(perSecond))
		}
	}
}

// TestWriteTimeout: a peer that does not read is given up.
func TestWriteTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s, _ := pipePair(t, Options{WriteTimeout: 10 * time.Second})
		start := time.Now()
		err := s.Send(3, []byte{1, 2}, nil)
		wantTimeout(t, err, "write")
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("after %v", d)
		}
		s.Close()
		r.Close()
	})
}

// TestAbortWhileSending: Abort takes no more than about a second even if the
// peer takes nothing. (In real time: virtual time stands still while a mutex is
// waited for.)
func TestAbortWhileSending(t *testing.T) {
	client, server := net.Pipe()
	_, s := pair(t, client, server, RequestOptions{}, AcceptOptions{})
	sent := make(chan error, 1)
	go func() { sent <- s.Send(3, []byte{1, 2}, nil) }()
	time.Sleep(10 * time.Millisecond)
	start := time.Now()
	s.Abort()
	if d := time.Since(start); d > 3*time.Second {
		t.Errorf("Abort took %v", d)
	}
	if err := <-sent; err == nil {
		t.Error("the send succeeded")
	}
	client.Close()
	s.Close()
}

// TestAbortWakesReader: Abort from elsewhere ends a read at once.
func TestAbortWakesReader(t *testing.T) {
	client, server := tcpPair(t)
	r, s := pair(t, client, server, RequestOptions{}, AcceptOptions{})
	read := make(chan error, 1)
	go func() {
		_, err := s.NextPart()
		read <- err
	}()
	time.Sleep(10 * time.Millisecond)
	s.Abort()
	var aborted *AbortError
	if err := <-read; !errors.As(err, &aborted) || !aborted.Local {
		t.Errorf("the reader got %v", err)
	}
	if _, err := r.NextPart(); !errors.As(err, &aborted) || aborted.Local || aborted.Source != AbortByUser {
		t.Errorf("the peer got %v", err)
	}
	r.Close()
	s.Close()
}

// TestReleaseCollision: both sides ask at once (PS3.8 section 7.2.2).
func TestReleaseCollision(t *testing.T) {
	client, server := tcpPair(t)
	r, s := pair(t, client, server, RequestOptions{}, AcceptOptions{})
	for _, a := range []*Association{r, s} {
		if _, err := a.event(Evt11, stimulus{}); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan error, 2)
	for _, a := range []*Association{r, s} {
		go func() {
			err := a.awaitRelease()
			a.Close()
			done <- err
		}()
	}
	for range 2 {
		if err := <-done; err != ErrReleased {
			t.Errorf("collision: %v", err)
		}
	}
}
