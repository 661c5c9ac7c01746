package dicom

// VR is a value representation (PS3.5 section 6.2): its two characters, the
// first in the high byte. The zero value stands for "unknown".
type VR uint16

// The value representations of PS3.5 table 6.2-1.
const (
	VRAE VR = 'A'<<8 | 'E' // Application Entity
	VRAS VR = 'A'<<8 | 'S' // Age String
	VRAT VR = 'A'<<8 | 'T' // Attribute Tag
	VRCS VR = 'C'<<8 | 'S' // Code String
	VRDA VR = 'D'<<8 | 'A' // Date
	VRDS VR = 'D'<<8 | 'S' // Decimal String
	VRDT VR = 'D'<<8 | 'T' // Date Time
	VRFD VR = 'F'<<8 | 'D' // Floating Point Double
	VRFL VR = 'F'<<8 | 'L' // Floating Point Single
	VRIS VR = 'I'<<8 | 'S' // Integer String
	VRLO VR = 'L'<<8 | 'O' // Long String
	VRLT VR = 'L'<<8 | 'T' // Long Text
	VROB VR = 'O'<<8 | 'B' // Other Byte
	VROD VR = 'O'<<8 | 'D' // Other Double
	VROF VR = 'O'<<8 | 'F' // Other Float
	VROL VR = 'O'<<8 | 'L' // Other Long
	VROV VR = 'O'<<8 | 'V' // Other 64-bit Very Long
	VROW VR = 'O'<<8 | 'W' // Other Word
	VRPN VR = 'P'<<8 | 'N' // Person Name
	VRSH VR = 'S'<<8 | 'H' // Short String
	VRSL VR = 'S'<<8 | 'L' // Signed Long
	VRSQ VR = 'S'<<8 | 'Q' // Sequence of Items
	VRSS VR = 'S'<<8 | 'S' // Signed Short
	VRST VR = 'S'<<8 | 'T' // Short Text
	VRSV VR = 'S'<<8 | 'V' // Signed 64-bit Very Long
	VRTM VR = 'T'<<8 | 'M' // Time
	VRUC VR = 'U'<<8 | 'C' // Unlimited Characters
	VRUI VR = 'U'<<8 | 'I' // Unique Identifier
	VRUL VR = 'U'<<8 | 'L' // Unsigned Long
	VRUN VR = 'U'<<8 | 'N' // Unknown
	VRUR VR = 'U'<<8 | 'R' // Universal Resource
	VRUS VR = 'U'<<8 | 'S' // Unsigned Short
	VRUT VR = 'U'<<8 | 'T' // Unlimited Text
	VRUV VR = 'U'<<8 | 'V' // Unsigned 64-bit Very Long
)

// ParseVR reads the two characters of a value representation; ok is false for
// any that PS3.5 does not define.
func ParseVR(s string) (vr VR, ok bool) {
	if len(s) != 2 {
		return 0, false
	}
	vr = VR(s[0])<<8 | VR(s[1])
	return vr, vr.Valid()
}

// String returns the two characters, or "??" for the zero value.
func (v VR) String() string {
	if v == 0 {
		return "??"
	}
	return string([]byte{byte(v >> 8), byte(v)})
}

// Valid reports whether PS3.5 defines v.
func (v VR) Valid() bool {
	switch v {
	case VRAE, VRAS, VRAT, VRCS, VRDA, VRDS, VRDT, VRFD, VRFL, VRIS, VRLO, VRLT,
		VROB, VROD, VROF, VROL, VROV, VROW, VRPN, VRSH, VRSL, VRSQ, VRSS, VRST,
		VRSV, VRTM, VRUC, VRUI, VRUL, VRUN, VRUR, VRUS, VRUT, VRUV:
		return true
	}
	return false
}

// Long reports whether an explicit VR element header of v has two reserved
// bytes and a 32-bit length (PS3.5 section 7.1.2). What PS3.5 does not define
// is long, as section 6.2.2 asks.
func (v VR) Long() bool {
	switch v {
	case VRAE, VRAS, VRAT, VRCS, VRDA, VRDS, VRDT, VRFD, VRFL, VRIS, VRLO, VRLT,
		VRPN, VRSH, VRSL, VRSS, VRST, VRTM, VRUI, VRUL, VRUS:
		return false
	}
	return true
}

// WordSize returns the size in bytes of the binary numbers of which a value of v
// consists, the unit in which a big endian encoding swaps bytes; 1 for text and bytes.
func (v VR) WordSize() int {
	switch v {
	case VRAT, VROW, VRSS, VRUS:
		return 2
	case VRFL, VROF, VROL, VRSL, VRUL:
		return 4
	case VRFD, VROD, VROV, VRSV, VRUV:
		return 8
	}
	return 1
}

// IsText reports whether values of v are character strings.
func (v VR) IsText() bool {
	switch v {
	case VRAE, VRAS, VRCS, VRDA, VRDS, VRDT, VRIS, VRLO, VRLT, VRPN, VRSH, VRST,
		VRTM, VRUC, VRUI, VRUR, VRUT:
		return true
	}
	return false
}

// UsesCharacterSet reports whether Specific Character Set (0008,0005) governs
// values of v (PS3.5 section 6.1.2.3).
func (v VR) UsesCharacterSet() bool {
	switch v {
	case VRLO, VRLT, VRPN, VRSH, VRST, VRUC, VRUT:
		return true
	}
	return false
}

// MultiValued reports whether a backslash separates values of the text VR v
// (PS3.5 section 6.4).
func (v VR) MultiValued() bool {
	switch v {
	case VRLT, VRST, VRUT, VRUR:
		return false
	}
	return v.IsText()
}
