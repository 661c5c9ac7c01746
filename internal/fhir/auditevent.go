package fhir

import (
	"strconv"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/audit/message"
)

// AuditEvent is the resource of FHIR R4 with the elements that are filled in.
type AuditEvent struct {
	ResourceType string   `json:"resourceType"`
	ID           string   `json:"id"`
	Type         Coding   `json:"type"`
	Subtype      []Coding `json:"subtype,omitempty"`
	Action       string   `json:"action"`
	Recorded     string   `json:"recorded"`
	Outcome      string   `json:"outcome"`
	OutcomeDesc  string   `json:"outcomeDesc,omitempty"`
	Agent        []Agent  `json:"agent"`
	Source       Observer `json:"source"`
	Entity       []Entity `json:"entity,omitempty"`
}

// Coding is a code of a system.
type Coding struct {
	System  string `json:"system,omitempty"`
	Code    string `json:"code"`
	Display string `json:"display,omitempty"`
}

// Concept is a CodeableConcept.
type Concept struct {
	Coding []Coding `json:"coding"`
}

// Identifier is a business identifier.
type Identifier struct {
	System string `json:"system,omitempty"`
	Value  string `json:"value"`
}

// Reference names something by its identifier: none of it is a resource here.
type Reference struct {
	Type       string     `json:"type,omitempty"`
	Identifier Identifier `json:"identifier"`
}

// Network is where an agent was.
type Network struct {
	Address string `json:"address"`
	Type    string `json:"type"`
}

// Agent is who or what took part.
type Agent struct {
	Type      *Concept  `json:"type,omitempty"`
	Role      []Concept `json:"role,omitempty"`
	Who       Reference `json:"who"`
	AltID     string    `json:"altId,omitempty"`
	Requestor bool      `json:"requestor"`
	Media     *Coding   `json:"media,omitempty"`
	Network   *Network  `json:"network,omitempty"`
}

// Observer is the archive that reports.
type Observer struct {
	Site     string    `json:"site,omitempty"`
	Observer Reference `json:"observer"`
	Type     []Coding  `json:"type"`
}

// Entity is what was acted on.
type Entity struct {
	What      Reference `json:"what"`
	Type      Coding    `json:"type"`
	Role      Coding    `json:"role"`
	Lifecycle *Coding   `json:"lifecycle,omitempty"`
	Name      string    `json:"name,omitempty"`
	Query     []byte    `json:"query,omitempty"` // base64 in JSON
	Detail    []Detail  `json:"detail,omitempty"`
}

// Detail is a named value of an entity.
type Detail struct {
	Type  string `json:"type"`
	Value string `json:"valueString"`
}

// The systems of codes and identifiers.
const (
	systemDCM       = "http://dicom.nema.org/resources/ontology/DCM"
	systemOwn       = "urn:x-tresor:event"
	systemSource    = "http://terminology.hl7.org/CodeSystem/security-source-type"
	systemEntity    = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
	systemRole      = "http://terminology.hl7.org/CodeSystem/object-role"
	systemLifecycle = "http://terminology.hl7.org/CodeSystem/dicom-audit-lifecycle"
	systemUID       = "urn:dicom:uid"
	oid             = "urn:oid:"
)

// applicationServer is our source type.
var applicationServer = Coding{systemSource, "4", "Application Server"}

// FromMessage says an audit message as an AuditEvent. Its id is the number of
// the record.
func FromMessage(m *message.Message) *AuditEvent {
	e := &AuditEvent{ResourceType: "AuditEvent", ID: strconv.FormatUint(m.Record, 10),
		Type: coding(m.Event), Action: string(rune(m.Action)), Recorded: m.Time.UTC().Format(time.RFC3339Nano),
		Outcome: strconv.Itoa(int(m.Outcome)), OutcomeDesc: m.Description,
		Source: Observer{Site: m.Source.Site, Observer: Reference{Type: "Device", Identifier: Identifier{Value: m.Source.ID}}, Type: []Coding{applicationServer}}}
	for _, t := range m.Types {
		e.Subtype = append(e.Subtype, coding(t))
	}
	for i := range m.Participants {
		e.Agent = append(e.Agent, agent(&m.Participants[i]))
	}
	for i := range m.Objects {
		e.Entity = append(e.Entity, entity(&m.Objects[i]))
	}
	return e
}

func coding(c message.Coded) Coding {
	system := systemOwn
	if c.System == "DCM" {
		system = systemDCM
	}
	return Coding{system, c.Value, c.Meaning}
}

func agent(p *message.Participant) Agent {
	a := Agent{Who: Reference{Identifier: Identifier{Value: p.UserID}}, AltID: p.AlternativeUserID, Requestor: p.Requestor}
	for _, r := range p.Roles {
		c := Concept{[]Coding{coding(r)}}
		if a.Type == nil && r.System == "DCM" {
			a.Type = &c
			continue
		}
		a.Role = append(a.Role, c)
	}
	if p.Media != nil {
		c := coding(*p.Media)
		a.Media = &c
	}
	if p.AccessType != 0 {
		a.Network = &Network{p.Access, strconv.Itoa(p.AccessType)}
	}
	return a
}

func entity(o *message.Object) Entity {
	e := Entity{Type: Coding{System: systemEntity, Code: strconv.Itoa(o.Type)}, Role: Coding{System: systemRole, Code: strconv.Itoa(o.Role)},
		Name: o.Name, Query: o.Query}
	e.What.Identifier.Value = o.ID
	switch o.IDType.Value {
	case "110180", "110181":
		if o.ID != message.None {
			e.What.Identifier = Identifier{systemUID, oid + o.ID}
		}
		if o.IDType.Value == "110180" {
			e.What.Type = "ImagingStudy"
		}
	case "2":
		e.What.Type = "Patient"
	}
	if o.LifeCycle != 0 {
		e.Lifecycle = &Coding{System: systemLifecycle, Code: strconv.Itoa(o.LifeCycle)}
	}
	for _, d := range o.Details {
		e.Detail = append(e.Detail, Detail{text(d.Name), text(d.Value)})
	}
	for _, c := range o.Classes {
		if c.UID != "" {
			e.Detail = append(e.Detail, Detail{"SOPClass", string(c.UID)})
		}
		e.Detail = append(e.Detail, Detail{"NumberOfInstances", strconv.Itoa(c.Number)})
		for _, uid := range c.Instances {
			e.Detail = append(e.Detail, Detail{"Instance", string(uid)})
		}
	}
	return e
}

// text makes s a string of FHIR, which may not be empty.
func text(s string) string {
	if strings.TrimSpace(s) == "" {
		return "-"
	}
	return s
}

// New says a record of the trail as an AuditEvent.
func New(s *message.Source, r *audit.Record) (*AuditEvent, error) {
	m, err := message.New(s, r)
	if err != nil {
		return nil, err
	}
	return FromMessage(m), nil
}
