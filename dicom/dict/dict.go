// Package dict is the registry of data elements and UIDs of PS3.6, and of the
// command elements of PS3.7 annex E: constants by keyword and tables to look
// entries up in. All of it is static data: it costs nothing at start-up.
package dict

//go:generate go run ./internal/gen

import (
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
)

// Choice tells between which VRs the standard lets an element choose.
type Choice uint8

// The choices of PS3.6.
const (
	Fixed      Choice = iota
	USOrSS            // by Pixel Representation (0028,0103)
	USOrSSOrOW        // LUT Data: OW in implicit VR encodings (PS3.5 section A.1)
	OBOrOW            // OW in implicit VR encodings (PS3.5 section A.1)
)

// Entry is one data element of the registry.
type Entry struct {
	Tag     dicom.Tag // of a repeating group: the first of its range
	VR      dicom.VR  // the one an implicit VR encoding uses, if there is a choice; 0 for items and delimiters
	Choice  Choice
	Retired bool
	VM      string // value multiplicity as the standard writes it: 1, 1-n, 2-2n
	Keyword string
}

const hashBits = 14

// Lookup finds the entry for a tag; those of repeating groups (50xx, 60xx,
// 7Fxx, PS3.5 section 7.6) too. Private elements and group lengths have none,
// but for the group lengths of groups 0000 and 0002.
func Lookup(t dicom.Tag) (Entry, bool) {
	if e := find(t); e != nil {
		return *e, true
	}
	return Entry{}, false
}

// VR returns the VR that an implicit VR encoding of element t has, so far as it
// does not depend on other elements: that of the registry, UL for group
// lengths, LO for private creators (PS3.5 section 7.8.1), UN for what is not known.
func VR(t dicom.Tag) dicom.VR {
	vr, _ := VRChoice(t)
	return vr
}

// VRChoice returns what VR does, and which others are allowed.
func VRChoice(t dicom.Tag) (dicom.VR, Choice) {
	if e := find(t); e != nil {
		return e.VR, e.Choice
	}
	switch {
	case t.IsGroupLength():
		return dicom.VRUL, Fixed
	case t.IsPrivateCreator():
		return dicom.VRLO, Fixed
	}
	return dicom.VRUN, Fixed
}

// Keyword returns the keyword for a tag, "" if it is not in the registry.
func Keyword(t dicom.Tag) string {
	if e := find(t); e != nil {
		return e.Keyword
	}
	return ""
}

func find(t dicom.Tag) *Entry {
	slot := uint32(t) * 0x9E3779B1 >> (32 - hashBits)
	for {
		i := byTag[slot]
		if i == 0 {
			return findRepeating(t)
		}
		if e := &elements[i-1]; e.Tag == t {
			return e
		}
		slot = (slot + 1) & (1<<hashBits - 1)
	}
}

func findRepeating(t dicom.Tag) *Entry {
	switch t >> 24 {
	case 0x00, 0x50, 0x60, 0x7F:
	default:
		return nil
	}
	if t.IsPrivate() {
		return nil
	}
	for i := range repeating {
		if r := &repeating[i]; t&r.mask == r.entry.Tag {
			return &r.entry
		}
	}
	return nil
}

// ByKeyword finds the entry with a keyword, which is compared exactly.
func ByKeyword(keyword string) (Entry, bool) {
	low, high := 0, len(byKeyword)
	for low < high {
		middle := (low + high) / 2
		e := indexed(byKeyword[middle])
		switch c := strings.Compare(e.Keyword, keyword); {
		case c == 0:
			return *e, true
		case c < 0:
			low = middle + 1
		default:
			high = middle
		}
	}
	return Entry{}, false
}

func indexed(i uint16) *Entry {
	if int(i) < len(elements) {
		return &elements[i]
	}
	return &repeating[int(i)-len(elements)].entry
}
