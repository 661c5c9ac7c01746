package audit

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/tresor-pacs/tresor/dicom"
)

// errPayload says that an opened payload is no event. It cannot quote it.
var errPayload = errors.New("payload is no event")

// encoder writes an event as a JSON object. It is written out by hand because
// every stored instance passes through it.
type encoder struct {
	b       []byte
	omitted int
}

// appendEvent appends the event without its time, which stands in the line.
func appendEvent(dst []byte, e *Event) []byte {
	w := encoder{b: dst}
	w.b = append(w.b, `{"code":`...)
	w.quote(string(e.Code))
	w.b = append(w.b, `,"action":"`...)
	w.b = append(w.b, byte(e.Action))
	w.b = append(w.b, `","outcome":`...)
	w.b = strconv.AppendInt(w.b, int64(e.Outcome), 10)
	w.str("kind", e.PrincipalKind)
	w.str("name", e.Principal)
	w.str("role", e.Role)
	w.str("peer", e.Peer)
	w.str("calling", e.CallingAET)
	w.str("called", e.CalledAET)
	w.str("association", e.Association)
	w.str("destination", e.Destination)
	list(&w, "patients", e.Patients)
	list(&w, "studies", e.Studies)
	list(&w, "series", e.Series)
	list(&w, "instances", e.Instances)
	list(&w, "classes", e.SOPClasses)
	w.num("count", int64(e.Count))
	w.num("bytes", e.Bytes)
	w.query(e.Query)
	w.str("syntax", string(e.Syntax))
	w.str("reason", e.Reason)
	w.details(e.Details)
	w.num("omitted", int64(e.Omitted+w.omitted))
	return append(w.b, '}')
}

func (w *encoder) key(name string) {
	w.b = append(w.b, ',', '"')
	w.b = append(w.b, name...)
	w.b = append(w.b, '"', ':')
}

func (w *encoder) num(name string, v int64) {
	if v != 0 {
		w.key(name)
		w.b = strconv.AppendInt(w.b, v, 10)
	}
}

func (w *encoder) str(name, v string) {
	if v != "" {
		w.key(name)
		w.quote(v)
	}
}

func list[T ~string](w *encoder, name string, values []T) {
	if len(values) == 0 {
		return
	}
	if len(values) > MaxList {
		w.omitted += len(values) - MaxList
		values = values[:MaxList]
	}
	w.key(name)
	w.b = append(w.b, '[')
	for i, v := range values {
		if w.full() {
			w.omitted += len(values) - i
			break
		}
		w.comma(i)
		w.quote(string(v))
	}
	w.b = append(w.b, ']')
}

// full reports whether lists have to end here: escapes can make strings six
// times as long.
func (w *encoder) full() bool { return len(w.b) > maxLists }

func (w *encoder) comma(i int) {
	if i > 0 {
		w.b = append(w.b, ',')
	}
}

func (w *encoder) query(q []byte) {
	if len(q) == 0 {
		return
	}
	if len(q) > MaxQuery {
		w.omitted++
		q = q[:MaxQuery]
	}
	w.key("query")
	w.b = append(w.b, '"')
	w.b = base64.StdEncoding.AppendEncode(w.b, q)
	w.b = append(w.b, '"')
}

func (w *encoder) details(details []Detail) {
	if len(details) == 0 {
		return
	}
	if len(details) > MaxDetail {
		w.omitted += len(details) - MaxDetail
		details = details[:MaxDetail]
	}
	w.key("details")
	w.b = append(w.b, '[')
	for i, d := range details {
		if w.full() {
			w.omitted += len(details) - i
			break
		}
		w.comma(i)
		w.b = append(w.b, `{"name":`...)
		w.quote(d.Name)
		w.b = append(w.b, `,"value":`...)
		w.quote(d.Value)
		w.b = append(w.b, '}')
	}
	w.b = append(w.b, ']')
}

// quote appends s as a JSON string. What is not UTF-8 becomes U+FFFD: names
// that strangers send come through here.
func (w *encoder) quote(s string) {
	if len(s) > MaxString {
		w.omitted++
		s = s[:MaxString]
		for len(s) > MaxString-utf8.UTFMax && !utf8.ValidString(s[max(0, len(s)-utf8.UTFMax):]) {
			s = s[:len(s)-1] // a character that the bound cut in two
		}
	}
	w.b = append(w.b, '"')
	w.b = appendEscaped(w.b, s)
	w.b = append(w.b, '"')
}

func appendEscaped(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	plain := 0 // start of what needs no escape
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < 0x7F && c != '"' && c != '\\' {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			if r, n := utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
		}
		dst = append(dst, s[plain:i]...)
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < utf8.RuneSelf:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, `\ufffd`...)
		}
		i++
		plain = i
	}
	return append(dst, s[plain:]...)
}

// parseEvent reads what appendEvent wrote.
func parseEvent(b []byte) (Event, error) {
	var w struct {
		Event
		Action string `json:"action"`
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return Event{}, errPayload
	}
	if len(w.Action) != 1 {
		return Event{}, errPayload
	}
	w.Event.Action = Action(w.Action[0])
	return w.Event, nil
}

// MarshalJSON gives the event with its action as a letter.
func (e Event) MarshalJSON() ([]byte, error) {
	type plain Event
	return json.Marshal(struct {
		plain
		Action string `json:"action"`
	}{plain(e), string(rune(e.Action))})
}

// check completes the event and refuses what could not be read back.
func (e *Event) check() error {
	m, ok := e.Code.Meaning()
	if !ok {
		return fmt.Errorf("audit: %q is no event code", string(e.Code))
	}
	switch e.Action {
	case 0:
		e.Action = m.Action
	case Create, Read, Update, Delete, Execute:
	default:
		return fmt.Errorf("audit: %q is no action code", e.Action)
	}
	switch e.Outcome {
	case Success, MinorFailure, SeriousFailure, MajorFailure:
	default:
		return fmt.Errorf("audit: %d is no outcome", int(e.Outcome))
	}
	if y := e.Time.Year(); y < 1 || y > 9999 {
		return errors.New("audit: the time of the event is out of range")
	}
	if len(e.Syntax) > dicom.MaxUIDLength {
		e.Syntax, e.Omitted = e.Syntax[:dicom.MaxUIDLength], e.Omitted+1
	}
	return nil
}
