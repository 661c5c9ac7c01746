package dimse

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// MaxCommand is the longest command set that is taken, in bytes. Those in use
// are shorter than 1 KiB, but for N-GET with long attribute lists.
const MaxCommand = 64 << 10

var (
	errCommandLong    = errors.New("longer than 64 KiB")
	errCommandShort   = errors.New("an element runs past the end")
	errCommandGroup   = errors.New("an element that is not of group 0000")
	errCommandOrder   = errors.New("elements are not in ascending order")
	errCommandLength  = errors.New("an element has a wrong length")
	errCommandField   = errors.New("no Command Field")
	errCommandDataSet = errors.New("no Command Data Set Type")
)

// ParseCommand reads a command set (PS3.7 section 6.3.1): implicit VR little
// endian, group 0000 only, ascending. Elements that are retired or unknown are
// skipped, and the group length is not trusted. The result shares no memory
// with b.
func ParseCommand(b []byte) (Command, error) {
	var c Command
	err := c.parse(b)
	if err != nil {
		return Command{}, fmt.Errorf("command set: %w", err)
	}
	return c, nil
}

func (c *Command) parse(b []byte) error {
	if len(b) > MaxCommand {
		return errCommandLong
	}
	var field, dataSet bool
	last := int64(-1)
	for len(b) > 0 {
		if len(b) < 8 {
			return errCommandShort
		}
		tag := dicom.NewTag(binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:]))
		n := binary.LittleEndian.Uint32(b[4:])
		b = b[8:]
		switch {
		case tag.Group() != 0:
			return errCommandGroup
		case int64(tag) <= last:
			return errCommandOrder
		case uint64(n) > uint64(len(b)):
			return errCommandShort
		}
		last = int64(tag)
		field = field || tag == dict.CommandField
		dataSet = dataSet || tag == dict.CommandDataSetType
		if err := c.set(tag, b[:n]); err != nil {
			return fmt.Errorf("%v: %w", tag, err)
		}
		b = b[n:]
	}
	switch {
	case !field:
		return errCommandField
	case !dataSet:
		return errCommandDataSet
	}
	return nil
}

// set takes the value of one element.
func (c *Command) set(tag dicom.Tag, v []byte) (err error) {
	switch tag {
	case dict.AffectedSOPClassUID, dict.RequestedSOPClassUID:
		c.SOPClass, err = parseUI(v)
	case dict.AffectedSOPInstanceUID, dict.RequestedSOPInstanceUID:
		c.SOPInstance, err = parseUI(v)
	case dict.MoveDestination:
		c.MoveDestination = parseAE(v)
	case dict.MoveOriginatorApplicationEntityTitle:
		c.MoveOriginatorAET = parseAE(v)
	case dict.ErrorComment:
		c.ErrorComment = clean(strings.TrimRight(string(v[:min(len(v), maxComment)]), " \x00"))
	case dict.OffendingElement:
		c.Offending, err = parseTags(v)
	case dict.AttributeIdentifierList:
		c.AttributeIdentifiers, err = parseTags(v)
	case dict.NumberOfRemainingSuboperations, dict.NumberOfCompletedSuboperations, dict.NumberOfFailedSuboperations, dict.NumberOfWarningSuboperations:
		err = c.setSubOps(tag, v)
	default:
		err = c.setNumber(tag, v)
	}
	return err
}

// setNumber takes the value of an element of VR US.
func (c *Command) setNumber(tag dicom.Tag, v []byte) error {
	var to *uint16
	switch tag {
	case dict.CommandField:
		to = (*uint16)(&c.Field)
	case dict.MessageID:
		to = &c.MessageID
	case dict.MessageIDBeingRespondedTo:
		to = &c.MessageIDRespondedTo
	case dict.Priority:
		to = (*uint16)(&c.Priority)
	case dict.Status:
		to = (*uint16)(&c.Status)
	case dict.ErrorID:
		to = &c.ErrorID
	case dict.EventTypeID:
		to = &c.EventTypeID
	case dict.ActionTypeID:
		to = &c.ActionTypeID
	case dict.MoveOriginatorMessageID:
		to = &c.MoveOriginatorID
	case dict.CommandDataSetType:
		n, err := parseUS(v)
		c.HasDataSet = n != noDataSet
		return err
	default:
		return nil
	}
	n, err := parseUS(v)
	*to = n
	return err
}

func (c *Command) setSubOps(tag dicom.Tag, v []byte) error {
	if len(v) == 0 {
		return nil // some send the counts empty in final responses
	}
	n, err := parseUS(v)
	if err != nil {
		return err
	}
	if c.SubOps == nil {
		c.SubOps = new(SubOperations)
	}
	switch tag {
	case dict.NumberOfRemainingSuboperations:
		c.SubOps.Remaining = int(n)
	case dict.NumberOfCompletedSuboperations:
		c.SubOps.Completed = int(n)
	case dict.NumberOfFailedSuboperations:
		c.SubOps.Failed = int(n)
	case dict.NumberOfWarningSuboperations:
		c.SubOps.Warning = int(n)
	}
	return nil
}

func parseUS(v []byte) (uint16, error) {
	if len(v) != 2 {
		return 0, errCommandLength
	}
	return binary.LittleEndian.Uint16(v), nil
}

// maxUI bounds a UID: longer than one may be, since what a UID is is for the
// handler to judge, who can answer with a status.
const maxUI = 2 * dicom.MaxUIDLength

func parseUI(v []byte) (dicom.UID, error) {
	if len(v) > maxUI {
		return "", errCommandLength
	}
	return dicom.UID(strings.TrimRight(string(v), "\x00 ")), nil
}

// parseAE reads an AE title; one that is none names nobody.
func parseAE(v []byte) dicom.AETitle {
	a, _ := dicom.ParseAETitle(strings.TrimRight(string(v[:min(len(v), maxUI)]), "\x00"))
	return a
}

func parseTags(v []byte) ([]dicom.Tag, error) {
	if len(v)%4 != 0 {
		return nil, errCommandLength
	}
	tags := make([]dicom.Tag, 0, len(v)/4)
	for ; len(v) > 0; v = v[4:] {
		tags = append(tags, dicom.NewTag(binary.LittleEndian.Uint16(v), binary.LittleEndian.Uint16(v[2:])))
	}
	return tags, nil
}
