package jpeg2000

import (
	"bytes"
	"encoding/binary"
)

// jp2Signature is the first box of a JP2 file (T.800 section I.5.1).
var jp2Signature = []byte{0, 0, 0, 12, 'j', 'P', ' ', ' ', 0x0d, 0x0a, 0x87, 0x0a}

// codestreamOf returns the codestream in b: b itself, or the first contiguous
// codestream box of a JP2 file, which PS3.5 section A.4.4 does not allow and
// which devices send nevertheless.
func codestreamOf(b []byte) ([]byte, error) {
	if !bytes.HasPrefix(b, jp2Signature) {
		return b, nil
	}
	for len(b) >= 8 {
		size, head := uint64(binary.BigEndian.Uint32(b)), uint64(8)
		kind := string(b[4:8])
		switch size {
		case 0: // to the end of the file
			size = uint64(len(b))
		case 1: // a 64-bit length follows
			if len(b) < 16 {
				return nil, malformed("box header cut off")
			}
			size, head = binary.BigEndian.Uint64(b[8:]), 16
		}
		if size < head || size > uint64(len(b)) {
			return nil, malformed("box of impossible length")
		}
		if kind == "jp2c" {
			return b[head:size], nil
		}
		b = b[size:]
	}
	return nil, malformed("no codestream box")
}
