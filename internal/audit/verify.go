package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/tresor-pacs/tresor/internal/durable"
)

// Finding is one thing that is wrong with a trail.
type Finding struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"` // 0: the file as such
	Seq     uint64 `json:"seq,omitempty"`  // the record; the first one of several
	Problem string `json:"problem"`
}

func (f Finding) String() string {
	s := f.File
	if f.Line > 0 {
		s += fmt.Sprintf(" line %d", f.Line)
	}
	if f.Seq > 0 {
		s += fmt.Sprintf(" record %d", f.Seq)
	}
	return s + ": " + f.Problem
}

// MaxFindings is how many findings a report lists; more are counted.
const MaxFindings = 1000

// Report is what Verify found.
type Report struct {
	Files      int       `json:"files"`
	Records    int       `json:"records"`
	Last       uint64    `json:"last"`                 // number of the last record
	Head       uint64    `json:"head"`                 // number that the head vouches for
	Checkpoint uint64    `json:"checkpoint,omitempty"` // records of the checkpoint that the trail was compared with
	ChainOnly  bool      `json:"chain_only"`           // no key was given: payloads and head were not authenticated
	Findings   []Finding `json:"findings"`
	More       int       `json:"more,omitempty"` // findings beyond MaxFindings
	Torn       bool      `json:"torn,omitempty"` // the last line is unfinished: being written, or cut by a crash
}

// OK reports whether the trail is whole.
func (r *Report) OK() bool { return len(r.Findings) == 0 }

// Verify reads all of the trail in dir and finds records that were changed,
// removed, put elsewhere, inserted or doubled, files that are missing, and a
// trail that ends before its head. Without a box it checks the chain alone,
// which whoever can write the files can make anew; with it every record and
// the head must have been made with the key. It needs no lock and works while
// others append. An error means that the trail could not be looked at.
func Verify(ctx context.Context, dir string, box Box) (*Report, error) {
	return verifyOn(ctx, durable.OS, dir, box)
}

func verifyOn(ctx context.Context, fsys durable.FS, dir string, box Box) (*Report, error) {
	v := verifier{fsys: fsys, dir: dir, box: box, report: Report{ChainOnly: box == nil, Findings: []Finding{}}}
	// The head is read first: what is appended meanwhile lies behind it.
	head, bad, headErr := readHead(fsys, dir, box)
	files, err := listFiles(fsys, dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("audit: verify: %w", err)
	}
	switch {
	case headErr == nil:
		v.head, v.report.Head = &head, head.seq
		if bad > 0 {
			v.find(headName, 0, 0, "one of its two slots cannot be read; a cut of the last records cannot be ruled out")
		}
	case !errors.Is(headErr, errNoHead):
		return nil, fmt.Errorf("audit: verify: %w", headErr)
	case len(files) == 0:
		return nil, fmt.Errorf("audit: verify: no trail in %s: %w", dir, fs.ErrNotExist)
	default:
		v.find(headName, 0, 0, "it is gone or neither of its slots can be trusted; a cut at the end cannot be seen")
	}
	for _, n := range files {
		if err := v.file(ctx, n); err != nil {
			return nil, fmt.Errorf("audit: verify %s: %w", fileName(n), err)
		}
	}
	v.finish(files)
	return &v.report, nil
}

// verifier walks over the trail. It keeps the last record that continued it and,
// while the newest one is in doubt, the one before.
type verifier struct {
	fsys   durable.FS
	dir    string
	box    Box
	report Report
	head   *position
	headOK bool // the record that the head names was seen

	id     trailID
	file1  bool   // a file was seen
	lastNo uint64 // number of the last file
	now    link   // after the last record
	before *link  // after the record before it, if the last one is in doubt
	gaps   []gap
}

// link is the state after a record.
type link struct {
	seq     uint64
	chain   hash // as the line says
	actual  hash // as it should have been
	doubted bool // the record was found wrong itself
}

// gap is a run of numbers that did not come where they belong.
type gap struct {
	finding     Finding
	first, last uint64
}

func (v *verifier) find(file string, lineNo int, seq uint64, problem string) {
	if len(v.report.Findings) == MaxFindings {
		v.report.More++
		return
	}
	v.report.Findings = append(v.report.Findings, Finding{file, lineNo, seq, problem})
}

// finish reports what only the end shows.
func (v *verifier) finish(files []uint64) {
	for _, g := range v.gaps {
		f := g.finding
		f.Seq = g.first
		f.Problem = missing(g.first, g.last)
		v.find(f.File, f.Line, f.Seq, f.Problem)
	}
	v.report.Files, v.report.Last = len(files), v.now.seq
	if h := v.head; h != nil {
		file := fileName(h.file)
		switch {
		case v.file1 && v.id != h.id:
			v.find(headName, 0, 0, "it belongs to another trail")
		case h.file > v.lastNo:
			v.find(file, 0, 0, "the file is missing")
		}
		switch {
		case v.now.seq < h.seq:
			v.find(file, 0, v.now.seq+1, missing(v.now.seq+1, h.seq)+": the trail was cut before its head")
		case !v.headOK && h.seq > 0:
			v.find(file, 0, h.seq, "it is not the record that the head vouches for")
		}
	}
	slices.SortStableFunc(v.report.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
}

func missing(first, last uint64) string {
	if first == last {
		return fmt.Sprintf("record %d is missing", first)
	}
	return fmt.Sprintf("records %d to %d are missing", first, last)
}
