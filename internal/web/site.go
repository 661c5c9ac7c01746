package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// Config is what a Site is made of.
type Config struct {
	Archive  *archive.Archive
	Accounts *identity.Accounts
	Sessions *identity.Sessions
	Viewer   http.Handler // the embedded viewer, below /viewer
	Status   func(context.Context) Status
	Shares   *Shares                    // links to studies; nil: none
	Methods  []Method                   // further ways to sign in
	People   *People                    // how people sign in; nil: with a password and a code
	Stranger *Stranger                  // the archive as a stranger sees it; nil: nobody looks
	Manage   Manage                     // what the pages for administrators need
	Source   func(*http.Request) string // the address that failures are counted by
	Log      *slog.Logger               // nil: slog.Default
}

// Site is the pages of an archive. Its methods may be called at once from many
// goroutines.
type Site struct {
	Config
	guard    *identity.Guard
	bundles  *identity.Tickets[bundle]
	changing sync.Mutex // held while a change must not leave the archive without an administrator
	done     chan struct{}
}

// New returns the pages.
func New(c Config) *Site {
	s := &Site{Config: c, guard: c.Accounts.NewGuard(), bundles: identity.NewTickets[bundle](0, nil), done: make(chan struct{})}
	if s.Log == nil {
		s.Log = slog.Default()
	}
	if s.People == nil {
		s.People = NewPeople(false, nil, nil)
	}
	return s
}

// Close ends the answers that go on by themselves. It is called once.
func (s *Site) Close() { close(s.done) }

// Visitor is who a request comes from. The zero Visitor is a stranger.
type Visitor struct {
	Session *archive.Session // nil for a stranger
	SignIn  identity.Session // zero for a bearer token
	Why     identity.Reason  // why a stranger is one
}

// principal returns on whose behalf the visitor acts.
func (v *Visitor) principal() policy.Principal {
	if v.Session == nil {
		return policy.Principal{}
	}
	return v.Session.Principal()
}

// exchange is one request with its answer.
type exchange struct {
	*http.Request
	w       *answer
	site    *Site
	visitor Visitor
	path    map[string]string
	prefs   preferences
}

// answer remembers what was answered.
type answer struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer.
func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Serve answers a request of the visitor.
func (s *Site) Serve(w http.ResponseWriter, r *http.Request, v Visitor) {
	began := time.Now()
	x := &exchange{Request: r, w: &answer{ResponseWriter: w}, site: s, visitor: v, prefs: preferencesOf(r)}
	pageHeaders(w.Header())
	route, vars, known := find(r.Method, r.URL.Path)
	pattern := ""
	if route != nil {
		pattern, x.path = route.Path, vars
	}
	if err := x.follow(route, known); err != nil {
		x.fail(err)
	}
	p := v.principal()
	// The route's path stands for the request's: neither paths nor queries are logged.
	s.Log.InfoContext(r.Context(), "web", "method", r.Method, "route", pattern, "status", x.w.status,
		"took", time.Since(began), "kind", p.Kind, "principal", p.Name, "peer", r.RemoteAddr)
}

// follow serves the route if the visitor may have it.
func (x *exchange) follow(route *Route, known bool) error {
	switch {
	case route == nil && !known:
		return errAbsent
	case route == nil:
		return errMethod
	case x.visitor.Session == nil && !route.Open:
		return x.challenge()
	case unsafe(x.Method) && !x.trusted():
		return errForeign
	case route.Right != "":
		if d := policy.May(x.visitor.principal(), route.Right); !d.Allowed {
			return x.denied(d)
		}
	}
	return route.serve(x)
}

// trusted reports whether an unsafe request was meant: it was made by a page of
// ours, or by a program that shows a token with each request.
func (x *exchange) trusted() bool {
	token := x.visitor.Session != nil && x.visitor.SignIn.ID == ""
	return token || SameOrigin(x.Request)
}

// denied writes down that somebody asked for what is not for them.
func (x *exchange) denied(d policy.Decision) error {
	err := x.note(audit.Event{Code: audit.RestrictedFunction, Outcome: audit.SeriousFailure, Reason: d.Reason,
		Details: []audit.Detail{{Name: "what", Value: "page " + x.Pattern()}}})
	if err != nil {
		return err
	}
	return archive.ErrDenied
}

// Pattern returns the path of the request's route, "" if there is none.
func (x *exchange) Pattern() string {
	if route, _, _ := find(x.Method, x.URL.Path); route != nil {
		return route.Path
	}
	return ""
}

// session returns the archive as the visitor may see it; for a stranger, as nobody.
func (x *exchange) session() *archive.Session {
	if x.visitor.Session != nil {
		return x.visitor.Session
	}
	return x.site.Archive.As(policy.Principal{}).From(archive.Origin{Peer: x.RemoteAddr})
}

// note writes an event to the trail in the visitor's name; it is not lost when
// the visitor goes away meanwhile.
func (x *exchange) note(e audit.Event) error {
	return x.session().Note(context.WithoutCancel(x.Context()), e)
}

// The errors that a visitor may cause.
var (
	errAbsent  = errors.New("there is no such page")
	errMethod  = errors.New("the page does not have that method")
	errForeign = errors.New("the request comes from another site")
	errForm    = errors.New("the form cannot be read")
)

// status chooses the status and the text for an error: a closed list, what it
// does not know is our own failure.
func status(err error) (int, string) {
	switch {
	case errors.Is(err, errAbsent), errors.Is(err, archive.ErrNotFound):
		return http.StatusNotFound, "error.absent"
	case errors.Is(err, errMethod):
		return http.StatusMethodNotAllowed, "error.absent"
	case errors.Is(err, errForeign):
		return http.StatusForbidden, "error.foreign"
	case errors.Is(err, errForm):
		return http.StatusBadRequest, "error.form"
	case errors.Is(err, archive.ErrDenied):
		return http.StatusForbidden, "error.denied"
	}
	return http.StatusInternalServerError, "error.failed"
}

// fail answers with the page for an error. A stranger gets one word.
func (x *exchange) fail(err error) {
	code, text := status(err)
	if code >= 500 && x.Context().Err() == nil {
		x.site.Log.ErrorContext(x.Context(), "web: a request failed", "error", err)
	}
	if x.w.status != 0 {
		return // the answer has begun
	}
	if x.visitor.Session == nil {
		words := map[int]string{http.StatusNotFound: "absent", http.StatusInternalServerError: "failed"}
		word, ok := words[code]
		if !ok {
			word = "refused"
		}
		http.Error(x.w, word, code)
		return
	}
	x.render(code, "error", page{Title: text, Body: map[string]any{"Text": text, "Status": code}})
}
