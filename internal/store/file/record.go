package file

import (
	"encoding/binary"
	"hash/crc32"
)

// A record is a header, the sealed meta, the sealed summary, the sealed body if
// it has no file of its own, and padding. See docs/formats.md.
const (
	align      = 64   // of every record, and the length of its header
	batchAlign = 4096 // of the first record of a batch: what is acknowledged is never written again
	headerSize = align

	recordMagic = "TREC"

	kindObject = 1
	kindVoid   = 2 // nothing: bytes that a crash cut off, or a gap

	flagOwnFile = 1 // the body is in a file of its own

	maxMeta    = 4 << 10
	maxSummary = 256 << 20
	// maxInline is the largest sealed body in a pack.
	maxInline = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// crcUpdate adds b to a CRC-32C.
func crcUpdate(sum uint32, b []byte) uint32 { return crc32.Update(sum, castagnoli, b) }

func checksum(parts ...[]byte) uint32 {
	sum := uint32(0)
	for _, p := range parts {
		sum = crcUpdate(sum, p)
	}
	return sum
}

// header is the plain part of a record. It tells nothing about the object but
// its lengths and the number of its study's key.
type header struct {
	kind, flags   uint8
	total         uint32 // length of the whole record
	meta, summary uint32 // lengths, sealed
	slot          uint32
	body          int64 // length, sealed; wherever it is
	id            objectID
	pack          uint32 // so that a record out of place is noticed
	front         uint32 // CRC-32C of the sealed meta and summary
}

func (h *header) ownFile() bool { return h.flags&flagOwnFile != 0 }

// inline is the length of the body in the pack.
func (h *header) inline() int64 {
	if h.ownFile() {
		return 0
	}
	return h.body
}

// used is the length of the record without padding.
func (h *header) used() int64 { return headerSize + int64(h.meta) + int64(h.summary) + h.inline() }

func (h *header) put(b []byte) {
	clear(b[:headerSize])
	copy(b, recordMagic)
	b[4], b[5] = h.kind, h.flags
	binary.BigEndian.PutUint32(b[8:], h.total)
	binary.BigEndian.PutUint32(b[12:], h.meta)
	binary.BigEndian.PutUint32(b[16:], h.summary)
	binary.BigEndian.PutUint32(b[20:], h.slot)
	binary.BigEndian.PutUint64(b[24:], uint64(h.body))
	copy(b[32:], h.id[:])
	binary.BigEndian.PutUint32(b[48:], h.pack)
	binary.BigEndian.PutUint32(b[56:], h.front)
	binary.BigEndian.PutUint32(b[60:], checksum(b[:60]))
}

// parseHeader reads a header of the pack; false if b does not begin with one
// that makes sense there.
func parseHeader(b []byte, pack uint32) (h header, ok bool) {
	if len(b) < headerSize || string(b[:4]) != recordMagic ||
		binary.BigEndian.Uint32(b[60:]) != checksum(b[:60]) {
		return h, false
	}
	h = header{
		kind: b[4], flags: b[5],
		total:   binary.BigEndian.Uint32(b[8:]),
		meta:    binary.BigEndian.Uint32(b[12:]),
		summary: binary.BigEndian.Uint32(b[16:]),
		slot:    binary.BigEndian.Uint32(b[20:]),
		body:    int64(binary.BigEndian.Uint64(b[24:])),
		id:      objectID(b[32:48]),
		pack:    binary.BigEndian.Uint32(b[48:]),
		front:   binary.BigEndian.Uint32(b[56:]),
	}
	sane := h.pack == pack && h.total >= headerSize && h.total%align == 0 &&
		h.meta <= maxMeta && h.summary <= maxSummary && h.body >= 0 &&
		(h.ownFile() || h.body <= maxInline) && h.used() <= int64(h.total)
	return h, sane && (h.kind == kindObject || h.kind == kindVoid)
}

func roundUp(n, to int64) int64 { return (n + to - 1) / to * to }
