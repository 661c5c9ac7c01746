package archive

import "sync"

// watermark finds the newest mark of the vault before which everything is in
// the catalog. Commits overlap, so the mark of one may lie before that of
// another that is not in the catalog yet.
type watermark struct {
	mu    sync.Mutex
	next  uint64          // number of the next commit to begin
	done  map[uint64]bool // ended commits not all of whose predecessors have ended
	first uint64          // the oldest commit that has not ended
	marks []markedAt      // in order
	safe  Mark
}

// markedAt is a mark that is safe once all commits numbered below before ended.
type markedAt struct {
	mark   Mark
	before uint64
}

// begin announces a commit; its number goes to end.
func (w *watermark) begin() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next++
	return w.next - 1
}

// end says that the commit is in the catalog, or has failed, in which case mark
// is empty. Every commit whose record lies before mark had begun by then.
func (w *watermark) end(n uint64, mark Mark) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done == nil {
		w.done = map[uint64]bool{}
	}
	w.done[n] = true
	for w.done[w.first] {
		delete(w.done, w.first)
		w.first++
	}
	if mark != "" {
		w.marks = append(w.marks, markedAt{mark, w.next})
	}
	for len(w.marks) > 0 && w.marks[0].before <= w.first {
		w.safe = w.marks[0].mark
		w.marks = w.marks[1:]
	}
}

// mark returns the newest safe mark, empty if there is none yet.
func (w *watermark) mark() Mark {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.safe
}
