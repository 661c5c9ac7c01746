package web

import (
	"context"
	"net/http"
	"time"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

var strangerRoutes = []Route{
	{Method: http.MethodGet, Path: "/stranger", Right: policy.Manage, serve: serveStranger},
	{Method: http.MethodPost, Path: "/stranger", Right: policy.Manage, serve: serveLookAgain},
}

// Stranger is what the pages need to show the archive as a stranger sees it.
type Stranger struct {
	Last  func() []Looked       // what came of the latest look at each listener
	Again func(context.Context) // looks again; returns when it has, or ctx ends
	Every time.Duration         // how often it looks by itself
}

// Looked is what a stranger got at one listener.
type Looked struct {
	What, Address string
	When          time.Time // zero: not looked at yet
	Answers       bool      // it answered: an alarm
	Rungs         []Rung
	Findings      []Finding
}

// Rung is one step of what a stranger tries, and what came of it.
type Rung struct {
	Tried, Got string // keys of texts
	Detail     string // such as a path, or what was answered
	Answered   bool   // it got what no stranger should
}

// Finding is what the survey would report, in its words.
type Finding struct{ ID, Title, Remedy string }

// The texts for what is tried and what comes of it.
const (
	TriedConnect   = "stranger.connect"
	TriedTLS       = "stranger.tls"
	TriedAssociate = "stranger.associate"
	TriedEcho      = "stranger.echo"
	TriedQuery     = "stranger.query"
	TriedPage      = "stranger.page"

	GotNothing     = "stranger.nothing"     // no answer, or the connection is refused
	GotConnection  = "stranger.connection"  // a connection, and no more yet
	GotHandshake   = "stranger.handshake"   // TLS, for anybody
	GotPlain       = "stranger.plain"       // no TLS
	GotCertificate = "stranger.certificate" // a client certificate is asked for, and it ends without
	GotUnreached   = "stranger.unreached"   // the step before did not lead here
	GotRefused     = "stranger.refused"     // no
	GotUnknown     = "stranger.unknown"     // a page that is none of an archive
	GotLogin       = "stranger.login"       // a login is wanted
	GotAnswer      = "stranger.answer"      // yes
)

func serveStranger(x *exchange) error {
	if x.site.Stranger == nil {
		return errAbsent
	}
	x.render(http.StatusOK, "stranger", page{Title: "stranger.title", Body: map[string]any{
		"Listeners": x.site.Stranger.Last(), "Hours": int(x.site.Stranger.Every.Hours()), "Minutes": int(x.site.Stranger.Every.Minutes())}})
	return nil
}

// serveLookAgain has the archive look at itself now.
func serveLookAgain(x *exchange) error {
	if x.site.Stranger == nil {
		return errAbsent
	}
	err := x.note(audit.Event{Code: audit.SecurityConfiguration, Action: audit.Execute,
		Details: []audit.Detail{{Name: "what", Value: "the archive looks at itself as a stranger: asked for"}}})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(x.Context(), strangerPatience)
	defer cancel()
	x.site.Stranger.Again(ctx)
	http.Redirect(x.w, x.Request, "/stranger", http.StatusSeeOther)
	return nil
}

// strangerPatience is how long the button waits: a look takes seconds.
const strangerPatience = 20 * time.Second
