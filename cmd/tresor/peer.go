package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/identity"
)

// peer is the archive or device that a client command talks to.
type peer struct {
	Address string        `arg:"" name:"HOST:PORT" help:"Where it listens."`
	Cert    string        `help:"Our certificate (cert.pem)." type:"existingfile" placeholder:"FILE"`
	Key     string        `help:"The key of our certificate (key.pem)." type:"existingfile" placeholder:"FILE"`
	CA      string        `name:"ca" help:"The authority that the peer's certificate must come from (ca.pem)." type:"existingfile" placeholder:"FILE"`
	Plain   bool          `help:"Without TLS: for peers that cannot protect themselves."`
	AET     string        `name:"aet" help:"Our own AE title." default:"TRESORSCU"`
	Called  string        `help:"The peer's AE title." default:"TRESOR"`
	Timeout time.Duration `help:"How long to wait for the association." default:"15s"`
}

// connect requests an association for the presentation contexts; roles may be nil.
func (p *peer) connect(ctx context.Context, contexts []ul.ProposedContext, roles ...ul.RoleSelection) (*dimse.Client, error) {
	calling, err := dicom.ParseAETitle(p.AET)
	if err != nil {
		return nil, usageError{fmt.Errorf("--aet: %w", err)}
	}
	called, err := dicom.ParseAETitle(p.Called)
	if err != nil {
		return nil, usageError{fmt.Errorf("--called: %w", err)}
	}
	dialCtx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	conn, err := p.dial(dialCtx)
	if err != nil {
		return nil, err
	}
	a, err := ul.Request(dialCtx, conn, ul.RequestOptions{Calling: calling, Called: called, Contexts: contexts, Roles: roles})
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("associate with %s: %w", p.Address, err)
	}
	return dimse.NewClient(a, dimse.ClientOptions{}), nil
}

func (p *peer) dial(ctx context.Context) (net.Conn, error) {
	if p.Plain {
		if p.Cert != "" || p.Key != "" || p.CA != "" {
			return nil, usageError{errors.New("--plain goes without --cert, --key and --ca")}
		}
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", p.Address)
		if err != nil {
			return nil, fmt.Errorf("connect: %w", err)
		}
		return conn, nil
	}
	if p.Cert == "" || p.Key == "" || p.CA == "" {
		return nil, usageError{errors.New("give --cert, --key and --ca (`tresor device add` writes all three), or --plain")}
	}
	config, err := identity.ClientTLS(p.Cert, p.Key, p.CA)
	if err != nil {
		return nil, err
	}
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", p.Address)
	if err != nil {
		return nil, fmt.Errorf("connect over TLS: %w", err)
	}
	return conn, nil
}

// plain proposes one context for an abstract syntax whose messages carry no
// pixel data.
func plain(abstract dicom.UID) ul.ProposedContext {
	return ul.ProposedContext{AbstractSyntax: abstract, TransferSyntaxes: nativeSyntaxes}
}
