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

func TestPersonAtDevice(t *testing.T) {
	device := Principal{Kind: Device, Name: "ws1", Rights: []Right{Echo, Find, Get, Move, Worklist}, Destinations: []string{"ws2"},
		Scope: Scope{Modalities: []string{"CT"}}}
	for role, want := range map[Role][]Right{
		Radiologist: {Echo, Find, Get, Move, Worklist}, Technologist: {Echo, Find, Get, Move, Worklist},
		Referrer: {Echo, Find, Get, Move}, Administrator: {Echo}, PrivacyOfficer: {Echo}, Auditor: {Echo}, "": {Echo},
	} {
		scope := Scope{Patients: []string{"P1"}}
		person := Principal{Kind: User, Name: "erika", Role: role, Rights: RightsOf(role, scope), Scope: scope, Destinations: []string{"ws3"}}
		p := AtDevice(device, person)
		if p.Kind != Device || p.Name != "ws1" || p.Role != role || !slices.Equal(p.Rights, want) || !slices.Equal(p.Destinations, []string{"ws2"}) ||
			!slices.Equal(p.Scope.Modalities, []string{"CT"}) || !slices.Equal(p.Scope.Patients, []string{"P1"}) {
			t.Errorf("%q: %+v", role, p)
		}
	}
	reader := Principal{Kind: User, Name: "erika", Rights: []Right{Find, Get, Store}, Scope: Scope{Modalities: []string{"MR"}}}
	if p := AtDevice(device, reader); !slices.Equal(p.Rights, []Right{Echo}) {
		t.Errorf("nothing lies in both scopes: %+v", p)
	}
	device.Rights = []Right{Store}
	if p := AtDevice(device, Principal{Kind: User, Rights: []Right{Find, Get, Store}}); !slices.Equal(p.Rights, []Right{Store}) {
		t.Errorf("the person widened what the device may do: %+v", p)
	}
}
