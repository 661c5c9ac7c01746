package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tresor-pacs/tresor/internal/access"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/web"
)

// gate lets requests in that show a good bearer token (RFC 6750) or the cookie of
// a session. What is good always passes, however often others from the same
// address have failed: neither can be guessed, and so nobody can lock others out.
type gate struct {
	accounts *identity.Accounts
	sessions *identity.Sessions
	oidc     *identity.OIDC        // nil: no JWTs
	shares   *access.ShareSessions // nil: no shares
	archive  *archive.Archive
	failures *identity.Failures
	unnoted  atomic.Int64 // refusals since the last one in the trail
	log      *slog.Logger
}

// The failures of one address that are written to the trail one by one, and
// after which wrong tokens are told to wait.
const (
	failureBurst = 20
	failureEvery = 3 * time.Second
)

func newGate(accounts *identity.Accounts, sessions *identity.Sessions, oidc *identity.OIDC, a *archive.Archive, log *slog.Logger) *gate {
	return &gate{accounts: accounts, sessions: sessions, oidc: oidc, archive: a, failures: identity.NewFailures(failureBurst, failureEvery, nil), log: log}
}

// pass calls next on behalf of whoever the request comes from, or answers that it
// is not let in.
func (g *gate) pass(w http.ResponseWriter, r *http.Request, next func(http.ResponseWriter, *http.Request, *archive.Session)) {
	v, shown, err := g.who(r, true)
	if err == nil && v.SignIn.ID != "" && !safe(r.Method) && !web.SameOrigin(r) {
		err = &identity.AuthError{Reason: foreignPage} // another site's page used the browser's cookie
	}
	if err != nil {
		g.refuse(w, r, shown, err)
		return
	}
	next(w, r, v.Session)
}

// visit calls next for whoever the request comes from, strangers too. A token
// that is shown must be good.
func (g *gate) visit(w http.ResponseWriter, r *http.Request, next func(http.ResponseWriter, *http.Request, web.Visitor)) {
	v, shown, err := g.who(r, !web.Passive(r))
	if err != nil && bearer(r) != "" {
		g.refuse(w, r, shown, err)
		return
	}
	next(w, r, v)
}

const foreignPage identity.Reason = "a page of another site made the request"

// safe reports whether a method changes nothing (RFC 9110 section 9.2.1).
func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// who returns whom a request comes from: a token, or else a session. Shown names
// in the trail what it showed. Use says that a person made the request.
func (g *gate) who(r *http.Request, use bool) (v web.Visitor, shown string, err error) {
	token, secret := bearer(r), web.SessionSecret(r)
	if p, ok := g.share(token, secret); ok {
		return web.Visitor{Session: g.as(p, r, "share "+p.Name)}, "share " + p.Name, nil
	}
	if token == "" && secret != "" {
		p, s, err := g.sessions.Authenticate(secret, use)
		if s.ID != "" {
			shown = "session " + s.ID
		}
		if err != nil {
			return web.Visitor{Why: reasonOf(err)}, shown, err
		}
		return web.Visitor{Session: g.as(p, r, shown), SignIn: s}, shown, nil
	}
	p, id, err := g.token(r.Context(), token)
	if id != "" {
		shown = "token " + id
	}
	if err != nil {
		return web.Visitor{Why: reasonOf(err)}, shown, err
	}
	return web.Visitor{Session: g.as(p, r, shown)}, shown, nil
}

// token returns whom a bearer token belongs to: one of ours, or a JWT of the
// provider.
func (g *gate) token(ctx context.Context, token string) (policy.Principal, string, error) {
	if g.oidc != nil && identity.LooksLikeJWT(token) {
		return g.oidc.AuthenticateJWT(ctx, token)
	}
	return g.accounts.AuthenticateToken(token)
}

func (g *gate) as(p policy.Principal, r *http.Request, shown string) *archive.Session {
	return g.archive.As(p).From(archive.Origin{Peer: r.RemoteAddr, Association: shown})
}

func reasonOf(err error) identity.Reason {
	var auth *identity.AuthError
	if errors.As(err, &auth) {
		return auth.Reason
	}
	return identity.UnknownToken
}

// bearer returns the token of the Authorization header, "" if there is none.
func bearer(r *http.Request) string {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// refuse answers 401, and 429 to who goes on with wrong tokens, and writes it to
// the trail: beyond the limit refusals are counted and come with the next one.
func (g *gate) refuse(w http.ResponseWriter, r *http.Request, shown string, err error) {
	status, reason := http.StatusUnauthorized, reasonOf(err)
	if reason == foreignPage {
		status = http.StatusForbidden
	}
	if g.failures.Count(source(r)) {
		if err := g.note(r, shown, reason); err != nil {
			g.log.ErrorContext(r.Context(), "https: a refusal could not be written to the trail", "error", err)
			status = http.StatusServiceUnavailable
		}
	} else {
		g.unnoted.Add(1)
		if reason != identity.NoToken {
			status = http.StatusTooManyRequests
			w.Header().Set("Retry-After", "30")
		}
	}
	if status == http.StatusUnauthorized {
		challenge := `Bearer realm="tresor"`
		if reason != identity.NoToken {
			challenge += `, error="invalid_token"`
		}
		w.Header().Set("WWW-Authenticate", challenge)
	}
	oneWord(w, status, "refused")
}

func (g *gate) note(r *http.Request, shown string, reason identity.Reason) error {
	e := audit.Event{Code: audit.Login, Outcome: audit.SeriousFailure, Reason: string(reason)}
	o := archive.Origin{Peer: r.RemoteAddr, Association: shown}
	if n := g.unnoted.Swap(0); n > 0 {
		e.Count = int(n)
		e.Details = []audit.Detail{{Name: "what", Value: "as many more refusals before this one as the count says"}}
	}
	return g.archive.As(policy.Principal{}).From(o).Note(context.WithoutCancel(r.Context()), e)
}

// source is the address that failures are counted by: IPv6 by its /64, which one
// subscriber has.
func source(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	ip := net.ParseIP(host)
	if ip != nil && ip.To4() == nil {
		return ip.Mask(net.CIDRMask(64, 128)).String()
	}
	return host
}
