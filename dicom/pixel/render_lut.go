package pixel

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// lut is a lookup table of PS3.3 sections C.11.1, C.11.2 and C.11.6, or one
// colour of a palette (section C.7.6.3.1.5).
type lut struct {
	first   int // the value that the first entry is for
	bits    int // of an entry
	entries []uint16
}

// at returns the entry for v: the first one for what is below, the last one for
// what is above.
func (l *lut) at(v int) uint16 {
	return l.entries[min(max(v-l.first, 0), len(l.entries)-1)]
}

// fraction returns the entry for v as a number from 0 to 1.
func (l *lut) fraction(v float64) float64 {
	return min(float64(l.at(int(math.Round(min(max(v, -1<<31), 1<<31)))))/float64(uint32(1)<<l.bits-1), 1)
}

// descriptor reads a LUT descriptor: number of entries, first value, bits.
// Signed says how the first value is meant, whatever its representation.
func descriptor(ds *dicom.DataSet, tag dicom.Tag, signed bool) (lut, int, error) {
	e := ds.Get(tag)
	if e == nil || len(e.Data) < 6 {
		return lut{}, 0, fmt.Errorf("%w: %v is missing or short", ErrSyntax, tag)
	}
	n := int(binary.LittleEndian.Uint16(e.Data))
	if n == 0 {
		n = 1 << 16
	}
	l := lut{first: int(binary.LittleEndian.Uint16(e.Data[2:])), bits: int(binary.LittleEndian.Uint16(e.Data[4:]))}
	if signed {
		l.first = int(int16(l.first))
	}
	if l.bits < 1 || l.bits > 16 {
		return lut{}, 0, fmt.Errorf("%w: %v has entries of %d bits", ErrSyntax, tag, l.bits)
	}
	return l, n, nil
}

// readLUT reads a table from its descriptor and its data.
func readLUT(ds *dicom.DataSet, descriptorTag, dataTag dicom.Tag, signed bool) (*lut, error) {
	l, n, err := descriptor(ds, descriptorTag, signed)
	if err != nil {
		return nil, err
	}
	e := ds.Get(dataTag)
	if e == nil || len(e.Data) < n {
		return nil, fmt.Errorf("%w: %v is missing or shorter than its descriptor says", ErrSyntax, dataTag)
	}
	l.entries = make([]uint16, n)
	if len(e.Data) < 2*n { // entries of 8 bits, two in a word
		for i := range l.entries {
			l.entries[i] = uint16(e.Data[i])
		}
		l.bits = min(l.bits, 8)
		return &l, nil
	}
	var top uint16
	for i := range l.entries {
		l.entries[i] = binary.LittleEndian.Uint16(e.Data[2*i:])
		top = max(top, l.entries[i])
	}
	if top>>l.bits != 0 && l.bits < 16 { // values that fill the word all the same
		l.bits = 16
	}
	return &l, nil
}

// readSequenceLUT reads the table in item i of a sequence; nil if it is not
// there.
func readSequenceLUT(ds *dicom.DataSet, sequence dicom.Tag, i int, signed bool) (*lut, error) {
	items := ds.Items(sequence)
	if i < 0 || i >= len(items) {
		return nil, nil
	}
	return readLUT(items[i].DataSet, dict.LUTDescriptor, dict.LUTData, signed)
}

// readPalette reads one colour of a palette, plain or segmented.
func readPalette(ds *dicom.DataSet, descriptorTag, dataTag, segmentedTag dicom.Tag, signed bool) (*lut, error) {
	e := ds.Get(segmentedTag)
	if e == nil || ds.Has(dataTag) {
		return readLUT(ds, descriptorTag, dataTag, signed)
	}
	l, n, err := descriptor(ds, descriptorTag, signed)
	if err != nil {
		return nil, err
	}
	words := make([]uint16, len(e.Data)/2)
	for i := range words {
		words[i] = binary.LittleEndian.Uint16(e.Data[2*i:])
	}
	if l.entries, err = expandSegments(words, n); err != nil {
		return nil, err
	}
	return &l, nil
}

// expandSegments expands a segmented palette into n entries (PS3.3 section
// C.7.9.2). An indirect segment repeats others, but not indirect ones.
func expandSegments(words []uint16, n int) ([]uint16, error) {
	bad := fmt.Errorf("%w: segmented palette", ErrSyntax)
	out := make([]uint16, 0, n)
	direct := func(at int) (int, error) {
		if at+2 > len(words) {
			return 0, bad
		}
		length := int(words[at+1])
		switch words[at] {
		case 0: // discrete
			if at+2+length > len(words) || len(out)+length > n {
				return 0, bad
			}
			out = append(out, words[at+2:at+2+length]...)
			return at + 2 + length, nil
		case 1: // linear, from the entry before to the given one
			if at+3 > len(words) || len(out) == 0 || length == 0 || len(out)+length > n {
				return 0, bad
			}
			from, to := int(out[len(out)-1]), int(words[at+2])
			for i := 1; i <= length; i++ {
				out = append(out, uint16(from+int(math.Round(float64((to-from)*i)/float64(length)))))
			}
			return at + 3, nil
		}
		return 0, bad
	}
	for at := 0; at < len(words) && len(out) < n; {
		if words[at] != 2 {
			next, err := direct(at)
			if err != nil {
				return nil, err
			}
			at = next
			continue
		}
		if at+4 > len(words) {
			return nil, bad
		}
		// The offset counts bytes.
		from := (int(words[at+2]) | int(words[at+3])<<16) / 2
		for range words[at+1] {
			next, err := direct(from)
			if err != nil {
				return nil, err
			}
			from = next
		}
		at += 4
	}
	if len(out) != n {
		return nil, bad
	}
	return out, nil
}
