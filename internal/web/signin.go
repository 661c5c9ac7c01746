package web

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/policy"
)

var signInRoutes = []Route{
	{Method: http.MethodGet, Path: "/login", Open: true, Passive: true, serve: serveLogin},
	{Method: http.MethodPost, Path: "/login", Open: true, serve: servePassword},
	{Method: http.MethodPost, Path: "/logout", serve: serveLogout},
}

// Method is a further way to sign in that the sign-in page offers as a link to
// a route of its own. When it knows who somebody is, it calls exchange.admit.
type Method struct {
	Path string // where the way begins; the page adds ?next=
	Text string // key of the text of the link
}

// signInForm is what the sign-in page shows.
type signInForm struct {
	Name, Next, Error, Notice string // Error and Notice are keys of texts
	Methods                   []methodLink
	Passkeys                  bool
}

type methodLink struct{ URL, Text string }

// challenge sends a stranger to the sign-in; what is no page is refused.
func (x *exchange) challenge() error {
	if unsafe(x.Method) || x.Header.Get("Sec-Fetch-Mode") != "" && x.Header.Get("Sec-Fetch-Mode") != "navigate" {
		x.w.Header().Set("WWW-Authenticate", `Bearer realm="tresor"`)
		http.Error(x.w, "refused", http.StatusUnauthorized)
		return nil
	}
	if fromElsewhere(x.Request) {
		// The browser has kept the cookie back because another site's link led
		// here. Asked by a page of ours, it sends it.
		x.renderPart(http.StatusOK, "bounce", "bounce", x.URL.RequestURI())
		return nil
	}
	to := "/login"
	if next := local(x.URL.RequestURI()); next != "/" {
		to += "?next=" + url.QueryEscape(next)
	}
	http.Redirect(x.w, x.Request, to, http.StatusSeeOther)
	return nil
}

// serveLogin shows the sign-in page.
func serveLogin(x *exchange) error {
	next := local(x.URL.Query().Get("next"))
	if x.visitor.Session != nil {
		http.Redirect(x.w, x.Request, next, http.StatusSeeOther)
		return nil
	}
	form := signInForm{Next: next}
	switch {
	case x.visitor.Why == identity.IdleSession || x.visitor.Why == identity.OldSession:
		form.Notice = "signin.idle"
	case SessionSecret(x.Request) != "":
		form.Notice = "signin.ended"
	}
	x.showSignIn(http.StatusOK, form)
	return nil
}

func (x *exchange) showSignIn(status int, form signInForm) {
	form.Passkeys = x.site.People.Passkeys != nil
	for _, m := range x.site.methods() {
		form.Methods = append(form.Methods, methodLink{m.Path + "?next=" + url.QueryEscape(form.Next), m.Text})
	}
	if status == http.StatusUnauthorized {
		x.w.Header().Set("WWW-Authenticate", `Bearer realm="tresor"`) // RFC 9110 section 15.5.2 asks for one
	}
	x.render(status, "login", page{Title: "signin.title", Script: "passkey.js", Body: form})
}

// servePassword signs in with a name and a password. It takes the same time
// whether there is such a user or not.
func servePassword(x *exchange) error {
	if err := x.parseForm(); err != nil {
		return err
	}
	form := signInForm{Name: x.PostForm.Get("name"), Next: local(x.PostForm.Get("next"))}
	if len(form.Name) > maxName {
		return errForm
	}
	attempt, err := x.site.guard.Admit(x.site.Source(x.Request), form.Name, cookieValue(x.Request, browserCookie))
	if err != nil {
		form.Error = "signin.wait"
		x.w.Header().Set("Retry-After", "60")
		x.showSignIn(http.StatusTooManyRequests, form)
		return nil
	}
	user, err := x.site.Accounts.SignIn(x.Context(), form.Name, x.PostForm.Get("password"))
	if errors.Is(err, identity.ErrSignIn) {
		if err := x.noteRefusal(form.Name, "password"); err != nil {
			return err
		}
		form.Error = "signin.wrong"
		x.showSignIn(http.StatusUnauthorized, form)
		return nil
	}
	if err != nil {
		return err
	}
	attempt.Succeeded()
	return x.passed(user.Name, form.Next)
}

// maxName bounds the name that is typed; that of an account is shorter.
const maxName = 256

// noteRefusal writes a failed sign-in down. What was typed as a name is left out
// where it is none: it may be a password.
func (x *exchange) noteRefusal(name, how string) error {
	e := audit.Event{Code: audit.Login, Outcome: audit.SeriousFailure, Reason: identity.ErrSignIn.Error(),
		Details: []audit.Detail{{Name: "how", Value: how}}}
	if u, known := x.site.Accounts.User(name); known {
		e.Details = append(e.Details, audit.Detail{Name: "user", Value: u.Name}) // a stranger asks, in that name
	}
	return x.note(e)
}

// admit begins a session for a user who has shown who they are, and goes on to
// the page that was asked for. A session that the browser had is ended.
func (x *exchange) admit(user, how, next string) error {
	return x.begin(user, how, func() { http.Redirect(x.w, x.Request, local(next), http.StatusSeeOther) })
}

// begin is admit with an answer of its own.
func (x *exchange) begin(user, how string, then func()) error {
	x.site.Sessions.End(SessionSecret(x.Request))
	secret, begun, err := x.site.Sessions.Begin(user, how, x.RemoteAddr)
	if err != nil {
		return err
	}
	err = x.noteSession(audit.Login, begun)
	if err != nil {
		x.site.Sessions.End(secret)
		return err
	}
	x.setSession(secret, user)
	then()
	return nil
}

// noteSession writes down that a session began or ended.
func (x *exchange) noteSession(code audit.Code, s identity.Session) error {
	x.visitor.Session = x.site.Archive.As(policy.Principal{Kind: policy.User, Name: s.User}).
		From(archive.Origin{Peer: x.RemoteAddr, Association: "session " + s.ID})
	return x.note(audit.Event{Code: code, Details: []audit.Detail{{Name: "how", Value: s.How}}})
}

// serveLogout ends the session.
func serveLogout(x *exchange) error {
	if err := x.endSession(); err != nil {
		return err
	}
	// What the browser keeps of the pages must not be shown by its back button.
	x.w.Header().Set("Clear-Site-Data", `"cache"`)
	http.Redirect(x.w, x.Request, "/login", http.StatusSeeOther)
	return nil
}

func (x *exchange) endSession() error {
	if s, was := x.site.Sessions.End(SessionSecret(x.Request)); was {
		if err := x.noteSession(audit.Logout, s); err != nil {
			return err
		}
	}
	http.SetCookie(x.w, cookie(SessionCookie, "", 0))
	return nil
}
