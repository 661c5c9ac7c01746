package survey

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strconv"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// errCount says that a match could not be walked through.
var errCount = errors.New("a match is malformed")

// maxDepth bounds sequences in sequences.
const maxDepth = 8

// counter walks through a data set in little endian and keeps one integer:
// Number of Study Related Instances (0020,1208). All other values are passed
// over in a buffer that the next one overwrites; none is ever decoded.
type counter struct {
	r        io.Reader
	explicit bool
	buf      [512]byte
	images   int64 // -1 if the match does not say
}

// countImages returns what a match says of its number of instances, -1 if it
// does not.
func countImages(r io.Reader, explicit bool) (int64, error) {
	c := &counter{r: r, explicit: explicit, images: -1}
	err := c.walk(0, 1<<32)
	clear(c.buf[:])
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return c.images, err
}

// header reads tag and length of an element (PS3.5 section 7.1).
func (c *counter) header() (tag dicom.Tag, length uint32, size int64, err error) {
	b := c.buf[:8]
	if n, err := io.ReadFull(c.r, b); err != nil {
		if n > 0 {
			err = errCount
		}
		return 0, 0, 0, err
	}
	tag = dicom.Tag(uint32(binary.LittleEndian.Uint16(b))<<16 | uint32(binary.LittleEndian.Uint16(b[2:])))
	if !c.explicit || tag>>16 == 0xFFFE {
		return tag, binary.LittleEndian.Uint32(b[4:]), 8, nil
	}
	switch string(b[4:6]) {
	case "OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV":
		if _, err := io.ReadFull(c.r, b[:4]); err != nil {
			return 0, 0, 0, errCount
		}
		return tag, binary.LittleEndian.Uint32(b), 12, nil
	}
	return tag, uint32(binary.LittleEndian.Uint16(b[6:])), 8, nil
}

const undefined = 0xFFFFFFFF

// walk passes over elements until a delimiter, the end of the data, or left bytes.
func (c *counter) walk(depth int, left int64) error {
	if depth > maxDepth {
		return errCount
	}
	for left > 0 {
		tag, length, size, err := c.header()
		if err != nil {
			return err
		}
		left -= size
		switch {
		case tag == 0xFFFEE00D || tag == 0xFFFEE0DD:
			return nil
		case length == undefined:
			if err := c.walk(depth+1, left); err != nil {
				return err
			}
		case depth == 0 && tag == dict.NumberOfStudyRelatedInstances:
			if err := c.number(length); err != nil {
				return err
			}
			left -= int64(length)
		default:
			if err := c.skip(int64(length)); err != nil {
				return err
			}
			left -= int64(length)
		}
	}
	return nil
}

func (c *counter) skip(n int64) error {
	for n > 0 {
		m, err := c.r.Read(c.buf[:min(n, int64(len(c.buf)))])
		n -= int64(m)
		if err != nil && n > 0 {
			return errCount
		}
	}
	return nil
}

// number reads an integer string (PS3.5 section 6.2, IS: at most 12 bytes).
func (c *counter) number(length uint32) error {
	if length > 16 {
		return c.skip(int64(length))
	}
	b := c.buf[:length]
	if _, err := io.ReadFull(c.r, b); err != nil {
		return errCount
	}
	n, err := strconv.ParseInt(string(bytes.Trim(b, " \x00")), 10, 32)
	if err == nil && n >= 0 {
		c.images = n
	}
	return nil
}
