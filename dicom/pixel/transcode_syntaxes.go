package pixel

import (
	"slices"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
)

// Transcodes reports whether data sets can be brought from one transfer syntax
// into another at all; whether one can be, NewTranscoder tells.
func Transcodes(from, to dicom.UID) bool {
	f, known := encoding.Lookup(from)
	t, also := encoding.Lookup(to)
	if !known || !also {
		return false
	}
	_, decodes := decoders[from]
	_, encodes := encoders[to]
	return from == to || (f.Native() || decodes) && (t.Native() || encodes)
}

// TranscodeTargets returns the transfer syntaxes into which data sets of the
// transfer syntax from can be brought, from itself first: then those without a
// codec, then those of the best ratio or speed.
func TranscodeTargets(from dicom.UID) []dicom.UID {
	list := []dicom.UID{from}
	for _, to := range targetOrder {
		if to != from && Transcodes(from, to) {
			list = append(list, to)
		}
	}
	return slices.Clip(list)
}

// targetOrder has what everybody reads before what few do.
var targetOrder = []dicom.UID{
	dict.UIDExplicitVRLittleEndian, dict.UIDImplicitVRLittleEndian,
	dict.UIDDeflatedExplicitVRLittleEndian, dict.UIDExplicitVRBigEndian,
	dict.UIDHTJ2KLossless, dict.UIDHTJ2KLosslessRPCL, dict.UIDHTJ2K,
	dict.UIDJPEGLSLossless,
	dict.UIDJPEG2000Lossless, dict.UIDJPEG2000,
	dict.UIDJPEGLosslessSV1, dict.UIDJPEGLossless,
	dict.UIDRLELossless, dict.UIDDeflatedImageFrameCompression,
}

// TakenTargets returns those transfer syntaxes of TranscodeTargets that a
// receiver takes, the best first: the one that it prefers, if any, then the one
// in which the data set is stored, then those that cost the receiver least.
func TakenTargets(stored dicom.UID, taken []dicom.UID, prefer dicom.UID) []dicom.UID {
	var list []dicom.UID
	for _, u := range TranscodeTargets(stored) {
		switch {
		case !slices.Contains(taken, u):
		case u == prefer:
			list = slices.Insert(list, 0, u)
		default:
			list = append(list, u)
		}
	}
	return list
}

// ProposedTargets groups TranscodeTargets as they are proposed to a receiver,
// which accepts one transfer syntax of a presentation context at most (PS3.8
// section 9.3.3.2): the stored one, the one that the receiver prefers, the native
// ones, the compressed ones. No group is empty.
func ProposedTargets(stored, prefer dicom.UID) [][]dicom.UID {
	groups := make([][]dicom.UID, 4)
	for i, u := range TranscodeTargets(stored) {
		ts, _ := encoding.Lookup(u)
		group := 2
		switch {
		case i == 0:
			group = 0
		case u == prefer:
			group = 1
		case ts.Encapsulated:
			group = 3
		}
		groups[group] = append(groups[group], u)
	}
	return slices.DeleteFunc(groups, func(g []dicom.UID) bool { return len(g) == 0 })
}
