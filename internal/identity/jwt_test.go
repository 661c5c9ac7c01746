package identity

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/tresor-pacs/tresor/internal/identity/oidctest"
	"github.com/tresor-pacs/tresor/internal/policy"
)

func bearerClaims(issuer string) map[string]any {
	now := time.Now().Unix()
	return map[string]any{"iss": issuer, "sub": "robot-1", "aud": "tresor-api", "exp": now + 300, "iat": now,
		"preferred_username": "robot", "groups": []string{"readers"}}
}

func with(claims map[string]any, name string, v any) map[string]any {
	c := map[string]any{}
	for k, old := range claims {
		c[k] = old
	}
	if c[name] = v; v == nil {
		delete(c, name)
	}
	return c
}

func TestJWTBearer(t *testing.T) {
	p, a, o := withProvider(t)
	token := p.Sign(t, bearerClaims(p.Issuer))
	if !LooksLikeJWT(token) || LooksLikeJWT("tresor_12345678_aa.b.c") || LooksLikeJWT("abc") {
		t.Error("what looks like a JWT")
	}
	who, id, err := o.AuthenticateJWT(t.Context(), token)
	if err != nil || who.Kind != policy.Token || who.Name != "robot" || !who.Has(policy.Get) || !strings.HasPrefix(id, "jwt-") {
		t.Fatalf("%+v, %s, %v", who, id, err)
	}
	// Another role in another token is that of its requests alone.
	who, _, err = o.AuthenticateJWT(t.Context(), p.Sign(t, with(bearerClaims(p.Issuer), "groups", "admins")))
	if u, _ := a.User("robot"); err != nil || !who.Has(policy.Manage) || who.Has(policy.Get) || u.Role != policy.Radiologist {
		t.Errorf("%+v, %v", who, err)
	}
	if err := a.UpdateUser(t.Context(), "robot", func(u *User) error { u.Scope = policy.Scope{Modalities: []string{"CT"}}; return nil }); err != nil {
		t.Fatal(err)
	}
	if who, _, err := o.AuthenticateJWT(t.Context(), token); err != nil || len(who.Scope.Modalities) != 1 {
		t.Errorf("the account's scope does not hold: %+v, %v", who, err)
	}
	if err := a.SetDisabled(t.Context(), "robot", true); err != nil {
		t.Fatal(err)
	}
	var auth *AuthError
	if who, _, err := o.AuthenticateJWT(t.Context(), token); !errors.As(err, &auth) || auth.Reason != DisabledUser || who.Kind != "" {
		t.Errorf("a disabled account: %+v, %v", who, err)
	}
}

func TestJWTRefusals(t *testing.T) {
	p, a, o := withProvider(t)
	claims := bearerClaims(p.Issuer)
	public, id := p.PublicKey()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	good := p.Sign(t, claims)
	parts := strings.Split(good, ".")
	header := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	admin, _ := json.Marshal(with(claims, "groups", "admins"))
	now := time.Now().Unix()
	for name, token := range map[string]string{
		"no expiry":                   p.Sign(t, with(claims, "exp", nil)),
		"expired":                     p.Sign(t, with(claims, "exp", now-1)),
		"not yet valid":               p.Sign(t, with(claims, "nbf", now+3600)),
		"another audience":            p.Sign(t, with(claims, "aud", "other-api")),
		"no audience":                 p.Sign(t, with(claims, "aud", nil)),
		"an ID token's audience":      p.Sign(t, with(claims, "aud", oidctest.ClientID)),
		"another issuer":              p.Sign(t, with(claims, "iss", "https://evil.example")),
		"no issuer":                   p.Sign(t, with(claims, "iss", nil)),
		"no subject":                  p.Sign(t, with(claims, "sub", nil)),
		"no role":                     p.Sign(t, with(claims, "groups", nil)),
		"an unknown role":             p.Sign(t, with(claims, "groups", "staff")),
		"too long":                    p.Sign(t, with(claims, "filler", strings.Repeat("x", maxJWT))),
		"another key":                 oidctest.Sign(t, jose.RS256, jose.JSONWebKey{Key: other, KeyID: id}, claims),
		"another key without ID":      oidctest.Sign(t, jose.RS256, other, claims),
		"an unknown key":              oidctest.Sign(t, jose.RS256, jose.JSONWebKey{Key: other, KeyID: "other"}, claims),
		"HMAC with the public key":    oidctest.Sign(t, jose.HS256, jose.JSONWebKey{Key: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), KeyID: id}, claims),
		"HMAC with its DER":           oidctest.Sign(t, jose.HS256, jose.JSONWebKey{Key: der, KeyID: id}, claims),
		"none":                        header(`{"alg":"none"}`) + "." + parts[1] + ".",
		"none with signature":         header(`{"alg":"none"}`) + "." + parts[1] + "." + parts[2],
		"none of another case":        header(`{"alg":"nOnE"}`) + "." + parts[1] + ".",
		"no signature":                parts[0] + "." + parts[1] + ".",
		"other claims":                parts[0] + "." + base64.RawURLEncoding.EncodeToString(admin) + "." + parts[2],
		"a key that it brings itself": withOwnKey(t, other, claims),
		"empty":                       "", "dots": "..", "rubbish": "a.b.c",
	} {
		var auth *AuthError
		if who, _, err := o.AuthenticateJWT(t.Context(), token); !errors.As(err, &auth) || auth.Reason != BadJWT || who.Kind != "" {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
	}
	if list := a.Users(); len(list) != 0 {
		t.Errorf("a refused token made an account: %+v", list)
	}
	if _, _, err := o.AuthenticateJWT(t.Context(), good); err != nil {
		t.Errorf("the good one: %v", err)
	}
	o.found.bearer = nil
	if _, _, err := o.AuthenticateJWT(t.Context(), good); err == nil {
		t.Error("taken without an audience in the configuration")
	}
}

func withOwnKey(t *testing.T, key *rsa.PrivateKey, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, &jose.SignerOptions{EmbedJWK: true})
	if err != nil {
		t.Fatal(err)
	}
	b, _ := json.Marshal(claims)
	signed, err := signer.Sign(b)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// Strangers cannot make the archive ask the provider for each of their tokens,
// and a key that the provider no longer has is not used for long.
func TestJWTKeys(t *testing.T) {
	p, _, o := withProvider(t)
	c := &clock{time.Now()}
	o.o.Now = c.now
	sign := func() string { return p.Sign(t, with(bearerClaims(p.Issuer), "exp", c.Add(time.Minute).Unix())) }
	try := func(token string) error { _, _, err := o.AuthenticateJWT(t.Context(), token); return err }
	old := sign()
	if err := try(old); err != nil {
		t.Fatal(err)
	}
	const path = "/keys"
	if n := p.Requests(path); n != 1 {
		t.Fatalf("asked %d times for the first token", n)
	}
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	forged := oidctest.Sign(t, jose.RS256, jose.JSONWebKey{Key: stranger, KeyID: "forged"}, bearerClaims(p.Issuer))
	for range 50 {
		if try(forged) == nil {
			t.Fatal("a forged token")
		}
	}
	if n := p.Requests(path); n != 1 {
		t.Errorf("asked %d times for forged tokens", n)
	}
	p.RotateKey(t, "key-2")
	c.Time = c.Add(keysPause)
	if err := try(sign()); err != nil {
		t.Errorf("a new key: %v", err)
	}
	if err := try(old); err == nil {
		t.Error("a key that the provider no longer has")
	}
	p.SetDown(true)
	c.Time = c.Add(keysGood - time.Second)
	if err := try(sign()); err != nil {
		t.Errorf("while the provider is down for a while: %v", err)
	}
	c.Time = c.Add(time.Minute)
	if err := try(sign()); err == nil {
		t.Error("old keys are used for ever")
	}
	p.SetDown(false)
	c.Time = c.Add(keysPause)
	if err := try(sign()); err != nil {
		t.Errorf("after it is back: %v", err)
	}
}

func TestParseKeys(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	set := func(keys ...any) []byte {
		b, err := json.Marshal(map[string]any{"keys": keys})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	good := jose.JSONWebKey{Key: &rsaKey(t).PublicKey, KeyID: "good"}
	encrypting := good
	encrypting.Use = "enc"
	keys, err := parseKeys(set(good, encrypting, jose.JSONWebKey{Key: &small.PublicKey}, jose.JSONWebKey{Key: []byte("a shared secret")},
		jose.JSONWebKey{Key: rsaKey(t)}, map[string]any{"kty": "new"}, "x", nil))
	if err != nil || len(keys) != 1 || keys[0].KeyID != "good" {
		t.Errorf("%+v, %v", keys, err)
	}
	many := make([]any, maxKeys+1)
	for _, odd := range [][]byte{nil, []byte("x"), set(many...)} {
		if _, err := parseKeys(odd); err == nil {
			t.Errorf("%.20s was taken", odd)
		}
	}
}

func rsaKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func FuzzJWT(f *testing.F) {
	p := oidctest.Start(f)
	a, err := OpenAccounts(f.TempDir(), testBox(f, 1), Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { a.Close() })
	o, err := NewOIDC(a, testOIDC(p.Issuer))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(p.Sign(f, with(bearerClaims(p.Issuer), "aud", "other")))
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, token string) {
		if _, _, err := o.AuthenticateJWT(t.Context(), token); err == nil {
			t.Error("a token from nowhere was taken")
		}
	})
}
