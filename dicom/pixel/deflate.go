package pixel

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"

	"github.com/tresor-pacs/tresor/dicom/dict"
)

var (
	_ = register(dict.UIDDeflatedImageFrameCompression, decodeDeflated)
	_ = registerEncoder(dict.UIDDeflatedImageFrameCompression, encodeDeflated)
)

// decodeDeflated decodes a frame of Deflated Image Frame Compression (PS3.5
// section A.4.13): native pixel data of one frame, deflated (RFC 1951).
func decodeDeflated(frame []byte, d *Description, _ Limits) (decoded, error) {
	r := flate.NewReader(bytes.NewReader(frame))
	b := make([]byte, (d.nativeBits()+7)/8)
	if _, err := io.ReadFull(r, b); err != nil {
		return decoded{}, fmt.Errorf("%w: inflate: %w", ErrSyntax, err)
	}
	// A byte of padding may follow, and nothing else.
	if n, err := io.ReadFull(r, make([]byte, 2)); n > 1 || err != io.EOF && err != io.ErrUnexpectedEOF {
		return decoded{}, fmt.Errorf("%w: inflates to another size than the frame's", ErrSyntax)
	}
	return nativeFrame(b, d, 0)
}

func encodeDeflated(samples []byte, d *Description) ([]byte, error) {
	if d.BitsAllocated == 1 {
		samples = packBits(samples)
	}
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.DefaultCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(samples); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// packBits is the inverse of unpackBits.
func packBits(samples []byte) []byte {
	out := make([]byte, (len(samples)+7)/8)
	for i, v := range samples {
		out[i>>3] |= v & 1 << (i & 7)
	}
	return out
}
