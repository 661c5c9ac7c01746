package dicomweb

import (
	"math/big"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
)

// announced returns the instance that a file says it holds, as far as the data
// set has to be that one. File Meta Information that names another instance is
// common in files that a tool has copied or de-identified: it changed the data
// set and not what stands before it. Such a name is that of an instance of
// before; the data set counts, and the archive writes File Meta Information of
// its own. A name that no instance can have had says that the file is forged or
// damaged.
func announced(named dicom.UID) dicom.UID {
	if couldBe(named) {
		return ""
	}
	return named
}

// couldBe reports whether a UID may be that of an instance: well formed, and
// below 2.25 the number of a UUID (PS3.5 sections 9.1 and B.2): its variant is
// that of ISO/IEC 9834-8 and its version one that there is.
func couldBe(uid dicom.UID) bool {
	digits, derived := strings.CutPrefix(string(uid), "2.25.")
	if !derived {
		return uid.Tolerable()
	}
	n, ok := new(big.Int).SetString(digits, 10)
	if !ok || n.Sign() < 0 || n.BitLen() > 128 {
		return false
	}
	var uuid [16]byte
	n.FillBytes(uuid[:])
	version := uuid[6] >> 4
	return uuid[8]>>6 == 0b10 && version >= 1 && version <= 8
}
