package message

import (
	"strings"

	"github.com/tresor-pacs/tresor/internal/audit"
)

// alert follows PS3.15 section A.5.3.11: the archive reports what somebody did
// or tried. The subjects are the studies, devices and users that the event
// names, else where it came from.
func (b *builder) alert() {
	reporter := b.self()
	reporter.Requestor = true
	b.message.Participants = []Participant{reporter}
	if !b.bySelf() || b.event.Peer != "" || strings.HasPrefix(b.event.Principal, "command line") {
		b.message.Participants = append(b.message.Participants, b.asker())
	}
	subjects := b.subjects()
	said := audit.Detail{Name: "Alert Description", Value: string(b.event.Code)}
	if b.event.Reason != "" {
		said.Value += ": " + b.event.Reason
	}
	for i := range subjects {
		subjects[i].Details = append([]audit.Detail{said}, subjects[i].Details...)
	}
	first := &subjects[0]
	for _, id := range b.event.Patients {
		first.Details = append(first.Details, audit.Detail{Name: "patient", Value: id})
	}
	for _, uid := range b.event.Instances {
		first.Details = append(first.Details, audit.Detail{Name: "instance", Value: string(uid)})
	}
	first.Details = append(first.Details, b.details()...)
	b.message.Objects = subjects
}

func (b *builder) subjects() []Object {
	resource := Object{Type: ObjectSystem, Role: RoleSecurityResource}
	var all []Object
	for _, uid := range b.event.Studies {
		o := resource
		o.IDType, o.ID = idStudy, string(uid)
		all = append(all, o)
	}
	for _, d := range b.event.Details {
		o := resource
		switch d.Name {
		case "device":
			o.IDType = idNode
		case "user", "account":
			o.IDType = idUser
		case "file":
			o.IDType = idURI
		default:
			continue
		}
		o.ID = d.Value
		all = append(all, o)
	}
	if len(all) > 0 {
		return all
	}
	o := resource
	o.IDType, o.ID = idNode, b.source.ID
	if address, kind := access(b.event.Peer); kind != 0 {
		o.ID = address
	}
	return []Object{o}
}
