package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/policy"
)

var manageRoutes = []Route{
	// Whoever may follow none of the sections is denied.
	{Method: http.MethodGet, Path: managePath, serve: serveManage},
}

const managePath = "/manage"

// section is a group of pages for those who run and oversee the archive. The
// pages "manage" and the navigation above such pages are made of this list.
type section struct {
	Path, Text string         // Text is the key of its name
	Hint       string         // key of a sentence that tells what it is for
	Rights     []policy.Right // one of them is enough to be shown it
	Current    bool
}

// sections are all there are, in the order in which they are shown.
var sections = []section{
	{Path: "/devices", Text: "devices.title", Hint: "devices.lead", Rights: []policy.Right{policy.Manage}},
	{Path: "/people", Text: "people.title", Hint: "people.lead", Rights: []policy.Right{policy.Manage}},
	{Path: "/trail", Text: "trail.title", Hint: "trail.lead", Rights: []policy.Right{policy.ReadTrail}},
	{Path: "/shares/all", Text: "shares.title", Hint: "shares.hint", Rights: []policy.Right{policy.Manage}},
	{Path: "/reviews", Text: "review.title", Hint: "review.hint", Rights: []policy.Right{policy.Review}},
	{Path: "/budgets", Text: "budget.title", Hint: "budget.hint", Rights: []policy.Right{policy.Manage}},
	{Path: "/retention", Text: "keep.title", Hint: "keep.hint", Rights: []policy.Right{policy.Hold}},
	{Path: "/erasures", Text: "erase.title", Hint: "erase.hint", Rights: []policy.Right{policy.Erase}},
	{Path: "/quarantine", Text: "aside.title", Hint: "aside.hint", Rights: []policy.Right{policy.Settle}},
	{Path: "/stranger", Text: "stranger.title", Hint: "stranger.hint", Rights: []policy.Right{policy.Manage}},
	{Path: "/server", Text: "menu.server", Hint: "manage.server", Rights: []policy.Right{policy.Manage}},
}

// within reports whether a path is that of the section's pages.
func (s *section) within(path string) bool {
	return path == s.Path || strings.HasPrefix(path, s.Path+"/")
}

// sections returns those that the visitor may follow.
func (x *exchange) sections() []section {
	var shown []section
	p := x.visitor.principal()
	for _, s := range sections {
		if slices.ContainsFunc(s.Rights, func(r policy.Right) bool { return policy.May(p, r).Allowed }) {
			s.Current = s.within(x.URL.Path)
			shown = append(shown, s)
		}
	}
	return shown
}

// around returns the sections if the visitor is on a page of one of them.
func (x *exchange) around() []section {
	all := x.sections()
	if slices.ContainsFunc(all, func(s section) bool { return s.Current }) {
		return all
	}
	return nil
}

// serveManage shows what there is to manage and oversee.
func serveManage(x *exchange) error {
	shown := x.sections()
	if len(shown) == 0 {
		return archive.ErrDenied
	}
	x.render(http.StatusOK, "manage", page{Title: "manage.title", Body: shown})
	return nil
}
