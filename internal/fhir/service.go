package fhir

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/audit/message"
)

// Config is what a Service is made of.
type Config struct {
	Prefix string         // of the paths, such as /fhir
	Source message.Source // the archive as resources name it
	Log    *slog.Logger
}

// Service answers requests below its prefix.
type Service struct {
	prefix string
	source message.Source
	log    *slog.Logger
}

// NewService returns the service.
func NewService(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Service{prefix: c.Prefix, source: c.Source, log: c.Log}
}

// Route is one operation that the service answers.
type Route struct {
	Method, Pattern, Name string
}

// Routes lists all that is answered; whatever is not here is not there.
func Routes() []Route {
	return []Route{
		{http.MethodGet, "/metadata", "capabilities"},
		{http.MethodGet, "/AuditEvent", "search (IHE ITI-81)"},
		{http.MethodPost, "/AuditEvent/_search", "search (IHE ITI-81)"},
		{http.MethodGet, "/AuditEvent/{id}", "read"},
	}
}

// Errors of requests.
var (
	errNotFound      = errors.New("not found")
	errMethod        = errors.New("method not allowed")
	errNotAcceptable = errors.New("the answer is application/fhir+json and nothing else")
	errMedia         = errors.New("the parameters come as application/x-www-form-urlencoded")
)

// maxForm is the longest form of a search in bytes.
const maxForm = 64 << 10

// Serve answers a request on behalf of the session.
func (s *Service) Serve(w http.ResponseWriter, r *http.Request, session *archive.Session) {
	answer, err := s.answer(w, r, session)
	if err == nil {
		write(w, http.StatusOK, answer)
		return
	}
	status, code, text := statusOf(err)
	if status == http.StatusInternalServerError {
		s.log.ErrorContext(r.Context(), "fhir", "error", err)
	}
	write(w, status, outcome(code, text))
}

func (s *Service) answer(w http.ResponseWriter, r *http.Request, session *archive.Session) (any, error) {
	path := strings.TrimPrefix(r.URL.Path, s.prefix)
	if !acceptable(r) {
		return nil, errNotAcceptable
	}
	get := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case path == "/metadata" && get:
		return s.capabilities(), nil
	case path == "/AuditEvent" && get:
		return s.search(r, session, r.URL.Query())
	case path == "/AuditEvent/_search" && r.Method == http.MethodPost:
		values, err := form(w, r)
		if err != nil {
			return nil, err
		}
		return s.search(r, session, values)
	case strings.HasPrefix(path, "/AuditEvent/") && path != "/AuditEvent/_search" && get:
		return s.read(r, session, strings.TrimPrefix(path, "/AuditEvent/"))
	case path == "/AuditEvent" || path == "/metadata" || path == "/AuditEvent/_search":
		return nil, errMethod
	}
	return nil, errNotFound
}

// form returns the parameters of a search by POST, those of the URL included.
func form(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if typ, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); typ != "application/x-www-form-urlencoded" {
		return nil, errMedia
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return nil, bad("the parameters cannot be read")
	}
	return r.Form, nil
}

// read returns one record.
func (s *Service) read(r *http.Request, session *archive.Session, id string) (any, error) {
	n, err := strconv.ParseUint(id, 10, 63)
	if err != nil || n == 0 {
		return nil, errNotFound
	}
	for rec, err := range session.ReadTrail(r.Context(), audit.Filter{After: n - 1, Limit: 1}) {
		if err != nil && rec.Line > 0 {
			continue // a damaged record, which audit verify names
		}
		if err != nil {
			return nil, err
		}
		if rec.Seq != n {
			break
		}
		return New(&s.source, &rec)
	}
	return nil, errNotFound
}

// search answers with a page of records, the oldest first.
func (s *Service) search(r *http.Request, session *archive.Session, values url.Values) (any, error) {
	q, err := s.parse(values)
	if err != nil {
		return nil, err
	}
	b := &bundle{ResourceType: "Bundle", Type: "searchset"}
	b.link("self", s.prefix, values)
	for rec, err := range session.ReadTrail(r.Context(), q.filter) {
		if err != nil && rec.Line > 0 {
			b.damaged(rec)
			continue
		}
		if err != nil {
			return nil, err
		}
		e, err := New(&s.source, &rec)
		if err != nil {
			return nil, err
		}
		if !q.matches(&rec, e) {
			continue
		}
		if b.matched == q.count {
			values.Set(afterParameter, b.last)
			b.link("next", s.prefix, values)
			break
		}
		b.add(e)
	}
	return b, nil
}

// acceptable reports whether the client takes JSON.
func acceptable(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	if accept == "" {
		return true
	}
	for one := range strings.SplitSeq(accept, ",") {
		typ, _, err := mime.ParseMediaType(one)
		if err == nil && (typ == "*/*" || typ == "application/*" || typ == "application/json" || typ == "application/fhir+json") {
			return true
		}
	}
	return false
}

// statusOf chooses the answer to an error: what it does not know is a failure of
// the archive, of which the client learns nothing more.
func statusOf(err error) (status int, code, text string) {
	var b *badRequest
	switch {
	case errors.As(err, &b):
		return http.StatusBadRequest, "invalid", b.text
	case errors.Is(err, errNotFound):
		return http.StatusNotFound, "not-found", "there is nothing here"
	case errors.Is(err, errMethod):
		return http.StatusMethodNotAllowed, "not-supported", errMethod.Error()
	case errors.Is(err, errNotAcceptable):
		return http.StatusNotAcceptable, "not-supported", errNotAcceptable.Error()
	case errors.Is(err, errMedia):
		return http.StatusUnsupportedMediaType, "not-supported", errMedia.Error()
	case errors.Is(err, archive.ErrDenied):
		return http.StatusForbidden, "forbidden", "not authorised"
	}
	return http.StatusInternalServerError, "exception", "the archive failed; its log says why"
}

func write(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(fmt.Sprintf("{%q:%q}", "resourceType", "OperationOutcome"))
	}
	w.Header().Set("Content-Type", "application/fhir+json; charset=utf-8")
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}
