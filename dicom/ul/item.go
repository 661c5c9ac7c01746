package ul

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
)

// The items of A-ASSOCIATE-RQ and A-ASSOCIATE-AC (PS3.8 sections 9.3.2 and
// 9.3.3, annex D; PS3.7 section D.3.3).
const (
	itemApplicationContext     = 0x10
	itemPresentationContextRQ  = 0x20
	itemPresentationContextAC  = 0x21
	itemAbstractSyntax         = 0x30
	itemTransferSyntax         = 0x40
	itemUserInformation        = 0x50
	itemMaximumLength          = 0x51
	itemImplementationClassUID = 0x52
	itemAsyncOperations        = 0x53
	itemRoleSelection          = 0x54
	itemImplementationVersion  = 0x55
	itemExtendedNegotiation    = 0x56
	itemCommonExtended         = 0x57
	itemUserIdentityRQ         = 0x58
	itemUserIdentityAC         = 0x59
)

// itemHeader is the length of an item's type, reserved byte and length.
const itemHeader = 4

// maxItem is the greatest length that an item header can hold.
const maxItem = 0xFFFF

var (
	errShort      = errors.New("a length runs past the end")
	errLongUID    = errors.New("a UID of more than 64 characters")
	errDuplicate  = errors.New("an item that may occur once occurs twice")
	errItemTooBig = errors.New("an item of more than 65,535 bytes")
)

// cursor reads fields from the front of b. After the first field that runs past
// the end all reads return zeros and err stays set.
type cursor struct {
	b   []byte
	err error
}

func (c *cursor) take(n int) []byte {
	if c.err != nil || n > len(c.b) {
		if c.err == nil {
			c.err = errShort
		}
		return nil
	}
	b := c.b[:n:n]
	c.b = c.b[n:]
	return b
}

func (c *cursor) u8() uint8 {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) u16() uint16 {
	if b := c.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

// counted reads a two-byte length and as many bytes.
func (c *cursor) counted() []byte { return c.take(int(c.u16())) }

// uid reads a two-byte length and a UID.
func (c *cursor) uid() dicom.UID {
	u, err := parseUID(c.counted())
	if c.err == nil {
		c.err = err
	}
	return u
}

// item reads an item's header and its value; more is false at the end and
// after an error.
func (c *cursor) item() (kind byte, value []byte, more bool) {
	if c.err != nil || len(c.b) == 0 {
		return 0, nil, false
	}
	kind = c.u8()
	c.u8()
	value = c.counted()
	return kind, value, c.err == nil
}

// parseUID reads a UID as an item holds it. PS3.8 annex F has no padding there,
// but peers that pad as data sets do are understood. UIDs are only compared, so
// their characters are not looked at.
func parseUID(b []byte) (dicom.UID, error) {
	s := strings.TrimRight(string(b[:min(len(b), dicom.MaxUIDLength+2)]), "\x00 ")
	if len(s) > dicom.MaxUIDLength || len(b) > dicom.MaxUIDLength+2 {
		return "", errLongUID
	}
	return dicom.UID(s), nil
}

// beginItem appends an item's header; endItem fills in its length.
func beginItem(dst []byte, kind byte) []byte { return append(dst, kind, 0, 0, 0) }

func endItem(dst []byte, start int) ([]byte, error) {
	n := len(dst) - start - itemHeader
	if n > maxItem {
		return dst, fmt.Errorf("item %02XH: %w", dst[start], errItemTooBig)
	}
	binary.BigEndian.PutUint16(dst[start+2:], uint16(n))
	return dst, nil
}

// appendItem appends an item that is short by construction.
func appendItem[T ~string | ~[]byte](dst []byte, kind byte, value T) []byte {
	dst = append(dst, kind, 0, byte(len(value)>>8), byte(len(value)))
	return append(dst, value...)
}

// appendCounted appends a two-byte length and the value.
func appendCounted[T ~string | ~[]byte](dst []byte, value T) ([]byte, error) {
	if len(value) > maxItem {
		return dst, errItemTooBig
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(value)))
	return append(dst, value...), nil
}
