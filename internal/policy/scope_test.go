package policy

import (
	"testing"
	"time"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// resource lies in each of the scopes below.
var resource = Resource{Institution: "Haus A", Department: "Radiologie", Modality: "CT", Source: "ct1", Referring: "praxis^dr",
	StudyDate: now.AddDate(0, 0, -10), Patient: "4711", Study: "1.2.3"}

// Each field by itself lets its value in, keeps another out, and keeps out what
// is not known.
func TestEachFieldOfAScopeNarrows(t *testing.T) {
	for name, c := range map[string]struct {
		scope        Scope
		other, empty func(*Resource)
	}{
		"institution": {Scope{Institutions: []string{"Haus A"}}, func(r *Resource) { r.Institution = "Haus B" }, func(r *Resource) { r.Institution = "" }},
		"department":  {Scope{Departments: []string{"Radiologie"}}, func(r *Resource) { r.Department = "x" }, func(r *Resource) { r.Department = "" }},
		"modality":    {Scope{Modalities: []string{"MR", "CT"}}, func(r *Resource) { r.Modality = "US" }, func(r *Resource) { r.Modality = "" }},
		"source":      {Scope{Sources: []string{"ct1"}}, func(r *Resource) { r.Source = "ct2" }, func(r *Resource) { r.Source = "" }},
		"referring":   {Scope{Referring: []string{"praxis^dr"}}, func(r *Resource) { r.Referring = "x" }, func(r *Resource) { r.Referring = "" }},
		"patient":     {Scope{Patients: []string{"4711"}}, func(r *Resource) { r.Patient = "47" }, func(r *Resource) { r.Patient = "" }},
		"study":       {Scope{Studies: []string{"1.2.3"}}, func(r *Resource) { r.Study = "1.2" }, func(r *Resource) { r.Study = "" }},
		"age":         {Scope{MaxAge: 30 * 24 * time.Hour}, func(r *Resource) { r.StudyDate = now.AddDate(-1, 0, 0) }, func(r *Resource) { r.StudyDate = time.Time{} }},
	} {
		if !c.scope.Holds(resource, now) || c.scope.Unlimited() {
			t.Errorf("%s: keeps its own out", name)
		}
		for what, change := range map[string]func(*Resource){"another": c.other, "an unknown": c.empty} {
			r := resource
			change(&r)
			if c.scope.Holds(r, now) {
				t.Errorf("%s: lets %s in", name, what)
			}
			if !c.scope.With(Scope{}).Holds(r, now) || !c.scope.With(Scope{Modalities: []string{"MR", "US"}}, c.scope).Holds(resource, now) {
				t.Errorf("%s: an alternative does not count", name)
			}
			if c.scope.With(Scope{Studies: []string{"9"}}).Holds(r, now) {
				t.Errorf("%s: lets %s in beside an alternative", name, what)
			}
		}
	}
}

func TestWithNothingStaysAndWithEverythingSeesAll(t *testing.T) {
	s := Scope{Modalities: []string{"CT"}}
	if got := s.With(); got.Unlimited() || len(got.Alternatives()) != 1 {
		t.Errorf("%+v", got)
	}
	if got := s.With(Scope{}); !got.Unlimited() {
		t.Errorf("%+v", got)
	}
	two := s.With(Scope{Patients: []string{"a"}}).With(Scope{Patients: []string{"b"}})
	if len(two.Alternatives()) != 3 || len(s.Also) != 0 {
		t.Errorf("%+v", two)
	}
	if (Scope{}).With(s).Unlimited() != true {
		t.Error("a further scope narrowed one that sees all")
	}
}

// The zero values deny.
func TestNobodyMayDoNothing(t *testing.T) {
	for _, right := range append(append([]Right{""}, DeviceRights...), UserRights...) {
		if May(Principal{}, right).Allowed || MayTouch(Principal{}, right, resource, now).Allowed || MaySendTo(Principal{}, "").Allowed {
			t.Errorf("nobody may %s", right)
		}
		if May(Principal{Rights: []Right{right}}, right).Allowed {
			t.Errorf("somebody without a name may %s", right)
		}
	}
}
