package dicom

import (
	"fmt"
	"strconv"
)

// Tag names a data element: the group number in the high 16 bits, the element
// number in the low 16 (PS3.5 section 3.10). Tags compare in the order in which
// a data set holds them.
type Tag uint32

// NewTag returns the tag (group,element).
func NewTag(group, element uint16) Tag { return Tag(group)<<16 | Tag(element) }

// Group returns the group number.
func (t Tag) Group() uint16 { return uint16(t >> 16) }

// Element returns the element number.
func (t Tag) Element() uint16 { return uint16(t) }

// IsPrivate reports whether the group number is odd (PS3.5 section 7.8).
func (t Tag) IsPrivate() bool { return t>>16&1 == 1 }

// IsPrivateCreator reports whether t reserves a block of private elements
// (gggg,0010-00FF) (PS3.5 section 7.8.1).
func (t Tag) IsPrivateCreator() bool {
	return t.IsPrivate() && t.Element() >= 0x10 && t.Element() <= 0xFF
}

// Creator returns the private creator element that reserves the block in which
// the private element t lies; 0 if t is not such an element.
func (t Tag) Creator() Tag {
	if !t.IsPrivate() || t.Element() < 0x1000 {
		return 0
	}
	return t&0xFFFF0000 | t>>8&0xFF
}

// IsGroupLength reports whether t is a group length (gggg,0000) (PS3.5 section 7.2).
func (t Tag) IsGroupLength() bool { return t.Element() == 0 }

// String returns the tag as the standard prints it: (0010,0020).
func (t Tag) String() string { return fmt.Sprintf("(%04X,%04X)", t.Group(), t.Element()) }

// Hex returns the tag as the DICOM JSON model and DICOMweb write it: 00100020.
func (t Tag) Hex() string { return fmt.Sprintf("%08X", uint32(t)) }

// ParseTag reads a tag written as 00100020, 0010,0020 or (0010,0020).
func ParseTag(s string) (Tag, error) {
	h := s
	if len(h) == 11 && h[0] == '(' && h[10] == ')' {
		h = h[1:10]
	}
	if len(h) == 9 && h[4] == ',' {
		h = h[:4] + h[5:]
	}
	if len(h) == 8 {
		if v, err := strconv.ParseUint(h, 16, 32); err == nil {
			return Tag(v), nil
		}
	}
	return 0, fmt.Errorf("%q is no tag: write it as GGGGEEEE in hexadecimal", s)
}
