package dimse

import "github.com/tresor-pacs/tresor/dicom"

// Priority is what a request asks for (PS3.7 section E.1, Priority (0000,0700)).
type Priority uint16

// The priorities.
const (
	PriorityMedium Priority = 0
	PriorityHigh   Priority = 1
	PriorityLow    Priority = 2
)

// Command is a command set (PS3.7 section 6.3): all elements of group 0000 that
// the standard has not retired. Which of them a message carries depends on its
// Field; the others are ignored when it is written.
type Command struct {
	Field                CommandField
	MessageID            uint16
	MessageIDRespondedTo uint16
	SOPClass             dicom.UID // affected or requested, whichever the message has
	SOPInstance          dicom.UID // affected or requested
	Priority             Priority
	HasDataSet           bool
	Status               Status
	MoveDestination      dicom.AETitle
	MoveOriginatorAET    dicom.AETitle
	MoveOriginatorID     uint16
	EventTypeID          uint16
	ActionTypeID         uint16
	AttributeIdentifiers []dicom.Tag
	Offending            []dicom.Tag
	ErrorComment         string
	ErrorID              uint16
	SubOps               *SubOperations
}

// SubOperations counts the C-STORE sub-operations of a C-GET or C-MOVE (PS3.7
// section 9.1.3.1).
type SubOperations struct {
	Remaining, Completed, Failed, Warning int
}
