package encoding

import (
	"encoding/binary"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// Guess tells the native transfer syntax that a data set without File Meta
// Information is probably in, by its first element; 16 bytes are enough. It is
// for looking at files, not for taking them in.
func Guess(b []byte) (TransferSyntax, bool) {
	if len(b) < sizeOfShortHeader {
		return TransferSyntax{}, false
	}
	little := dicom.NewTag(binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:]))
	big := dicom.NewTag(binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]))
	vr, ok := dicom.ParseVR(string(b[4:6]))
	switch {
	case ok && plausible(little, vr):
		return ExplicitLE, true
	case ok && plausible(big, vr):
		return ExplicitBE, true
	case known(little) && binary.LittleEndian.Uint32(b[4:]) < 1<<20:
		return ImplicitLE, true
	}
	return TransferSyntax{}, false
}

// plausible reports whether the registry has vr for t.
func plausible(t dicom.Tag, vr dicom.VR) bool {
	return known(t) && (dict.VR(t) == vr || vr == dicom.VRUN)
}

func known(t dicom.Tag) bool { return t != 0 && dict.VR(t) != dicom.VRUN }
