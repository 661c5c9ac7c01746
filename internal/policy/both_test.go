package policy

import (
	"slices"
	"testing"
	"time"
)

// What both see is what each of them sees, for every scope and every resource
// of a small world.
func TestWithinIsWhatBothSee(t *testing.T) {
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	scopes := []Scope{
		{}, {Modalities: []string{"CT"}}, {Modalities: []string{"CT", "MR"}}, {Modalities: []string{"US"}},
		{Institutions: []string{"North"}}, {Institutions: []string{"South"}, Modalities: []string{"MR"}},
		{MaxAge: 240 * time.Hour}, {MaxAge: 24 * time.Hour, Patients: []string{"P1"}},
		{Modalities: []string{"CT"}, Also: []Scope{{Patients: []string{"P2"}}}},
		{Studies: []string{"1.2"}, Also: []Scope{{Modalities: []string{"MR"}}, {Referring: []string{"meier"}}}},
		{Departments: []string{"ER"}, Sources: []string{"ct1"}},
	}
	var world []Resource
	for _, modality := range []string{"CT", "MR", "US", ""} {
		for _, institution := range []string{"North", "South", ""} {
			for _, patient := range []string{"P1", "P2"} {
				for _, age := range []time.Duration{time.Hour, 100 * time.Hour, 1000 * time.Hour} {
					world = append(world, Resource{Modality: modality, Institution: institution, Patient: patient,
						StudyDate: now.Add(-age), Study: "1.2", Referring: "meier", Source: "ct1", Department: "ER"},
						Resource{Modality: modality, Institution: institution, Patient: patient, StudyDate: now.Add(-age)})
				}
			}
		}
	}
	for i, a := range scopes {
		for j, b := range scopes {
			both, some := a.Within(b)
			for _, r := range world {
				want := a.Holds(r, now) && b.Holds(r, now)
				if got := some && both.Holds(r, now); got != want {
					t.Fatalf("scopes %d and %d, %+v: %v, want %v", i, j, r, got, want)
				}
			}
		}
	}
}

func TestBothNarrows(t *testing.T) {
	device := Principal{Kind: Device, Name: "ws1", Rights: []Right{Echo, Find, Get, Move}, Destinations: []string{"ws2"},
		Scope: Scope{Modalities: []string{"CT"}}}
	reader := Principal{Kind: User, Name: "erika", Role: Radiologist, Rights: []Right{Manage, Get, Find, Store},
		Destinations: []string{"ws3"}}
	p := Both(device, reader)
	if p.Kind != Device || p.Name != "ws1" || p.Role != Radiologist || !slices.Equal(p.Rights, []Right{Find, Get}) ||
		!slices.Equal(p.Destinations, []string{"ws2"}) || !slices.Equal(p.Scope.Modalities, []string{"CT"}) {
		t.Errorf("%+v", p)
	}
	reader.Scope = Scope{Modalities: []string{"MR"}}
	if p := Both(device, reader); len(p.Rights) != 0 {
		t.Errorf("nothing lies in both scopes: %+v", p)
	}
	if p := Both(device, Principal{}); len(p.Rights) != 0 {
		t.Errorf("with nobody: %+v", p)
	}
}
