package message

import (
	"encoding/base64"
	"encoding/xml"
	"strconv"
	"time"
)

// The elements of the schema in PS3.15 section A.5.1, in its order.
type (
	auditMessage struct {
		XMLName      xml.Name            `xml:"AuditMessage"`
		Event        eventElement        `xml:"EventIdentification"`
		Participants []participantElem   `xml:"ActiveParticipant"`
		Source       sourceElement       `xml:"AuditSourceIdentification"`
		Objects      []participantObject `xml:"ParticipantObjectIdentification"`
	}
	eventElement struct {
		Action      string  `xml:"EventActionCode,attr"`
		Time        string  `xml:"EventDateTime,attr"`
		Outcome     int     `xml:"EventOutcomeIndicator,attr"`
		ID          Coded   `xml:"EventID"`
		Types       []Coded `xml:"EventTypeCode"`
		Description string  `xml:"EventOutcomeDescription,omitempty"`
	}
	participantElem struct {
		UserID      string        `xml:"UserID,attr"`
		Alternative string        `xml:"AlternativeUserID,attr,omitempty"`
		Requestor   bool          `xml:"UserIsRequestor,attr"`
		Access      string        `xml:"NetworkAccessPointID,attr,omitempty"`
		AccessType  string        `xml:"NetworkAccessPointTypeCode,attr,omitempty"`
		Roles       []Coded       `xml:"RoleIDCode"`
		Media       *mediaElement `xml:"MediaIdentifier"`
	}
	mediaElement struct {
		Type Coded `xml:"MediaType"`
	}
	sourceElement struct {
		Site string     `xml:"AuditEnterpriseSiteID,attr,omitempty"`
		ID   string     `xml:"AuditSourceID,attr"`
		Type sourceType `xml:"AuditSourceTypeCode"`
	}
	sourceType struct {
		Code string `xml:"csd-code,attr"`
	}
	participantObject struct {
		ID          string            `xml:"ParticipantObjectID,attr"`
		Type        int               `xml:"ParticipantObjectTypeCode,attr"`
		Role        int               `xml:"ParticipantObjectTypeCodeRole,attr"`
		LifeCycle   string            `xml:"ParticipantObjectDataLifeCycle,attr,omitempty"`
		IDType      Coded             `xml:"ParticipantObjectIDTypeCode"`
		Name        *string           `xml:"ParticipantObjectName"`
		Query       *string           `xml:"ParticipantObjectQuery"`
		Details     []detailElement   `xml:"ParticipantObjectDetail"`
		Description *describedElement `xml:"ParticipantObjectDescription"`
	}
	detailElement struct {
		Type  string `xml:"type,attr"`
		Value string `xml:"value,attr"`
	}
	describedElement struct {
		Classes []classElement `xml:"SOPClass"`
	}
	classElement struct {
		UID       string            `xml:"UID,attr,omitempty"`
		Number    int               `xml:"NumberOfInstances,attr"`
		Instances []instanceElement `xml:"Instance"`
	}
	instanceElement struct {
		UID string `xml:"UID,attr"`
	}
)

// applicationServer is our AuditSourceTypeCode (RFC 3881 section 5.4.3).
const applicationServer = "4"

func (m *Message) document() *auditMessage {
	d := &auditMessage{
		Event: eventElement{Action: string(rune(m.Action)), Time: m.Time.UTC().Format(time.RFC3339Nano),
			Outcome: int(m.Outcome), ID: m.Event, Types: m.Types, Description: m.Description},
		Source: sourceElement{m.Source.Site, m.Source.ID, sourceType{applicationServer}},
	}
	for _, p := range m.Participants {
		e := participantElem{UserID: p.UserID, Alternative: p.AlternativeUserID, Requestor: p.Requestor, Access: p.Access, Roles: p.Roles}
		if p.AccessType != 0 {
			e.AccessType = strconv.Itoa(p.AccessType)
		}
		if p.Media != nil {
			e.Media = &mediaElement{*p.Media}
		}
		d.Participants = append(d.Participants, e)
	}
	for i := range m.Objects {
		d.Objects = append(d.Objects, m.Objects[i].element())
	}
	return d
}

func (o *Object) element() participantObject {
	e := participantObject{ID: o.ID, Type: o.Type, Role: o.Role, IDType: o.IDType}
	if o.LifeCycle != 0 {
		e.LifeCycle = strconv.Itoa(o.LifeCycle)
	}
	if o.Query != nil {
		q := base64.StdEncoding.EncodeToString(o.Query)
		e.Query = &q
	} else {
		e.Name = &o.Name
	}
	for _, d := range o.Details {
		e.Details = append(e.Details, detailElement{d.Name, base64.StdEncoding.EncodeToString([]byte(d.Value))})
	}
	if len(o.Classes) > 0 {
		e.Description = new(describedElement)
	}
	for _, c := range o.Classes {
		x := classElement{UID: string(c.UID), Number: c.Number}
		for _, uid := range c.Instances {
			x.Instances = append(x.Instances, instanceElement{string(uid)})
		}
		e.Description.Classes = append(e.Description.Classes, x)
	}
	return e
}
