package ul

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
)

// ApplicationContext is the one application context that DICOM defines (PS3.7
// section A.2.1).
const ApplicationContext dicom.UID = "1.2.840.10008.3.1.1.1"

// protocolVersion is bit 0 of the field of that name (PS3.8 table 9-11).
const protocolVersion = 0x0001

// titles is what the two A-ASSOCIATE PDUs hold between the protocol version and
// the items: the AE titles and 32 reserved bytes. An acceptor sends back what
// it got (PS3.8 table 9-17).
type titles [64]byte

func (t *titles) called() string  { return strings.TrimRight(string(t[:16]), " ") }
func (t *titles) calling() string { return strings.TrimRight(string(t[16:32]), " ") }

func makeTitles(called, calling string) (t titles, err error) {
	if len(called) > dicom.MaxAETitleLength || len(calling) > dicom.MaxAETitleLength {
		return t, errors.New("an AE title of more than 16 characters")
	}
	copy(t[:], fmt.Sprintf("%-16s%-16s", called, calling))
	return t, nil
}

// beginAssociate appends the header and the fixed part of an A-ASSOCIATE PDU.
func beginAssociate(dst []byte, t PDUType, version uint16, names titles) []byte {
	dst = beginPDU(dst, t)
	dst = binary.BigEndian.AppendUint16(dst, version)
	dst = append(dst, 0, 0)
	return append(dst, names[:]...)
}

// fixed reads the fixed part.
func (c *cursor) fixed() (version uint16, names titles) {
	version = c.u16()
	c.take(2)
	copy(names[:], c.take(len(names)))
	return version, names
}

// once returns errDuplicate at the second call for the same seen.
func once(seen *bool) error {
	if *seen {
		return errDuplicate
	}
	*seen = true
	return nil
}
