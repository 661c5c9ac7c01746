package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Box seals small pieces of data with a key: Open returns what was sealed with
// the same associated data, or an error.
type Box interface {
	Seal(plaintext, ad []byte) []byte
	Open(sealed, ad []byte) ([]byte, error)
}

// maxLine is the longest line a reader takes, in bytes. The bounds of Event
// keep what is written below it.
const maxLine = 1 << 20

// timeFormat has a fixed length, so that times compare as text.
const timeFormat = "2006-01-02T15:04:05.000000Z"

const (
	fileMagic = "tresor-trail/1" // first word of a file
	headMagic = "tresor-head/1"  // first word of a head
)

var (
	errSyntax = errors.New("line is malformed")
	// b64 is strict: one value has one spelling.
	b64 = base64.RawURLEncoding.Strict()
)

// hash is a SHA-256.
type hash [sha256.Size]byte

func (h hash) String() string { return b64.EncodeToString(h[:]) }

// trailID tells one trail from all others; random.
type trailID [16]byte

func (id trailID) String() string { return hex.EncodeToString(id[:]) }

// genesis is what the first record is chained to.
func (id trailID) genesis() hash {
	return sha256.Sum256(append([]byte("tresor trail "), id[:]...))
}

// leafHash is the hash of a record as a leaf of a Merkle tree (RFC 6962 section
// 2.1, golang.org/x/mod/sumdb/tlog.RecordHash). The leaf is the line without
// its chain and the space before it.
func leafHash(leaf []byte) hash {
	d := sha256.New()
	d.Write([]byte{0})
	d.Write(leaf)
	return hash(d.Sum(nil))
}

// chain continues the hash chain by a leaf. RFC 6962 prefixes leaves with 0 and
// nodes with 1; links take 2.
func (h hash) chain(leaf hash) hash {
	var b [1 + 2*sha256.Size]byte
	b[0] = 2
	copy(b[1:], h[:])
	copy(b[1+len(h):], leaf[:])
	return sha256.Sum256(b[:])
}

// line is one record as it lies in a file: SEQ TIME PAYLOAD CHAIN.
type line struct {
	seq    uint64
	time   time.Time
	sealed []byte
	leaf   hash
	chain  hash
}

// appendLeaf appends the leaf of a record.
func appendLeaf(dst []byte, seq uint64, t time.Time, sealed []byte) []byte {
	dst = strconv.AppendUint(dst, seq, 10)
	dst = append(dst, ' ')
	dst = t.AppendFormat(dst, timeFormat)
	dst = append(dst, ' ')
	return b64.AppendEncode(dst, sealed)
}

// parseLine reads a record; b has no line feed.
func parseLine(b []byte) (line, error) {
	var l line
	words := bytes.Split(b, []byte{' '})
	if len(words) != 4 || len(b) > maxLine || bytes.ContainsAny(b, "\r\n") { // base64 passes over these
		return l, errSyntax
	}
	var err error
	if l.seq, err = parseUint(words[0]); err != nil {
		return l, err
	}
	if l.time, err = time.Parse(timeFormat, string(words[1])); err != nil {
		return l, errSyntax
	}
	if string(l.time.AppendFormat(nil, timeFormat)) != string(words[1]) {
		return l, errSyntax // time.Parse takes other spellings
	}
	if l.sealed, err = b64.AppendDecode(nil, words[2]); err != nil {
		return l, errSyntax
	}
	if l.chain, err = parseHash(words[3]); err != nil {
		return l, err
	}
	l.leaf = leafHash(b[:len(b)-len(words[3])-1])
	return l, nil
}

// recordAD binds a payload to its trail, its place and its time.
func recordAD(id trailID, seq uint64, t time.Time) []byte {
	ad := make([]byte, 0, 96)
	ad = append(ad, "tresor/trail/1 record "...)
	ad = hex.AppendEncode(ad, id[:])
	ad = append(ad, ' ')
	ad = strconv.AppendUint(ad, seq, 10)
	ad = append(ad, ' ')
	return t.AppendFormat(ad, timeFormat)
}

// header is the first line of a file: MAGIC ID FILE FIRST PREVIOUS, where FIRST
// is the number of the file's first record and PREVIOUS the chain before it.
type header struct {
	id    trailID
	file  uint64
	first uint64
	prev  hash
}

func (h header) append(dst []byte) []byte {
	return fmt.Appendf(dst, "%s %s %d %d %s\n", fileMagic, h.id, h.file, h.first, h.prev)
}

func parseHeader(b []byte) (header, error) {
	var h header
	words := bytes.Split(b, []byte{' '})
	if len(words) != 5 || string(words[0]) != fileMagic || bytes.ContainsAny(b, "\r\n") {
		return h, errSyntax
	}
	var err error
	if h.id, err = parseID(words[1]); err != nil {
		return h, err
	}
	if h.file, err = parseUint(words[2]); err != nil {
		return h, err
	}
	if h.first, err = parseUint(words[3]); err != nil {
		return h, err
	}
	h.prev, err = parseHash(words[4])
	return h, err
}

func parseID(b []byte) (trailID, error) {
	var id trailID
	if len(b) != hex.EncodedLen(len(id)) || !bytes.Equal(b, bytes.ToLower(b)) {
		return id, errSyntax
	}
	_, err := hex.Decode(id[:], b)
	return id, err
}

func parseHash(b []byte) (hash, error) {
	var h hash
	if len(b) != b64.EncodedLen(len(h)) {
		return h, errSyntax
	}
	if n, err := b64.Decode(h[:], b); err != nil || n != len(h) {
		return h, errSyntax
	}
	return h, nil
}

// parseUint takes decimal digits without a sign or leading zeros.
func parseUint(b []byte) (uint64, error) {
	if len(b) == 0 || b[0] == '+' || b[0] == '0' && len(b) > 1 {
		return 0, errSyntax
	}
	n, err := strconv.ParseUint(string(b), 10, 64)
	if err != nil {
		return 0, errSyntax
	}
	return n, nil
}
