package dicomweb

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/pixel"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// problem is an error that the client is told (RFC 9457). Its title is fixed
// text: nothing of the request or of the data stands in it.
type problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	allow  []string
}

func (p *problem) Error() string { return p.Title }

func bad(title string) error { return &problem{Status: http.StatusBadRequest, Title: title} }

func notAcceptable(title string) error {
	return &problem{Status: http.StatusNotAcceptable, Title: title}
}

var errNotFound = &problem{Status: http.StatusNotFound, Title: "not found"}

// problemOf chooses what the client is told of an error (PS3.18 section 8.5). It
// is the only place that does; what it does not know is an internal error.
func problemOf(err error) *problem {
	var p *problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, archive.ErrPaused):
		return &problem{Status: http.StatusTooManyRequests, Title: "more was fetched than the budget permits: ask an administrator"}
	case errors.Is(err, archive.ErrDenied):
		return &problem{Status: http.StatusForbidden, Title: "not permitted"}
	case errors.Is(err, archive.ErrNotFound), errors.Is(err, pixel.ErrNoPixels):
		return errNotFound
	case errors.Is(err, pixel.ErrUnsupported), errors.Is(err, encoding.ErrTransferSyntax):
		return &problem{Status: http.StatusNotAcceptable, Title: "the instance cannot be had in this form"}
	case errors.Is(err, pixel.ErrSyntax), errors.Is(err, pixel.ErrLimit):
		return &problem{Status: http.StatusUnprocessableEntity, Title: "the pixel data of the instance cannot be read"}
	}
	return &problem{Status: http.StatusInternalServerError, Title: "internal error"}
}

func (x *exchange) problem(p *problem) {
	h := x.w.Header()
	for _, name := range []string{"Content-Disposition", "Content-Length", "ETag", "Accept-Ranges"} {
		h.Del(name)
	}
	if len(p.allow) > 0 {
		h.Set("Allow", strings.Join(p.allow, ", "))
	}
	h.Set("Content-Type", "application/problem+json")
	b, err := json.Marshal(p)
	if err != nil {
		b = []byte("{}")
	}
	x.w.WriteHeader(p.Status)
	if x.Method != http.MethodHead {
		x.w.Write(append(b, '\n'))
	}
}
