package encoding

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// What this implementation calls itself in File Meta Information and in
// association negotiation (PS3.7 section D.3.3.2).
const (
	ImplementationClassUID    dicom.UID = "2.25.250341287069128397471238402984619238471"
	ImplementationVersionName string    = "TRESOR_1"
)

const (
	preambleLength = 128
	prefix         = "DICM"
	metaGroup      = 0x0002
	maxMeta        = 1 << 20 // bytes of File Meta Information, private information included
)

// NewMeta returns File Meta Information for an instance (PS3.10 section 7.1).
func NewMeta(sopClass, instance, transferSyntax dicom.UID) *dicom.DataSet {
	meta := new(dicom.DataSet)
	meta.Put(dicom.Element{Tag: dict.FileMetaInformationVersion, VR: dicom.VROB, Data: []byte{0, 1}})
	meta.PutUID(dict.MediaStorageSOPClassUID, sopClass)
	meta.PutUID(dict.MediaStorageSOPInstanceUID, instance)
	meta.PutUID(dict.TransferSyntaxUID, transferSyntax)
	meta.PutUID(dict.ImplementationClassUID, ImplementationClassUID)
	name := dicom.Pad([]byte(ImplementationVersionName), dicom.VRSH)
	meta.Put(dicom.Element{Tag: dict.ImplementationVersionName, VR: dicom.VRSH, Data: name})
	return meta
}

// AppendMeta appends a zeroed preamble, the prefix and the File Meta
// Information with its group length.
func AppendMeta(dst []byte, meta *dicom.DataSet) ([]byte, error) {
	dst = append(dst, make([]byte, preambleLength)...)
	dst = append(dst, prefix...)
	dst = appendHeader(dst, layout{explicit: true}, dict.FileMetaInformationGroupLength, dicom.VRUL, 4)
	dst = append(dst, 0, 0, 0, 0)
	start := len(dst)
	e := encoder{buf: dst, layout: layout{explicit: true}}
	for el := range meta.All() {
		if el.Tag.Group() != metaGroup {
			return nil, &Error{-1, el.Tag, fmt.Errorf("%w: not of group 0002", ErrSyntax)}
		}
		if el.Tag == dict.FileMetaInformationGroupLength {
			continue
		}
		if err := e.element(el); err != nil {
			return nil, err
		}
	}
	binary.LittleEndian.PutUint32(e.buf[start-4:], uint32(len(e.buf)-start))
	return e.buf, nil
}

// WriteMeta writes what AppendMeta appends. The data set follows it in a file.
func WriteMeta(w io.Writer, meta *dicom.DataSet) error {
	b, err := AppendMeta(nil, meta)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// ReadMeta reads preamble, prefix and File Meta Information of a file and
// leaves r at the first byte of the data set, in the transfer syntax returned.
// The buffer of r must hold 256 bytes or more.
//
// A missing preamble and a wrong or missing group length are forgiven. The
// error wraps ErrNoMeta where there is no File Meta Information, and
// ErrTransferSyntax where it names no transfer syntax or an unknown one; meta
// is good in the latter case.
func ReadMeta(r *bufio.Reader) (meta *dicom.DataSet, ts TransferSyntax, err error) {
	return readMeta(&bufferedInput{r: r})
}

// input is what File Meta Information is read from.
type input interface {
	// peek returns at least n bytes, fewer only at the end or after a failure.
	peek(n int) []byte
	// take returns the next n bytes, which stay as they are.
	take(n int64) ([]byte, error)
	// failure returns why there are no more bytes.
	failure() error
}

// bufferedInput is the input that leaves a bufio.Reader where the data set begins.
type bufferedInput struct {
	r   *bufio.Reader
	err error
}

func (b *bufferedInput) peek(n int) []byte {
	p, err := b.r.Peek(n)
	b.err = err
	return p
}

func (b *bufferedInput) take(n int64) ([]byte, error) {
	var p []byte
	for n > 0 {
		step := min(n, 4096) // as the bytes arrive, not as a length promises
		p = append(p, make([]byte, step)...)
		if _, err := io.ReadFull(b.r, p[len(p)-int(step):]); err != nil {
			b.err = err
			return nil, b.failure()
		}
		n -= step
	}
	return p, nil
}

func (b *bufferedInput) failure() error {
	if b.err == nil || b.err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return b.err
}

func readMeta(in input) (meta *dicom.DataSet, ts TransferSyntax, err error) {
	start, err := findMeta(in)
	if err != nil {
		return nil, ts, err
	}
	m := metaReader{in: in, offset: start, start: start, end: -1}
	if meta, err = m.read(); err != nil {
		return nil, ts, fmt.Errorf("File Meta Information: %w", err)
	}
	uid := metaTransferSyntax(meta)
	if uid == "" {
		return meta, ts, fmt.Errorf("%w: the File Meta Information names none", ErrTransferSyntax)
	}
	ts, ok := Lookup(uid)
	if !ok {
		return meta, TransferSyntax{UID: uid}, fmt.Errorf("%w: it is not in the registry", ErrTransferSyntax)
	}
	return meta, ts, nil
}

func metaTransferSyntax(meta *dicom.DataSet) dicom.UID {
	if e := meta.Get(dict.TransferSyntaxUID); e != nil {
		return trimUID(e.Data)
	}
	return ""
}

func trimUID(b []byte) dicom.UID { return dicom.UID(bytes.TrimRight(b, "\x00 ")) }

// findMeta moves to the first element of group 0002 and returns its offset.
func findMeta(in input) (int64, error) {
	const at = preambleLength + len(prefix)
	b := in.peek(at + sizeOfShortHeader)
	switch {
	case startsMeta(b):
		return 0, nil
	case len(b) >= at && string(b[preambleLength:at]) == prefix:
		if !startsMeta(b[at:]) {
			return 0, fmt.Errorf("%w behind the prefix", ErrNoMeta)
		}
		_, err := in.take(int64(at))
		return int64(at), err
	case len(b) < at+sizeOfShortHeader && in.failure() != io.ErrUnexpectedEOF:
		return 0, in.failure()
	}
	return 0, fmt.Errorf("%w: neither it nor a preamble and prefix", ErrNoMeta)
}

// startsMeta reports whether b begins with an explicit VR header of group 0002.
func startsMeta(b []byte) bool {
	return len(b) >= sizeOfShortHeader && b[0] == metaGroup && b[1] == 0 &&
		b[4]-'A' <= 'Z'-'A' && b[5]-'A' <= 'Z'-'A'
}

// metaReader reads the elements of group 0002.
type metaReader struct {
	in            input
	start, offset int64 // from the start of the file
	end           int64 // where the group length says that the group ends; -1 if it is not told
	deflated      bool  // the data set is
}

// read finds where the group ends by its elements, since group lengths are
// often wrong. One that is right matters where the data set is deflated: its
// first bytes may look like an element of group 0002.
func (m *metaReader) read() (*dicom.DataSet, error) {
	var room [16]dicom.Element
	elements := room[:0]
	for {
		b := m.in.peek(sizeOfLongHeader)
		if !startsMeta(b) || m.deflated && m.offset == m.end {
			break
		}
		e, err := m.element(b)
		if err != nil {
			return nil, err
		}
		elements = append(elements, e)
	}
	meta := new(dicom.DataSet)
	if err := meta.Append(elements...); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	return meta, nil
}

// element reads the element whose header is b.
func (m *metaReader) element(b []byte) (dicom.Element, error) {
	e := dicom.Element{
		Tag: dicom.NewTag(metaGroup, binary.LittleEndian.Uint16(b[2:])),
		VR:  dicom.VR(b[4])<<8 | dicom.VR(b[5]),
	}
	header, n := int64(sizeOfShortHeader), int64(binary.LittleEndian.Uint16(b[6:]))
	if e.VR.Long() {
		if len(b) < sizeOfLongHeader {
			return e, streamError(m.offset, e.Tag, m.in.failure())
		}
		header, n = sizeOfLongHeader, int64(binary.LittleEndian.Uint32(b[8:]))
	}
	if e.VR == dicom.VRSQ || n == Undefined {
		return e, syntaxError(m.offset, e.Tag, "sequence or undefined length in File Meta Information")
	}
	if m.offset-m.start+header+n > maxMeta {
		return e, limitError(m.offset, e.Tag, "bytes of File Meta Information", maxMeta)
	}
	value, err := m.in.take(header + n)
	if err != nil {
		return e, streamError(m.offset, e.Tag, err)
	}
	m.offset += header + n
	if n > 0 {
		e.Data = value[header:]
	}
	m.note(&e)
	return e, nil
}

// note keeps what the end of the group depends on.
func (m *metaReader) note(e *dicom.Element) {
	switch e.Tag {
	case dict.FileMetaInformationGroupLength:
		if len(e.Data) == 4 {
			m.end = m.offset + int64(binary.LittleEndian.Uint32(e.Data))
		}
	case dict.TransferSyntaxUID:
		ts, _ := Lookup(trimUID(e.Data))
		m.deflated = ts.Deflated
	}
}
