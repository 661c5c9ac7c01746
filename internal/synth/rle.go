package synth

import (
	"encoding/binary"
	"io"

	"github.com/tresor-pacs/tresor/dicom"
)

// writeRLE writes the pixel data encapsulated (PS3.5 section A.4), each frame
// one fragment of RLE segments (PS3.5 annex G), with an empty offset table.
func (p *pixels) writeRLE(w io.Writer) error {
	const undefined = 0xFFFFFFFF
	if _, err := w.Write(pixelHeader(dicom.VROB, undefined, false)); err != nil {
		return err
	}
	if _, err := w.Write(itemHeader(0xE000, 0)); err != nil {
		return err
	}
	frame := make([]byte, p.size)
	var fragment []byte
	for f := range p.frames {
		p.draw(f, frame)
		fragment = p.appendRLE(fragment[:0], frame)
		if _, err := w.Write(itemHeader(0xE000, uint32(len(fragment)))); err != nil {
			return err
		}
		if _, err := w.Write(fragment); err != nil {
			return err
		}
	}
	_, err := w.Write(itemHeader(0xE0DD, 0))
	return err
}

// itemHeader returns the tag (FFFE,element) and a length.
func itemHeader(element uint16, length uint32) []byte {
	h := binary.LittleEndian.AppendUint16([]byte{0xFE, 0xFF}, element)
	return binary.LittleEndian.AppendUint32(h, length)
}

// appendRLE appends a frame as RLE segments: one for each byte of each sample,
// the most significant first (PS3.5 section G.2).
func (p *pixels) appendRLE(dst, frame []byte) []byte {
	const headerSize = 64
	start := len(dst)
	dst = append(dst, make([]byte, headerSize)...)
	segments := p.samples * p.bytes
	binary.LittleEndian.PutUint32(dst[start:], uint32(segments))
	row := make([]byte, p.columns)
	for s := range segments {
		binary.LittleEndian.PutUint32(dst[start+4+4*s:], uint32(len(dst)-start))
		sample, high := s/p.bytes, p.bytes-1-s%p.bytes
		for at := sample*p.bytes + high; at < len(frame); {
			for i := range row {
				row[i] = frame[at]
				at += segments
			}
			dst = appendPackBits(dst, row)
		}
		if (len(dst)-start)&1 == 1 {
			dst = append(dst, 0)
		}
	}
	return dst
}

// appendPackBits encodes one row (PS3.5 section G.3.1): runs of equal bytes as
// a count and the byte, others as literals.
func appendPackBits(dst, row []byte) []byte {
	for i := 0; i < len(row); {
		n := runLength(row[i:])
		if n > 1 {
			dst = append(dst, byte(257-n), row[i])
			i += n
			continue
		}
		start := i
		for i++; i < len(row) && i-start < 128 && runLength(row[i:]) < 3; i++ {
		}
		dst = append(dst, byte(i-start-1))
		dst = append(dst, row[start:i]...)
	}
	return dst
}

func runLength(b []byte) int {
	n := 1
	for n < len(b) && n < 128 && b[n] == b[0] {
		n++
	}
	return n
}
