package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/tresor-pacs/tresor/internal/policy"
)

// BadJWT says that a JWT was not accepted as a bearer token.
const BadJWT Reason = "its JWT was not accepted"

// LooksLikeJWT reports whether a bearer token has the form of a JWT (RFC 7519
// section 3) and not that of our own.
func LooksLikeJWT(token string) bool {
	return !strings.HasPrefix(token, tokenPrefix) && strings.Count(token, ".") == 2
}

// AuthenticateJWT returns on whose behalf the bearer of a JWT of the provider
// acts, and a name of the token for the trail; the error is an *AuthError. The
// token must be made for the audience of the options (RFC 9068 section 4,
// RFC 8725): an ID token is not. Its claims give the role for this one request;
// the account's scope holds, and a disabled account is nobody.
func (p *OIDC) AuthenticateJWT(ctx context.Context, raw string) (policy.Principal, string, error) {
	sum := sha256.Sum256([]byte(raw))
	id := "jwt-" + hex.EncodeToString(sum[:4])
	refuse := func(r Reason, err error) (policy.Principal, string, error) {
		return policy.Principal{}, id, &AuthError{Reason: r, Cause: err}
	}
	f, err := p.provider(ctx)
	if err != nil {
		return refuse(BadJWT, err)
	}
	if f.bearer == nil {
		return refuse(UnknownToken, nil)
	}
	c, err := verifyJWT(p.web.in(ctx), f.bearer, raw)
	if err != nil {
		return refuse(BadJWT, err)
	}
	role, err := p.role(c)
	if err != nil {
		return refuse(BadJWT, err)
	}
	e := External{p.o.Issuer, c.Subject}
	u, err := p.accounts.goodExternal(e)
	if p.accounts.current.Load().external(e) == nil {
		u, err = p.signIn(ctx, c, role)
	}
	if errors.Is(err, errDisabled) {
		return refuse(DisabledUser, nil)
	}
	if err != nil {
		return refuse(BadJWT, err)
	}
	u.Role = role
	principal := u.Principal()
	principal.Kind = policy.Token
	return principal, id, nil
}
