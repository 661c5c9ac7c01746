package ul

import (
	"encoding/binary"
	"fmt"
)

// PDUType is the first byte of a protocol data unit (PS3.8 section 9.3.1).
type PDUType uint8

// The protocol data units of PS3.8 section 9.3.
const (
	PDUAssociateRQ PDUType = 0x01
	PDUAssociateAC PDUType = 0x02
	PDUAssociateRJ PDUType = 0x03
	PDUData        PDUType = 0x04
	PDUReleaseRQ   PDUType = 0x05
	PDUReleaseRP   PDUType = 0x06
	PDUAbort       PDUType = 0x07
)

// String returns the name that the standard gives the PDU.
func (t PDUType) String() string {
	switch t {
	case PDUAssociateRQ:
		return "A-ASSOCIATE-RQ"
	case PDUAssociateAC:
		return "A-ASSOCIATE-AC"
	case PDUAssociateRJ:
		return "A-ASSOCIATE-RJ"
	case PDUData:
		return "P-DATA-TF"
	case PDUReleaseRQ:
		return "A-RELEASE-RQ"
	case PDUReleaseRP:
		return "A-RELEASE-RP"
	case PDUAbort:
		return "A-ABORT"
	}
	return fmt.Sprintf("PDU type %02XH", uint8(t))
}

// headerSize is the length of what every PDU begins with: its type, a reserved
// byte and the length of the rest (PS3.8 section 9.3.1).
const headerSize = 6

// shortBody is the length of the body of A-ASSOCIATE-RJ, A-RELEASE-RQ,
// A-RELEASE-RP and A-ABORT (PS3.8 sections 9.3.4, 9.3.6 to 9.3.8).
const shortBody = 4

// beginPDU appends the header of a PDU whose length endPDU fills in.
func beginPDU(dst []byte, t PDUType) []byte {
	return append(dst, byte(t), 0, 0, 0, 0, 0)
}

// endPDU writes the length of the PDU that begins at start and ends with dst.
func endPDU(dst []byte, start int) []byte {
	binary.BigEndian.PutUint32(dst[start+2:], uint32(len(dst)-start-headerSize))
	return dst
}

// appendShort appends a PDU of four bytes: a reserved one and a, b, c.
func appendShort(dst []byte, t PDUType, a, b, c byte) []byte {
	return append(dst, byte(t), 0, 0, 0, 0, shortBody, 0, a, b, c)
}
