package pixel

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"io"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// Profile returns the ICC profile by which the colours of ds are meant (PS3.3
// section C.11.15): its own, or that of its only optical path. It is nil if there
// is none in memory.
func Profile(ds *dicom.DataSet) []byte {
	e := ds.Get(dict.ICCProfile)
	if paths := ds.Items(dict.OpticalPathSequence); e == nil && len(paths) == 1 {
		e = paths[0].DataSet.Get(dict.ICCProfile)
	}
	if e == nil || len(e.Data) < iccHeader {
		return nil
	}
	// The value may be padded; the profile's first word says how long it is.
	n := binary.BigEndian.Uint32(e.Data)
	if n < iccHeader || uint64(n) > uint64(len(e.Data)) {
		return nil
	}
	return e.Data[:n]
}

// iccHeader is the size of a profile's header (ISO 15076-1).
const iccHeader = 128

// inserter writes a piece of its own behind the first bytes.
type inserter struct {
	w     io.Writer
	after int
	piece []byte
}

// Write implements io.Writer.
func (i *inserter) Write(p []byte) (n int, err error) {
	if i.piece != nil && len(p) >= i.after {
		if n, err = i.w.Write(p[:i.after]); err != nil {
			return n, err
		}
		if _, err = i.w.Write(i.piece); err != nil {
			return n, err
		}
		i.piece, p = nil, p[n:]
	}
	i.after -= len(p)
	m, err := i.w.Write(p)
	return n + m, err
}

// pngHeader is where a PNG file's first chunk, IHDR, ends.
const pngHeader = 8 + 25

// pngProfile returns an iCCP chunk (ISO/IEC 15948 section 11.3.3.3).
func pngProfile(profile []byte) []byte {
	var b bytes.Buffer
	b.WriteString("\x00\x00\x00\x00iCCPICC\x00\x00")
	z := zlib.NewWriter(&b)
	z.Write(profile) // a Buffer takes everything
	z.Close()
	out := b.Bytes()
	binary.BigEndian.PutUint32(out, uint32(len(out)-8))
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

// jpegProfile returns APP2 segments (ISO 15076-1 section B.4); nil for a profile
// that 255 of them do not hold.
func jpegProfile(profile []byte) []byte {
	const label, most = "ICC_PROFILE\x00", 65535 - 2 - 14
	count := (len(profile) + most - 1) / most
	if count > 255 {
		return nil
	}
	var out []byte
	for i := range count {
		part := profile[i*most : min((i+1)*most, len(profile))]
		out = append(out, 0xff, 0xe2)
		out = binary.BigEndian.AppendUint16(out, uint16(2+len(label)+2+len(part)))
		out = append(append(append(out, label...), byte(i+1), byte(count)), part...)
	}
	return out
}
