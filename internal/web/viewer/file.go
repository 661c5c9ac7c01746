package viewer

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
)

// forever is for files whose path changes with their content. They are no
// secret, yet only whoever is signed in gets them: no shared cache keeps them.
const forever = "private, max-age=31536000, immutable"

// serveFile answers a file of the pack.
func (h *Handler) serveFile(w http.ResponseWriter, r *http.Request, name string) {
	f := h.manifest.Files[name]
	if f == nil {
		notFound(w)
		return
	}
	header := w.Header()
	header.Set("Content-Type", f.Type)
	if f.Decoder {
		header.Set("Content-Security-Policy", decoderPolicy)
	}
	stored, sent := f.form(r.Header.Get("Accept-Encoding"))
	if f.Compressed {
		header.Set("Vary", "Accept-Encoding")
	}
	if sent {
		header.Set("Content-Encoding", stored.token)
	}
	etag := f.SHA256[:32]
	if sent {
		etag += "-" + stored.token
	}
	if fresh(w, r, `"`+etag+`"`) {
		return
	}
	in, err := h.pack.Open("files/" + name + stored.suffix)
	if err != nil {
		http.Error(w, "failed", http.StatusInternalServerError) // load has seen it: it cannot be
		return
	}
	defer in.Close()
	if sent || !f.Compressed {
		f.send(w, r, in)
		return
	}
	plain, err := gzip.NewReader(in)
	if err != nil {
		http.Error(w, "failed", http.StatusInternalServerError)
		return
	}
	header.Set("Content-Length", strconv.Itoa(f.Size))
	if r.Method != http.MethodHead {
		io.Copy(w, plain)
	}
}

// send answers what lies in the pack as it is.
func (f *file) send(w http.ResponseWriter, r *http.Request, in fs.File) {
	if info, err := in.Stat(); err == nil {
		w.Header().Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	}
	if r.Method != http.MethodHead {
		io.Copy(w, in)
	}
}

// form returns the stored form to answer with, and whether it goes out as it
// lies there: who accepts no compression gets what was unpacked from gzip.
func (f *file) form(accept string) (stored encoding, sent bool) {
	if !f.Compressed {
		return plainForm[0], false
	}
	for _, e := range compressedForms {
		if accepted(accept, e.token) {
			return e, true
		}
	}
	return compressedForms[len(compressedForms)-1], false
}

// accepted reports whether a list of codings (RFC 9110 section 12.5.3) has the
// token with another weight than zero.
func accepted(list, token string) bool {
	any := false
	for entry := range strings.SplitSeq(list, ",") {
		name, parameters, _ := strings.Cut(entry, ";")
		name = strings.TrimSpace(name)
		weight, given := strings.CutPrefix(strings.TrimSpace(parameters), "q=")
		q, err := strconv.ParseFloat(weight, 64)
		good := !given || err == nil && q > 0
		if strings.EqualFold(name, token) {
			return good
		}
		if name == "*" {
			any = good
		}
	}
	return any
}

// fresh sets the strong ETag and answers 304 to who has it (RFC 9110 section
// 13.1.2).
func fresh(w http.ResponseWriter, r *http.Request, etag string) bool {
	w.Header().Set("ETag", etag)
	w.Header().Set("Cache-Control", forever)
	for tag := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			w.Header().Del("Content-Type")
			w.Header().Del("Content-Encoding")
			w.WriteHeader(http.StatusNotModified)
			return true
		}
	}
	return false
}

// serveBytes answers what was made at start.
func serveBytes(w http.ResponseWriter, r *http.Request, b []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	if r.Method != http.MethodHead {
		io.Copy(w, bytes.NewReader(b))
	}
}
