package sqlite

import (
	"strings"
	"unicode/utf8"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/archive/match"
)

// patientName narrows by Patient's Name; with fuzzy matching to names that
// sound alike as well.
func (c *candidates) patientName(k *match.Key) {
	if !k.Fuzzy {
		c.names("s.identity", k)
		return
	}
	c.exact = false
	exact, ok := nameOwners(k)
	sounds, soundsOK := soundOwners(k)
	if ok && soundsOK {
		c.and("s.identity IN ("+exact.sql+" UNION "+sounds.sql+")", append(exact.args, sounds.args...)...)
		c.found = true
	}
}

// names narrows by an indexed attribute of VR PN, whose owners a column names.
func (c *candidates) names(column string, k *match.Key) {
	c.exact = false
	if k.Fuzzy {
		return // only Patient's Name has an index of sounds
	}
	if owners, ok := nameOwners(k); ok {
		c.and(column+" IN ("+owners.sql+")", owners.args...)
		c.found = true
	}
}

// owners is a subquery for the owners of names.
type owners struct {
	sql  string
	args []any
}

// nameOwners returns a subquery for the owners of all names that may match; ok
// is false if the index does not help.
func nameOwners(k *match.Key) (o owners, ok bool) {
	if k.All || k.Kind != match.Single && k.Kind != match.Wildcard {
		return o, false
	}
	var parts []string
	for _, v := range k.Values {
		groups := match.NameGroups(v)
		if len(groups) == 0 {
			continue // matches nothing
		}
		part, args, ok := groupOwners(k.Tag, groups)
		if !ok {
			return o, false
		}
		parts = append(parts, part)
		o.args = append(o.args, args...)
	}
	if len(parts) == 0 || len(parts) > maxAlternatives {
		return o, false
	}
	o.sql = strings.Join(parts, " UNION ")
	return o, true
}

// maxAlternatives bounds the parts of a statement that the peer can make grow.
const maxAlternatives = 16

// groupOwners looks up the first group that an index helps with: one that
// matches the key has a group that matches each of the key's.
func groupOwners(tag dicom.Tag, groups []string) (sql string, args []any, ok bool) {
	const owner = "SELECT owner FROM name WHERE tag = ? AND "
	for _, g := range groups {
		if !strings.ContainsAny(g, "*?") {
			return owner + "fold = ?", []any{tag, g}, true
		}
		var w where
		// A name without later components matches a key that has them empty.
		if prefix := strings.TrimRight(match.Prefix(g), "^"); prefix != "" {
			w.prefix("fold", prefix)
			return owner + strings.Join(w.conditions, " AND "), append([]any{tag}, w.args...), true
		}
	}
	for _, g := range groups {
		if three := trigrams(g); len(three) > 0 {
			return "SELECT rowid FROM " + grams[tag] + " WHERE " + grams[tag] + " MATCH ?", []any{strings.Join(three, " ")}, true
		}
	}
	return "", nil, false
}

const maxTrigrams = 16

// trigrams returns the sequences of three characters that must be in a name
// that matches the pattern, each quoted for FTS5, all of which a MATCH asks for.
func trigrams(pattern string) []string {
	var three []string
	for _, piece := range match.Pieces(pattern) {
		runes := []rune(strings.TrimRight(piece, "^"))
		for i := 0; i+3 <= len(runes) && len(three) < maxTrigrams; i++ {
			three = append(three, `"`+strings.ReplaceAll(string(runes[i:i+3]), `"`, `""`)+`"`)
		}
	}
	return three
}

// soundOwners returns a subquery for the identities whose names sound like the
// key's words: a key of dicom.FuzzyKeys begins with each word, or is its code.
func soundOwners(k *match.Key) (o owners, ok bool) {
	if len(k.Values) != 1 {
		return o, false
	}
	var parts []string
	for _, word := range dicom.FuzzyWords(k.Values[0]) {
		if len(parts) == maxAlternatives {
			break // the matcher asks for the rest
		}
		if !utf8.ValidString(word) {
			continue
		}
		var w where
		w.prefix("word", word)
		parts = append(parts, "SELECT owner FROM sound WHERE "+strings.Join(w.conditions, " AND ")+
			" OR word = ?")
		o.args = append(append(o.args, w.args...), dicom.FuzzyCode(word))
	}
	if len(parts) == 0 {
		return o, false
	}
	o.sql = "SELECT * FROM (" + strings.Join(parts, " INTERSECT ") + ")"
	return o, true
}
