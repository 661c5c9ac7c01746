package server

import (
	"github.com/tresor-pacs/tresor/internal/access"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// letting has the gate let in who uses a share, too.
func (g *gate) letting(s *access.ShareSessions) *gate {
	g.shares = s
	return g
}

// share returns whoever uses a share with the cookie's secret. They may read the
// studies of the share; what else a page offers asks for a session of a user.
func (g *gate) share(token, secret string) (policy.Principal, bool) {
	if g.shares == nil || token != "" || secret == "" {
		return policy.Principal{}, false
	}
	p, err := g.shares.Authenticate(secret)
	return p, err == nil
}
