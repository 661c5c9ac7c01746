package web

import (
	"net/http"
	"time"
)

// The cookies. The prefix __Host- makes the browser insist that they come from
// this host over HTTPS and go to no other.
const (
	SessionCookie    = "__Host-tresor"         // the session
	browserCookie    = "__Host-tresor-browser" // that the user has signed in here before: identity.Guard
	preferenceCookie = "__Host-tresor-look"    // language and colours
)

// cookie is one that no script sees and no other site causes to be sent.
func cookie(name, value string, age time.Duration) *http.Cookie {
	c := &http.Cookie{Name: name, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode}
	switch {
	case value == "":
		c.MaxAge = -1
	case age > 0:
		c.MaxAge = int(age.Seconds())
	}
	return c
}

// cookieValue returns the value of a cookie, "" if there is none.
func cookieValue(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// SessionSecret returns the secret of the session that a request shows, "" if none.
func SessionSecret(r *http.Request) string { return cookieValue(r, SessionCookie) }

// A mark of a browser is good for as long as people keep a browser.
const browserAge = 400 * 24 * time.Hour // the most that browsers grant

// signIn gives the browser the session's secret and a mark of the user.
func (x *exchange) setSession(secret, user string) {
	http.SetCookie(x.w, cookie(SessionCookie, secret, 0)) // ends with the browser
	http.SetCookie(x.w, cookie(browserCookie, x.site.guard.Mark(user), browserAge))
}
