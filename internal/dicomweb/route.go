package dicomweb

import (
	"net/http"
	"slices"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// Route is one transaction on one kind of resource.
type Route struct {
	Method  string
	Pattern string // below the service's root: {name} stands for a segment, or for its beginning
	Name    string
	Where   string // in the standard
	Form    *Form
	serve   func(*exchange) error
}

// Form is what a transaction takes and answers.
type Form struct {
	Takes   []string // media types of the request's body; none if it has no body
	Answers []string // media types of an answer that is good; none if it has no body
	Query   []Parameter
}

// Parameter is a parameter of the query.
type Parameter struct {
	Name, Doc string
	Required  bool
	Many      bool // may be there several times
	Any       bool // stands for parameters of any name
}

// partsOf is the media type of an answer in parts.
func partsOf(typ string) string { return typeMultipart + `; type="` + typ + `"` }

// acceptParameter stands in for the Accept header.
var acceptParameter = Parameter{Name: "accept", Doc: "acceptable media types, in place of the Accept header (PS3.18 section 8.3.3.1)", Many: true}

// studies, series and instance are the resources of the Studies Service.
const (
	studyPath    = "/studies/{study}"
	seriesPath   = studyPath + "/series/{series}"
	instancePath = seriesPath + "/instances/{instance}"
)

// routes is all that the service answers.
var routes []Route

func init() {
	routes = slices.Concat(
		zipRoutes, searchRoutes, metadataRoutes, retrieveRoutes, uriRoutes, frameRoutes, bulkDataRoutes,
		bulkResourceRoutes, renderedRoutes, thumbnailRoutes, storeRoutes, commitmentRoutes, capabilityRoutes, openAPIRoutes)
}

// Routes returns all that the service answers.
func Routes() []Route { return slices.Clone(routes) }

// find finds the route of the request and reads the variables of its path.
func (x *exchange) find() (*Route, error) {
	path, ok := strings.CutPrefix(x.URL.Path, x.service.prefix)
	if !ok {
		return nil, errNotFound
	}
	if path == "" {
		path = "/"
	}
	method := x.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	var allow []string
	for i := range routes {
		r := &routes[i]
		vars, ok := r.match(path)
		if !ok {
			continue
		}
		if r.Method == method {
			x.path = vars
			return r, checkUIDs(vars)
		}
		allow = append(allow, r.Method)
	}
	switch {
	case allow == nil:
		return nil, errNotFound
	case method == http.MethodOptions:
		return &Route{Method: method, Pattern: "OPTIONS", serve: serveAllow(allow)}, nil
	}
	return nil, &problem{Status: http.StatusMethodNotAllowed, Title: "this resource does not have that method", allow: allowed(allow)}
}

// allowed completes the methods of a resource.
func allowed(methods []string) []string {
	if slices.Contains(methods, http.MethodGet) {
		methods = append(methods, http.MethodHead)
	}
	methods = append(methods, http.MethodOptions)
	slices.Sort(methods)
	return slices.Compact(methods)
}

// match compares a path with the pattern, and reads the variables of the path. The
// more special pattern has to come first.
func (r *Route) match(path string) (vars map[string]string, ok bool) {
	want, got := strings.Split(r.Pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	for i, w := range want {
		name, isVar := strings.CutPrefix(w, "{")
		if !isVar {
			if w != got[i] {
				return nil, false
			}
			continue
		}
		name, suffix, _ := strings.Cut(name, "}")
		value, ok := strings.CutSuffix(got[i], suffix)
		if !ok {
			return nil, false
		}
		if vars == nil {
			vars = map[string]string{}
		}
		vars[name] = value
	}
	return vars, true
}

// checkUIDs refuses what stands for a UID in the path and is none.
func checkUIDs(vars map[string]string) error {
	for _, name := range []string{"study", "series", "instance", "transaction"} {
		if uid, given := vars[name]; given && !dicom.UID(uid).Tolerable() {
			return bad("the path has a UID that is none")
		}
	}
	return nil
}

// level returns the level of the resource that the path names.
func (x *exchange) level() archive.Level {
	switch {
	case x.path["instance"] != "":
		return archive.LevelInstance
	case x.path["series"] != "":
		return archive.LevelSeries
	}
	return archive.LevelStudy
}
