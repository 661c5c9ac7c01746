package dicom

import (
	"crypto/rand"
	"math/big"
	"strings"
)

// UID is a unique identifier (PS3.5 section 9) without its padding. UIDs that
// come from outside are names to compare, never paths.
type UID string

// MaxUIDLength is the longest a UID may be (PS3.5 section 9.1), in characters.
const MaxUIDLength = 64

// Valid reports whether u keeps the rules of PS3.5 section 9.1: components of
// digits, separated by single dots, none with a leading zero, at most 64
// characters in all.
func (u UID) Valid() bool { return u.Tolerable() && !u.leadingZero() }

// Tolerable reports whether u is a Valid UID but for components with leading
// zeros, which old devices write and which harm nobody.
func (u UID) Tolerable() bool {
	if len(u) == 0 || len(u) > MaxUIDLength {
		return false
	}
	digits := 0
	for i := 0; i < len(u); i++ {
		switch c := u[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == '.' && digits > 0:
			digits = 0
		default:
			return false
		}
	}
	return digits > 0
}

func (u UID) leadingZero() bool {
	for _, c := range strings.Split(string(u), ".") {
		if len(c) > 1 && c[0] == '0' {
			return true
		}
	}
	return false
}

// NewUID returns a fresh UID of the form 2.25.N with 128 random bits (PS3.5
// section B.2).
func NewUID() UID {
	b := make([]byte, 16)
	rand.Read(b) // never fails: it ends the program instead
	b[6], b[8] = b[6]&0x0F|0x40, b[8]&0x3F|0x80
	return UID("2.25." + new(big.Int).SetBytes(b).String())
}
