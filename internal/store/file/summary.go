package file

import (
	"bytes"
	"encoding/binary"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"

	"github.com/tresor-pacs/tresor/internal/seal"
)

// deflater is a flate.Writer with its output.
type deflater struct {
	out bytes.Buffer
	w   *flate.Writer
}

var deflaters = sync.Pool{New: func() any {
	d := new(deflater)
	d.w, _ = flate.NewWriter(&d.out, flate.BestSpeed) // fails for unknown levels only
	return d
}}

// appendSummary compresses a summary, seals it and appends it to dst: the
// plaintext is its length (4 bytes) and a deflate stream (RFC 1951).
func appendSummary(dst, summary []byte, key *seal.AEAD, ad []byte) ([]byte, error) {
	d := deflaters.Get().(*deflater)
	defer deflaters.Put(d)
	d.out.Reset()
	d.out.Write(binary.BigEndian.AppendUint32(d.out.AvailableBuffer(), uint32(len(summary))))
	d.w.Reset(&d.out)
	if _, err := d.w.Write(summary); err != nil {
		return nil, err
	}
	if err := d.w.Close(); err != nil {
		return nil, err
	}
	return key.AppendSeal(dst, d.out.Bytes(), ad), nil
}

// inflate returns the summary of an opened plaintext.
func inflate(plain []byte) ([]byte, error) {
	if len(plain) < 4 {
		return nil, errMeta
	}
	n := binary.BigEndian.Uint32(plain)
	if n > maxSummary {
		return nil, errMeta
	}
	if n == 0 {
		return nil, nil
	}
	out := make([]byte, n) // the length was sealed by us
	r := inflaters.Get().(io.Reader)
	defer inflaters.Put(r)
	if err := r.(flate.Resetter).Reset(bytes.NewReader(plain[4:]), nil); err != nil {
		return nil, errMeta
	}
	if _, err := io.ReadFull(r, out); err != nil {
		return nil, errMeta
	}
	return out, nil
}

// inflaters are readers of flate, each of which has tables and a window of many
// times the size of a summary.
var inflaters = sync.Pool{New: func() any { return flate.NewReader(bytes.NewReader(nil)) }}
