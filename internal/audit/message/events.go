package message

import (
	"strings"

	"github.com/tresor-pacs/tresor/internal/audit"
)

// applicationActivity follows PS3.15 section A.5.3.1.
func (b *builder) applicationActivity() {
	b.message.Participants = []Participant{b.self(roleApplication)}
	if !b.bySelf() {
		who := b.asker(roleLauncher)
		who.Requestor = true
		b.message.Participants = append(b.message.Participants, who)
	}
	b.describe()
}

// auditLogUsed follows PS3.15 section A.5.3.2.
func (b *builder) auditLogUsed() {
	b.message.Participants = b.asked()
	log := Object{Type: ObjectSystem, Role: RoleSecurityResource, IDType: idURI, ID: b.source.Trail, Name: "Security Audit Log"}
	if log.ID == "" {
		log.ID = "file:trail"
	}
	for _, id := range b.event.Patients {
		log.Details = append(log.Details, audit.Detail{Name: "patient", Value: id})
	}
	for _, uid := range b.event.Studies {
		log.Details = append(log.Details, audit.Detail{Name: "study", Value: string(uid)})
	}
	for _, uid := range b.event.Instances {
		log.Details = append(log.Details, audit.Detail{Name: "instance", Value: string(uid)})
	}
	log.Details = append(log.Details, b.details()...)
	b.message.Objects = []Object{log}
}

// transfer follows PS3.15 sections A.5.3.3 and A.5.3.7. What is created or
// updated came to us; what is read goes to who asked, or to another device on
// its behalf.
func (b *builder) transfer() {
	switch {
	case b.event.Action == audit.Create || b.event.Action == audit.Update:
		who := b.asker(roleSource)
		who.Requestor = true
		b.message.Participants = []Participant{who, b.self(roleDestination)}
	case b.event.Destination != "":
		who := b.asker()
		who.Requestor = true
		to := Participant{UserID: b.event.Destination, Roles: []Coded{roleDestination}}
		b.message.Participants = []Participant{b.self(roleSource), to, who}
	default:
		who := b.asker(roleDestination)
		who.Requestor = true
		b.message.Participants = []Participant{b.self(roleSource), who}
	}
	b.message.Objects = append(b.studies(lifeOf(b.event.Action)), b.patients()...)
}

// access follows PS3.15 sections A.5.3.6 and A.5.3.8.
func (b *builder) access() {
	b.message.Participants = b.asked()
	b.message.Objects = append(b.studies(lifeOf(b.message.Action)), b.patients()...)
}

// export follows PS3.15 section A.5.3.4.
func (b *builder) export() {
	who := b.asker(roleSource)
	who.Requestor = true
	b.message.Participants = []Participant{who, medium(b.event, roleMediaOut)}
	if !b.bySelf() {
		b.message.Participants = []Participant{who, b.self(roleSource), medium(b.event, roleMediaOut)}
	}
	b.message.Objects = append(b.studies(lifeExport), b.patients()...)
}

// imported follows PS3.15 section A.5.3.5.
func (b *builder) imported() {
	who := b.asker(roleDestination)
	who.Requestor = true
	b.message.Participants = []Participant{who, medium(b.event, roleMediaIn)}
	b.message.Objects = append(b.studies(lifeImport), b.patients()...)
}

// networkEntry follows PS3.15 section A.5.3.9: the node never is the requestor.
func (b *builder) networkEntry() {
	b.message.Participants = []Participant{b.asker()}
	b.describe()
}

// query follows PS3.15 section A.5.3.10. The identifier of a C-FIND comes with
// its SOP class and transfer syntax, a search over HTTP as it was received.
func (b *builder) query() {
	e := b.event
	who := b.asker(roleSource)
	who.Requestor = true
	b.message.Participants = []Participant{who, b.self(roleDestination)}
	o := Object{Type: ObjectSystem, Role: RoleReport, IDType: idURI, ID: None, Query: append([]byte{}, e.Query...)}
	switch {
	case e.Syntax != "":
		o.IDType = idSOPClass
		if len(e.SOPClasses) > 0 {
			o.ID = string(e.SOPClasses[0])
		}
		o.Details = append(o.Details, audit.Detail{Name: "TransferSyntax", Value: string(e.Syntax)})
	case len(e.Query) > 0:
		o.ID, _, _ = strings.Cut(string(e.Query), "?")
	}
	o.Details = append(o.Details, b.details()...)
	b.message.Objects = []Object{o}
}

// authentication follows PS3.15 section A.5.3.12, which asks for a network
// access point; who sits at the archive's own console comes from there.
func (b *builder) authentication() {
	who := b.asker()
	who.Requestor = true
	if who.AccessType == 0 {
		who.Access, who.AccessType = b.source.ID, AccessName
	}
	b.message.Participants = []Participant{who, b.self()}
	b.describe()
}

// record follows PS3.15 sections A.5.3.13 and A.5.3.14.
func (b *builder) record() {
	b.message.Participants = b.asked()
	b.message.Objects = b.patients()
	b.message.Objects[0].Details = b.details()
}

// procedure follows PS3.15 section A.5.3.15: studies are named if there are any.
func (b *builder) procedure() {
	b.record()
	if len(b.event.Studies) > 0 {
		b.message.Objects[0].Details = nil
		b.message.Objects = append(b.studies(lifeOf(b.message.Action)), b.message.Objects...)
	}
}
