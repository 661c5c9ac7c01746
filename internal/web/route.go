package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/tresor-pacs/tresor/internal/policy"
)

// Route is one page or act. What a route needs stands here and nowhere else, so
// that tests can ask each route as each kind of visitor.
type Route struct {
	Method  string
	Path    string       // with variables in braces, each one segment; {rest...} is all that follows
	Right   policy.Right // what a visitor must hold; "": being signed in is enough
	Open    bool         // answers a stranger
	Passive bool         // asked for by pages themselves: does not keep a session alive
	serve   func(*exchange) error
}

// routes is all that the site answers.
var routes []Route

func init() {
	routes = slices.Concat(signInRoutes, setupRoutes, preferenceRoutes, staticRoutes(),
		studiesRoutes, eventRoutes, studyRoutes, viewerRoutes, statusRoutes,
		codeRoutes, passkeyRoutes, providerRoutes, accountRoutes, shareRoutes, emergencyRoutes,
		manageRoutes, deviceRoutes, userRoutes, trailRoutes,
		lendRoutes, reviewRoutes, budgetRoutes, retentionRoutes, erasureRoutes, asideRoutes, strangerRoutes)
}

// Routes returns all that the site answers.
func Routes() []Route { return slices.Clone(routes) }

// find returns the route of a request and the variables of its path. Known says
// that the path is there, if not with this method.
func find(method, path string) (found *Route, vars map[string]string, known bool) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	for i := range routes {
		if v, ok := routes[i].match(path); ok {
			known = true
			if routes[i].Method == method {
				return &routes[i], v, true
			}
		}
	}
	return nil, nil, known
}

func (r *Route) match(path string) (vars map[string]string, ok bool) {
	if before, ok := strings.CutSuffix(r.Path, "/{rest...}"); ok {
		rest, ok := strings.CutPrefix(path, before+"/")
		return map[string]string{"rest": rest}, ok && rest != ""
	}
	want, got := strings.Split(r.Path, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	for i, w := range want {
		if name, isVar := strings.CutPrefix(w, "{"); isVar && got[i] != "" {
			if vars == nil {
				vars = map[string]string{}
			}
			vars[strings.TrimSuffix(name, "}")] = got[i]
		} else if w != got[i] {
			return nil, false
		}
	}
	return vars, true
}

// Passive reports whether a request is one that a page makes by itself.
func Passive(r *http.Request) bool {
	route, _, _ := find(r.Method, r.URL.Path)
	return route != nil && route.Passive
}
