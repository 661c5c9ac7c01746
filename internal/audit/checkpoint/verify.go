package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/durable"
)

// Verify compares the trail in a folder with a checkpoint of it that is signed
// by the verifier key public, and returns what is wrong: records that were
// changed, dropped, or rolled back since the checkpoint was made. It needs no
// secret key. Order and doubled lines are the matter of audit.Verify. The tree's
// own file is believed only as far as it has the root of the checkpoint; with it
// each record that is wrong is named.
func Verify(ctx context.Context, trail string, signed []byte, public string) (Checkpoint, []audit.Finding, error) {
	c, err := Open(signed, public)
	if err != nil {
		return c, []audit.Finding{{File: checkpointName, Problem: err.Error()}}, nil
	}
	id, err := audit.ID(trail)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c, []audit.Finding{{File: checkpointName, Seq: 1, Problem: fmt.Sprintf("it covers %d records, but there is no trail", c.Size)}}, nil
	case err != nil:
		return c, nil, fmt.Errorf("checkpoint: verify: %w", err)
	case c.Origin != Origin(id):
		return c, []audit.Finding{{File: checkpointName, Problem: "it is of another trail: " + c.Origin + ", not " + Origin(id)}}, nil
	}
	v := comparison{checkpoint: c}
	if err := v.openTree(trail); err != nil {
		return c, nil, fmt.Errorf("checkpoint: verify: %w", err)
	}
	defer v.close()
	for r, err := range audit.Leaves(ctx, trail) {
		if err != nil {
			return c, nil, fmt.Errorf("checkpoint: verify: %w", err)
		}
		if v.at == c.Size {
			break
		}
		v.take(r)
	}
	return c, v.finish(), nil
}

// comparison walks over the records that a checkpoint covers.
type comparison struct {
	checkpoint Checkpoint
	tree       *hashes // nil: there is none to be believed
	root       rooter
	at         uint64 // number of the last record
	findings   []audit.Finding
	more       int
	last       audit.Record
}

// openTree opens the tree's file if it holds the tree of the checkpoint.
func (v *comparison) openTree(trail string) error {
	f, err := durable.OS.OpenFile(filepath.Join(trail, treeDir, hashesName), os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	h := &hashes{f: f}
	if good, err := h.holds(v.checkpoint); err != nil || !good {
		return errors.Join(err, f.Close())
	}
	v.tree = h
	return nil
}

func (v *comparison) close() {
	if v.tree != nil {
		v.tree.f.Close()
	}
}

// take compares a record, and those before it that are not there.
func (v *comparison) take(r audit.Record) {
	if r.Seq <= v.at {
		return // doubled or out of order
	}
	if r.Seq > v.checkpoint.Size {
		return // finish says what is missing
	}
	first := v.at + 1
	for v.at+1 < r.Seq {
		v.absent()
	}
	if first < r.Seq {
		v.missing(r, first, r.Seq-1)
	}
	v.at++
	v.root.add(tlog.Hash(r.Leaf))
	v.last = r
	if v.tree == nil {
		return
	}
	if leaf, ok := v.tree.leaf(r.Seq); ok && leaf != tlog.Hash(r.Leaf) {
		v.find(audit.Finding{File: r.File, Line: r.Line, Seq: r.Seq, Problem: "it is not the record that the checkpoint covers"})
	}
}

// absent enters the leaf of a record that is not there.
func (v *comparison) absent() {
	v.at++
	if v.tree != nil {
		if leaf, ok := v.tree.leaf(v.at); ok {
			v.root.add(leaf)
			return
		}
	}
	v.root.add(missingLeaf(v.at))
}

// missing reports records that are not there, unless the checkpoint says that
// they were not there before.
func (v *comparison) missing(near audit.Record, first, last uint64) {
	known := 0
	for seq := first; v.tree != nil && seq <= last; seq++ {
		if leaf, ok := v.tree.leaf(seq); ok && leaf == missingLeaf(seq) {
			known++
		}
	}
	problem := fmt.Sprintf("records %d to %d are missing, which the checkpoint covers", first, last)
	if first == last {
		problem = fmt.Sprintf("record %d is missing, which the checkpoint covers", first)
	}
	if uint64(known) == last-first+1 {
		problem = fmt.Sprintf("records %d to %d were missing already when the checkpoint was made", first, last)
	}
	v.find(audit.Finding{File: near.File, Line: near.Line, Seq: first, Problem: problem})
}

func (v *comparison) find(f audit.Finding) {
	if len(v.findings) == audit.MaxFindings {
		v.more++
		return
	}
	v.findings = append(v.findings, f)
}

func (v *comparison) finish() []audit.Finding {
	c := v.checkpoint
	if v.at < c.Size {
		v.find(audit.Finding{File: v.file(), Seq: v.at + 1, Problem: fmt.Sprintf(
			"the checkpoint covers %d records, but the trail ends with record %d: it was cut or rolled back", c.Size, v.at)})
	}
	if v.at == c.Size && v.root.root() != c.Root && len(v.findings) == 0 {
		v.find(audit.Finding{File: v.file(), Problem: fmt.Sprintf(
			"records 1 to %d are not those that the checkpoint covers; the tree that could tell which is gone or changed as well", c.Size)})
	}
	if v.more > 0 {
		v.findings = append(v.findings, audit.Finding{File: v.file(), Problem: fmt.Sprintf("%d further records are not those that the checkpoint covers", v.more)})
	}
	return v.findings
}

// file names the place of what has none.
func (v *comparison) file() string {
	if v.last.File != "" {
		return v.last.File
	}
	return checkpointName
}
