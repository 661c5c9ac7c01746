package message

import (
	"slices"
	"testing"

	"github.com/tresor-pacs/tresor/internal/audit"
)

// entity is a line of a table in PS3.15 section A.5.3: what it is told by, and
// how many there may be.
type entity struct {
	name string
	is   func(any) bool
	min  int
	max  int
}

const many = 1 << 20

func role(c Coded) func(any) bool {
	return func(x any) bool {
		p, ok := x.(Participant)
		return ok && slices.Contains(p.Roles, c)
	}
}

func object(idType Coded, kind, role int) func(any) bool {
	return func(x any) bool {
		o, ok := x.(Object)
		return ok && o.IDType == idType && o.Type == kind && o.Role == role
	}
}

func others(roles ...Coded) func(any) bool {
	return func(x any) bool {
		p, ok := x.(Participant)
		return ok && !slices.ContainsFunc(roles, func(c Coded) bool { return slices.Contains(p.Roles, c) })
	}
}

var (
	study   = object(idStudy, ObjectSystem, RoleReport)
	patient = object(idPatient, ObjectPerson, RolePatient)
	anybody = others()
)

// tables repeats the tables of PS3.15 section A.5.3 as far as they bind.
var tables = map[string][]entity{
	"110100": {{"application", role(roleApplication), 1, 1}, {"launcher", role(roleLauncher), 0, many}},
	"110101": {{"who read", anybody, 1, 2}, {"the log", object(idURI, ObjectSystem, RoleSecurityResource), 1, 1}},
	"110102": {{"source", role(roleSource), 1, 1}, {"destination", role(roleDestination), 1, 1},
		{"others", others(roleSource, roleDestination), 0, many}, {"studies", study, 1, many}, {"patient", patient, 1, 1}},
	"110103": {{"who", anybody, 1, 2}, {"studies", study, 1, many}, {"patient", patient, 1, 1}},
	"110104": {{"source", role(roleSource), 1, 1}, {"destination", role(roleDestination), 1, 1},
		{"others", others(roleSource, roleDestination), 0, many}, {"studies", study, 1, many}, {"patient", patient, 1, 1}},
	"110105": {{"who", anybody, 1, 2}, {"studies", study, 1, many}, {"patient", patient, 1, 1}},
	"110106": {{"remote", role(roleDestination), 0, many}, {"who", role(roleSource), 1, 2}, {"media", role(roleMediaOut), 1, 1},
		{"studies", study, 0, many}, {"patients", patient, 1, many}},
	"110107": {{"who", role(roleDestination), 1, many}, {"media", role(roleMediaIn), 1, 1}, {"source", role(roleSource), 0, many},
		{"studies", study, 0, many}, {"patients", patient, 1, many}},
	"110108": {{"node", anybody, 1, 1}},
	"110109": {{"who", anybody, 1, 2}, {"patient", patient, 1, 1}},
	"110110": {{"who", anybody, 1, 2}, {"patient", patient, 1, 1}},
	"110111": {{"who", anybody, 1, 2}, {"studies", study, 0, many}, {"patient", patient, 1, 1}},
	"110112": {{"source", role(roleSource), 1, 1}, {"destination", role(roleDestination), 1, 1},
		{"others", others(roleSource, roleDestination), 0, many}, {"the query", func(x any) bool {
			o, ok := x.(Object)
			return ok && o.Type == ObjectSystem && o.Role == RoleReport && o.Query != nil && (o.IDType == idSOPClass) == slices.ContainsFunc(o.Details, named("TransferSyntax"))
		}, 1, 1}},
	"110113": {{"reporter and performers", anybody, 1, many}, {"subject", func(x any) bool {
		o, ok := x.(Object)
		return ok && o.Type == ObjectSystem && o.Role == RoleSecurityResource && slices.ContainsFunc(o.Details, named("Alert Description"))
	}, 0, many}},
	"110114": {{"person", func(x any) bool {
		p, ok := x.(Participant)
		return ok && p.Requestor && p.Access != "" && p.AccessType != 0
	}, 1, 1}, {"node", func(x any) bool { p, ok := x.(Participant); return ok && !p.Requestor }, 0, 1}},
}

func named(name string) func(audit.Detail) bool {
	return func(d audit.Detail) bool { return d.Name == name }
}

// typed are the events whose type is mandatory.
var typed = []string{"110100", "110108", "110113", "110114"}

// checkTable judges a message by the table of its event.
func checkTable(t *testing.T, m *Message) {
	t.Helper()
	table, ok := tables[m.Event.Value]
	if !ok {
		t.Errorf("%s: no table for %s", m.Code, m.Event.Value)
		return
	}
	all := make([]any, 0, 8)
	requestors := 0
	for _, p := range m.Participants {
		all = append(all, p)
		if p.Requestor {
			requestors++
		}
		if p.UserID == "" || (p.AccessType == 0) != (p.Access == "") {
			t.Errorf("%s: participant %+v", m.Code, p)
		}
	}
	if requestors > 1 || m.Event.Value == "110108" && requestors > 0 {
		t.Errorf("%s: %d requestors", m.Code, requestors)
	}
	ids := map[string]int{}
	for _, o := range m.Objects {
		all = append(all, o)
		if o.ID == "" {
			t.Errorf("%s: an object without an identifier", m.Code)
		}
		if o.IDType == idPatient {
			ids[o.ID]++
		}
	}
	known := make([]bool, len(all))
	for _, line := range table {
		n := 0
		for i, x := range all {
			if line.is(x) {
				n++
				known[i] = true
			}
		}
		limit := line.max
		if line.name == "patient" {
			limit = max(limit, len(ids)) // more only where the event itself names several
		}
		if n < line.min || n > limit {
			t.Errorf("%s: %d of %s, not %d to %d", m.Code, n, line.name, line.min, line.max)
		}
	}
	if i := slices.Index(known, false); i >= 0 {
		t.Errorf("%s: its table does not know %+v", m.Code, all[i])
	}
	if slices.Contains(typed, m.Event.Value) && len(m.Types) == 0 {
		t.Errorf("%s: no type", m.Code)
	}
}
