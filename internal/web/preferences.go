package web

import (
	"net/http"
	"strconv"
	"strings"
)

// preferences is how a visitor wants pages to look.
type preferences struct {
	Language string // "en" or "de"
	Colours  string // "auto", "light" or "dark"
}

var preferenceRoutes = []Route{
	{Method: http.MethodPost, Path: "/preferences", Open: true, Passive: true, serve: servePreferences},
}

// languages are those that the pages are written in; the first one is the default.
var languages = []string{"en", "de"}

// preferencesOf reads the cookie, and for the language what the browser wants.
func preferencesOf(r *http.Request) preferences {
	language, colours, _ := strings.Cut(cookieValue(r, preferenceCookie), ".")
	p := preferences{Language: language, Colours: colours}
	if !isLanguage(p.Language) {
		p.Language = accepted(r.Header.Get("Accept-Language"))
	}
	if p.Colours != "light" && p.Colours != "dark" {
		p.Colours = "auto"
	}
	return p
}

func isLanguage(s string) bool { return s == languages[0] || s == languages[1] }

// accepted returns the language of ours that an Accept-Language header likes
// best (RFC 9110 section 12.5.4).
func accepted(header string) string {
	best, at := languages[0], 0.0
	for item := range strings.SplitSeq(header, ",") {
		tag, parameter, _ := strings.Cut(strings.TrimSpace(item), ";")
		language, _, _ := strings.Cut(strings.ToLower(tag), "-")
		q := 1.0
		if v, ok := strings.CutPrefix(strings.TrimSpace(parameter), "q="); ok {
			q, _ = strconv.ParseFloat(v, 64) // what is no number is 0
		}
		if isLanguage(language) && q > at {
			best, at = language, q
		}
	}
	return best
}

// servePreferences changes one preference and returns to the page.
func servePreferences(x *exchange) error {
	if err := x.parseForm(); err != nil {
		return err
	}
	p := x.prefs
	if v := x.PostForm.Get("language"); isLanguage(v) {
		p.Language = v
	}
	if v := x.PostForm.Get("colours"); v == "auto" || v == "light" || v == "dark" {
		p.Colours = v
	}
	http.SetCookie(x.w, cookie(preferenceCookie, p.Language+"."+p.Colours, browserAge))
	next := x.PostForm.Get("next")
	if !strings.HasPrefix(next, "/login") && !strings.HasPrefix(next, "/setup/") || strings.Contains(next, "\\") {
		next = local(next)
	}
	http.Redirect(x.w, x.Request, next, http.StatusSeeOther)
	return nil
}

// maxForm bounds a form.
const maxForm = 64 << 10

func (x *exchange) parseForm() error {
	x.Body = http.MaxBytesReader(x.w, x.Body, maxForm)
	if err := x.ParseForm(); err != nil {
		return errForm
	}
	return nil
}
