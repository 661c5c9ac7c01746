package policy

import (
	"slices"
	"testing"
)

func TestRolesGiveTheirRightsAndNoMore(t *testing.T) {
	scope := Scope{Referring: []string{"praxis"}}
	for _, c := range []struct {
		role  Role
		scope Scope
		want  []Right
	}{
		{Administrator, Scope{}, []Right{Manage, Review, Erase, Hold, Settle}},
		{Administrator, scope, []Right{Manage, Review, Erase, Hold, Settle}},
		{Radiologist, Scope{}, []Right{Find, Get, Store, Commit, BreakGlass, Export, Lend}},
		{Technologist, Scope{}, []Right{Find, Get, Store, Commit, BreakGlass}},
		{Referrer, Scope{}, nil},
		{Referrer, scope, []Right{Find, Get}},
		{PrivacyOfficer, Scope{}, []Right{ReadTrail, Review, Erase, Hold, Export}},
		{Auditor, Scope{}, []Right{ReadTrail}},
		{"", Scope{}, nil},
		{"root", Scope{}, nil},
	} {
		if got := RightsOf(c.role, c.scope); !slices.Equal(got, c.want) {
			t.Errorf("%q: %v, not %v", c.role, got, c.want)
		}
	}
	for _, r := range Roles {
		if !r.Known() {
			t.Errorf("%s is not known", r)
		}
	}
	if Role("root").Known() || Role("").Known() {
		t.Error("an unknown role is known")
	}
}
