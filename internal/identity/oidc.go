package identity

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/tresor-pacs/tresor/internal/policy"
)

// OIDCOptions say which OpenID Connect provider people may sign in with, and
// what its claims mean here.
type OIDCOptions struct {
	Issuer       string // https://..., as the provider spells it
	ClientID     string
	ClientSecret string
	RedirectURL  string                 // where the provider sends the browser back to
	Scopes       []string               // beside openid and profile
	RoleClaim    string                 // the claim with roles or groups; dots lead into objects
	Roles        map[string]policy.Role // what its values mean; any other means nothing
	NameClaim    string                 // what a new account is named after; "": preferred_username
	Audience     string                 // of JWTs that are taken as bearer tokens; "": none are
	CAs          *x509.CertPool         // nil: those of the system
	// Note writes to the trail that an account is about to be made or changed;
	// nothing happens if it fails. Nil: nothing is written.
	Note func(ctx context.Context, user, what string) error
	Now  func() time.Time // nil: time.Now
}

// OIDC is an OpenID Connect provider (OpenID Connect Core 1.0) whose people may
// sign in with the authorisation code flow and PKCE (RFC 7636, RFC 9700). It
// speaks to the provider when it has to, so that the archive starts without it.
// Its methods may be called at once from many goroutines.
type OIDC struct {
	o        OIDCOptions
	accounts *Accounts
	web      *webClient
	begun    *Tickets[oidcAttempt]

	mu     sync.Mutex
	found  *provider
	failed time.Time // when discovery failed last
}

// provider is what discovery has found.
type provider struct {
	oauth  oauth2.Config
	keys   *keySet
	id     *oidc.IDTokenVerifier
	bearer *oidc.IDTokenVerifier // nil: no bearer tokens
}

// oidcAttempt is what is kept while a browser is away at the provider.
type oidcAttempt struct{ state, nonce, verifier string }

// ErrOIDC says that a sign-in with the provider did not succeed. The error
// around it says why, for the operator.
var ErrOIDC = errors.New("the provider's sign-in was not accepted")

// algorithms are those of signatures that are taken: asymmetric ones alone (RFC
// 8725 section 3.1).
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512,
	oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}

const (
	maxJWT        = 16 << 10 // bytes
	discoverAgain = 5 * time.Second
)

// NewOIDC returns the provider for the archive's accounts, or says what is
// wrong with the options.
func NewOIDC(a *Accounts, o OIDCOptions) (*OIDC, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	o.NameClaim = cmp.Or(o.NameClaim, "preferred_username")
	if o.Note == nil {
		o.Note = func(context.Context, string, string) error { return nil }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &OIDC{o: o, accounts: a, web: newWebClient(o.CAs), begun: NewTickets[oidcAttempt](0, o.Now)}, nil
}

func (o *OIDCOptions) check() error {
	if err := checkIssuer(o.Issuer); err != nil {
		return err
	}
	switch {
	case o.ClientID == "":
		return errors.New("client_id is missing")
	case o.RedirectURL == "":
		return errors.New("the archive's own address is missing: the provider has to send browsers back to it")
	case o.RoleClaim == "":
		return errors.New("role_claim is missing: without it nobody has a role")
	case len(o.Roles) == 0:
		return errors.New("roles is missing: say which values of the role claim mean which role here")
	case o.Audience != "" && o.Audience == o.ClientID:
		return errors.New("audience must differ from client_id: else an ID token could be used as a bearer token")
	}
	for value, role := range o.Roles {
		if !role.Known() {
			return fmt.Errorf("roles: %q is to mean %q, which is no role; the roles are %v", value, string(role), policy.Roles)
		}
	}
	return nil
}

// checkIssuer asks for https, but on this machine itself, for tests.
func checkIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("issuer %q is no address of the form https://HOST/PATH", issuer)
	}
	local := u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()
	if u.Scheme != "https" && !(u.Scheme == "http" && local) {
		return fmt.Errorf("issuer %q must begin with https://", issuer)
	}
	return nil
}

// provider returns what discovery has found, and asks the provider if it has
// not yet: again and again, but not at once after a failure.
func (p *OIDC) provider(ctx context.Context) (*provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	if p.o.Now().Sub(p.failed) < discoverAgain {
		return nil, fmt.Errorf("%w: the provider could not be reached a moment ago", ErrOIDC)
	}
	d, err := oidc.NewProvider(p.web.in(ctx), p.o.Issuer)
	var rest struct {
		Keys string `json:"jwks_uri"`
	}
	if err == nil {
		err = d.Claims(&rest)
	}
	if err != nil {
		p.failed = p.o.Now()
		return nil, fmt.Errorf("%w: ask the provider for its configuration: %w", ErrOIDC, err)
	}
	keys := &keySet{url: rest.Keys, web: p.web, now: p.o.Now}
	verifier := func(audience string) *oidc.IDTokenVerifier {
		return oidc.NewVerifier(p.o.Issuer, keys, &oidc.Config{ClientID: audience, SupportedSigningAlgs: algorithms, Now: p.o.Now})
	}
	p.found = &provider{keys: keys, id: verifier(p.o.ClientID), oauth: oauth2.Config{
		ClientID: p.o.ClientID, ClientSecret: p.o.ClientSecret, Endpoint: d.Endpoint(), RedirectURL: p.o.RedirectURL,
		Scopes: append([]string{oidc.ScopeOpenID, "profile"}, p.o.Scopes...),
	}}
	if p.o.Audience != "" {
		p.found.bearer = verifier(p.o.Audience)
	}
	return p.found, nil
}

// Begin begins to sign somebody in on behalf of a source such as a network
// address. It returns a ticket, which must stay with the browser, and where to
// send the browser.
func (p *OIDC) Begin(ctx context.Context, source string) (ticket, address string, err error) {
	f, err := p.provider(ctx)
	if err != nil {
		return "", "", err
	}
	t := oidcAttempt{state: randomText(), nonce: randomText(), verifier: oauth2.GenerateVerifier()}
	if ticket, err = p.begun.Issue(source, t); err != nil {
		return "", "", err
	}
	return ticket, f.oauth.AuthCodeURL(t.state, oidc.Nonce(t.nonce), oauth2.S256ChallengeOption(t.verifier)), nil
}

// Finish returns the user that the provider sent back with these parameters
// (RFC 6749 section 4.1.2). The ticket is used up, whatever comes out. Who comes
// for the first time gets an account with the role that the claims give; each
// time after, the account takes on the role of the claims. The error wraps
// ErrOIDC if the provider or its claims were not good.
func (p *OIDC) Finish(ctx context.Context, ticket string, back url.Values) (User, error) {
	fail := func(format string, v ...any) (User, error) {
		return User{}, fmt.Errorf("%w: %w", ErrOIDC, fmt.Errorf(format, v...))
	}
	t, known := p.begun.Take(ticket)
	switch iss := back.Get("iss"); { // RFC 9207
	case !known:
		return fail("it was not begun here, or too long ago")
	case back.Get("state") == "" || back.Get("state") != t.state:
		return fail("the answer is to another request")
	case iss != "" && iss != p.o.Issuer:
		return fail("the answer is another provider's")
	case back.Has("error"):
		return fail("the provider says %.64q", back.Get("error"))
	}
	f, err := p.provider(ctx)
	if err != nil {
		return User{}, err
	}
	token, err := f.oauth.Exchange(p.web.in(ctx), back.Get("code"), oauth2.VerifierOption(t.verifier))
	if err != nil {
		return fail("exchange the code: %w", withoutBody(err))
	}
	raw, _ := token.Extra("id_token").(string)
	c, err := verifyJWT(p.web.in(ctx), f.id, raw)
	if err != nil {
		return fail("%w", err)
	}
	if c.Nonce != t.nonce || (len(c.Audience) > 1 || c.Authorized != "") && c.Authorized != p.o.ClientID {
		return fail("the ID token is for another request")
	}
	return p.account(ctx, c)
}

// account returns the account of somebody from the provider, with the role that
// the claims give, and keeps it so.
func (p *OIDC) account(ctx context.Context, c *claims) (User, error) {
	role, err := p.role(c)
	if err == nil {
		var u User
		if u, err = p.signIn(ctx, c, role); err == nil {
			return u, nil
		}
	}
	return User{}, fmt.Errorf("%w: %w", ErrOIDC, err)
}

// role returns the one role that the claims give.
func (p *OIDC) role(c *claims) (policy.Role, error) {
	var roles []policy.Role
	for _, v := range c.list(p.o.RoleClaim) {
		if r, known := p.o.Roles[v]; known && !slices.Contains(roles, r) {
			roles = append(roles, r)
		}
	}
	switch len(roles) {
	case 0:
		return "", errors.New("the claims give no role here")
	case 1:
		return roles[0], nil
	}
	return "", fmt.Errorf("the claims give several roles, and a person has one here: %v", roles)
}

// withoutBody returns an error of the token endpoint without what the provider
// wrote, which may hold anything.
func withoutBody(err error) error {
	var r *oauth2.RetrieveError
	if errors.As(err, &r) {
		return fmt.Errorf("status %d, error %.64q", r.Response.StatusCode, strings.ToValidUTF8(r.ErrorCode, "?"))
	}
	return err
}
