package web

import (
	"slices"
	"strings"
	"testing"
)

func TestOnlyTheSignInIsOpen(t *testing.T) {
	var open []string
	for _, r := range Routes() {
		if r.Open {
			name := r.Path
			if strings.HasPrefix(name, "/static/") {
				name = "/static/" + name[len("/static/"):strings.LastIndex(name, "-")]
			}
			open = append(open, r.Method+" "+name)
		}
	}
	slices.Sort(open)
	want := []string{"GET /login", "GET /login/code", "GET /login/provider", "GET /login/provider/back", "GET /login/setup",
		"GET /setup/{token}", "GET /share/{token}", "GET /static/app", "GET /static/icon", "GET /static/passkey",
		"POST /login", "POST /login/code", "POST /login/passkey", "POST /login/passkey/begin", "POST /login/setup",
		"POST /preferences", "POST /setup/{token}", "POST /share/{token}"}
	if !slices.Equal(open, want) {
		t.Errorf("these answer a stranger:\n%s", strings.Join(open, "\n"))
	}
}

func TestRoutesAreFoundByMethodAndPath(t *testing.T) {
	for _, c := range []struct{ method, path, want, variable, value string }{
		{"GET", "/", "/", "", ""},
		{"HEAD", "/", "/", "", ""},
		{"GET", "/studies/1.2.3", "/studies/{study}", "study", "1.2.3"},
		{"GET", "/studies/list", "/studies/list", "", ""},
		{"GET", "/studies/events", "/studies/events", "", ""},
		{"GET", "/viewer", "/viewer", "", ""},
		{"GET", "/viewer/a/b.js", "/viewer/{rest...}", "rest", "a/b.js"},
		{"GET", "/studies/", "", "", ""},
		{"GET", "/studies/1/2", "", "", ""},
		{"DELETE", "/", "", "", ""},
		{"GET", "//", "", "", ""},
	} {
		route, vars, _ := find(c.method, c.path)
		got := ""
		if route != nil {
			got = route.Path
		}
		if got != c.want || vars[c.variable] != c.value {
			t.Errorf("%s %s: %q %v", c.method, c.path, got, vars)
		}
	}
}

// TestPagesAreLight holds what a browser needs before it shows a page: the
// largest page is that of the study list, which the browser tests measure.
func TestPagesAreLight(t *testing.T) {
	sum := 0
	for _, a := range assets {
		sum += len(a.zipped)
	}
	if sum > 40<<10 {
		t.Errorf("%d bytes of styles and scripts", sum)
	}
}
