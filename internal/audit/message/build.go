package message

import (
	"fmt"
	"strings"

	"github.com/tresor-pacs/tresor/internal/audit"
)

// The events that builders ask about.
const securityAlert = "110113"

// builder makes the message of one event.
type builder struct {
	source  *Source
	event   *audit.Event
	message *Message
}

// builders says for each event of PS3.15 section A.5.3 how participants and
// objects are filled in; actions are those that its table permits, the first of
// them where the event has another.
var builders = map[string]struct {
	actions string
	build   func(*builder)
}{
	"110100":      {"E", (*builder).applicationActivity},
	"110101":      {"R", (*builder).auditLogUsed},
	"110102":      {"E", (*builder).transfer},
	"110103":      {"RCUD", (*builder).access},
	"110104":      {"RCU", (*builder).transfer},
	"110105":      {"D", (*builder).access},
	"110106":      {"R", (*builder).export},
	"110107":      {"C", (*builder).imported},
	"110108":      {"E", (*builder).networkEntry},
	"110109":      {"RCUD", (*builder).record},
	"110110":      {"RCUD", (*builder).record},
	"110111":      {"RCUD", (*builder).procedure},
	"110112":      {"E", (*builder).query},
	securityAlert: {"E", (*builder).alert},
	"110114":      {"E", (*builder).authentication},
}

// New says a record of the trail as a message.
func New(s *Source, r *audit.Record) (*Message, error) {
	e := &r.Event
	meaning, ok := e.Code.Meaning()
	how, built := builders[meaning.Event]
	if !ok || !built {
		return nil, fmt.Errorf("record %d: no audit message for %q", r.Seq, string(e.Code))
	}
	m := &Message{Record: r.Seq, Code: e.Code, Action: e.Action, Time: r.Time, Outcome: e.Outcome,
		Description: e.Reason, Source: *s}
	m.Event, m.Types = eventCodes(e.Code, meaning)
	if !strings.ContainsRune(how.actions, rune(e.Action)) {
		m.Action = audit.Action(how.actions[0])
	}
	how.build(&builder{s, e, m})
	return m, nil
}

// describe adds the details to the outcome's description, for events whose
// tables have no object to put them into.
func (b *builder) describe() {
	parts := make([]string, 0, 4)
	if b.event.Reason != "" {
		parts = append(parts, b.event.Reason)
	}
	for _, d := range b.details() {
		parts = append(parts, d.Name+": "+d.Value)
	}
	b.message.Description = strings.Join(parts, "; ")
}
