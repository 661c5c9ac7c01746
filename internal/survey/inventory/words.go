package inventory

import (
	"errors"
	"strings"
)

// word is a word of a query.
type word struct {
	not    bool
	name   string // in lower case; "" for none
	values []string
}

// words divides a query; quotes keep spaces, colons and commas in a value.
func words(s string) ([]word, error) {
	var out []word
	w := word{}
	var value strings.Builder
	quoted, some := false, false
	end := func() {
		if some && (w.name != "" || value.Len() > 0) {
			w.values = append(w.values, value.String())
			out = append(out, w)
		}
		w, some = word{}, false
		value.Reset()
	}
	for _, c := range s {
		switch {
		case c == '"':
			quoted, some = !quoted, true
		case quoted:
			value.WriteRune(c)
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			end()
		case c == '-' && !some:
			w.not, some = true, true
		case c == ':' && w.name == "" && isName(value.String()):
			w.name = strings.ToLower(value.String())
			value.Reset()
		case c == ',' && w.name != "":
			w.values = append(w.values, value.String())
			value.Reset()
		default:
			value.WriteRune(c)
			some = true
		}
	}
	if quoted {
		return nil, errors.New("the query lacks a closing quote")
	}
	end()
	return out, nil
}

func isName(s string) bool {
	for i, c := range s {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c != '.' && c != '_') {
			return false
		}
	}
	return s != ""
}
