package encoding

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// What this implementation calls itself in File Meta Information and in
// association negotiation (PS3.7 section D.3.3.2).
const (
	ImplementationClassUID    dicom.UID = "2.25.250341287069128397471238402984619238471"
	ImplementationVersionName           = "TRESOR_1"
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
	start, err := findMeta(r)
	if err != nil {
		return nil, ts, err
	}
	meta = new(dicom.DataSet)
	m := metaReader{r: r, offset: int64(start), end: -1}
	if err := m.read(meta); err != nil {
		return nil, ts, err
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
	e := meta.Get(dict.TransferSyntaxUID)
	if e == nil {
		return ""
	}
	return dicom.UID(strings.TrimRight(string(e.Data), "\x00 "))
}

// findMeta moves r to the first element of group 0002 and returns its offset.
func findMeta(r *bufio.Reader) (int, error) {
	b, err := r.Peek(preambleLength + len(prefix) + sizeOfShortHeader)
	if err != nil && err != io.EOF {
		return 0, err
	}
	const at = preambleLength + len(prefix)
	switch {
	case startsMeta(b):
		return 0, nil
	case len(b) >= at && string(b[preambleLength:at]) == prefix:
		if !startsMeta(b[at:]) {
			return 0, fmt.Errorf("%w behind the prefix", ErrNoMeta)
		}
		r.Discard(at)
		return at, nil
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
	r      *bufio.Reader
	offset int64 // from the start of the file
	end    int64 // where the group length says that the group ends; -1 if it is not told
	raw    []byte
}

// read finds where the group ends by its elements, since group lengths are
// often wrong. One that is right matters where the data set is deflated: its
// first bytes may look like an element of group 0002.
func (m *metaReader) read(meta *dicom.DataSet) error {
	start := m.offset
	deflated := false
	for {
		b, err := m.r.Peek(sizeOfLongHeader)
		if err != nil && err != io.EOF {
			return err
		}
		if !startsMeta(b) || deflated && m.offset == m.end {
			break
		}
		header := m.raw
		if err := m.element(b); err != nil {
			return err
		}
		e := m.raw[len(header):]
		t := dicom.NewTag(metaGroup, binary.LittleEndian.Uint16(e[2:]))
		switch t {
		case dict.FileMetaInformationGroupLength:
			if len(e) == sizeOfShortHeader+4 {
				m.end = m.offset + int64(binary.LittleEndian.Uint32(e[8:]))
			}
		case dict.TransferSyntaxUID:
			uid := strings.TrimRight(string(e[sizeOfShortHeader:]), "\x00 ")
			ts, _ := Lookup(dicom.UID(uid))
			deflated = ts.Deflated
		}
	}
	ds, err := Parse(m.raw, ExplicitLE, Options{})
	if err != nil {
		return fmt.Errorf("File Meta Information at offset %d: %w", start, err)
	}
	*meta = *ds
	return nil
}

// element appends the element whose header is b to m.raw.
func (m *metaReader) element(b []byte) error {
	vr := dicom.VR(b[4])<<8 | dicom.VR(b[5])
	n := int64(sizeOfShortHeader)
	if vr.Long() {
		if len(b) < sizeOfLongHeader {
			return streamError(m.offset, 0, io.EOF)
		}
		n = sizeOfLongHeader + int64(binary.LittleEndian.Uint32(b[8:]))
	} else {
		n += int64(binary.LittleEndian.Uint16(b[6:]))
	}
	if int64(len(m.raw))+n > maxMeta {
		return limitError(m.offset, dicom.NewTag(metaGroup, 0), "bytes of File Meta Information", maxMeta)
	}
	for have := int64(0); have < n; {
		// As the bytes arrive, not as the length promises.
		piece, err := m.r.Peek(int(min(n-have, int64(m.r.Size()), 4096)))
		m.raw = append(m.raw, piece...)
		m.r.Discard(len(piece))
		have += int64(len(piece))
		if err != nil && have < n {
			return streamError(m.offset, dicom.NewTag(metaGroup, 0), err)
		}
	}
	m.offset += n
	return nil
}
