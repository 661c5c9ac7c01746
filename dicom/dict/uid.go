package dict

import (
	"iter"
	"sort"

	"github.com/tresor-pacs/tresor/dicom"
)

// UIDType says what a UID of the registry names.
type UIDType uint8

// The types of UIDs (PS3.6 table A-1).
const (
	ApplicationContextName UIDType = iota + 1
	ApplicationHostingModel
	CodingScheme
	FrameOfReference
	LDAPOID
	DCMR // the DICOM Content Mapping Resource (PS3.16)
	MetaSOPClass
	ServiceClass
	SOPClass
	SOPInstance
	TransferSyntax
)

// UIDEntry is one UID of the registry.
type UIDEntry struct {
	UID     dicom.UID
	Name    string
	Keyword string
	Type    UIDType
	Retired bool
	Storage bool // a SOP class of the Storage or Non-Patient Object Storage service class (PS3.4 annexes B and GG)
}

// LookupUID finds a UID in the registry.
func LookupUID(uid dicom.UID) (UIDEntry, bool) {
	i := sort.Search(len(uids), func(i int) bool { return uids[i].UID >= uid })
	if i < len(uids) && uids[i].UID == uid {
		return uids[i], true
	}
	return UIDEntry{}, false
}

// UIDName returns the name of a UID, or the UID itself if the registry has none.
func UIDName(uid dicom.UID) string {
	if e, ok := LookupUID(uid); ok {
		return e.Name
	}
	return string(uid)
}

// IsStorageSOPClass reports whether uid is a storage SOP class of the registry,
// a retired one included.
func IsStorageSOPClass(uid dicom.UID) bool {
	e, ok := LookupUID(uid)
	return ok && e.Storage
}

// StorageSOPClasses ranges over the storage SOP classes, retired ones included,
// in ascending order of UIDs.
func StorageSOPClasses() iter.Seq[UIDEntry] {
	return where(func(e *UIDEntry) bool { return e.Storage })
}

// TransferSyntaxes ranges over the transfer syntaxes, retired ones included, in
// ascending order of UIDs.
func TransferSyntaxes() iter.Seq[UIDEntry] {
	return where(func(e *UIDEntry) bool { return e.Type == TransferSyntax })
}

func where(wanted func(*UIDEntry) bool) iter.Seq[UIDEntry] {
	return func(yield func(UIDEntry) bool) {
		for i := range uids {
			if wanted(&uids[i]) && !yield(uids[i]) {
				return
			}
		}
	}
}
