package dicomweb

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
)

// The media types of PS3.18 section 8.7.3.
const (
	typeDICOM     = "application/dicom"
	typeJSON      = "application/dicom+json"
	typePlainJSON = "application/json"
	typeXML       = "application/dicom+xml"
	typeBytes     = "application/octet-stream"
	typeMultipart = "multipart/related"
)

// mediaRange is one entry of an Accept header (RFC 9110 section 12.5.1).
type mediaRange struct {
	multipart bool
	typ       string // of the parts if multipart; may have wild cards; "" is any
	syntax    string // transfer-syntax: a UID, "*", or "" if it is not given
	q         float64
}

// maxRanges bounds an Accept header.
const maxRanges = 64

// accepts reads what the client accepts: the query parameter accept in place of
// the header, if it is there (PS3.18 section 8.3.3.1). Nothing means anything.
func accepts(r *http.Request) ([]mediaRange, error) {
	if p, given := r.URL.Query()["accept"]; given {
		return parseRanges(p)
	}
	return parseRanges(r.Header.Values("Accept"))
}

// parseRanges reads lists of media ranges.
func parseRanges(lists []string) ([]mediaRange, error) {
	var ranges []mediaRange
	for _, list := range lists {
		for _, entry := range splitOutside(list, ',') {
			m, ok := parseRange(entry)
			if !ok {
				return nil, bad("the list of acceptable media types cannot be read")
			}
			if ranges = append(ranges, m); len(ranges) > maxRanges {
				return nil, bad("the list of acceptable media types is too long")
			}
		}
	}
	if len(ranges) == 0 {
		ranges = []mediaRange{{typ: "*/*", q: 1}}
	}
	return ranges, nil
}

// splitOutside splits at a separator outside of quotes and drops what is empty.
func splitOutside(s string, separator byte) (list []string) {
	quoted, from := false, 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == separator && !quoted:
			list, from = append(list, s[from:i]), i+1
		}
	}
	list = append(list, s[from:])
	kept := list[:0]
	for _, e := range list {
		if e = strings.TrimSpace(e); e != "" {
			kept = append(kept, e)
		}
	}
	return kept
}

// parseMedia reads a media type. Many clients write type=application/dicom
// without the quotes that the slash needs (RFC 2045 section 5.1); they are
// understood.
func parseMedia(s string) (typ string, params map[string]string, err error) {
	if typ, params, err = mime.ParseMediaType(s); err == nil {
		return typ, params, nil
	}
	fields := splitOutside(s, ';')
	for i, f := range fields {
		if name, v, ok := strings.Cut(f, "="); ok && i > 0 && strings.Contains(v, "/") && !strings.Contains(v, `"`) {
			fields[i] = name + `="` + v + `"`
		}
	}
	return mime.ParseMediaType(strings.Join(fields, "; "))
}

func parseRange(s string) (m mediaRange, ok bool) {
	typ, params, err := parseMedia(s)
	if err != nil || !strings.Contains(typ, "/") {
		return m, false
	}
	m = mediaRange{typ: typ, syntax: params["transfer-syntax"], q: 1}
	if q, given := params["q"]; given {
		if m.q, err = strconv.ParseFloat(q, 64); err != nil || !(m.q >= 0 && m.q <= 1) {
			return m, false
		}
	}
	if typ == typeMultipart {
		m.multipart, m.typ = true, strings.ToLower(params["type"])
		if inner, innerParams, err := mime.ParseMediaType(m.typ); err == nil { // type="image/jpeg; transfer-syntax=..."
			m.typ = inner
			if m.syntax == "" {
				m.syntax = innerParams["transfer-syntax"]
			}
		}
	}
	if m.syntax != "" && m.syntax != "*" && !dicom.UID(m.syntax).Tolerable() {
		return m, false
	}
	return m, true
}

// offer is a form in which the archive can answer.
type offer struct {
	multipart bool
	typ       string
	syntax    dicom.UID // of pixel data; "" if that is not the question
	byDefault bool      // the transfer syntax need not be asked for
}

// specificity returns how closely m names o: 0 not at all.
func (m *mediaRange) specificity(o *offer) int {
	switch {
	case m.typ == "*/*" && !m.multipart:
		return m.withSyntax(o, 1)
	case m.multipart != o.multipart:
		return 0
	case m.typ == o.typ:
		return m.withSyntax(o, 4)
	case m.multipart && (m.typ == "" || m.typ == "*/*"):
		return m.withSyntax(o, 2)
	case strings.HasSuffix(m.typ, "/*") && strings.HasPrefix(o.typ, strings.TrimSuffix(m.typ, "*")):
		return m.withSyntax(o, 3)
	}
	return 0
}

// withSyntax doubles s where the transfer syntax was named.
func (m *mediaRange) withSyntax(o *offer, s int) int {
	switch {
	case o.syntax == "" || m.syntax == "*":
		return 2 * s
	case m.syntax == "":
		if o.byDefault {
			return 2 * s
		}
		return 0
	case m.syntax == string(o.syntax):
		return 2*s + 1
	}
	return 0
}

// choose returns the offer that the client likes best: of those liked alike the
// first, nil if it accepts none.
func choose(ranges []mediaRange, offers []offer) *offer {
	var best *offer
	bestQ := 0.0
	for i := range offers {
		o := &offers[i]
		closest, q := 0, 0.0
		for j := range ranges {
			if s := ranges[j].specificity(o); s > closest {
				closest, q = s, ranges[j].q
			}
		}
		if q > bestQ {
			best, bestQ = o, q
		}
	}
	return best
}

// negotiate is choose for the request.
func (x *exchange) negotiate(offers ...offer) (*offer, error) {
	ranges, err := accepts(x.Request)
	if err != nil {
		return nil, err
	}
	if o := choose(ranges, offers); o != nil {
		return o, nil
	}
	return nil, notAcceptable("none of the acceptable media types can be had")
}
