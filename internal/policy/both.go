package policy

import (
	"slices"
	"time"
)

// AtDevice returns the principal for a person at a device: it holds only the
// rights that both hold, and sees only what both see. So a person narrows what
// the device may do and never widens it. It goes by the device's kind, name and
// destinations; the role is the person's, for the trail.
func AtDevice(device, person Principal) Principal {
	both := device
	both.Role = person.Role
	both.Rights = common(device.Rights, onDIMSE(person.Rights))
	scope, some := device.Scope.Within(person.Scope)
	both.Scope = scope
	if !some {
		both.Rights = common(device.Rights, []Right{Echo}) // a Scope cannot say "nothing"
	}
	return both
}

// onDIMSE adds to the rights of a person those of a device that go with them:
// who may get may have moved, to where the device may send; who may store takes
// part in what surrounds an examination.
func onDIMSE(rights []Right) []Right {
	all := append([]Right{Echo}, rights...)
	if slices.Contains(rights, Get) {
		all = append(all, Move)
	}
	if slices.Contains(rights, Store) {
		all = append(all, Commit, Worklist, MPPS)
	}
	return all
}

// Within returns the scope of what lies in s and in o; some is false if nothing
// can lie in both.
func (s Scope) Within(o Scope) (both Scope, some bool) {
	var list []Scope
	for _, a := range s.Alternatives() {
		for _, b := range o.Alternatives() {
			if c, ok := a.meet(b); ok {
				list = append(list, c)
			}
		}
	}
	if len(list) == 0 {
		return Scope{}, false
	}
	return list[0].With(list[1:]...), true
}

// meet is Within for scopes without alternatives.
func (s Scope) meet(o Scope) (c Scope, ok bool) {
	ok = true
	field := func(a, b []string) []string {
		switch {
		case len(a) == 0:
			return slices.Clone(b)
		case len(b) == 0:
			return slices.Clone(a)
		}
		both := common(a, b)
		ok = ok && len(both) > 0
		return both
	}
	c = Scope{
		Institutions: field(s.Institutions, o.Institutions), Departments: field(s.Departments, o.Departments),
		Modalities: field(s.Modalities, o.Modalities), Sources: field(s.Sources, o.Sources),
		Referring: field(s.Referring, o.Referring), Patients: field(s.Patients, o.Patients),
		Studies: field(s.Studies, o.Studies), MaxAge: shorter(s.MaxAge, o.MaxAge),
	}
	return c, ok
}

// shorter returns the narrower of two ages; 0 does not narrow.
func shorter(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

func common[T comparable](a, b []T) []T {
	var both []T
	for _, v := range a {
		if slices.Contains(b, v) && !slices.Contains(both, v) {
			both = append(both, v)
		}
	}
	return both
}
