package encoding

import (
	"bufio"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
)

// inflater undoes the deflation of a data set (PS3.5 section A.5) within limits.
type inflater struct {
	packed   *countingReader
	r        io.ReadCloser
	inflated int64
	sum      uint32 // CRC-32 of what was inflated
	limits   Limits
	checked  bool // the header was looked at
	err      error
}

// countingReader counts the bytes that inflating took.
type countingReader struct {
	*bufio.Reader
	n int64
}

func (c *countingReader) ReadByte() (byte, error) {
	b, err := c.Reader.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

func newInflater(r io.Reader, l Limits) *inflater {
	packed := &countingReader{Reader: bufio.NewReaderSize(r, 32<<10)}
	return &inflater{packed: packed, r: flate.NewReader(packed), limits: l}
}

func (i *inflater) Read(p []byte) (int, error) {
	if i.err == nil && !i.checked {
		i.checked = true
		i.err = i.refuseZlib()
	}
	if i.err != nil {
		return 0, i.err
	}
	n, err := i.r.Read(p)
	i.inflated += int64(n)
	i.sum = crc32.Update(i.sum, crc32.IEEETable, p[:n])
	switch {
	case i.inflated > i.limits.InflatedBytes:
		i.err = fmt.Errorf("%w: inflates to more than %d bytes", ErrLimit, i.limits.InflatedBytes)
	case i.inflated > i.limits.InflateFloor && i.inflated/int64(i.limits.InflateRatio) > i.packed.n:
		i.err = fmt.Errorf("%w: inflates by more than %d to 1", ErrLimit, i.limits.InflateRatio)
	case err == io.EOF:
		i.err = i.end()
	case err != nil:
		i.err = inflateError(err)
	}
	if n > 0 && i.err == io.EOF {
		return n, nil
	}
	return n, i.err
}

// refuseZlib finds the header of RFC 1950 where PS3.5 section A.5 asks for bare
// RFC 1951. As the latter it would begin with a stored block whose padding is
// not zero, which no encoder writes.
func (i *inflater) refuseZlib() error {
	b, _ := i.packed.Peek(2)
	if len(b) == 2 && b[0] == 0x78 && (int(b[0])<<8|int(b[1]))%31 == 0 {
		return fmt.Errorf("%w: deflated with a zlib header", ErrSyntax)
	}
	return nil
}

// end returns io.EOF if nothing follows but the byte of padding that makes the
// length even, or the trailer of RFC 1952 that some writers leave behind, padded
// or not.
func (i *inflater) end() error {
	const trailer = 8
	b, err := i.packed.Peek(trailer + 2)
	if err != nil && err != io.EOF {
		return err
	}
	padding := len(b) == 1 && b[0] == 0
	gzip := (len(b) == trailer || len(b) == trailer+1 && b[trailer] == 0) &&
		binary.LittleEndian.Uint32(b) == i.sum && binary.LittleEndian.Uint32(b[4:]) == uint32(i.inflated)
	if len(b) > 0 && !padding && !gzip {
		return fmt.Errorf("%w: bytes after the deflated data set", ErrSyntax)
	}
	i.packed.Discard(len(b))
	return io.EOF
}

func inflateError(err error) error {
	if _, ok := err.(flate.CorruptInputError); ok {
		return fmt.Errorf("%w: %v", ErrSyntax, err)
	}
	return err
}
