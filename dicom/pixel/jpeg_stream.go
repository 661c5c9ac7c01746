package pixel

import (
	"encoding/binary"
	"fmt"
)

// Markers of ISO/IEC 10918-1 table B.1 and ISO/IEC 14495-1 table C.1, without
// their first byte FF.
const (
	markerSOF0  = 0xC0 // baseline DCT
	markerSOF1  = 0xC1 // extended sequential DCT
	markerSOF2  = 0xC2 // progressive DCT
	markerSOF3  = 0xC3 // lossless
	markerDHT   = 0xC4
	markerRST0  = 0xD0
	markerRST7  = 0xD7
	markerSOI   = 0xD8
	markerEOI   = 0xD9
	markerSOS   = 0xDA
	markerDQT   = 0xDB
	markerDRI   = 0xDD
	markerSOF55 = 0xF7 // JPEG-LS
	markerLSE   = 0xF8
)

// jpegComponent is a component of a frame (ISO/IEC 10918-1 section B.2.2).
type jpegComponent struct {
	id     byte
	h, v   int // sampling factors
	tq     int // quantisation table
	td, ta int // Huffman tables of the scan
}

// jpegHeader is a frame header.
type jpegHeader struct {
	marker        byte
	precision     int
	rows, columns int
	components    []jpegComponent
}

// jpegScan is a scan header (ISO/IEC 10918-1 section B.2.3). The last three are
// called NEAR, ILV and Pt in JPEG-LS.
type jpegScan struct {
	components     []int // indices of the header's
	ss, se, ah, al int
}

// jpegStream walks over the segments of a JPEG or JPEG-LS stream.
type jpegStream struct {
	b   []byte
	pos int
}

func jpegError(what string) error { return fmt.Errorf("%w: JPEG: %s", ErrSyntax, what) }

// next returns the next marker and the segment that follows it, which is empty
// for markers that stand alone.
func (s *jpegStream) next() (marker byte, segment []byte, err error) {
	for s.pos < len(s.b) && s.b[s.pos] != 0xFF {
		s.pos++
	}
	for s.pos < len(s.b) && s.b[s.pos] == 0xFF {
		s.pos++
	}
	if s.pos >= len(s.b) {
		return 0, nil, jpegError("ends without EOI")
	}
	marker = s.b[s.pos]
	s.pos++
	if marker == markerSOI || marker == markerEOI || marker == 0x01 || marker >= markerRST0 && marker <= markerRST7 {
		return marker, nil, nil
	}
	if s.pos+2 > len(s.b) {
		return 0, nil, jpegError("ends in a segment")
	}
	n := int(binary.BigEndian.Uint16(s.b[s.pos:]))
	if n < 2 || s.pos+n > len(s.b) {
		return 0, nil, jpegError("segment of an impossible length")
	}
	segment = s.b[s.pos+2 : s.pos+n]
	s.pos += n
	return marker, segment, nil
}

// isFrameHeader reports whether marker is a SOF of ISO/IEC 10918-1 or 14495-1.
func isFrameHeader(marker byte) bool {
	return marker >= markerSOF0 && marker <= 0xCF && marker != markerDHT && marker != 0xC8 && marker != 0xCC ||
		marker == markerSOF55
}

// parseHeader reads a frame header and compares it with the data set, so that
// nothing is allocated for a picture that the data set does not have.
func parseHeader(marker byte, b []byte, d *Description) (*jpegHeader, error) {
	if len(b) < 6 || len(b) != 6+3*int(b[5]) {
		return nil, jpegError("frame header of an impossible length")
	}
	h := &jpegHeader{
		marker:    marker,
		precision: int(b[0]),
		rows:      int(binary.BigEndian.Uint16(b[1:])),
		columns:   int(binary.BigEndian.Uint16(b[3:])),
	}
	if h.rows != d.Rows || h.columns != d.Columns {
		return nil, jpegError("dimensions are not those of the data set")
	}
	if int(b[5]) != d.SamplesPerPixel {
		return nil, jpegError("number of components is not that of the data set")
	}
	if h.precision < 2 || h.precision > 16 || h.precision > 8*d.SampleBytes() || d.SampleBytes() > 2 {
		return nil, jpegError("precision does not fit the data set")
	}
	for c := b[6:]; len(c) > 0; c = c[3:] {
		comp := jpegComponent{id: c[0], h: int(c[1] >> 4), v: int(c[1] & 15), tq: int(c[2])}
		if comp.h < 1 || comp.h > 4 || comp.v < 1 || comp.v > 4 || comp.tq > 3 {
			return nil, jpegError("component out of range")
		}
		h.components = append(h.components, comp)
	}
	return h, nil
}

// parseScan reads a scan header.
func (h *jpegHeader) parseScan(b []byte) (*jpegScan, error) {
	if len(b) < 1 || b[0] < 1 || b[0] > 4 || len(b) != 4+2*int(b[0]) {
		return nil, jpegError("scan header of an impossible length")
	}
	n := int(b[0])
	s := &jpegScan{ss: int(b[1+2*n]), se: int(b[2+2*n]), ah: int(b[3+2*n] >> 4), al: int(b[3+2*n] & 15)}
	for i := range n {
		found := -1
		for j := range h.components {
			if h.components[j].id == b[1+2*i] {
				found = j
			}
		}
		if found < 0 || len(s.components) > 0 && found <= s.components[len(s.components)-1] {
			return nil, jpegError("scan of components that the frame does not have in this order")
		}
		h.components[found].td, h.components[found].ta = int(b[2+2*i]>>4), int(b[2+2*i]&15)
		if h.components[found].td > 3 || h.components[found].ta > 3 {
			return nil, jpegError("Huffman table out of range")
		}
		s.components = append(s.components, found)
	}
	return s, nil
}
