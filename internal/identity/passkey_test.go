package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
)

const testOrigin = "https://pacs.example:8443"

// authenticator is a security key: it does what Web Authentication Level 3
// section 6 says, and what a test tells it to do wrong.
type authenticator struct {
	key    *ecdsa.PrivateKey
	id     []byte
	handle []byte
	count  uint32
	flags  byte
	origin string
}

const (
	userPresent  = 1 << 0
	userVerified = 1 << 2
	attested     = 1 << 6
)

func newAuthenticator(t *testing.T) *authenticator {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 32)
	rand.Read(id)
	return &authenticator{key: key, id: id, flags: userPresent | userVerified, origin: testOrigin}
}

type ceremonyOptions struct {
	Challenge string
	RPID      string `json:"rpId"`
	RP        struct{ ID string }
	User      struct{ ID string }
}

func readOptions(t *testing.T, b []byte) (o ceremonyOptions) {
	t.Helper()
	if err := json.Unmarshal(b, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

func unbase64(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (k *authenticator) clientData(kind, challenge string) []byte {
	b, _ := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": k.origin, "crossOrigin": false})
	return b
}

func (k *authenticator) authData(rp string, flags byte) []byte {
	hash := sha256.Sum256([]byte(rp))
	b := append(hash[:], flags)
	return binary.BigEndian.AppendUint32(b, k.count)
}

// create answers navigator.credentials.create.
func (k *authenticator) create(t *testing.T, options []byte) []byte {
	t.Helper()
	o := readOptions(t, options)
	k.handle = unbase64(t, o.User.ID)
	public, err := k.key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	cose, err := webauthncbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: public[1:33], -3: public[33:]})
	if err != nil {
		t.Fatal(err)
	}
	data := k.authData(o.RP.ID, k.flags|attested)
	data = append(data, make([]byte, 16)...) // AAGUID
	data = binary.BigEndian.AppendUint16(data, uint16(len(k.id)))
	data = append(append(data, k.id...), cose...)
	object, err := webauthncbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data})
	if err != nil {
		t.Fatal(err)
	}
	return k.answer(map[string]any{"clientDataJSON": k.clientData("webauthn.create", o.Challenge), "attestationObject": object})
}

// get answers navigator.credentials.get.
func (k *authenticator) get(t *testing.T, options []byte) []byte {
	t.Helper()
	o := readOptions(t, options)
	k.count++
	client, data := k.clientData("webauthn.get", o.Challenge), k.authData(o.RPID, k.flags)
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(append(append([]byte{}, data...), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, k.key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return k.answer(map[string]any{"clientDataJSON": client, "authenticatorData": data, "signature": signature, "userHandle": k.handle})
}

func (k *authenticator) answer(response map[string]any) []byte {
	for name, v := range response {
		response[name] = base64.RawURLEncoding.EncodeToString(v.([]byte))
	}
	id := base64.RawURLEncoding.EncodeToString(k.id)
	b, _ := json.Marshal(map[string]any{"id": id, "rawId": id, "type": "public-key", "response": response, "clientExtensionResults": map[string]any{}})
	return b
}

func openPasskeys(t *testing.T, a *Accounts) *Passkeys {
	t.Helper()
	p, err := NewPasskeys(a, testOrigin)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func register(t *testing.T, p *Passkeys, k *authenticator) (Passkey, []string) {
	t.Helper()
	ticket, options, err := p.BeginRegistration(t.Context(), "erika", "here")
	if err != nil {
		t.Fatal(err)
	}
	made, recovery, err := p.FinishRegistration(t.Context(), "erika", ticket, "key on my ring", k.create(t, options))
	if err != nil {
		t.Fatal(err)
	}
	return made, recovery
}

func (k *authenticator) signIn(t *testing.T, p *Passkeys) (User, Passkey, error) {
	t.Helper()
	ticket, options, err := p.BeginSignIn("here")
	if err != nil {
		t.Fatal(err)
	}
	return p.FinishSignIn(t.Context(), ticket, k.get(t, options))
}

func TestPasskeySignsIn(t *testing.T) {
	a, c, dir := withErika(t)
	p := openPasskeys(t, a)
	key := newAuthenticator(t)
	made, recovery := register(t, p, key)
	if made.Name != "key on my ring" || len(recovery) != recoveryCodes || !a.Factors("erika").Second() {
		t.Errorf("%+v, %d codes", made, len(recovery))
	}
	c.Time = c.Add(time.Hour)
	u, used, err := key.signIn(t, p)
	if err != nil || u.Name != "erika" || u.Password != "" || used.ID != made.ID || !used.Used.Equal(c.Time) {
		t.Fatalf("%+v, %+v, %v", u, used, err)
	}
	// It is there after a restart, with its count.
	again := openAccounts(t, dir, Options{Now: c.now})
	if _, _, err := key.signIn(t, openPasskeys(t, again)); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	key.count = 0
	if u, _, err := key.signIn(t, p); !errors.Is(err, ErrPasskey) || u.Name != "erika" {
		t.Errorf("a copy of the key: %v", err)
	}
}

func TestPasskeyRefusals(t *testing.T) {
	a, c, _ := withErika(t)
	p := openPasskeys(t, a)
	key := newAuthenticator(t)
	register(t, p, key)
	refused := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, ErrPasskey) {
			t.Errorf("%s: %v", what, err)
		}
	}
	ticket, options, err := p.BeginSignIn("here")
	if err != nil {
		t.Fatal(err)
	}
	answer := key.get(t, options)
	if _, _, err := p.FinishSignIn(t.Context(), ticket, answer); err != nil {
		t.Fatal(err)
	}
	_, _, err = p.FinishSignIn(t.Context(), ticket, answer)
	refused("the same answer again", err)
	ticket, _, _ = p.BeginSignIn("here")
	_, _, err = p.FinishSignIn(t.Context(), ticket, answer)
	refused("an answer to another challenge", err)

	ticket, options, _ = p.BeginSignIn("here")
	answer = key.get(t, options)
	c.Time = c.Add(ticketValidity)
	_, _, err = p.FinishSignIn(t.Context(), ticket, answer)
	refused("an answer that comes too late", err)

	stranger := newAuthenticator(t)
	stranger.handle = key.handle
	_, _, err = stranger.signIn(t, p)
	refused("a key that was never registered", err)
	stranger.id = key.id
	_, _, err = stranger.signIn(t, p)
	refused("another key of the same ID", err)

	key.origin = "https://pacs.example.evil.example"
	_, _, err = key.signIn(t, p)
	refused("an answer made for another site", err)
	key.origin, key.flags = testOrigin, userPresent
	_, _, err = key.signIn(t, p)
	refused("a person who was not verified", err)
	key.flags = userPresent | userVerified

	ticket, _, _ = p.BeginRegistration(t.Context(), "erika", "here")
	_, _, err = p.FinishSignIn(t.Context(), ticket, answer)
	refused("the ticket of a registration", err)
	for _, odd := range []string{"", "{}", "null", `{"id":"AA"}`, strings.Repeat("[", 10000), strings.Repeat("x", maxCeremony+1)} {
		ticket, _, _ := p.BeginSignIn("here")
		_, _, err := p.FinishSignIn(t.Context(), ticket, []byte(odd))
		refused("an answer that is none", err)
	}
	if err := a.SetDisabled(t.Context(), "erika", true); err != nil {
		t.Fatal(err)
	}
	_, _, err = key.signIn(t, p)
	refused("a disabled user", err)
}

func TestPasskeyRegistrationRefusals(t *testing.T) {
	a, _, _ := withErika(t)
	p := openPasskeys(t, a)
	if err := a.AddUser(t.Context(), User{Name: "otto", Role: "radiologist"}, ""); err != nil {
		t.Fatal(err)
	}
	key := newAuthenticator(t)
	ticket, options, _ := p.BeginRegistration(t.Context(), "erika", "here")
	if _, _, err := p.FinishRegistration(t.Context(), "otto", ticket, "", key.create(t, options)); !errors.Is(err, ErrPasskey) {
		t.Errorf("in another's session: %v", err)
	}
	register(t, p, key)
	ticket, options, _ = p.BeginRegistration(t.Context(), "otto", "here")
	if _, _, err := p.FinishRegistration(t.Context(), "otto", ticket, "", key.create(t, options)); !errors.Is(err, ErrPasskey) {
		t.Errorf("a key of another's: %v", err)
	}
	unverified := newAuthenticator(t)
	unverified.flags = userPresent
	ticket, options, _ = p.BeginRegistration(t.Context(), "erika", "here")
	if _, _, err := p.FinishRegistration(t.Context(), "erika", ticket, "", unverified.create(t, options)); !errors.Is(err, ErrPasskey) {
		t.Errorf("a person who was not verified: %v", err)
	}
	for range maxPasskeys - 1 {
		register(t, p, newAuthenticator(t))
	}
	if _, _, err := p.BeginRegistration(t.Context(), "erika", "here"); err == nil {
		t.Error("no end of passkeys")
	}
	if _, _, err := p.BeginRegistration(t.Context(), "nobody", "here"); !errors.Is(err, ErrNoUser) {
		t.Errorf("nobody: %v", err)
	}
}

func TestPasskeysAreRenamedAndRemoved(t *testing.T) {
	a, _, _ := withErika(t)
	p := openPasskeys(t, a)
	key := newAuthenticator(t)
	made, _ := register(t, p, key)
	if err := a.RenamePasskey(t.Context(), "erika", made.ID, " blue key "); err != nil || a.Factors("erika").Passkeys[0].Name != "blue key" {
		t.Errorf("%v, %+v", err, a.Factors("erika"))
	}
	if err := a.RenamePasskey(t.Context(), "erika", made.ID, "a\x00b"); err == nil {
		t.Error("a name with a control character")
	}
	if err := a.RemovePasskey(t.Context(), "erika", "000000000000"); !errors.Is(err, ErrNoPasskey) {
		t.Errorf("another ID: %v", err)
	}
	if err := a.RemovePasskey(t.Context(), "erika", made.ID); err != nil {
		t.Fatal(err)
	}
	if f := a.Factors("erika"); f.Second() || f.Recovery != 0 {
		t.Errorf("%+v", f)
	}
	if _, _, err := key.signIn(t, p); !errors.Is(err, ErrPasskey) {
		t.Errorf("a removed passkey: %v", err)
	}
}

func TestPasskeysNeedAHostName(t *testing.T) {
	a, _, _ := withErika(t)
	for _, odd := range []string{"", "pacs.example", "http://pacs.example", "https://", "https://192.0.2.1", "https://[2001:db8::1]:8443"} {
		if _, err := NewPasskeys(a, odd); err == nil {
			t.Errorf("%q was taken", odd)
		}
	}
}

func FuzzPasskeyAnswer(f *testing.F) {
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{}}`))
	a, err := OpenAccounts(f.TempDir(), testBox(f, 1), Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { a.Close() })
	p, err := NewPasskeys(a, testOrigin)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		ticket, _, err := p.BeginSignIn("here")
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := p.FinishSignIn(t.Context(), ticket, b); err == nil {
			t.Error("somebody signed in without a passkey")
		}
	})
}
