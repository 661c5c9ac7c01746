package dicomweb

import (
	"crypto/rand"
	"encoding/hex"
	"io"
	"net/http"

	"github.com/tresor-pacs/tresor/dicom"
)

// parts writes an answer of type multipart/related (RFC 2387, PS3.18 section 8.6.1.2).
type parts struct {
	w        *answer
	out      io.Writer // for all but the header: w, or what passes on to it
	boundary string
	status   int
	begun    bool
}

// multipart begins an answer whose parts are of the type; the header is sent
// with the first one.
func (x *exchange) multipart(typ string) *parts {
	var b [16]byte
	rand.Read(b[:]) // never fails
	p := &parts{w: x.w, out: x.w, status: http.StatusOK, boundary: "tresor" + hex.EncodeToString(b[:])}
	h := x.w.Header()
	h.Set("Content-Type", typeMultipart+`; type="`+typ+`"; boundary=`+p.boundary)
	h.Set("Content-Disposition", "attachment")
	return p
}

// next begins a part of the type, with its transfer syntax and its location if
// they are not empty. What is written to w then is its body.
func (p *parts) next(typ string, syntax dicom.UID, location string) (io.Writer, error) {
	if syntax != "" {
		typ += "; transfer-syntax=" + string(syntax)
	}
	head := "\r\n--" + p.boundary + "\r\nContent-Type: " + typ
	if !p.begun {
		p.w.WriteHeader(p.status)
		head = head[2:]
		p.begun = true
	}
	if location != "" {
		head += "\r\nContent-Location: " + location
	}
	_, err := io.WriteString(p.out, head+"\r\n\r\n")
	return p.out, err
}

// end writes the last boundary.
func (p *parts) end() error {
	_, err := io.WriteString(p.out, "\r\n--"+p.boundary+"--\r\n")
	return err
}
