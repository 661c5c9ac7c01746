package file

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// metaVersion is the first byte of an encoded meta.
const metaVersion = 1

var errMeta = errors.New("metadata of a vault object is malformed")

// appendMeta encodes m without its summary: version, length (8 bytes), hash
// (32), time in seconds since 1970 (8) and nanoseconds (4), then the strings, each
// after its length in two bytes.
func appendMeta(b []byte, m *archive.Meta) ([]byte, error) {
	b = append(b, metaVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(m.Length))
	b = append(b, m.SHA256[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(m.Received.Unix()))
	b = binary.BigEndian.AppendUint32(b, uint32(m.Received.Nanosecond()))
	for _, s := range [...]string{string(m.Kind), string(m.Study), string(m.Series), string(m.Instance),
		string(m.SOPClass), string(m.TransferSyntax), m.Source} {
		if len(s) > maxMeta {
			return nil, errMeta
		}
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
	}
	return b, nil
}

// parseMeta is the reverse of appendMeta.
func parseMeta(b []byte) (*archive.Meta, error) {
	const fixed = 1 + 8 + 32 + 8 + 4
	if len(b) < fixed || b[0] != metaVersion {
		return nil, errMeta
	}
	seconds, nanos := int64(binary.BigEndian.Uint64(b[41:])), binary.BigEndian.Uint32(b[49:])
	if nanos >= 1e9 {
		return nil, errMeta
	}
	m := &archive.Meta{
		Length:   int64(binary.BigEndian.Uint64(b[1:])),
		SHA256:   [32]byte(b[9:41]),
		Received: time.Unix(seconds, int64(nanos)).UTC(),
	}
	b = b[fixed:]
	var s [7]string
	for i := range s {
		if len(b) < 2 {
			return nil, errMeta
		}
		n := 2 + int(binary.BigEndian.Uint16(b))
		if len(b) < n {
			return nil, errMeta
		}
		s[i], b = string(b[2:n]), b[n:]
	}
	if len(b) != 0 || m.Length < 0 {
		return nil, errMeta
	}
	m.Kind, m.Study, m.Series, m.Instance = archive.Kind(s[0]), dicom.UID(s[1]), dicom.UID(s[2]), dicom.UID(s[3])
	m.SOPClass, m.TransferSyntax, m.Source = dicom.UID(s[4]), dicom.UID(s[5]), s[6]
	return m, nil
}

// Associated data of an object's parts: what the part is, and of which object.
const (
	metaLabel    = "tresor vault meta\x00"
	summaryLabel = "tresor vault summary\x00"
	bodyLabel    = "tresor vault body\x00"
)

func (h *header) ad(label string) []byte {
	b := make([]byte, 0, len(label)+len(h.id)+4)
	b = append(append(b, label...), h.id[:]...)
	return binary.BigEndian.AppendUint32(b, h.slot)
}
