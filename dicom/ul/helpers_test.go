package ul

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
)

const (
	verification dicom.UID = "1.2.840.10008.1.1"
	ctStorage    dicom.UID = "1.2.840.10008.5.1.4.1.1.2"
	implicitLE   dicom.UID = "1.2.840.10008.1.2"
	explicitLE   dicom.UID = "1.2.840.10008.1.2.1"
)

// acceptAll accepts every context in its first transfer syntax, and all roles.
func acceptAll(_ context.Context, n *Negotiation) error {
	for _, pc := range n.Request.Contexts {
		n.Accept(pc.ID, pc.TransferSyntaxes[0])
	}
	for _, r := range n.Request.User.Roles {
		n.AcceptRoles(r.SOPClass, r.SCU, r.SCP)
	}
	return nil
}

func twoContexts() []ProposedContext {
	return []ProposedContext{
		{AbstractSyntax: verification, TransferSyntaxes: []dicom.UID{implicitLE}},
		{AbstractSyntax: ctStorage, TransferSyntaxes: []dicom.UID{explicitLE, implicitLE}},
	}
}

// tcpPair returns the two ends of a connection over loopback.
func tcpPair(tb testing.TB) (client, server net.Conn) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	type result struct {
		c   net.Conn
		err error
	}
	accepted := make(chan result, 1)
	go func() {
		c, err := l.Accept()
		accepted <- result{c, err}
	}()
	client, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	r := <-accepted
	if r.err != nil {
		tb.Fatal(r.err)
	}
	tb.Cleanup(func() { client.Close(); r.c.Close() })
	return client, r.c
}

// pair returns the two sides of an association over the given connections.
func pair(tb testing.TB, client, server net.Conn, ro RequestOptions, ao AcceptOptions) (requestor, acceptor *Association) {
	tb.Helper()
	if ro.Called == "" {
		ro.Called, ro.Calling = "PACS", "TESTER"
	}
	if ro.Contexts == nil {
		ro.Contexts = twoContexts()
	}
	if ao.Negotiate == nil {
		ao.Negotiate = acceptAll
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	type result struct {
		a   *Association
		err error
	}
	accepted := make(chan result, 1)
	go func() {
		a, err := Accept(ctx, server, ao)
		accepted <- result{a, err}
	}()
	requestor, err := Request(ctx, client, ro)
	if err != nil {
		tb.Fatal(err)
	}
	r := <-accepted
	if r.err != nil {
		tb.Fatal(r.err)
	}
	return requestor, r.a
}
