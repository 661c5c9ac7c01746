package web

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/tresor-pacs/tresor/internal/policy"
)

var eventRoutes = []Route{
	{Method: http.MethodGet, Path: "/studies/events", Right: policy.Find, Passive: true, serve: serveEvents},
}

const (
	// beat is how often the line is shown to be alive, and the session looked at.
	beat = 20 * time.Second
	// arrivalPause is the least time between two messages: a study comes as a
	// thousand instances.
	arrivalPause = 2 * time.Second
)

// serveEvents tells a page, as server-sent events, when studies came that its
// visitor may find. It costs a goroutine that sleeps, and no search: what to do
// about it the page decides.
func serveEvents(x *exchange) error {
	if x.visitor.SignIn.ID == "" {
		return errAbsent // it is for pages: the end of a token would not end it
	}
	ctx, cancel := context.WithCancel(x.Context())
	defer cancel()
	came, err := x.session().Arrivals(ctx)
	if err != nil {
		return err
	}
	h := x.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	pulse := time.NewTicker(beat)
	defer pulse.Stop()
	for message := "retry: 5000\n\n"; ; {
		if _, err := io.WriteString(x.w, message); err != nil {
			return nil // the page is gone
		}
		if err := http.NewResponseController(x.w).Flush(); err != nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-x.site.done:
			return nil
		case <-pulse.C:
			if !x.stillSignedIn() {
				return nil
			}
			message = ":\n\n"
		case <-came:
			message = "event: came\ndata:\n\n"
			if !x.pause(ctx) || !x.stillSignedIn() {
				return nil
			}
		}
	}
}

// pause lets more come before it is told; false means that the line ends.
func (x *exchange) pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-x.site.done:
		return false
	case <-time.After(arrivalPause):
		return true
	}
}

// stillSignedIn reports whether the visitor could ask again. What a page hears by
// itself does not keep a session alive.
func (x *exchange) stillSignedIn() bool {
	_, _, err := x.site.Sessions.Authenticate(SessionSecret(x.Request), false)
	return err == nil
}
