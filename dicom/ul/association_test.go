package ul

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/tresor-pacs/tresor/dicom"
)

func randomBytes(n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// TestMessages sends messages of many sizes both ways under many maximum lengths.
func TestMessages(t *testing.T) {
	for _, max := range []uint32{0, 4096, 4097, 16384, 65535, 1 << 20} {
		client, server := tcpPair(t)
		ro := RequestOptions{Options: Options{MaxPDU: max}}
		r, s := pair(t, client, server, ro, AcceptOptions{})
		for _, size := range []int{0, 2, 4, 4084, 4090, 4092, 4094, 16370, 131058, 131060, 131062, 1 << 20} {
			exchange(t, r, s, 1<<7, size)
			exchange(t, s, r, 70<<10, size)
		}
		released := make(chan error, 1)
		go func() { released <- r.Release(context.Background()) }()
		if _, err := s.NextPart(); err != ErrReleased {
			t.Errorf("after release: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("close after release: %v", err)
		}
		if err := <-released; err != nil {
			t.Errorf("release: %v", err)
		}
	}
}

func exchange(t *testing.T, from, to *Association, commandSize, size int) {
	t.Helper()
	command, data := randomBytes(commandSize), randomBytes(size)
	sent := make(chan error, 1)
	go func() { sent <- from.Send(3, command, bytes.NewReader(data)) }()
	for i, want := range [][]byte{command, data} {
		p, err := to.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		if p.ContextID != 3 || p.Command != (i == 0) {
			t.Fatalf("part %d: context %d, command %t", i, p.ContextID, p.Command)
		}
		var got bytes.Buffer
		if size%4 == 0 {
			_, err = p.WriteTo(&got)
		} else {
			_, err = io.Copy(&got, struct{ io.Reader }{p})
		}
		if err != nil || !bytes.Equal(got.Bytes(), want) {
			t.Fatalf("size %d, part %d: %d of %d bytes, %v", size, i, got.Len(), len(want), err)
		}
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
}

// TestSmallestMaximum: a peer that takes 8 bytes gets two in each PDU; one that
// takes fewer can get none and is rejected.
func TestSmallestMaximum(t *testing.T) {
	client, server := tcpPair(t)
	r, s := pair(t, client, server, RequestOptions{}, AcceptOptions{})
	s.maxSend = minSend
	exchange(t, s, r, 10, 20)
	for _, max := range []uint32{1, 2, 6, 7} {
		a := newAssociation(nil, false, Options{})
		if a.setMaxSend(max) == nil {
			t.Errorf("maximum length %d was taken", max)
		}
	}
	for max, want := range map[uint32]int{0: DefaultMaxPDU, 8: 8, 9: 8, 16384: 16384, 1 << 31: DefaultMaxPDU} {
		a := newAssociation(nil, false, Options{})
		if err := a.setMaxSend(max); err != nil || a.maxSend != want {
			t.Errorf("maximum length %d: send %d, %v", max, a.maxSend, err)
		}
	}
}

func TestNegotiation(t *testing.T) {
	client, server := tcpPair(t)
	ro := RequestOptions{
		Contexts: twoContexts(),
		Roles:    []RoleSelection{{ctStorage, false, true}, {verification, true, true}},
		Extended: []ExtendedNegotiation{{ctStorage, []byte{1, 0}}},
		Identity: &UserIdentity{Type: IdentityUsername, ResponseWanted: true, Primary: []byte("u")},
	}
	ao := AcceptOptions{Negotiate: func(ctx context.Context, n *Negotiation) error {
		if string(n.Request.User.Identity.Primary) != "u" || n.Calling != "TESTER" || n.Called != "PACS" {
			t.Errorf("request: %+v", n.Request)
		}
		n.Accept(1, explicitLE) // not proposed: stays refused
		n.Accept(99, explicitLE)
		n.Accept(3, explicitLE)
		n.Refuse(1, ContextNoReason)
		n.AcceptRoles(ctStorage, true, true) // SCU was not proposed
		n.AcceptRoles(dicom.UID("1.2.3"), true, true)
		n.AnswerExtended(ctStorage, []byte{1})
		n.AnswerExtended(verification, []byte{1})
		n.AnswerIdentity(nil)
		return nil
	}}
	r, s := pair(t, client, server, ro, ao)
	if len(r.Contexts()) != 1 || len(s.Contexts()) != 1 {
		t.Fatalf("contexts: %+v, %+v", r.Contexts(), s.Contexts())
	}
	if pc, ok := r.Context(3); !ok || pc != (PresentationContext{3, ctStorage, explicitLE, true, false}) {
		t.Errorf("requestor's view: %+v", pc)
	}
	if pc, ok := s.Context(3); !ok || pc != (PresentationContext{3, ctStorage, explicitLE, false, true}) {
		t.Errorf("acceptor's view: %+v", pc)
	}
	if got := r.Answer().Contexts[0].Result; got != ContextNoReason {
		t.Errorf("context 1: %v", got)
	}
	if !bytes.Equal(r.Extended(ctStorage), []byte{1}) || r.Extended(verification) != nil {
		t.Error("extended negotiation")
	}
	if r.Answer().User.IdentityResponse == nil {
		t.Error("no answer to the user identity")
	}
	if class, version := r.PeerImplementation(); class != ImplementationClassUID || version != ImplementationVersion {
		t.Errorf("peer implementation %q %q", class, version)
	}
	r.Abort()
	if _, err := s.NextPart(); !errors.As(err, new(*AbortError)) {
		t.Errorf("after abort: %v", err)
	}
	s.Close()
	r.Close()
}

func TestReject(t *testing.T) {
	for _, want := range []*RejectError{RejectCalling, RejectCalled, RejectNoReason, RejectLimit, RejectCongestion} {
		client, server := tcpPair(t)
		done := make(chan error, 1)
		go func() {
			_, err := Accept(context.Background(), server, AcceptOptions{
				Negotiate: func(context.Context, *Negotiation) error { return want }})
			done <- err
		}()
		_, err := Request(context.Background(), client, RequestOptions{Called: "A", Calling: "B", Contexts: twoContexts()})
		var got *RejectError
		if !errors.As(err, &got) || *got != *want {
			t.Errorf("requestor: %v, want %v", err, want)
		}
		if err := <-done; !errors.Is(err, want) {
			t.Errorf("acceptor: %v, want %v", err, want)
		}
	}
}

// TestSourceFails: a data set that cannot be read leaves the association as it
// is as long as nothing was sent, and aborts it after.
func TestSourceFails(t *testing.T) {
	client, server := tcpPair(t)
	r, s := pair(t, client, server, RequestOptions{}, AcceptOptions{})
	broken := errors.New("broken disk")
	err := r.Send(3, []byte("command!"), io.MultiReader(bytes.NewReader(make([]byte, 100)), iotest.ErrReader(broken)))
	if !errors.As(err, new(*SourceError)) || !errors.Is(err, broken) || r.Err() != nil {
		t.Fatalf("before sending: %v, association: %v", err, r.Err())
	}
	exchange(t, r, s, 10, 10)
	go io.Copy(io.Discard, server) // keeps the pipe flowing; the acceptor is not used any more
	err = r.Send(3, []byte("command!"), io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), iotest.ErrReader(broken)))
	if !errors.As(err, new(*SourceError)) || r.State() != Sta13 {
		t.Fatalf("after sending: %v, %v", err, r.State())
	}
}

// TestOddDataSet: what has an odd length is padded.
func TestOddDataSet(t *testing.T) {
	client, server := tcpPair(t)
	r, s := pair(t, client, server, RequestOptions{}, AcceptOptions{})
	for _, n := range []int{1, 131051, 131053, 200001} {
		go r.Send(3, []byte{1, 2}, iotest.HalfReader(bytes.NewReader(bytes.Repeat([]byte{7}, n))))
		s.NextPart()
		p, err := s.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(p)
		if err != nil || len(b) != n+1 || b[n] != 0 || b[n-1] != 7 {
			t.Errorf("%d bytes came as %d, %v", n, len(b), err)
		}
	}
}

// TestSkip: a part that nobody reads is skipped.
func TestSkip(t *testing.T) {
	client, server := tcpPair(t)
	r, s := pair(t, client, server, RequestOptions{}, AcceptOptions{})
	go func() {
		for range 3 {
			r.Send(1, []byte{1, 2}, bytes.NewReader(make([]byte, 300<<10)))
		}
	}()
	for i := range 6 {
		p, err := s.NextPart()
		if err != nil || p.Command != (i%2 == 0) {
			t.Fatalf("part %d: %v", i, err)
		}
	}
}

// TestNoAllocation: neither receiving nor sending takes memory for a fragment.
func TestNoAllocation(t *testing.T) {
	client, server := tcpPair(t)
	r, s := pair(t, client, server, RequestOptions{}, AcceptOptions{})
	data := bytes.NewReader(make([]byte, 4<<20)) // 33 PDUs
	go func() {
		for {
			data.Seek(0, io.SeekStart)
			if r.Send(3, []byte{1, 2}, data) != nil {
				return
			}
		}
	}()
	n := testing.AllocsPerRun(20, func() {
		for range 2 {
			p, err := s.NextPart()
			if err != nil {
				t.Fatal(err)
			}
			p.WriteTo(io.Discard)
		}
	})
	if n > 10 { // per message, on both sides
		t.Errorf("%v allocations for a message of 33 PDUs", n)
	}
	s.Abort()
}
