package identity

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// scopeKeys are the words of a scope, as ParseScope reads and FormatScope
// writes them.
var scopeKeys = []struct {
	word string
	list func(*policy.Scope) *[]string
}{
	{"institution", func(s *policy.Scope) *[]string { return &s.Institutions }},
	{"department", func(s *policy.Scope) *[]string { return &s.Departments }},
	{"modality", func(s *policy.Scope) *[]string { return &s.Modalities }},
	{"source", func(s *policy.Scope) *[]string { return &s.Sources }},
	{"referring", func(s *policy.Scope) *[]string { return &s.Referring }},
	{"patient", func(s *policy.Scope) *[]string { return &s.Patients }},
	{"study", func(s *policy.Scope) *[]string { return &s.Studies }},
}

// maxScopeValues bounds the values of one field: they stand in every search.
const maxScopeValues = 10000

// ParseScope reads a scope from words of the form KEY=VALUE: institution,
// department, modality, source (the device that sent it), referring, patient
// and study, each as often as wanted, and age (365d, 12h) once. No word at all,
// or the word "all" alone, narrows nothing.
func ParseScope(words []string) (policy.Scope, error) {
	var s policy.Scope
	if len(words) == 1 && words[0] == "all" {
		return s, nil
	}
	for _, w := range words {
		key, value, ok := strings.Cut(w, "=")
		if value = strings.TrimSpace(value); !ok || value == "" {
			return policy.Scope{}, fmt.Errorf("a scope is written KEY=VALUE, with %s, or all", scopeWords())
		}
		if err := addToScope(&s, strings.ToLower(strings.TrimSpace(key)), value); err != nil {
			return policy.Scope{}, err
		}
	}
	return s, nil
}

func addToScope(s *policy.Scope, key, value string) error {
	switch key {
	case "age":
		age, err := parseAge(value)
		if err == nil && s.MaxAge != 0 {
			err = fmt.Errorf("age is given twice")
		}
		s.MaxAge = age
		return err
	case "referring":
		value = dicom.FoldName(value)
	case "study":
		if !dicom.UID(value).Tolerable() {
			return fmt.Errorf("a study of the scope is named by no valid UID")
		}
	}
	for _, k := range scopeKeys {
		if k.word != key {
			continue
		}
		list := k.list(s)
		if len(*list) >= maxScopeValues {
			return fmt.Errorf("the scope has more than %d values of %s", maxScopeValues, key)
		}
		*list = append(*list, value)
		return nil
	}
	return fmt.Errorf("%q is no field of a scope; there are %s", key, scopeWords())
}

func scopeWords() string {
	var words []string
	for _, k := range scopeKeys {
		words = append(words, k.word)
	}
	return strings.Join(words, ", ") + " and age"
}

func parseAge(value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if days, ok := strings.CutSuffix(value, "d"); ok {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 16)
		d = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("the age of a scope is written 365d or 12h")
	}
	return d, nil
}

// FormatScope returns the words that ParseScope reads; "all" for a scope that
// narrows nothing.
func FormatScope(s policy.Scope) []string {
	var words []string
	for _, k := range scopeKeys {
		for _, v := range *k.list(&s) {
			words = append(words, k.word+"="+v)
		}
	}
	switch day := 24 * time.Hour; {
	case s.MaxAge == 0:
	case s.MaxAge%day == 0:
		words = append(words, fmt.Sprintf("age=%dd", s.MaxAge/day))
	default:
		words = append(words, "age="+s.MaxAge.String())
	}
	if len(words) == 0 {
		return []string{"all"}
	}
	return words
}
