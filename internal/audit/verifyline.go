package audit

import (
	"context"
	"fmt"
)

// file verifies one file. Lines that are wrong become findings; the error is
// for what could not be read.
func (v *verifier) file(ctx context.Context, n uint64) error {
	for m := v.lastNo + 1; m < n; m++ {
		v.find(fileName(m), 0, 0, "the file is missing")
		if m-v.lastNo > MaxFindings {
			break
		}
	}
	v.lastNo = n
	headerSeen := false
	for raw := range readFile(v.fsys, v.dir, n) {
		if err := ctx.Err(); err != nil {
			return err
		}
		switch {
		case raw.err == errPartial:
			v.partial(raw)
		case raw.err != nil && raw.err != errSyntax:
			return raw.err
		case raw.number == 1 && raw.err == nil && v.header(raw):
			headerSeen = true
		case raw.number == 1:
			v.find(fileName(n), 1, 0, "the header is missing or changed")
			if _, err := parseLine(raw.bytes); err == nil {
				v.line(raw)
			}
		default:
			v.line(raw)
		}
	}
	if !headerSeen && v.head != nil && n <= v.head.file {
		v.headerless(n)
	}
	return nil
}

// headerless notes a file that is empty; others were noted at their first line.
func (v *verifier) headerless(n uint64) {
	for range readFile(v.fsys, v.dir, n) {
		return
	}
	v.find(fileName(n), 0, 0, "the file is empty")
}

// partial judges a line without an end: behind the head it is being written or
// was cut by a crash, before it somebody cut the file.
func (v *verifier) partial(raw rawLine) {
	if v.head != nil && (raw.file < v.head.file || raw.file == v.head.file && raw.offset < v.head.offset) {
		v.find(fileName(raw.file), raw.number, 0, "the line was cut")
		return
	}
	v.report.Torn = true
}

// header checks the first line of a file against what came before it. It
// returns false if it is no header.
func (v *verifier) header(raw rawLine) bool {
	h, err := parseHeader(raw.bytes)
	if err != nil {
		return false
	}
	name := fileName(raw.file)
	if !v.file1 {
		v.file1, v.id = true, h.id
		v.now.chain, v.now.actual = h.id.genesis(), h.id.genesis()
		if raw.file > 1 { // the files before are gone, and were reported
			v.now.chain, v.now.actual = h.prev, h.prev
		}
	}
	if h.id != v.id {
		v.find(name, 1, 0, "the file belongs to another trail")
	}
	if h.file != raw.file {
		v.find(name, 1, 0, fmt.Sprintf("the file was renamed: it is number %d", h.file))
	}
	switch {
	case h.first <= v.now.seq:
		v.find(name, 1, 0, fmt.Sprintf("the file begins with record %d, which came before", h.first))
	case h.first == v.now.seq+1 && h.prev != v.now.chain && h.prev != v.now.actual:
		v.find(name, 1, 0, "the header does not continue the file before it")
		v.now.actual = h.prev // its records may continue the header
	case h.first > v.now.seq+1:
		v.gap(Finding{File: name, Line: 1}, v.now.seq+1, h.first-1)
		v.now = link{seq: h.first - 1, chain: h.prev, actual: h.prev}
		v.before = nil
	}
	return true
}

func (v *verifier) gap(f Finding, first, last uint64) {
	if len(v.gaps) == MaxFindings {
		v.report.More++
		return
	}
	v.gaps = append(v.gaps, gap{f, first, last})
}

// line verifies one record.
func (v *verifier) line(raw rawLine) {
	v.report.Records++
	name := fileName(raw.file)
	l, err := line{}, raw.err
	if err == nil {
		l, err = parseLine(raw.bytes)
	}
	if err != nil {
		v.find(name, raw.number, 0, "the line is damaged")
		return
	}
	authentic := true
	if v.box != nil {
		if _, err := v.box.Open(l.sealed, recordAD(v.id, l.seq, l.time)); err != nil {
			authentic = false
			v.find(name, raw.number, l.seq, "the record was changed or did not come from the archive")
		}
	}
	if v.head != nil && l.seq == v.head.seq && l.chain == v.head.chain {
		v.headOK = true
	}
	switch {
	case l.seq == v.now.seq+1:
		v.follows(raw, l, v.now, authentic)
	case v.before != nil && l.seq == v.before.seq+1 && fits(*v.before, l):
		v.follows(raw, l, *v.before, authentic) // the one in doubt was inserted before it
	case l.seq > v.now.seq+1:
		if !authentic {
			return // its number means nothing
		}
		v.gap(Finding{File: name, Line: raw.number}, v.now.seq+1, l.seq-1)
		v.now = link{seq: l.seq, chain: l.chain, actual: l.chain}
		v.before = nil
	default:
		v.outOfOrder(raw, l)
	}
}

// fits reports whether l continues the chain after at. A record whose own chain
// was damaged still has a right one.
func fits(at link, l line) bool {
	return l.chain == at.chain.chain(l.leaf) || l.chain == at.actual.chain(l.leaf)
}

// follows takes in a record that has the next number after at.
func (v *verifier) follows(raw rawLine, l line, at link, authentic bool) {
	next := link{l.seq, l.chain, at.chain.chain(l.leaf), !authentic}
	if !fits(at, l) && authentic {
		switch {
		case v.box == nil:
			next.doubted = true
			v.find(fileName(raw.file), raw.number, l.seq, "it does not continue the chain: it or the record before it was changed")
		case !at.doubted:
			next.doubted = true
			v.find(fileName(raw.file), raw.number, l.seq, "its chain is not that of the record before it")
		}
	}
	v.before = nil
	if next.doubted {
		v.before = &at
	}
	v.now = next
}

// outOfOrder names a record whose number came before or is still missing.
func (v *verifier) outOfOrder(raw rawLine, l line) {
	for i, g := range v.gaps {
		if l.seq < g.first || l.seq > g.last {
			continue
		}
		v.find(fileName(raw.file), raw.number, l.seq, "it is out of order")
		v.fill(i, l.seq)
		return
	}
	v.find(fileName(raw.file), raw.number, l.seq, "it is a record that came before: doubled, put elsewhere or rolled back")
}

// fill takes a number out of a gap.
func (v *verifier) fill(i int, seq uint64) {
	g := v.gaps[i]
	v.gaps = append(v.gaps[:i], v.gaps[i+1:]...)
	if g.first < seq {
		v.gaps = append(v.gaps, gap{g.finding, g.first, seq - 1})
	}
	if seq < g.last {
		v.gaps = append(v.gaps, gap{g.finding, seq + 1, g.last})
	}
}
