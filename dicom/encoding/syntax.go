package encoding

import (
	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// TransferSyntax tells how a data set is encoded (PS3.5 section 10).
type TransferSyntax struct {
	UID          dicom.UID
	ExplicitVR   bool
	BigEndian    bool
	Deflated     bool // the data set as a whole (PS3.5 section A.5)
	Encapsulated bool // pixel data may come in fragments (PS3.5 section A.4)
}

// The transfer syntaxes that need no codec.
var (
	ImplicitLE = TransferSyntax{UID: dict.UIDImplicitVRLittleEndian}
	ExplicitLE = TransferSyntax{UID: dict.UIDExplicitVRLittleEndian, ExplicitVR: true}
	ExplicitBE = TransferSyntax{UID: dict.UIDExplicitVRBigEndian, ExplicitVR: true, BigEndian: true}
	DeflatedLE = TransferSyntax{UID: dict.UIDDeflatedExplicitVRLittleEndian, ExplicitVR: true, Deflated: true}
)

// Lookup finds a transfer syntax of the registry, retired ones included.
func Lookup(uid dicom.UID) (TransferSyntax, bool) {
	switch uid {
	case ExplicitLE.UID:
		return ExplicitLE, true
	case ImplicitLE.UID:
		return ImplicitLE, true
	case ExplicitBE.UID:
		return ExplicitBE, true
	case DeflatedLE.UID:
		return DeflatedLE, true
	}
	e, ok := dict.LookupUID(uid)
	if !ok || e.Type != dict.TransferSyntax {
		return TransferSyntax{}, false
	}
	ts := TransferSyntax{UID: uid, ExplicitVR: true}
	switch uid {
	case dict.UIDPapyrus3ImplicitVRLittleEndian:
		ts.ExplicitVR = false
	case dict.UIDJPIPReferencedDeflate, dict.UIDJPIPHTJ2KReferencedDeflate:
		ts.Deflated = true
	case dict.UIDJPIPReferenced, dict.UIDJPIPHTJ2KReferenced,
		dict.UIDRFC2557MIMEEncapsulation, dict.UIDXMLEncoding,
		dict.UIDSMPTEST211020UncompressedProgressiveActiveVideo,
		dict.UIDSMPTEST211020UncompressedInterlacedActiveVideo,
		dict.UIDSMPTEST211030PCMDigitalAudio:
		// No pixel data in the data set, or native.
	default:
		ts.Encapsulated = true
	}
	return ts, true
}

// Native reports whether pixel data has no codec: data sets of two native
// transfer syntaxes can be turned into each other by Transcode.
func (ts TransferSyntax) Native() bool { return !ts.Encapsulated }
