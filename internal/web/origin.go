package web

import (
	"net/http"
	"net/url"
	"strings"
)

// unsafe reports whether a method may change something (RFC 9110 section 9.2.1).
func unsafe(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}

// SameOrigin reports whether the browser says that a page of this very origin
// made the request. A browser that says nothing is not believed: the cookie's
// SameSite attribute alone does not tell two ports of one host apart.
func SameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	return r.Header.Get("Origin") == "https://"+r.Host
}

// fromElsewhere reports whether a link or redirect of another site led here: then
// the browser keeps our SameSite=Strict cookie back.
func fromElsewhere(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return (site == "cross-site" || site == "same-site") && r.Header.Get("Sec-Fetch-Mode") == "navigate"
}

// local returns the path and query to go to after signing in, "/" if next is not
// one of ours.
func local(next string) string {
	if !strings.HasPrefix(next, "/") || len(next) > 2048 {
		return "/"
	}
	for _, c := range next {
		if c < ' ' || c == '\\' || c == 0x7F {
			return "/"
		}
	}
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || strings.HasPrefix(u.Path, "//") {
		return "/"
	}
	for _, never := range []string{"/login", "/logout", "/setup"} {
		if u.Path == never || strings.HasPrefix(u.Path, never+"/") {
			return "/"
		}
	}
	return next
}
