package match

import "strings"

// maxGroups is how many component groups a person name has.
const maxGroups = 3

// NameGroups returns the component groups of one person name (PS3.5 section
// 6.2.1.2), folded as dicom.FoldName does; empty ones are left out.
func NameGroups(folded string) []string {
	var groups []string
	for _, g := range strings.SplitN(folded, "=", maxGroups+1) {
		if g = strings.Trim(g, " "); g != "" && len(groups) < maxGroups {
			groups = append(groups, g)
		}
	}
	return groups
}

// matchName reports whether one person name, folded, matches a key, folded: each
// group that the key has must match one of the name's groups, so that a name is
// found by its alphabetic, ideographic or phonetic form alike (PS3.4 section
// C.2.2.2.1). What is not written at the end of a name is an empty component:
// SMITH^* finds SMITH.
func matchName(key, name string) bool {
	matched := false
	for _, k := range NameGroups(key) {
		found := false
		for _, g := range NameGroups(name) {
			if found = matchNameGroup(k, g); found {
				break
			}
		}
		if !found {
			return false
		}
		matched = true
	}
	return matched
}

func matchNameGroup(key, group string) bool {
	if !hasWildcard(key) {
		return key == group
	}
	if wildcard(key, group) {
		return true
	}
	missing := strings.Count(key, "^") - strings.Count(group, "^")
	return missing > 0 && missing <= 4 && wildcard(key, group+"^^^^"[:missing])
}
