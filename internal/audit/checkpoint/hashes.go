package checkpoint

import (
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/tresor-pacs/tresor/internal/durable"
)

// hashes are the hashes of a tree in a file, in the order of
// tlog.StoredHashIndex. What was added and not yet written is kept in memory.
type hashes struct {
	f       durable.File
	written int64 // hashes in the file
	pending []tlog.Hash
}

// maxPending is how many hashes are written at once.
const maxPending = 32 << 10

func openHashes(fsys durable.FS, name string) (*hashes, error) {
	f, err := fsys.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the tree: %w", err)
	}
	return &hashes{f: f}, nil
}

// holds reports whether the file has the tree of c, and makes it the tree to go
// on with.
func (h *hashes) holds(c Checkpoint) (bool, error) {
	size, err := h.f.Size()
	if err != nil {
		return false, fmt.Errorf("read the tree: %w", err)
	}
	h.written, h.pending = tlog.StoredHashCount(int64(c.Size)), nil
	if c.Size == 0 {
		return true, nil
	}
	if size/tlog.HashSize < h.written {
		return false, nil
	}
	root, err := tlog.TreeHash(int64(c.Size), h)
	return root == c.Root, err
}

// ReadHashes satisfies tlog.HashReader.
func (h *hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	all := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if x >= h.written {
			if x-h.written >= int64(len(h.pending)) {
				return nil, fmt.Errorf("read the tree: it has no hash %d", x)
			}
			all[i] = h.pending[x-h.written]
			continue
		}
		if _, err := h.f.ReadAt(all[i][:], x*tlog.HashSize); err != nil {
			return nil, fmt.Errorf("read the tree: %w", err)
		}
	}
	return all, nil
}

// leaf returns a leaf of the file, and whether it has it.
func (h *hashes) leaf(seq uint64) (tlog.Hash, bool) {
	x, err := h.ReadHashes([]int64{tlog.StoredHashIndex(0, int64(seq-1))})
	if err != nil {
		return tlog.Hash{}, false
	}
	return x[0], true
}

// add enters the leaf of record n+1 after n others.
func (h *hashes) add(n uint64, leaf tlog.Hash) error {
	more, err := tlog.StoredHashesForRecordHash(int64(n), leaf, h)
	if err != nil {
		return fmt.Errorf("grow the tree: %w", err)
	}
	h.pending = append(h.pending, more...)
	if len(h.pending) < maxPending {
		return nil
	}
	return h.flush()
}

func (h *hashes) flush() error {
	b := make([]byte, 0, len(h.pending)*tlog.HashSize)
	for i := range h.pending {
		b = append(b, h.pending[i][:]...)
	}
	if _, err := h.f.WriteAt(b, h.written*tlog.HashSize); err != nil {
		return fmt.Errorf("write the tree: %w", err)
	}
	h.written += int64(len(h.pending))
	h.pending = h.pending[:0]
	return nil
}

// sync writes what is pending and makes it durable. What a failed sync loses,
// the next one that opens the tree finds by its root and makes anew.
func (h *hashes) sync() error {
	if err := h.flush(); err != nil {
		return err
	}
	if err := h.f.Sync(); err != nil {
		return fmt.Errorf("sync the tree: %w", err)
	}
	return nil
}
