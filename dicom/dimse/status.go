package dimse

import (
	"fmt"

	"github.com/tresor-pacs/tresor/dicom"
)

// Status is the outcome of an operation (PS3.7 annex C). It is an error so that
// a Handler can return one; StatusSuccess is not a failure all the same.
type Status uint16

// The statuses of PS3.7 annex C.
const (
	StatusSuccess                  Status = 0x0000
	StatusCancel                   Status = 0xFE00
	StatusPending                  Status = 0xFF00
	StatusPendingWarning           Status = 0xFF01 // optional keys were not supported (PS3.4 C.4.1.1.4)
	StatusWarning                  Status = 0x0001
	StatusAttributeListError       Status = 0x0107
	StatusAttributeValueOutOfRange Status = 0x0116
	StatusNoSuchAttribute          Status = 0x0105
	StatusInvalidAttributeValue    Status = 0x0106
	StatusProcessingFailure        Status = 0x0110
	StatusDuplicateSOPInstance     Status = 0x0111
	StatusNoSuchSOPInstance        Status = 0x0112
	StatusNoSuchEventType          Status = 0x0113
	StatusNoSuchArgument           Status = 0x0114
	StatusInvalidArgument          Status = 0x0115
	StatusInvalidObjectInstance    Status = 0x0117
	StatusNoSuchSOPClass           Status = 0x0118
	StatusClassInstanceConflict    Status = 0x0119
	StatusMissingAttribute         Status = 0x0120
	StatusMissingAttributeValue    Status = 0x0121
	StatusSOPClassNotSupported     Status = 0x0122
	StatusNoSuchActionType         Status = 0x0123
	StatusNotAuthorized            Status = 0x0124
	StatusDuplicateTransaction     Status = 0x0131 // storage commitment (PS3.4 J.3.2.1.1.4), modality performed procedure step
	StatusDuplicateInvocation      Status = 0x0210
	StatusUnrecognizedOperation    Status = 0x0211
	StatusMistypedArgument         Status = 0x0212
	StatusResourceLimitation       Status = 0x0213
)

// The statuses of the service classes of PS3.4.
const (
	StatusOutOfResources              Status = 0xA700 // storage (B.2.3), query (C.4.1.1.4)
	StatusOutOfResourcesMatches       Status = 0xA701 // unable to calculate the number of matches (C.4.2.1.5)
	StatusOutOfResourcesSubOperations Status = 0xA702 // unable to perform sub-operations (C.4.2.1.5)
	StatusMoveDestinationUnknown      Status = 0xA801 // (C.4.2.1.5)
	StatusDataSetMismatch             Status = 0xA900 // data set does not match SOP class (B.2.3)
	StatusSubOperationsWarning        Status = 0xB000 // one or more sub-operations failed; coercion of data elements (B.2.3)
	StatusElementsDiscarded           Status = 0xB006 // (B.2.3)
	StatusDataSetMismatchWarning      Status = 0xB007 // (B.2.3)
	StatusCannotUnderstand            Status = 0xC000 // storage (B.2.3); unable to process (C.4.1.1.4)
)

var statusNames = map[Status]string{
	StatusSuccess: "success", StatusCancel: "cancelled", StatusPending: "pending",
	StatusPendingWarning: "pending, optional keys not supported", StatusWarning: "warning",
	StatusAttributeListError: "attribute list error", StatusAttributeValueOutOfRange: "attribute value out of range",
	StatusNoSuchAttribute: "no such attribute", StatusInvalidAttributeValue: "invalid attribute value",
	StatusProcessingFailure: "processing failure", StatusDuplicateSOPInstance: "duplicate SOP instance",
	StatusNoSuchSOPInstance: "no such SOP instance", StatusNoSuchEventType: "no such event type",
	StatusNoSuchArgument: "no such argument", StatusInvalidArgument: "invalid argument value",
	StatusInvalidObjectInstance: "invalid SOP instance", StatusNoSuchSOPClass: "no such SOP class",
	StatusClassInstanceConflict: "class-instance conflict", StatusMissingAttribute: "missing attribute",
	StatusMissingAttributeValue: "missing attribute value", StatusSOPClassNotSupported: "SOP class not supported",
	StatusNoSuchActionType: "no such action type", StatusNotAuthorized: "not authorized",
	StatusDuplicateTransaction: "duplicate transaction UID", StatusDuplicateInvocation: "duplicate invocation",
	StatusUnrecognizedOperation: "unrecognized operation", StatusMistypedArgument: "mistyped argument",
	StatusResourceLimitation: "resource limitation", StatusOutOfResources: "out of resources",
	StatusOutOfResourcesMatches:       "out of resources: matches not counted",
	StatusOutOfResourcesSubOperations: "out of resources: sub-operations not performed",
	StatusMoveDestinationUnknown:      "move destination unknown",
	StatusDataSetMismatch:             "data set does not match SOP class",
	StatusSubOperationsWarning:        "warning: coercion of data elements or failed sub-operations",
	StatusElementsDiscarded:           "warning: elements discarded",
	StatusDataSetMismatchWarning:      "warning: data set does not match SOP class",
	StatusCannotUnderstand:            "cannot understand",
}

// String returns the code and, where the standard has one, the meaning:
// "A700H (out of resources)".
func (s Status) String() string {
	if name := statusNames[s]; name != "" {
		return fmt.Sprintf("%04XH (%s)", uint16(s), name)
	}
	return fmt.Sprintf("%04XH", uint16(s))
}

// Error returns String.
func (s Status) Error() string { return s.String() }

// IsSuccess reports whether s says success.
func (s Status) IsSuccess() bool { return s == StatusSuccess }

// IsPending reports whether more responses follow (PS3.7 section C.1.3).
func (s Status) IsPending() bool { return s == StatusPending || s == StatusPendingWarning }

// IsCancel reports whether s says that C-CANCEL ended the operation (PS3.7
// section C.1.2).
func (s Status) IsCancel() bool { return s == StatusCancel }

// IsWarning reports whether the operation was performed with a warning (PS3.7
// section C.3).
func (s Status) IsWarning() bool {
	switch s {
	case StatusWarning, StatusAttributeListError, StatusAttributeValueOutOfRange:
		return true
	}
	return s>>12 == 0xB
}

// IsFailure reports whether the operation was not performed: all that is not
// success, pending, cancel or warning (PS3.7 section C.4).
func (s Status) IsFailure() bool {
	return !s.IsSuccess() && !s.IsPending() && !s.IsCancel() && !s.IsWarning()
}

// Failure is a Status with what PS3.7 annex C lets go with it. A Handler that
// returns one has it sent as the final response, so it must not hold anything
// that the peer may not read: no patient data, no text of other errors.
type Failure struct {
	Status    Status
	Comment   string      // Error Comment (0000,0902), at most 64 characters are sent
	Offending []dicom.Tag // Offending Element (0000,0901)
	ErrorID   uint16      // Error ID (0000,0903), not sent if 0
}

// Error returns the status with the comment.
func (f *Failure) Error() string {
	if f.Comment == "" {
		return f.Status.Error()
	}
	return f.Status.Error() + ": " + f.Comment
}

// Unwrap returns the status.
func (f *Failure) Unwrap() error { return f.Status }
