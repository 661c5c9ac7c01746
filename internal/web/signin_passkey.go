package web

import (
	"errors"
	"net/http"

	"github.com/tresor-pacs/tresor/internal/identity"
)

var passkeyRoutes = []Route{
	{Method: http.MethodPost, Path: "/login/passkey/begin", Open: true, serve: servePasskeyBegin},
	{Method: http.MethodPost, Path: "/login/passkey", Open: true, serve: servePasskey},
}

// servePasskeyBegin answers the options for the browser's passkeys, as JSON.
func servePasskeyBegin(x *exchange) error {
	if x.site.People.Passkeys == nil {
		return errAbsent
	}
	ticket, options, err := x.site.People.Passkeys.BeginSignIn(x.site.Source(x.Request))
	if err != nil {
		return err
	}
	x.setStep(ticket)
	x.json(options)
	return nil
}

func (x *exchange) json(b []byte) {
	x.w.Header().Set("Content-Type", "application/json")
	x.w.Write(b)
}

// servePasskey signs in with what the browser's passkey has answered. It cannot
// be guessed, so it is not counted, and nobody can lock others out of it.
func servePasskey(x *exchange) error {
	if x.site.People.Passkeys == nil {
		return errAbsent
	}
	if err := x.parseForm(); err != nil {
		return err
	}
	next := local(x.PostForm.Get("next"))
	ticket := cookieValue(x.Request, stepCookie)
	user, key, err := x.site.People.Passkeys.FinishSignIn(x.Context(), ticket, []byte(x.PostForm.Get("answer")))
	if errors.Is(err, identity.ErrPasskey) {
		x.site.Log.WarnContext(x.Context(), "web: passkey refused", "error", err)
		if err := x.noteRefusal(user.Name, "passkey"); err != nil {
			return err
		}
		x.showSignIn(http.StatusUnauthorized, signInForm{Next: next, Error: "passkey.refused"})
		return nil
	}
	if err != nil {
		return err
	}
	http.SetCookie(x.w, cookie(stepCookie, "", 0))
	return x.admit(user.Name, "passkey "+key.ID, next)
}
