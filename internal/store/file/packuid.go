package file

import (
	"errors"

	"github.com/tresor-pacs/tresor/dicom"
)

// packedUID is the length of a UID with half a byte for each character: its
// digits as themselves, the dot as AH, the rest FH.
const packedUID = dicom.MaxUIDLength / 2

var errUID = errors.New("study UID is malformed")

func packUID(u dicom.UID) (p [packedUID]byte, err error) {
	if !u.Tolerable() {
		return p, errUID
	}
	for i := range p {
		p[i] = 0xFF
	}
	for i := range len(u) {
		half := byte(0xA)
		if c := u[i]; c != '.' {
			half = c - '0'
		}
		if i%2 == 0 {
			p[i/2] = half<<4 | 0xF
		} else {
			p[i/2] = p[i/2]&0xF0 | half
		}
	}
	return p, nil
}

func unpackUID(p [packedUID]byte) dicom.UID {
	u := make([]byte, 0, dicom.MaxUIDLength)
	for _, b := range p {
		for _, half := range [2]byte{b >> 4, b & 0xF} {
			switch {
			case half < 10:
				u = append(u, '0'+half)
			case half == 0xA:
				u = append(u, '.')
			default:
				return dicom.UID(u)
			}
		}
	}
	return dicom.UID(u)
}
