package encoding

import (
	"strconv"

	"github.com/tresor-pacs/tresor/dicom"
)

// JSONOptions are for the DICOM JSON model and, but for MaxBytes, for the
// native DICOM model in XML too. The zero value is good.
type JSONOptions struct {
	// BulkDataURI returns where the value of e, which lies in the sequence
	// items of at, can be had. It is asked for values that are not in memory
	// (Element.Bulk), for encapsulated pixel data, and for values of bytes that
	// are longer than InlineUpTo. If it is nil or returns "", bytes in memory
	// are written in place and other values left out. It must not keep at.
	BulkDataURI func(at Path, e *dicom.Element) string
	// InlineUpTo is the length in bytes up to which values of representation
	// OB, OD, OF, OL, OV, OW and UN are written in place. 0 is without limit.
	InlineUpTo int64
	// ResolveURI gives e the value that a BulkDataURI in the input stands for,
	// in reading. If it is nil such elements stay empty. Nothing is ever fetched.
	ResolveURI func(at Path, e *dicom.Element, uri string) error
	// Limits bounds nesting and numbers of elements, in writing and in reading.
	Limits Limits
	// MaxBytes is the size of the largest input that is read; 0 is 64 MiB.
	MaxBytes int64
}

const defaultMaxBytes = 64 << 20

// Path leads to a data set within sequences, from the outside in.
type Path []PathStep

// PathStep is one sequence of a Path and the index, from 0, of its item.
type PathStep struct {
	Tag  dicom.Tag
	Item int
}

// String returns the path as DICOMweb addresses attributes: the tag in eight
// digits and the index of the item, as in 00081111/0/00081199/2/.
func (p Path) String() string {
	var b []byte
	for _, s := range p {
		b = append(appendHex(b, s.Tag), '/')
		b = append(strconv.AppendInt(b, int64(s.Item), 10), '/')
	}
	return string(b)
}

// appendHex appends t as eight digits.
func appendHex(dst []byte, t dicom.Tag) []byte {
	const digits = "0123456789ABCDEF"
	for shift := 28; shift >= 0; shift -= 4 {
		dst = append(dst, digits[t>>shift&0xF])
	}
	return dst
}

// isBytes reports whether values of vr are written in base64.
func isBytes(vr dicom.VR) bool {
	switch vr {
	case dicom.VROB, dicom.VROD, dicom.VROF, dicom.VROL, dicom.VROV, dicom.VROW, dicom.VRUN:
		return true
	}
	return false
}

// tagCharacterSet is Specific Character Set, which both models set to UTF-8.
const tagCharacterSet dicom.Tag = 0x00080005

// utf8Term is its only value there, padded to even length by itself.
const utf8Term = "ISO_IR 192"

// modelVR returns the VR under which a model shows e: SQ for what has items,
// whatever the stream said, and UN for what PS3.5 does not define.
func modelVR(e *dicom.Element) dicom.VR {
	switch {
	case e.Items != nil:
		return dicom.VRSQ
	case !e.VR.Valid():
		return dicom.VRUN
	}
	return e.VR
}

// bulkURI returns the reference for the value of e, "" if it is to be written in place.
func (o *JSONOptions) bulkURI(at Path, e *dicom.Element, vr dicom.VR) string {
	if o.BulkDataURI == nil {
		return ""
	}
	if e.Bulk != nil || e.Fragments != nil ||
		o.InlineUpTo > 0 && int64(len(e.Data)) > o.InlineUpTo && isBytes(vr) {
		return o.BulkDataURI(at, e)
	}
	return ""
}

// trimPadding is dicom.TrimPadding for bytes.
func trimPadding(b []byte, vr dicom.VR) []byte {
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == 0) {
		b = b[:len(b)-1]
	}
	switch vr {
	case dicom.VRLT, dicom.VRST, dicom.VRUT, dicom.VRUC, dicom.VRUR:
		return b
	}
	for len(b) > 0 && b[0] == ' ' {
		b = b[1:]
	}
	return b
}
