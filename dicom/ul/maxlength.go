package ul

import (
	"encoding/binary"
	"errors"
)

var errMaximumLength = errors.New("a maximum length sub-item that is not 4 bytes long")

// parseMaximumLength reads a maximum length sub-item (PS3.8 section D.1).
func parseMaximumLength(value []byte) (uint32, error) {
	if len(value) != 4 {
		return 0, errMaximumLength
	}
	return binary.BigEndian.Uint32(value), nil
}

func appendMaximumLength(dst []byte, n uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, itemMaximumLength, 0, 0, 4), n)
}
