package dicomweb

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// Config is what a Service is made of.
type Config struct {
	Prefix string          // path of the service's root, without a slash at its end: /dicom-web
	Limits encoding.Limits // of data sets
	Log    *slog.Logger    // nil: slog.Default
}

// Service is the DICOMweb service of an archive.
type Service struct {
	prefix string
	limits encoding.Limits
	log    *slog.Logger
	pixels pixelCache
	thumbs thumbnailCache
	turns  chan struct{} // taken while a picture is made

	commitments commitments
}

// New returns the service.
func New(c Config) *Service {
	s := &Service{prefix: c.Prefix, limits: c.Limits, log: c.Log,
		turns: make(chan struct{}, runtime.GOMAXPROCS(0))}
	if s.log == nil {
		s.log = slog.Default()
	}
	return s
}

// exchange is one request with its answer.
type exchange struct {
	*http.Request
	w       *answer
	service *Service
	session *archive.Session
	path    map[string]string // what the variables of the route's pattern stand for
}

// Serve answers a request on behalf of the session.
func (s *Service) Serve(w http.ResponseWriter, r *http.Request, session *archive.Session) {
	began := time.Now()
	x := &exchange{Request: r, w: &answer{ResponseWriter: w}, service: s, session: session}
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
	route, err := x.dispatch()
	if err != nil {
		x.fail(err)
	}
	p := session.Principal()
	// The route's pattern stands for the path: neither paths nor queries are logged.
	s.log.InfoContext(r.Context(), "dicomweb", "method", r.Method, "route", route, "status", x.w.status, "bytes", x.w.bytes,
		"took", time.Since(began), "kind", p.Kind, "principal", p.Name, "peer", r.RemoteAddr)
	if x.w.broken {
		panic(http.ErrAbortHandler) // the only way to tell the client that the body is not whole
	}
}

// dispatch finds the route and follows it.
func (x *exchange) dispatch() (pattern string, err error) {
	r, err := x.find()
	if err != nil {
		return "", err
	}
	return r.Pattern, r.serve(x)
}

// ctx is the context of the request.
func (x *exchange) ctx() context.Context { return x.Context() }

// answer remembers what was answered.
type answer struct {
	http.ResponseWriter
	status int
	bytes  int64
	broken bool // an error came after the header was sent
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
	n, err := a.ResponseWriter.Write(b)
	a.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// fail answers with the status for an error, or breaks the answer off if it has
// begun.
func (x *exchange) fail(err error) {
	gone := x.ctx().Err() != nil
	if !gone && isOurs(err) {
		x.service.log.ErrorContext(x.ctx(), "dicomweb: a request failed", "error", err)
	}
	if x.w.status != 0 {
		x.w.broken = true
		return
	}
	if gone {
		x.w.status = statusClientGone
		x.w.broken = true
		return
	}
	x.problem(problemOf(err))
}

// statusClientGone stands in the log where nobody was there for an answer.
const statusClientGone = 499

// isOurs reports whether an error is the archive's own failure.
func isOurs(err error) bool {
	var p *problem
	return problemOf(err).Status >= 500 && !errors.As(err, &p)
}
