package checkpoint

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"
)

// keyHash is the identifier of a key (c2sp.org/signed-note): typed has the type
// of the key before its bytes.
func keyHash(name string, typed []byte) uint32 {
	d := sha256.New()
	d.Write([]byte(name + "\n"))
	d.Write(typed)
	return binary.BigEndian.Uint32(d.Sum(nil))
}

// missingLeaf stands for a record that the trail had lost when the tree came to it.
func missingLeaf(seq uint64) tlog.Hash {
	return tlog.RecordHash([]byte(strconv.FormatUint(seq, 10) + " missing"))
}

// rooter computes the root of a tree leaf by leaf, without keeping the leaves.
type rooter struct {
	size  uint64
	stack []tlog.Hash // roots of whole subtrees, the largest first
}

func (r *rooter) add(leaf tlog.Hash) {
	for n := r.size; n&1 == 1; n >>= 1 {
		last := len(r.stack) - 1
		leaf = tlog.NodeHash(r.stack[last], leaf)
		r.stack = r.stack[:last]
	}
	r.stack = append(r.stack, leaf)
	r.size++
}

// root returns the root of what was added (RFC 6962 section 2.1).
func (r *rooter) root() tlog.Hash {
	if len(r.stack) == 0 {
		return tlog.Hash(sha256.Sum256(nil))
	}
	h := r.stack[len(r.stack)-1]
	for i := len(r.stack) - 2; i >= 0; i-- {
		h = tlog.NodeHash(r.stack[i], h)
	}
	return h
}
