package web

import (
	"net/http"

	"github.com/tresor-pacs/tresor/internal/policy"
)

var viewerRoutes = []Route{
	{Method: http.MethodGet, Path: "/viewer", Right: policy.Get, serve: serveViewer},
	{Method: http.MethodGet, Path: "/viewer/{rest...}", Right: policy.Get, serve: serveViewer},
}

// serveViewer hands over to the embedded viewer, which sets its own policy.
func serveViewer(x *exchange) error {
	x.site.Viewer.ServeHTTP(x.w, x.Request)
	return nil
}

// Language returns the language of a visitor's pages.
func Language(r *http.Request) string { return preferencesOf(r).Language }
