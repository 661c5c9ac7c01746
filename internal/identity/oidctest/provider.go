// Package oidctest starts an OpenID Connect provider for tests: that of
// zitadel/oidc, on this machine, with invented people. It is a real one, with
// discovery, sign-in page, codes, PKCE and keys.
package oidctest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// The client that is registered, and the people: name, password and subject.
const (
	ClientID     = "tresor"
	ClientSecret = "an invented secret"

	Anna     = "test-user2"
	AnnaID   = "id2"
	Password = "verysecure"
)

// Provider is one that runs until the test ends.
type Provider struct {
	Issuer string

	store *storage.Storage

	mu        sync.Mutex
	redirects []string
	claims    map[string]map[string]any
	key       *rsa.PrivateKey
	keyID     string
	requests  map[string]int // by path
	down      bool
}

// Start starts a provider.
func Start(t testing.TB) *Provider {
	t.Helper()
	p := &Provider{claims: map[string]map[string]any{}, requests: map[string]int{}}
	key, err := firstKey()
	if err != nil {
		t.Fatal(err)
	}
	p.key, p.keyID = key, "key-1"
	server := httptest.NewUnstartedServer(nil)
	p.Issuer = "http://" + server.Listener.Addr().String()
	p.store = storage.NewStorageWithClients(storage.NewUserStore(p.Issuer), map[string]*storage.Client{
		ClientID: storage.WebClient(ClientID, ClientSecret, "https://unused.example/")})
	provider, err := op.NewProvider(&op.Config{CodeMethodS256: true, AuthMethodPost: true, SupportedScopes: op.DefaultSupportedScopes},
		store{p.store, p}, op.StaticIssuer(p.Issuer), op.WithAllowInsecure())
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = p.count(p.pages(provider))
	server.Start()
	t.Cleanup(server.Close)
	return p
}

// firstKey is that of all providers until they rotate it: making keys takes time.
var firstKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// AllowRedirect registers where browsers may be sent back to.
func (p *Provider) AllowRedirect(address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.redirects = append(p.redirects, address)
}

// SetClaims says which further claims the tokens of a subject have.
func (p *Provider) SetClaims(subject string, claims map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.claims[subject] = claims
}

// SetDown has the provider answer nothing but errors.
func (p *Provider) SetDown(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

// Requests returns how often a path was asked for.
func (p *Provider) Requests(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests[path]
}

// RotateKey has the provider sign with a new key and forget the old one.
func (p *Provider) RotateKey(t testing.TB, id string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.key, p.keyID = key, id
}

// Sign returns a JWT with the claims, signed by the provider's key.
func (p *Provider) Sign(t testing.TB, claims map[string]any) string {
	t.Helper()
	p.mu.Lock()
	key := jose.JSONWebKey{Key: p.key, KeyID: p.keyID}
	p.mu.Unlock()
	return Sign(t, jose.RS256, key, claims)
}

// PublicKey returns the key that verifies what the provider signs.
func (p *Provider) PublicKey() (key *rsa.PublicKey, id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &p.key.PublicKey, p.keyID
}

// Sign returns a JWT with the claims, signed by any key.
func Sign(t testing.TB, algorithm jose.SignatureAlgorithm, key any, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, (&jose.SignerOptions{}).WithType("at+jwt"))
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (p *Provider) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.requests[r.URL.Path]++
		down := p.down
		p.mu.Unlock()
		if down {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

var signInPage = template.Must(template.New("").Parse(`<!doctype html><title>Provider</title><form method="post">
<input type="hidden" name="id" value="{{.}}"><input name="username" id="username"><input type="password" name="password" id="password">
<button id="provider-sign-in">Sign in</button></form>`))

// pages adds to the protocol the page on which people give their password.
func (p *Provider) pages(provider *op.Provider) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", provider)
	mux.HandleFunc("GET /login/username", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = signInPage.Execute(w, r.FormValue("authRequestID"))
	})
	back := op.AuthCallbackURL(provider)
	issuer := op.NewIssuerInterceptor(provider.IssuerFromRequest)
	mux.HandleFunc("POST /login/username", issuer.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.FormValue("id")
		if err := p.store.CheckUsernamePassword(r.FormValue("username"), r.FormValue("password"), id); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		http.Redirect(w, r, back(r.Context(), id), http.StatusFound)
	}))
	return mux
}

// store is the example's storage with keys, claims and redirects of our own.
type store struct {
	*storage.Storage
	p *Provider
}

// SigningKey returns the key of the moment.
func (s store) SigningKey(context.Context) (op.SigningKey, error) {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	return signingKey{s.p.keyID, s.p.key}, nil
}

// KeySet returns the public key of the moment.
func (s store) KeySet(context.Context) ([]op.Key, error) {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	return []op.Key{publicKey{signingKey{s.p.keyID, s.p.key}}}, nil
}

// SetUserinfoFromRequest adds the further claims.
func (s store) SetUserinfoFromRequest(ctx context.Context, info *oidc.UserInfo, r op.IDTokenRequest, scopes []string) error {
	if err := s.Storage.SetUserinfoFromRequest(ctx, info, r, scopes); err != nil {
		return err
	}
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	for name, v := range s.p.claims[r.GetSubject()] {
		info.AppendClaims(name, v)
	}
	return nil
}

// GetClientByClientID returns the client, whose ID tokens have all claims.
func (s store) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	c, err := s.Storage.GetClientByClientID(ctx, id)
	if err != nil {
		return nil, err
	}
	return client{c, s.p}, nil
}

type client struct {
	op.Client
	p *Provider
}

// IDTokenUserinfoClaimsAssertion says that ID tokens have all claims.
func (client) IDTokenUserinfoClaimsAssertion() bool { return true }

// IDTokenLifetime is that of ID tokens.
func (client) IDTokenLifetime() time.Duration { return time.Minute }

// RedirectURIs returns what was registered.
func (c client) RedirectURIs() []string {
	c.p.mu.Lock()
	defer c.p.mu.Unlock()
	return c.p.redirects
}

type signingKey struct {
	id  string
	key *rsa.PrivateKey
}

func (k signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k signingKey) Key() any                                    { return k.key }
func (k signingKey) ID() string                                  { return k.id }

type publicKey struct{ signingKey }

func (k publicKey) Algorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k publicKey) Use() string                        { return "sig" }
func (k publicKey) Key() any                           { return &k.key.PublicKey }

// SignIn does what a browser does at the provider, from the address that it was
// sent to until it is sent back, and returns where to.
func (p *Provider) SignIn(t testing.TB, address, name string) *url.URL {
	t.Helper()
	c := &http.Client{CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if "http://"+r.URL.Host != p.Issuer {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	res, err := c.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode == http.StatusOK {
		form := url.Values{"id": {res.Request.URL.Query().Get("authRequestID")}, "username": {name}, "password": {Password}}
		if res, err = c.PostForm(p.Issuer+"/login/username", form); err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	back, err := res.Location()
	if err != nil {
		t.Fatalf("the provider answers %d: %v", res.StatusCode, err)
	}
	return back
}
