package web

import (
	"errors"
	"net/http"

	"github.com/tresor-pacs/tresor/internal/identity"
)

const providerPath = "/login/provider"

var providerRoutes = []Route{
	{Method: http.MethodGet, Path: providerPath, Open: true, serve: serveProvider},
	{Method: http.MethodGet, Path: providerPath + "/back", Open: true, serve: serveProviderBack},
}

// nextCookie keeps where to go on to while the browser is away.
const nextCookie = "__Host-tresor-next"

// serveProvider sends the browser to the OpenID Connect provider.
func serveProvider(x *exchange) error {
	if x.site.People.OIDC == nil {
		return errAbsent
	}
	next := local(x.URL.Query().Get("next"))
	ticket, address, err := x.site.People.OIDC.Begin(x.Context(), x.site.Source(x.Request))
	if err != nil {
		x.site.Log.WarnContext(x.Context(), "web: the provider cannot be asked", "error", err)
		x.showSignIn(http.StatusBadGateway, signInForm{Next: next, Error: "provider.down"})
		return nil
	}
	x.setStep(ticket)
	c := cookie(nextCookie, next, stepAge)
	c.SameSite = http.SameSiteLaxMode
	http.SetCookie(x.w, c)
	http.Redirect(x.w, x.Request, address, http.StatusSeeOther)
	return nil
}

// serveProviderBack signs in whom the provider sent back. The ticket that stayed
// with this browser ties the answer to it: nobody is signed in by a link that
// somebody else has begun.
func serveProviderBack(x *exchange) error {
	if x.site.People.OIDC == nil {
		return errAbsent
	}
	if fromElsewhere(x.Request) {
		// Asked by a page of ours, the browser sends the cookies too that it keeps
		// back from others: the look, and a session that is to end.
		x.renderPart(http.StatusOK, "bounce", "bounce", x.URL.RequestURI())
		return nil
	}
	next := local(cookieValue(x.Request, nextCookie))
	http.SetCookie(x.w, cookie(nextCookie, "", 0))
	http.SetCookie(x.w, cookie(stepCookie, "", 0))
	user, err := x.site.People.OIDC.Finish(x.Context(), cookieValue(x.Request, stepCookie), x.URL.Query())
	if errors.Is(err, identity.ErrOIDC) {
		x.site.Log.WarnContext(x.Context(), "web: sign-in with the provider refused", "error", err)
		if err := x.noteRefusal("", "provider"); err != nil {
			return err
		}
		x.showSignIn(http.StatusUnauthorized, signInForm{Next: next, Error: "provider.refused"})
		return nil
	}
	if err != nil {
		return err
	}
	return x.admit(user.Name, "provider", next)
}
