package web

import (
	"net/http"
	"time"

	"github.com/tresor-pacs/tresor/internal/identity"
)

// People is how people sign in beside a password alone.
type People struct {
	Required bool               // whoever has no second factor has to set one up
	Passkeys *identity.Passkeys // nil: there are none
	OIDC     *identity.OIDC     // nil: there is no provider
	steps    *identity.Tickets[step]
	codes    *identity.Failures
}

// step is a sign-in whose password was right and that needs a second factor.
type step struct {
	user, next string
	tries      int
}

// The wrong codes that are taken for one right password, and of one account in
// one go and how often one more: whoever knows the password must not get far with
// guessing. A browser that the user has signed in with before has a budget of its
// own, so that a thief of the password cannot lock the user out.
const (
	codeTries              = 5
	codeBurst, codeEvery   = 10, 5 * time.Minute
	stepCookie             = "__Host-tresor-step" // the ticket of a sign-in under way
	stepAge                = 10 * time.Minute
	stepPath, stepEnrolURL = "/login/code", "/login/setup"
)

// NewPeople returns how people sign in. Without passkeys and provider they are nil.
func NewPeople(required bool, passkeys *identity.Passkeys, oidc *identity.OIDC) *People {
	return &People{Required: required, Passkeys: passkeys, OIDC: oidc,
		steps: identity.NewTickets[step](stepAge, nil), codes: identity.NewFailures(codeBurst, codeEvery, nil)}
}

// setStep has the browser keep the ticket of a sign-in under way. The cookie has
// to come along when a provider sends the browser back, which SameSite=Strict
// would prevent; it opens nothing by itself.
func (x *exchange) setStep(ticket string) {
	c := cookie(stepCookie, ticket, stepAge)
	c.SameSite = http.SameSiteLaxMode
	http.SetCookie(x.w, c)
}

// methods returns the ways to sign in that are links.
func (s *Site) methods() []Method {
	if s.People.OIDC == nil {
		return s.Methods
	}
	return append([]Method{{Path: providerPath, Text: "signin.provider"}}, s.Methods...)
}
