package dimse

import (
	"encoding/binary"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// The values of Command Data Set Type (0000,0800): all but noDataSet say that
// there is one.
const (
	noDataSet   = 0x0101
	withDataSet = 0x0001
)

// maxComment is the longest Error Comment (0000,0902), a value of VR LO.
const maxComment = 64

// AppendCommand appends the command set c as PS3.7 section 6.3.1 wants it: in
// implicit VR little endian, in ascending order, with its group length. It
// writes the elements that a message of c.Field has (PS3.7 sections 9.3 and
// 10.3); an optional one is left out if it is empty.
func AppendCommand(dst []byte, c *Command) []byte {
	start := len(dst)
	dst = appendElement(dst, dict.CommandGroupLength, 4)
	dst = append(dst, 0, 0, 0, 0)
	requested := c.Field.requested()
	if c.SOPClass != "" {
		dst = appendUID(dst, pick(requested, dict.RequestedSOPClassUID, dict.AffectedSOPClassUID), c.SOPClass)
	}
	dst = appendUS(dst, dict.CommandField, uint16(c.Field))
	if c.Field.IsResponse() || c.Field == CCancelRQ {
		dst = appendUS(dst, dict.MessageIDBeingRespondedTo, c.MessageIDRespondedTo)
	} else {
		dst = appendUS(dst, dict.MessageID, c.MessageID)
	}
	if c.Field == CMoveRQ {
		dst = appendText(dst, dict.MoveDestination, string(c.MoveDestination))
	}
	switch c.Field {
	case CStoreRQ, CFindRQ, CGetRQ, CMoveRQ:
		dst = appendUS(dst, dict.Priority, uint16(c.Priority))
	}
	dst = appendUS(dst, dict.CommandDataSetType, pick(c.HasDataSet, uint16(withDataSet), noDataSet))
	if c.Field.IsResponse() {
		dst = appendOutcome(dst, c)
	}
	if c.SOPInstance != "" {
		dst = appendUID(dst, pick(requested, dict.RequestedSOPInstanceUID, dict.AffectedSOPInstanceUID), c.SOPInstance)
	}
	dst = appendSpecial(dst, c)
	binary.LittleEndian.PutUint32(dst[start+8:], uint32(len(dst)-start-12))
	return dst
}

// requested reports whether the message names the requested, not the affected
// SOP class and instance.
func (f CommandField) requested() bool {
	return f == NGetRQ || f == NSetRQ || f == NActionRQ || f == NDeleteRQ
}

// appendOutcome appends the status and what may go with it.
func appendOutcome(dst []byte, c *Command) []byte {
	dst = appendUS(dst, dict.Status, uint16(c.Status))
	dst = appendTags(dst, dict.OffendingElement, c.Offending)
	if c.ErrorComment != "" {
		dst = appendText(dst, dict.ErrorComment, clean(c.ErrorComment))
	}
	if c.ErrorID != 0 {
		dst = appendUS(dst, dict.ErrorID, c.ErrorID)
	}
	return dst
}

// appendSpecial appends the elements that few messages have.
func appendSpecial(dst []byte, c *Command) []byte {
	if c.Field.Request() == NEventReportRQ {
		dst = appendUS(dst, dict.EventTypeID, c.EventTypeID)
	}
	dst = appendTags(dst, dict.AttributeIdentifierList, c.AttributeIdentifiers)
	if c.Field.Request() == NActionRQ {
		dst = appendUS(dst, dict.ActionTypeID, c.ActionTypeID)
	}
	if s := c.SubOps; s != nil && (c.Field == CGetRSP || c.Field == CMoveRSP) {
		// The number of remaining ones belongs to pending and cancelled operations
		// alone (PS3.7 sections 9.3.3.2 and 9.3.4.2).
		if c.Status.IsPending() || c.Status.IsCancel() {
			dst = appendUS(dst, dict.NumberOfRemainingSuboperations, count(s.Remaining))
		}
		dst = appendUS(dst, dict.NumberOfCompletedSuboperations, count(s.Completed))
		dst = appendUS(dst, dict.NumberOfFailedSuboperations, count(s.Failed))
		dst = appendUS(dst, dict.NumberOfWarningSuboperations, count(s.Warning))
	}
	if c.Field == CStoreRQ && c.MoveOriginatorAET != "" {
		dst = appendText(dst, dict.MoveOriginatorApplicationEntityTitle, string(c.MoveOriginatorAET))
		dst = appendUS(dst, dict.MoveOriginatorMessageID, c.MoveOriginatorID)
	}
	return dst
}

// count is n as the standard's 16 bits can hold it.
func count(n int) uint16 { return uint16(min(max(n, 0), 0xFFFF)) }

func pick[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}

func appendElement(dst []byte, t dicom.Tag, n int) []byte {
	dst = binary.LittleEndian.AppendUint16(dst, t.Group())
	dst = binary.LittleEndian.AppendUint16(dst, t.Element())
	return binary.LittleEndian.AppendUint32(dst, uint32(n))
}

func appendUS(dst []byte, t dicom.Tag, v uint16) []byte {
	return binary.LittleEndian.AppendUint16(appendElement(dst, t, 2), v)
}

func appendUID(dst []byte, t dicom.Tag, u dicom.UID) []byte {
	dst = appendElement(dst, t, len(u)+len(u)%2)
	dst = append(dst, u...)
	if len(u)%2 != 0 {
		dst = append(dst, 0)
	}
	return dst
}

func appendText(dst []byte, t dicom.Tag, s string) []byte {
	dst = appendElement(dst, t, len(s)+len(s)%2)
	dst = append(dst, s...)
	if len(s)%2 != 0 {
		dst = append(dst, ' ')
	}
	return dst
}

// maxTags bounds a list of tags that we send, far above what is of use.
const maxTags = 1024

func appendTags(dst []byte, t dicom.Tag, tags []dicom.Tag) []byte {
	if len(tags) == 0 {
		return dst
	}
	tags = tags[:min(len(tags), maxTags)]
	dst = appendElement(dst, t, 4*len(tags))
	for _, v := range tags {
		dst = binary.LittleEndian.AppendUint16(dst, v.Group())
		dst = binary.LittleEndian.AppendUint16(dst, v.Element())
	}
	return dst
}

// clean makes a string fit an Error Comment: at most 64 characters of the default
// repertoire; others become question marks.
func clean(s string) string {
	b := []byte(s[:min(len(s), maxComment)])
	for i, c := range b {
		if c < 0x20 || c > 0x7E || c == '\\' {
			b[i] = '?'
		}
	}
	return string(b)
}
