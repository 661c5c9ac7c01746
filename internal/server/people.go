package server

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/web"
)

// SignIn says how people sign in.
type SignIn struct {
	// Address is what people type to reach the archive, such as
	// https://pacs.example. Passkeys hold for its host name, and a provider sends
	// browsers back to it. Without it: the first of names, or where HTTPS listens.
	Address string `toml:"address"`
	// SecondFactor is "enrolled" or "required". With "enrolled" a password is
	// enough for who has set up nothing else; with "required" who has not has to,
	// at the next sign-in.
	SecondFactor string `toml:"second_factor"`
}

// OIDC is the OpenID Connect provider whose people may sign in. Without an issuer
// there is none.
type OIDC struct {
	Issuer           string            `toml:"issuer"`             // https://..., as the provider spells it
	ClientID         string            `toml:"client_id"`          //
	ClientSecretFile string            `toml:"client_secret_file"` // a file that nobody else reads; "": a public client
	Scopes           []string          `toml:"scopes"`             // beside openid and profile
	RoleClaim        string            `toml:"role_claim"`         // claim of the ID token with roles or groups; realm_access.roles leads into an object
	Roles            map[string]string `toml:"roles"`              // value of that claim = role here; all others mean nothing
	NameClaim        string            `toml:"name_claim"`         // what new accounts are named after; "": preferred_username
	Audience         string            `toml:"audience"`           // of JWTs taken as bearer tokens; "": none are
	CAFile           string            `toml:"ca_file"`            // who has certified the provider; "": those the system trusts
}

func (s *SignIn) check() error {
	if s.SecondFactor != "enrolled" && s.SecondFactor != "required" {
		return fmt.Errorf("sign_in: second_factor %q is none of enrolled, required", s.SecondFactor)
	}
	if s.Address == "" {
		return nil
	}
	u, err := url.Parse(s.Address)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return fmt.Errorf("sign_in: address %q is not of the form https://HOST or https://HOST:PORT", s.Address)
	}
	return nil
}

// address returns where people reach the archive that listens at https. A host
// that is this machine alone goes by a name, for passkeys need one.
func (c *Config) address(https string) string {
	if c.SignIn.Address != "" {
		return strings.TrimRight(c.SignIn.Address, "/")
	}
	u, err := url.Parse(baseURL(https, c.Names))
	if err == nil && net.ParseIP(u.Hostname()).IsLoopback() {
		return "https://" + net.JoinHostPort("localhost", cmp.Or(u.Port(), "443"))
	}
	return baseURL(https, c.Names)
}

// oidcBack is where the provider sends browsers back to.
const oidcBack = "/login/provider/back"

// oidcOptions returns what the configuration says of the provider, without what lies
// in files.
func (c *Config) oidcOptions() identity.OIDCOptions {
	o := &c.OIDC
	options := identity.OIDCOptions{Issuer: o.Issuer, ClientID: o.ClientID, RedirectURL: c.address(c.HTTPS) + oidcBack,
		Scopes: o.Scopes, RoleClaim: o.RoleClaim, Roles: map[string]policy.Role{}, NameClaim: o.NameClaim, Audience: o.Audience}
	for value, role := range o.Roles {
		options.Roles[value] = policy.Role(role)
	}
	return options
}

// given reports whether a provider is configured.
func (o *OIDC) given() bool {
	return o.Issuer != "" || o.ClientID != "" || o.RoleClaim != "" || len(o.Roles) > 0
}

func (c *Config) checkOIDC() error {
	if !c.OIDC.given() {
		return nil
	}
	if _, err := identity.NewOIDC(nil, c.oidcOptions()); err != nil {
		return fmt.Errorf("oidc: %w", err)
	}
	return nil
}

// openOIDC returns the configured provider, nil if there is none.
func (s *Server) openOIDC() (*identity.OIDC, error) {
	c := &s.config
	if !c.OIDC.given() {
		return nil, nil
	}
	options := c.oidcOptions()
	options.Note = func(ctx context.Context, user, what string) error {
		p := policy.Principal{Kind: policy.System, Name: "archive"}
		return s.archive.As(p).Note(context.WithoutCancel(ctx), UserEvent(user, what))
	}
	if file := c.OIDC.ClientSecretFile; file != "" {
		secret, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("oidc: read client_secret_file: %w", err)
		}
		options.ClientSecret = strings.TrimSpace(string(secret))
	}
	if file := c.OIDC.CAFile; file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("oidc: read ca_file: %w", err)
		}
		options.CAs = x509.NewCertPool()
		if !options.CAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("oidc: ca_file has no certificate")
		}
	}
	return identity.NewOIDC(s.data.accounts, options)
}

// newPeople returns how people sign in to the pages.
func (s *Server) newPeople(accounts *identity.Accounts, at string) *web.People {
	passkeys, err := identity.NewPasskeys(accounts, s.config.address(at))
	if err != nil {
		s.log.Warn("nobody can have a passkey: set address in sign_in to the name that people type", "error", err)
	}
	return web.NewPeople(s.config.SignIn.SecondFactor == "required", passkeys, s.oidc)
}
