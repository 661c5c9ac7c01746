package seal

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

// The wire format of Tink's streaming AEAD AES256_GCM_HKDF with segments of
// 64 KiB (developers.google.com/tink/streaming-aead/aes_gcm_hkdf_streaming):
//
//	header:  length of the header (1 byte, 40), salt (32), nonce prefix (7)
//	segment: ciphertext and tag (16)
//
// The first segment shares its 64 KiB with the header, the last one is as long
// as it needs to be. The key is HKDF-SHA256(key, salt, associated data), the
// nonce of a segment is prefix, number (4 bytes, big endian), and 1 for the
// last segment or 0.
const (
	// SegmentSize is the length of a sealed segment.
	SegmentSize = 64 << 10
	// HeaderSize is the length of a stream's header.
	HeaderSize = 1 + saltSize + prefixSize

	saltSize   = 32
	prefixSize = 7
	// segmentPlain is the plaintext of a full segment but the first.
	segmentPlain = SegmentSize - tagSize
	firstPlain   = segmentPlain - HeaderSize
	maxSegments  = 1 << 32
)

// ErrTooLong says that a stream has more segments than their numbers count.
var ErrTooLong = errors.New("stream too long to be sealed")

// SealedSize returns the length of a stream of n bytes when it is sealed.
func SealedSize(n int64) int64 {
	segments := int64(1)
	if n > firstPlain {
		segments += (n - firstPlain + segmentPlain - 1) / segmentPlain
	}
	return HeaderSize + n + segments*tagSize
}

// plainSize is the reverse of SealedSize; false if no stream has that length.
func plainSize(sealed int64) (int64, bool) {
	segments := (sealed + SegmentSize - 1) / SegmentSize
	n := sealed - HeaderSize - segments*tagSize
	return n, n >= 0 && segments <= maxSegments && SealedSize(n) == sealed
}

// segmentKey derives the cipher of one stream.
func segmentKey(key, salt, ad []byte) (cipher.AEAD, error) {
	if len(key) != KeySize {
		return nil, errors.New("stream key of a wrong length")
	}
	derived, err := hkdf.Key(sha256.New, key, salt, string(ad), KeySize)
	if err != nil {
		return nil, err
	}
	return newGCM(derived)
}

// nonce is the nonce of a segment.
type nonce [nonceSize]byte

// set makes n the nonce of segment i.
func (n *nonce) set(i uint32, last bool) []byte {
	binary.BigEndian.PutUint32(n[prefixSize:], i)
	n[nonceSize-1] = 0
	if last {
		n[nonceSize-1] = 1
	}
	return n[:]
}
