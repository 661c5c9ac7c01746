package identity

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/policy"
)

func TestScopeIsReadAndWritten(t *testing.T) {
	words := []string{"institution=Haus A", "institution=Haus B", "department=Radiologie", "modality=CT", "source=ct1",
		"referring=MÜLLER^Jürgen", "patient=4711=a", "study=1.2.3", "age=365d"}
	got, err := ParseScope(words)
	want := policy.Scope{Institutions: []string{"Haus A", "Haus B"}, Departments: []string{"Radiologie"}, Modalities: []string{"CT"},
		Sources: []string{"ct1"}, Referring: []string{"muller^jurgen"}, Patients: []string{"4711=a"}, Studies: []string{"1.2.3"},
		MaxAge: 365 * 24 * time.Hour}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	again, err := ParseScope(FormatScope(got))
	if err != nil || !reflect.DeepEqual(again, got) {
		t.Errorf("written and read: %+v, %v", again, err)
	}
	for _, all := range [][]string{nil, {"all"}} {
		if s, err := ParseScope(all); err != nil || !s.Unlimited() {
			t.Errorf("%v: %+v, %v", all, s, err)
		}
	}
	if got := FormatScope(policy.Scope{}); !slices.Equal(got, []string{"all"}) {
		t.Error(got)
	}
}

// What cannot be read never becomes a scope that sees more than was meant.
func TestBadScopesAreRefused(t *testing.T) {
	for _, words := range [][]string{{"modality"}, {"modality="}, {"colour=red"}, {"age=0d"}, {"age=-1h"}, {"age=x"}, {"age=1d", "age=2d"},
		{"study=abc"}, {"all", "modality=CT"}, {""}, {"="}} {
		if s, err := ParseScope(words); err == nil {
			t.Errorf("%q is read as %+v", words, s)
		}
	}
}
