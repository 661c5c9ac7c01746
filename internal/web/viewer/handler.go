package viewer

import (
	"errors"
	"io/fs"
	"net/http"
	"strings"
)

// Path is where the viewer lies: /viewer?StudyInstanceUIDs=UID[,UID...] opens
// studies. The files know it: it is no setting.
const Path = "/viewer"

// Config is what a Handler is made of.
type Config struct {
	DICOMweb string // path of the DICOMweb service: /dicom-web
	Home     string // path of the study list: /
	SignIn   string // path of the sign-in, which takes where to go on as next: /login
	// Language returns the language of the person's pages, en or de; nil takes
	// it from the request's Accept-Language.
	Language func(*http.Request) string
}

// Handler serves the viewer. Whoever asks must have been let in before.
type Handler struct {
	config   Config
	pack     fs.FS
	manifest *manifest         // nil without a viewer
	starts   map[string]*start // by language
	absent   map[string][]byte // pages that say that there is no viewer
	language func(*http.Request) string
}

// start is what opens the viewer in a language.
type start struct {
	page       []byte
	script     []byte
	scriptPath string // with a digest of the script in it
	etag       string
}

// New returns the handler of the viewer that was embedded.
func New(c Config) (*Handler, error) {
	pack, err := fs.Sub(packed, "packed")
	if err != nil {
		return nil, err
	}
	return newHandler(c, pack)
}

func newHandler(c Config, pack fs.FS) (*Handler, error) {
	h := &Handler{config: c, pack: pack, language: c.Language, starts: map[string]*start{}, absent: map[string][]byte{}}
	if h.language == nil {
		h.language = func(r *http.Request) string { return preferred(r.Header.Get("Accept-Language")) }
	}
	m, err := load(pack)
	if err != nil && !errors.Is(err, errAbsent) {
		return nil, err
	}
	h.manifest = m
	for language := range texts {
		if m == nil {
			if h.absent[language], err = absentPage(language, c.Home); err != nil {
				return nil, err
			}
			continue
		}
		if h.starts[language], err = newStart(c, m, language); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// Packed reports whether there is a viewer.
func (h *Handler) Packed() bool { return h.manifest != nil }

// Version returns the viewer's version and the digest of its pack, "" if there
// is none.
func (h *Handler) Version() string {
	if h.manifest == nil {
		return ""
	}
	return h.manifest.Name
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", pagePolicy)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	rest, ok := strings.CutPrefix(r.URL.Path, Path)
	switch {
	case !ok:
		notFound(w)
	case rest == "" || rest == "/":
		h.servePage(w, r)
	case h.manifest == nil:
		notFound(w)
	default:
		h.serveBelow(w, r, rest)
	}
}

// serveBelow answers the start scripts and the files of the pack.
func (h *Handler) serveBelow(w http.ResponseWriter, r *http.Request, rest string) {
	for _, s := range h.starts {
		if Path+rest == s.scriptPath {
			w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
			if !fresh(w, r, s.etag) {
				serveBytes(w, r, s.script)
			}
			return
		}
	}
	name, ok := strings.CutPrefix(rest, "/"+h.manifest.Name+"/")
	if !ok {
		notFound(w)
		return
	}
	h.serveFile(w, r, name)
}

// servePage answers the page itself, which is never kept.
func (h *Handler) servePage(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Vary", "Accept-Language")
	language := h.language(r)
	if _, known := texts[language]; !known {
		language = english
	}
	if h.manifest == nil {
		w.WriteHeader(http.StatusNotImplemented)
		if r.Method != http.MethodHead {
			w.Write(h.absent[language])
		}
		return
	}
	serveBytes(w, r, h.starts[language].page)
}

func notFound(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, "absent", http.StatusNotFound)
}
