package message

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/audit"
)

// None stands where the standard asks for an identifier that the record has not.
const None = "<none>"

// Message is an audit message (PS3.15 section A.5.2).
type Message struct {
	Record       uint64 // number in the trail; not part of the XML
	Code         audit.Code
	Event        Coded
	Types        []Coded
	Action       audit.Action
	Time         time.Time
	Outcome      audit.Outcome
	Description  string // EventOutcomeDescription
	Participants []Participant
	Source       Source
	Objects      []Object
}

// The types of a network access point (RFC 3881 section 5.3.2).
const (
	AccessName    = 1 // machine name
	AccessAddress = 2 // IP address
	AccessURI     = 5
)

// Participant is somebody or something that took part (ActiveParticipant).
type Participant struct {
	UserID            string
	AlternativeUserID string
	Requestor         bool
	Roles             []Coded
	Access            string // NetworkAccessPointID
	AccessType        int    // 0: Access is empty
	Media             *Coded // MediaIdentifier
}

// Types and roles of objects (RFC 3881 sections 5.5.1 and 5.5.2).
const (
	ObjectPerson = 1
	ObjectSystem = 2

	RolePatient          = 1
	RoleReport           = 3
	RoleUser             = 6
	RoleSecurityResource = 13
)

// Object is what was acted on (ParticipantObjectIdentification).
type Object struct {
	Type, Role int
	LifeCycle  int // ParticipantObjectDataLifeCycle; 0: not said
	IDType     Coded
	ID         string
	Name       string
	Query      []byte // not nil: in place of the name
	Details    []audit.Detail
	Classes    []Class
}

// Class counts instances of a SOP class.
type Class struct {
	UID       dicom.UID // may be empty
	Number    int
	Instances []dicom.UID
}

// Source is the archive that reports.
type Source struct {
	ID      string        // AuditSourceID: name of the node
	Site    string        // AuditEnterpriseSiteID; may be empty
	AET     dicom.AETitle // of the archive
	Address string        // of the archive, if it has a fixed one
	Trail   string        // URI of the trail
}

// XML returns the message in XML, UTF-8, without a line feed of its own.
func (m *Message) XML() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>`)
	if err := xml.NewEncoder(&b).Encode(m.document()); err != nil {
		return nil, fmt.Errorf("write the audit message: %w", err)
	}
	return b.Bytes(), nil
}
