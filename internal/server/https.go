package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/internal/dicomweb"
	"github.com/tresor-pacs/tresor/internal/fhir"
	"github.com/tresor-pacs/tresor/internal/web"
)

// dicomWebPath is where the DICOMweb service lies.
const dicomWebPath = "/dicom-web"

// fhirPath is where the trail can be searched as FHIR's AuditEvent.
const fhirPath = "/fhir"

// newHTTPS returns the HTTPS service. /healthz and /readyz answer a stranger,
// with one word, and so do the pages of the sign-in; who shows a good token or
// session reaches DICOMweb and the other pages. Its time limits are those of
// headers: bodies have theirs in patience.
func newHTTPS(ready func() bool, gate *gate, dicomWeb *dicomweb.Service, trail *fhir.Service, pages *web.Site, m *metrics, log *slog.Logger) *http.Server {
	dicom := m.timed("dicom-web", func(w http.ResponseWriter, r *http.Request) { gate.pass(w, r, dicomWeb.Serve) })
	records := m.timed("fhir", func(w http.ResponseWriter, r *http.Request) { gate.pass(w, r, trail.Serve) })
	page := m.timed("pages", func(w http.ResponseWriter, r *http.Request) { gate.visit(w, r, pages.Serve) })
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case path == "/healthz" && r.Method == http.MethodGet:
			oneWord(w, http.StatusOK, "ok")
		case path == "/readyz" && r.Method == http.MethodGet:
			if !ready() {
				oneWord(w, http.StatusServiceUnavailable, "starting")
				return
			}
			oneWord(w, http.StatusOK, "ready")
		case path == dicomWebPath || strings.HasPrefix(path, dicomWebPath+"/"):
			dicom(patient(w, r), r)
		case path == fhirPath || strings.HasPrefix(path, fhirPath+"/"):
			records(patient(w, r), r)
		default:
			page(patient(w, r), r)
		}
	})
	server := &http.Server{
		Handler: strict(handler), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: patience,
		WriteTimeout: patience, IdleTimeout: 60 * time.Second, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	server.RegisterOnShutdown(pages.Close)
	return server
}

func oneWord(w http.ResponseWriter, status int, word string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	io.WriteString(w, word+"\n")
}

// strict sets the headers that every answer has.
func strict(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Strict-Transport-Security", "max-age=31536000")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// serveHTTPS serves until ctx ends and then lets requests under way finish.
func serveHTTPS(ctx context.Context, s *http.Server, l net.Listener, grace time.Duration) error {
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("https: %w", err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := s.Shutdown(stop)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.Close()
	}
	<-ended
	return err
}
