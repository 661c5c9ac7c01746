package server

import (
	"context"
	"fmt"
	"net"
	"os"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// setupPath is where the links of identity.Invitation lead.
const setupPath = "/setup/"

// setupURL returns the link for the secret of an invitation, with the name that
// people reach the archive by: the first configured one, or else what it listens on.
func setupURL(https string, names []string, secret string) string {
	return baseURL(https, names) + setupPath + secret
}

// Link returns the link for the secret of an invitation to the archive of a data
// folder: where its server listens, or would.
func Link(dir, secret string) (string, error) {
	c, err := LoadConfig(dir, "")
	if err != nil {
		return "", err
	}
	return setupURL(RunningAddresses(dir, c).HTTPS, c.Names, secret), nil
}

func baseURL(https string, names []string) string {
	host, port, err := net.SplitHostPort(https)
	if err != nil {
		return "https://" + https
	}
	ip := net.ParseIP(host)
	switch everywhere := host == "" || ip != nil && ip.IsUnspecified(); {
	case len(names) > 0 && !(ip != nil && ip.IsLoopback()):
		host = names[0]
	case everywhere:
		if h, err := os.Hostname(); err == nil {
			host = h
		}
	}
	if port == "443" {
		return "https://" + host
	}
	return "https://" + net.JoinHostPort(host, port)
}

// firstLink returns what the operator is told while there is no user: the link
// with which one person becomes the administrator.
func (s *Server) firstLink(ctx context.Context, https string) (string, error) {
	if len(s.data.accounts.Users()) > 0 {
		return "", nil
	}
	e := audit.Event{Code: audit.UserSecurity, Details: []audit.Detail{{Name: "what", Value: "set-up link for the first administrator made"}}}
	if err := s.archive.As(policy.Principal{Kind: policy.System, Name: "archive"}).Note(ctx, e); err != nil {
		return "", err
	}
	secret, ok, err := s.data.accounts.InviteFirst(ctx)
	if !ok || err != nil {
		return "", err
	}
	return fmt.Sprintf("There is no user yet. Who opens this link within 24 hours becomes the administrator, once:\n  %s\n",
		setupURL(https, s.config.Names, secret)), nil
}
