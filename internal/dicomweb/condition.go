package dicomweb

import "strings"

// matches reports whether a list of entity tags, as If-None-Match has it, names
// the tag (RFC 9110 section 13.1.2: weakly).
func matches(lists []string, tag string) bool {
	for _, list := range lists {
		for t := range strings.SplitSeq(list, ",") {
			t = strings.TrimSpace(t)
			if t == "*" || strings.TrimPrefix(t, "W/") == tag {
				return true
			}
		}
	}
	return false
}
