package message

import (
	"net"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// unknown is who asked when nobody knows.
const unknown = "unknown"

// asker returns who asked, and from where (PS3.15 section A.5.2.1 and A.5.2.2):
// a person as login name and domain, a device or a process by its name.
func (b *builder) asker(roles ...Coded) Participant {
	e := b.event
	p := Participant{UserID: e.Principal, Roles: roles, AlternativeUserID: aetitles(e.CallingAET)}
	switch policy.Kind(e.PrincipalKind) {
	case policy.User, policy.Token, policy.Share:
		p.UserID = e.Principal + "@" + b.source.ID
		if e.Role != "" {
			p.Roles = append(p.Roles, Coded{e.Role, own, e.Role})
		}
	}
	if e.Principal == "" {
		p.UserID = unknown
	}
	p.Access, p.AccessType = access(e.Peer)
	return p
}

// self is the archive as a process.
func (b *builder) self(roles ...Coded) Participant {
	aet := b.event.CalledAET
	if aet == "" {
		aet = string(b.source.AET)
	}
	p := Participant{UserID: "tresor@" + b.source.ID, AlternativeUserID: aetitles(aet), Roles: roles}
	p.Access, p.AccessType = access(b.source.Address)
	if p.AccessType == 0 {
		p.Access, p.AccessType = b.source.ID, AccessName
	}
	return p
}

// bySelf reports whether the archive itself acted.
func (b *builder) bySelf() bool { return policy.Kind(b.event.PrincipalKind) == policy.System }

// asked returns asker and archive of an act on the archive's own objects, where
// the tables ask for the person and the process if both are known.
func (b *builder) asked() []Participant {
	who := b.asker()
	who.Requestor = true
	if b.bySelf() {
		return []Participant{who}
	}
	return []Participant{who, b.self()}
}

// medium is a participant that stands for a medium or an address of data.
func medium(e *audit.Event, role Coded) Participant {
	name := e.Destination
	if name == "" {
		name = None
	}
	return Participant{UserID: name, Roles: []Coded{role}, Access: name, AccessType: AccessURI, Media: &mediaURI}
}

func aetitles(aet string) string {
	if aet == "" {
		return ""
	}
	return "AETITLES=" + aet
}

// access tells what kind of network access point an address is.
func access(address string) (id string, kind int) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	switch {
	case host == "":
		return "", 0
	case net.ParseIP(host) != nil:
		return host, AccessAddress
	}
	return host, AccessName
}
