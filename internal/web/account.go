package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/identity"
)

var accountRoutes = []Route{
	{Method: http.MethodGet, Path: "/account", serve: serveAccount},
	{Method: http.MethodPost, Path: "/account/again", serve: serveAgain},
	{Method: http.MethodPost, Path: "/account/sessions/{id}/end", serve: serveEndSession},
	{Method: http.MethodPost, Path: "/account/tokens/{id}/revoke", serve: serveRevokeToken},
	{Method: http.MethodPost, Path: "/account/app/begin", serve: serveAppBegin},
	{Method: http.MethodPost, Path: "/account/app", serve: serveAppConfirm},
	{Method: http.MethodPost, Path: "/account/app/remove", serve: serveAppRemove},
	{Method: http.MethodPost, Path: "/account/recovery", serve: serveRecovery},
	{Method: http.MethodPost, Path: "/account/passkeys/begin", serve: serveNewPasskeyBegin},
	{Method: http.MethodPost, Path: "/account/passkeys", serve: serveNewPasskey},
	{Method: http.MethodPost, Path: "/account/passkeys/{id}/rename", serve: serveRenamePasskey},
	{Method: http.MethodPost, Path: "/account/passkeys/{id}/remove", serve: serveRemovePasskey},
}

// freshSignIn is how long after signing in people may change how they sign in:
// who finds a browser that is signed in must not be able to stay.
const freshSignIn = 15 * time.Minute

// accountPage is what the page "my account" shows.
type accountPage struct {
	Name, Role string
	External   bool // the account is that of a provider
	Fresh      bool // may change how to sign in
	CanPasskey bool
	Factors    identity.Factors
	Sessions   []sessionRow
	Tokens     []identity.Token
	Error      string // key of a text
}

type sessionRow struct {
	identity.Session
	Here bool
}

// self returns who is signed in with a browser. A bearer token is for programs: it
// must not give itself another way in.
func (x *exchange) self() (string, error) {
	if x.visitor.SignIn.ID == "" {
		return "", archive.ErrDenied
	}
	return x.visitor.SignIn.User, nil
}

// fresh returns who has signed in a moment ago, and has others do it again.
func (x *exchange) fresh() (user string, ok bool, err error) {
	if user, err = x.self(); err != nil {
		return "", false, err
	}
	if !x.isFresh() {
		return user, false, x.showAccount(http.StatusForbidden, "account.again")
	}
	return user, true, nil
}

func (x *exchange) isFresh() bool { return time.Since(x.visitor.SignIn.Began) <= freshSignIn }

// serveAccount shows the visitor's own account.
func serveAccount(x *exchange) error { return x.showAccount(http.StatusOK, "") }

func (x *exchange) showAccount(status int, problem string) error {
	user, err := x.self()
	if err != nil {
		return err
	}
	u, known := x.site.Accounts.User(user)
	if !known {
		return archive.ErrDenied
	}
	p := accountPage{Name: u.Name, Role: string(u.Role), External: u.External != nil, Fresh: x.isFresh(), Error: problem,
		CanPasskey: x.site.People.Passkeys != nil, Factors: x.site.Accounts.Factors(user)}
	for _, s := range x.site.Sessions.List() {
		if s.User == user {
			p.Sessions = append(p.Sessions, sessionRow{s, s.ID == x.visitor.SignIn.ID})
		}
	}
	p.Tokens = slices.DeleteFunc(x.site.Accounts.Tokens(), func(t identity.Token) bool {
		return t.User != user || t.State(time.Now()) != "good"
	})
	x.render(status, "account", page{Title: "account.title", Script: "passkey.js", Body: p})
	return nil
}

func (x *exchange) toAccount() error {
	http.Redirect(x.w, x.Request, "/account", http.StatusSeeOther)
	return nil
}

// serveAgain ends the session and leads through the sign-in back to where it was
// asked for, or to the account.
func serveAgain(x *exchange) error {
	if err := x.parseForm(); err != nil {
		return err
	}
	next := "/account"
	if given := x.PostForm.Get("next"); given != "" {
		next = local(given)
	}
	if err := x.endSession(); err != nil {
		return err
	}
	http.Redirect(x.w, x.Request, "/login?next="+url.QueryEscape(next), http.StatusSeeOther)
	return nil
}

// serveEndSession ends one of the visitor's own sessions.
func serveEndSession(x *exchange) error {
	user, err := x.self()
	if err != nil {
		return err
	}
	id := x.path["id"]
	if !slices.ContainsFunc(x.site.Sessions.List(), func(s identity.Session) bool { return s.ID == id && s.User == user }) {
		return errAbsent
	}
	if err := x.noteAccount(user, "session "+id+" ended"); err != nil {
		return err
	}
	x.site.Sessions.EndID(id)
	return x.toAccount()
}

// serveRevokeToken revokes one of the visitor's own tokens.
func serveRevokeToken(x *exchange) error {
	user, err := x.self()
	if err != nil {
		return err
	}
	id := x.path["id"]
	if !slices.ContainsFunc(x.site.Accounts.Tokens(), func(t identity.Token) bool { return t.ID == id && t.User == user }) {
		return errAbsent
	}
	if err := x.noteAccount(user, "token "+id+" revoked"); err != nil {
		return err
	}
	if err := x.site.Accounts.RevokeToken(x.Context(), id); err != nil && !errors.Is(err, identity.ErrNoToken) {
		return err
	}
	return x.toAccount()
}
