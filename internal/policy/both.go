package policy

import (
	"slices"
	"time"
)

// Both returns the principal for what two do together, such as a person at a
// device: it holds only the rights that both hold, and sees only what both see.
// So whoever brings a name along can narrow what the device may do and never
// widen it. It goes by a's kind, name and destinations; b's role is for the trail.
func Both(a, b Principal) Principal {
	both := a
	both.Role = b.Role
	both.Rights = common(a.Rights, b.Rights)
	scope, some := a.Scope.Within(b.Scope)
	both.Scope = scope
	if !some {
		both.Rights = nil // a Scope cannot say "nothing"
	}
	return both
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
