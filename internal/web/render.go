package web

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

//go:embed templates/*.html
var templateFiles embed.FS

// sheets has the templates of each page in each language.
var sheets = parseTemplates()

func parseTemplates() map[string]*template.Template {
	all := map[string]*template.Template{}
	files, err := templateFiles.ReadDir("templates")
	if err != nil {
		panic(err) // the files are part of the program
	}
	for _, language := range languages {
		base := template.Must(template.New("").Funcs(functions(language)).ParseFS(templateFiles, "templates/_*.html"))
		for _, f := range files {
			name, isPage := strings.CutSuffix(f.Name(), ".html")
			if isPage && !strings.HasPrefix(name, "_") {
				page := template.Must(base.Clone())
				all[language+"/"+name] = template.Must(page.ParseFS(templateFiles, "templates/"+f.Name()))
			}
		}
	}
	return all
}

// functions are what templates can call.
func functions(language string) template.FuncMap {
	return template.FuncMap{
		"t":       func(key string, args ...any) string { return say(language, key, args...) },
		"static":  staticURL,
		"date":    func(v string) string { return showDate(language, v) },
		"time":    showTime,
		"day":     func(t time.Time) string { return showDay(language, t.Local()) },
		"count":   func(key, n string) string { return sayCount(language, key, n) },
		"sex":     func(v string) string { return showSex(language, v) },
		"moment":  func(t time.Time) string { return showMoment(language, t) },
		"bytes":   showBytes,
		"days":    func(s Status, end time.Time) string { return showDaysLeft(language, s.daysLeft(end), end) },
		"list":    func(v ...string) []string { return v },
		"field":   newScopeField,
		"event":   func(e audit.Event) string { return sayEvent(language, e) },
		"done":    func(word string) string { return sayDone(language, word) },
		"who":     func(word string) string { return sayWho(language, word) },
		"outcome": func(word string) string { return sayWord(language, "outcome", word) },
	}
}

// page is what a template gets.
type page struct {
	Title  string // key of a text
	Script string // name of the page's script, if it has one
	Body   any
}

// menu is the frame's menu; a visitor sees the entries whose right they hold.
var menu = []menuItem{
	{Path: "/", Text: "menu.studies", Right: policy.Find},
	{Path: "/shares", Text: "shares.own", Right: policy.Lend},
	{Path: managePath, Text: "manage.title"}, // shown with a section
	{Path: "/emergency", Text: "emergency.title", Right: policy.BreakGlass},
}

// view is a page with what the frame around it needs.
type view struct {
	page
	Language, Colours string
	Here              string // path and query, to come back to
	User              string // "" for a stranger
	SignedIn          bool   // with a browser: can sign out
	Menu              []menuItem
	Sections          []section // around a page that manages or oversees
}

// menuItem is an entry of the frame's menu.
type menuItem struct {
	Path, Text string
	Right      policy.Right // what a visitor must hold to see it
	Current    bool
}

// below returns the path below which pages belong to the entry.
func (m *menuItem) below() string {
	if m.Path == "/" {
		return "/studies"
	}
	return m.Path
}

// menu returns the entries that the visitor may follow.
func (x *exchange) menu() []menuItem {
	var shown []menuItem
	p, sections := x.visitor.principal(), x.sections()
	for _, m := range menu {
		if m.Path == managePath && len(sections) > 0 {
			m.Current = x.URL.Path == managePath || slices.ContainsFunc(sections, func(s section) bool { return s.Current })
			shown = append(shown, m)
		} else if policy.May(p, m.Right).Allowed {
			m.Current = x.URL.Path == m.Path || strings.HasPrefix(x.URL.Path, strings.TrimSuffix(m.below(), "/")+"/")
			shown = append(shown, m)
		}
	}
	return shown
}

// render answers with a page.
func (x *exchange) render(status int, name string, p page) {
	v := view{page: p, Language: x.prefs.Language, Colours: x.prefs.Colours, Here: x.URL.RequestURI(),
		User: x.visitor.principal().Name, SignedIn: x.visitor.SignIn.ID != "", Menu: x.menu(), Sections: x.around()}
	x.renderPart(status, name, "layout", v)
}

// renderPart answers with one template of a page's file.
func (x *exchange) renderPart(status int, name, part string, data any) {
	var b bytes.Buffer
	if err := sheets[x.prefs.Language+"/"+name].ExecuteTemplate(&b, part, data); err != nil {
		x.site.Log.ErrorContext(x.Context(), "web: a template failed", "template", name, "error", err)
		http.Error(x.w, "failed", http.StatusInternalServerError)
		return
	}
	x.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	x.w.Header().Set("Content-Language", x.prefs.Language)
	x.w.WriteHeader(status)
	x.w.Write(b.Bytes())
}

// say returns a text of the catalogue in a language. A test holds that templates
// ask for none that is not there.
func say(language, key string, args ...any) string {
	t, known := texts[key]
	if !known {
		return key
	}
	s := t.en
	if language == "de" {
		s = t.de
	}
	if len(args) > 0 {
		return fmt.Sprintf(s, args...)
	}
	return s
}

// sayCount returns how many of something there are: one has a text of its own.
func sayCount(language, key, n string) string {
	if n == "1" {
		return say(language, key+".one")
	}
	return say(language, key, cmp.Or(n, "0"))
}
