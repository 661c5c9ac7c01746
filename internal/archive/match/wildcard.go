package match

import (
	"strings"
	"unicode/utf8"
)

// maxPattern is the longest wild card pattern that is tried, in bytes. A longer
// one matches nothing: no attribute worth searching is as long.
const maxPattern = 1 << 10

// hasWildcard reports whether s has one of the two wild cards (PS3.4 section
// C.2.2.2.4).
func hasWildcard(s string) bool { return strings.ContainsAny(s, "*?") }

// wildcard reports whether s matches the pattern: "*" stands for any sequence
// of characters, none included, "?" for one character. Its time is bounded by
// the product of the two lengths.
func wildcard(pattern, s string) bool {
	if len(pattern) > maxPattern {
		return false
	}
	star, mark := -1, 0
	p, i := 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && pattern[p] == '?':
			_, n := utf8.DecodeRuneInString(s[i:])
			i += n
			p++
		case p < len(pattern) && pattern[p] == s[i]:
			p++
			i++
		case star >= 0:
			_, n := utf8.DecodeRuneInString(s[mark:])
			mark += n
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// Prefix returns the literal text with which everything that matches the
// pattern begins.
func Prefix(pattern string) string {
	if i := strings.IndexAny(pattern, "*?"); i >= 0 {
		return pattern[:i]
	}
	return pattern
}

// Pieces returns the literal texts between the wild cards of the pattern, each
// of which is in everything that matches.
func Pieces(pattern string) []string {
	return strings.FieldsFunc(pattern, func(r rune) bool { return r == '*' || r == '?' })
}
