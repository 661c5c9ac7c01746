package ul

import (
	"context"
	"errors"
	"io"
	"testing"
)

// fragmentPDU is a P-DATA-TF with one fragment.
func fragmentPDU(id, control byte, n int) []byte {
	return append([]byte{4, 0, 0, 0, byte((n + 6) >> 8), byte(n + 6), 0, 0, byte((n + 2) >> 8), byte(n + 2), id, control}, make([]byte, n)...)
}

// TestViolations sends what breaks the protocol on an established association.
// The acceptor says why, and its user gets a ProtocolError.
func TestViolations(t *testing.T) {
	rq, _ := fullRQ().Append(nil)
	ac, _ := fullAC().Append(nil)
	for name, c := range map[string]struct {
		sent   []byte
		reason AbortReason
	}{
		"A-ASSOCIATE-RQ":       {rq, AbortUnexpectedPDU},
		"A-ASSOCIATE-AC":       {ac, AbortUnexpectedPDU},
		"A-ASSOCIATE-RJ":       {RejectCalled.Append(nil), AbortUnexpectedPDU},
		"A-RELEASE-RP":         {appendReleaseRP(nil), AbortUnexpectedPDU},
		"unknown PDU":          {[]byte{8, 0, 0, 0, 0, 0}, AbortUnrecognizedPDU},
		"long release":         {[]byte{5, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0}, AbortInvalidParameter},
		"short abort":          {[]byte{7, 0, 0, 0, 0, 0}, AbortInvalidParameter},
		"P-DATA too long":      {[]byte{4, 0, 0, 2, 0, 2}, AbortInvalidParameter},
		"P-DATA of 4 GiB":      {[]byte{4, 0, 0xFF, 0xFF, 0xFF, 0xFF}, AbortInvalidParameter},
		"P-DATA empty":         {[]byte{4, 0, 0, 0, 0, 0}, AbortInvalidParameter},
		"P-DATA of 5":          {[]byte{4, 0, 0, 0, 0, 5, 0, 0, 0, 1, 1}, AbortInvalidParameter},
		"length 0":             {[]byte{4, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0}, AbortInvalidParameter},
		"length 1":             {[]byte{4, 0, 0, 0, 0, 6, 0, 0, 0, 1, 1, 0}, AbortInvalidParameter},
		"odd fragment":         {[]byte{4, 0, 0, 0, 0, 7, 0, 0, 0, 3, 1, 3, 0}, AbortInvalidParameter},
		"overrun":              {[]byte{4, 0, 0, 0, 0, 8, 0, 0, 0, 6, 1, 3, 0, 0}, AbortInvalidParameter},
		"length of 4 GiB":      {[]byte{4, 0, 0, 0, 0, 8, 0xFF, 0xFF, 0xFF, 0xFE, 1, 3, 0, 0}, AbortInvalidParameter},
		"bytes left over":      {[]byte{4, 0, 0, 0, 0, 10, 0, 0, 0, 4, 1, 3, 0, 0, 0, 0}, AbortInvalidParameter},
		"unknown context":      {fragmentPDU(77, 3, 2), AbortInvalidParameter},
		"other context within": {cat(fragmentPDU(1, 1, 2), fragmentPDU(3, 3, 2)), AbortInvalidParameter},
		"other type within":    {cat(fragmentPDU(1, 1, 2), fragmentPDU(1, 2, 2)), AbortInvalidParameter},
		"release within":       {cat(fragmentPDU(1, 1, 2), appendReleaseRQ(nil)), AbortUnexpectedPDU},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := tcpPair(t)
			r, s := pair(t, client, server, RequestOptions{}, AcceptOptions{})
			client.Write(c.sent)
			var err error
			for err == nil {
				var p *Part
				if p, err = s.NextPart(); err == nil {
					_, err = io.Copy(io.Discard, p)
				}
			}
			var broken *ProtocolError
			if !errors.As(err, &broken) || broken.Reason != c.reason {
				t.Errorf("the user got %v", err)
			}
			var aborted *AbortError
			if _, err := r.NextPart(); !errors.As(err, &aborted) || aborted.Source != AbortByProvider || aborted.Reason != c.reason {
				t.Errorf("the peer got %v", err)
			}
			r.Close()
			s.Close()
			select {
			case <-s.Done():
			default:
				t.Error("Done is open")
			}
		})
	}
}

// TestLegalOddFragments: empty fragments, control bits that are reserved, and
// several fragments in a PDU are understood.
func TestLegalOddFragments(t *testing.T) {
	client, server := tcpPair(t)
	r, s := pair(t, client, server, RequestOptions{}, AcceptOptions{})
	two := []byte{4, 0, 0, 0, 0, 16, 0, 0, 0, 4, 1, 1, 'a', 'b', 0, 0, 0, 4, 1, 3, 'c', 'd'}
	client.Write(cat(two, fragmentPDU(1, 1, 0), fragmentPDU(1, 0xFD, 2), fragmentPDU(1, 3, 0), fragmentPDU(1, 2, 0)))
	for i, want := range []string{"abcd", "\x00\x00", ""} {
		p, err := s.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(p)
		if err != nil || string(got) != want || p.Command != (i < 2) {
			t.Errorf("part %d: %q, command %t, %v", i, got, p.Command, err)
		}
	}
	if !r.Requestor() || s.Requestor() || s.Peer() != "TESTER" || r.Peer() != "PACS" || r.Conn() != client ||
		s.RemoteAddr().String() != client.LocalAddr().String() || s.Request().Called != "PACS" || s.Idle() != s.o.Idle {
		t.Error("what an association tells about itself")
	}
	r.Abort()
	s.Close()
	r.Close()
}

// TestAnswersThatBreak: a requestor in Sta5 takes an A-ASSOCIATE-AC or -RJ only.
func TestAnswersThatBreak(t *testing.T) {
	other := &AssociateAC{ProtocolVersion: 1, ApplicationContext: ApplicationContext,
		Contexts: []AnsweredContext{{99, ContextAccepted, implicitLE}}}
	notProposed, _ := other.Append(nil)
	other = &AssociateAC{ProtocolVersion: 1, ApplicationContext: ApplicationContext, User: UserInformation{MaxLength: 1}}
	tooShort, _ := other.Append(nil)
	for name, c := range map[string]struct {
		answer []byte
		reason AbortReason
	}{
		"not proposed":     {notProposed, AbortInvalidParameter},
		"maximum length 1": {tooShort, AbortInvalidParameter},
		"data":             {fragmentPDU(1, 3, 2), AbortUnexpectedPDU},
		"release":          {appendReleaseRQ(nil), AbortUnexpectedPDU},
		"cut":              {[]byte{2, 0, 0, 0, 0, 2, 0, 0}, AbortInvalidParameter},
		"HTTP":             {[]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), AbortUnrecognizedPDU},
	} {
		client, server := tcpPair(t)
		go func() {
			io.ReadAtLeast(server, make([]byte, 4096), 200)
			server.Write(c.answer)
			io.Copy(io.Discard, server)
			server.Close()
		}()
		_, err := Request(context.Background(), client, RequestOptions{Called: "A", Calling: "B", Contexts: twoContexts()})
		var broken *ProtocolError
		if !errors.As(err, &broken) || broken.Reason != c.reason {
			t.Errorf("%s: %v", name, err)
		}
	}
}
