package pixel

import "encoding/binary"

// Frame is one decoded frame. Its description is that of the samples: one frame,
// not planar, High Bit one less than Bits Stored, and the photometric
// interpretation that decoding has left.
type Frame struct {
	Description
	Data []byte // as the package's comment describes
}

// Sample returns sample number i as an unsigned number, i counting samples, not
// pixels.
func (f *Frame) Sample(i int) uint64 {
	switch f.SampleBytes() {
	case 1:
		return uint64(f.Data[i])
	case 2:
		return uint64(binary.LittleEndian.Uint16(f.Data[2*i:]))
	case 4:
		return uint64(binary.LittleEndian.Uint32(f.Data[4*i:]))
	}
	return binary.LittleEndian.Uint64(f.Data[8*i:])
}

// normalise shifts samples so that their lowest bit is bit 0 and clears the
// bits above Bits Stored.
func normalise(b []byte, d *Description) {
	shift := d.HighBit + 1 - d.BitsStored
	if d.Float || d.BitsAllocated == 1 || d.BitsStored == d.BitsAllocated {
		return
	}
	mask := uint64(1)<<d.BitsStored - 1
	switch d.BitsAllocated {
	case 8:
		for i, v := range b {
			b[i] = v >> shift & byte(mask)
		}
	case 16:
		for i := 0; i+1 < len(b); i += 2 {
			v := binary.LittleEndian.Uint16(b[i:]) >> shift & uint16(mask)
			binary.LittleEndian.PutUint16(b[i:], v)
		}
	case 32:
		for i := 0; i+3 < len(b); i += 4 {
			v := binary.LittleEndian.Uint32(b[i:]) >> shift & uint32(mask)
			binary.LittleEndian.PutUint32(b[i:], v)
		}
	case 64:
		for i := 0; i+7 < len(b); i += 8 {
			v := binary.LittleEndian.Uint64(b[i:]) >> shift & mask
			binary.LittleEndian.PutUint64(b[i:], v)
		}
	}
}
