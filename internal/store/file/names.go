package file

import (
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tresor-pacs/tresor/internal/archive"
)

// Names in the vault's directory.
const (
	lockName       = "lock"
	packsName      = "packs"
	objectsName    = "objects"
	incomingName   = "incoming"
	slotsName      = "studies.keys"
	tombsName      = "tombstones"
	checkpointName = "checkpoint"
	packSuffix     = ".pack"
)

// place is a position in the packs: that of a record, or of its end.
type place struct {
	pack uint32
	off  int64
}

func (p place) before(q place) bool {
	return p.pack < q.pack || p.pack == q.pack && p.off < q.off
}

// String is the form of a Location and of a Mark. Places compare as strings do.
func (p place) String() string { return fmt.Sprintf("%08x-%010x", p.pack, p.off) }

func parsePlace(s string) (place, bool) {
	pack, off, _ := strings.Cut(s, "-")
	if len(pack) != 8 || len(off) != 10 {
		return place{}, false
	}
	n, err1 := strconv.ParseUint(pack, 16, 32)
	o, err2 := strconv.ParseUint(off, 16, 40)
	p := place{uint32(n), int64(o)}
	return p, err1 == nil && err2 == nil && p.String() == s
}

// at parses a location; what cannot be one is not found.
func at(l archive.Location) (place, error) {
	p, ok := parsePlace(string(l))
	if !ok || p.off < packHeaderSize || p.off%align != 0 {
		return p, archive.ErrNotFound
	}
	return p, nil
}

// afterMark parses a mark.
func afterMark(m archive.Mark) (place, error) {
	if m == "" {
		return place{}, nil
	}
	p, ok := parsePlace(string(m))
	if !ok {
		return p, errors.New("malformed mark")
	}
	return p, nil
}

func packFile(n uint32) string { return fmt.Sprintf("%08d%s", n, packSuffix) }

// packNumber is the reverse of packFile.
func packNumber(name string) (uint32, bool) {
	n, err := strconv.ParseUint(strings.TrimSuffix(name, packSuffix), 10, 32)
	return uint32(n), err == nil && n > 0 && packFile(uint32(n)) == name
}

// objectID names an object that has a file of its own, and binds the parts of
// every object together. It is random.
type objectID [16]byte

func (id objectID) String() string { return hex.EncodeToString(id[:]) }

func parseObjectID(s string) (id objectID, ok bool) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(id) {
		return id, false
	}
	copy(id[:], b)
	return id, id.String() == s
}

func (v *Vault) path(elem ...string) string {
	return filepath.Join(append([]string{v.dir}, elem...)...)
}

func (v *Vault) packPath(n uint32) string { return v.path(packsName, packFile(n)) }

func (v *Vault) incomingPath(id objectID) string { return v.path(incomingName, id.String()) }

// objectDir is one of 256 directories, so that none grows too large.
func (v *Vault) objectDir(id objectID) string { return v.path(objectsName, id.String()[:2]) }

func (v *Vault) objectPath(id objectID) string {
	return filepath.Join(v.objectDir(id), id.String())
}
