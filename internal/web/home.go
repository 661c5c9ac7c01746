package web

import (
	"net/http"

	"github.com/tresor-pacs/tresor/internal/policy"
)

var homeRoutes = []Route{
	{Method: http.MethodGet, Path: "/", serve: serveHome},
}

// menu is the frame's menu; a visitor sees the entries whose right they hold.
var menu = []menuItem{
	{Path: "/", Text: "menu.studies", Right: policy.Find},
}

// serveHome shows what the visitor is here for.
func serveHome(x *exchange) error {
	x.render(http.StatusOK, "home", page{Title: "home.title"})
	return nil
}
