package identity

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// Passkeys does the two ceremonies of Web Authentication Level 3: registration
// (section 7.1) and authentication (section 7.2). A passkey is discoverable, so
// that nobody types a name; the authenticator verifies the person by PIN or
// body, so that it is two factors by itself; attestation is not asked for.
// What is verified is bound to one host name and one origin.
type Passkeys struct {
	accounts   *Accounts
	library    *webauthn.WebAuthn
	ceremonies *Tickets[ceremony]
}

// ceremony is what is kept between the two halves of one.
type ceremony struct {
	user    string // who registers; empty to sign in
	session webauthn.SessionData
}

// ErrPasskey says that a passkey was not good. The error around it says why, for
// the operator.
var ErrPasskey = errors.New("the passkey was not accepted")

// maxCeremony bounds what a browser answers, in bytes.
const maxCeremony = 64 << 10

// NewPasskeys returns the ceremonies for the archive at an address such as
// https://pacs.example:8443: passkeys hold for this host name. A host given as
// an IP address has none (Web Authentication Level 3, "RP ID").
func NewPasskeys(a *Accounts, origin string) (*Passkeys, error) {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" {
		return nil, fmt.Errorf("passkeys: %q is no address of the form https://HOST or https://HOST:PORT", origin)
	}
	if net.ParseIP(u.Hostname()) != nil {
		return nil, fmt.Errorf("passkeys: %s is an address, and passkeys need a host name", u.Hostname())
	}
	library, err := webauthn.New(&webauthn.Config{
		RPID: u.Hostname(), RPDisplayName: "Tresor", RPOrigins: []string{"https://" + u.Host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(),
			UserVerification: protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{
			Login:        webauthn.TimeoutConfig{Timeout: ticketValidity, TimeoutUVD: ticketValidity},
			Registration: webauthn.TimeoutConfig{Timeout: ticketValidity, TimeoutUVD: ticketValidity},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("passkeys: %w", err)
	}
	return &Passkeys{accounts: a, library: library, ceremonies: NewTickets[ceremony](0, a.now)}, nil
}

// BeginRegistration begins to give a signed-in user a passkey. It returns the
// ticket of the ceremony and the options for the browser, as JSON for
// PublicKeyCredential.parseCreationOptionsFromJSON.
func (p *Passkeys) BeginRegistration(ctx context.Context, user, source string) (ticket string, options []byte, err error) {
	fail := func(err error) (string, []byte, error) { return "", nil, fmt.Errorf("begin a passkey: %w", err) }
	if err := p.accounts.handleOf(ctx, user); err != nil {
		return fail(err)
	}
	f := p.accounts.current.Load().byFactor[user]
	if f == nil {
		return fail(ErrNoUser)
	}
	if len(f.Passkeys) >= maxPasskeys {
		return fail(fmt.Errorf("a user has at most %d passkeys: remove one", maxPasskeys))
	}
	u := &authenticatorUser{user, f}
	var known []protocol.CredentialDescriptor
	for _, c := range u.WebAuthnCredentials() {
		known = append(known, c.Descriptor())
	}
	creation, session, err := p.library.BeginRegistration(u, webauthn.WithExclusions(known))
	if err != nil {
		return fail(err)
	}
	return p.issue(source, ceremony{user, *session}, creation.Response)
}

func (p *Passkeys) issue(source string, c ceremony, options any) (ticket string, b []byte, err error) {
	if b, err = json.Marshal(options); err != nil {
		return "", nil, fmt.Errorf("begin a passkey: %w", err)
	}
	if ticket, err = p.ceremonies.Issue(source, c); err != nil {
		return "", nil, err
	}
	return ticket, b, nil
}

// FinishRegistration ends a registration with what the browser answered. The
// ticket is used up, whatever comes out. It returns recovery codes if the user
// had none: they cannot be shown again.
func (p *Passkeys) FinishRegistration(ctx context.Context, user, ticket, name string, answer []byte) (Passkey, []string, error) {
	fail := func(err error) (Passkey, []string, error) {
		return Passkey{}, nil, fmt.Errorf("register a passkey: %w", err)
	}
	name, err := checkPasskeyName(name)
	c, known := p.ceremonies.Take(ticket)
	switch {
	case err != nil:
		return fail(err)
	case !known || c.user == "" || c.user != user:
		return fail(fmt.Errorf("%w: its ceremony is over", ErrPasskey))
	case len(answer) > maxCeremony:
		return fail(fmt.Errorf("%w: the answer is too long", ErrPasskey))
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return fail(passkeyRefusal(err))
	}
	credential, err := p.library.CreateCredential(&authenticatorUser{user, &factors{Handle: c.session.UserID}}, c.session, parsed)
	if err != nil {
		return fail(passkeyRefusal(err))
	}
	credential.Attestation = webauthn.CredentialAttestation{} // of no use here
	k := passkey{Name: name, Credential: *credential, Created: p.accounts.second()}
	recovery, err := p.accounts.addPasskey(ctx, user, c.session.UserID, k)
	if err != nil {
		return fail(err)
	}
	return k.shown(), recovery, nil
}

// addPasskey keeps a new passkey of the user with the handle.
func (a *Accounts) addPasskey(ctx context.Context, user string, handle []byte, k passkey) (recovery []string, err error) {
	err = ctx.Err()
	if err == nil {
		err = a.update(func(r *accounts) error {
			if r.user(user) == nil {
				return ErrNoUser
			}
			for i := range r.Factors {
				if r.Factors[i].passkey(k.id()) >= 0 { // section 7.1 step 26
					return fmt.Errorf("%w: it is registered already", ErrPasskey)
				}
			}
			f := r.factorsOf(user)
			if !bytes.Equal(f.Handle, handle) || len(f.Passkeys) >= maxPasskeys {
				return fmt.Errorf("%w: the account has changed", ErrPasskey)
			}
			f.Passkeys = append(f.Passkeys, k)
			recovery = f.ensureRecovery()
			return nil
		})
	}
	if err != nil {
		return nil, err
	}
	return recovery, nil
}

// BeginSignIn begins to sign somebody in: who, the authenticator will tell. It
// returns the ticket of the ceremony and the options for the browser, as JSON
// for PublicKeyCredential.parseRequestOptionsFromJSON.
func (p *Passkeys) BeginSignIn(source string) (ticket string, options []byte, err error) {
	assertion, session, err := p.library.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return "", nil, fmt.Errorf("begin to sign in with a passkey: %w", err)
	}
	return p.issue(source, ceremony{session: *session}, assertion.Response)
}

// FinishSignIn returns the user whose passkey answered. The ticket is used up,
// whatever comes out, and the sign count is kept, durably, before this returns: a
// passkey whose count goes back may be a copy and is refused. The error wraps
// ErrPasskey if the passkey was not good; the user's name is known then if the
// passkey was that of one.
func (p *Passkeys) FinishSignIn(ctx context.Context, ticket string, answer []byte) (User, Passkey, error) {
	fail := func(name string, err error) (User, Passkey, error) {
		return User{Name: name}, Passkey{}, fmt.Errorf("sign in with a passkey: %w", err)
	}
	c, known := p.ceremonies.Take(ticket)
	switch {
	case !known || c.user != "":
		return fail("", fmt.Errorf("%w: its ceremony is over", ErrPasskey))
	case len(answer) > maxCeremony:
		return fail("", fmt.Errorf("%w: the answer is too long", ErrPasskey))
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return fail("", passkeyRefusal(err))
	}
	name := ""
	find := func(_, handle []byte) (webauthn.User, error) {
		f := p.accounts.current.Load().handle(handle)
		if f == nil {
			return nil, errors.New("the passkey is not known")
		}
		name = f.User
		return &authenticatorUser{f.User, f}, nil
	}
	_, credential, err := p.library.ValidatePasskeyLogin(find, c.session, parsed)
	if err != nil {
		return fail(name, passkeyRefusal(err))
	}
	k, err := p.accounts.usePasskey(ctx, name, credential)
	if err != nil {
		return fail(name, err)
	}
	u, known := p.accounts.User(name)
	if !known || u.Disabled {
		return fail(name, fmt.Errorf("%w: the user is disabled", ErrPasskey))
	}
	u.Password = ""
	return u, k, nil
}

// handle returns the factors of the user with the handle.
func (s *accountSnapshot) handle(handle []byte) *factors {
	if len(handle) == 0 {
		return nil
	}
	for i := range s.Factors {
		if bytes.Equal(s.Factors[i].Handle, handle) {
			return &s.Factors[i]
		}
	}
	return nil
}

// usePasskey remembers that a passkey was used. The sign count is compared with
// the newest one, which another process may have written meanwhile.
func (a *Accounts) usePasskey(ctx context.Context, user string, c *webauthn.Credential) (k Passkey, err error) {
	now := a.now().UTC().Truncate(time.Second)
	err = a.updateFactors(ctx, user, func(f *factors) error {
		for i := range f.Passkeys {
			p := &f.Passkeys[i]
			if !bytes.Equal(p.Credential.ID, c.ID) {
				continue
			}
			count, last := c.Authenticator.SignCount, p.Credential.Authenticator.SignCount
			if c.Authenticator.CloneWarning || count <= last && (count != 0 || last != 0) {
				return fmt.Errorf("%w: its sign count went back, it may be a copy", ErrPasskey)
			}
			attestation := p.Credential.Attestation
			p.Credential, p.Used = *c, now
			p.Credential.Attestation = attestation
			k = p.shown()
			return nil
		}
		return fmt.Errorf("%w: it was removed", ErrPasskey)
	})
	return k, err
}

// passkeyRefusal is what the library objects to: its own error says little, and its
// details are for the operator.
func passkeyRefusal(err error) error {
	var p *protocol.Error
	if errors.As(err, &p) {
		return fmt.Errorf("%w: %s %s", ErrPasskey, p.Details, p.DevInfo)
	}
	return fmt.Errorf("%w: %w", ErrPasskey, err)
}
