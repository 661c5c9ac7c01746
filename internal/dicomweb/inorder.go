package dicomweb

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"sync"
)

const (
	// pieceItems is how many items make a piece of an answer.
	pieceItems = 16
	// maxWorkers bounds how many pieces of one answer are made at once.
	maxWorkers = 4
)

// inOrder yields n items in order, several to a piece, each appended by one,
// which several goroutines call at once while the caller writes what is ready.
// A piece is the caller's until the next one. An error is the last that is
// yielded.
func inOrder(ctx context.Context, n int, one func(ctx context.Context, i int, b []byte) ([]byte, error)) iter.Seq2[[]byte, error] {
	type piece struct {
		b   []byte
		err error
	}
	return func(yield func([]byte, error) bool) {
		ctx, stop := context.WithCancel(ctx)
		var workers sync.WaitGroup
		defer workers.Wait()
		defer stop()
		var waiting []chan piece // those under way, in order
		var free [][]byte        // buffers to use again
		next := 0
		begin := func() {
			from, to := next, min(next+pieceItems, n)
			next = to
			var b []byte
			if k := len(free) - 1; k >= 0 {
				b, free = free[k], free[:k]
			}
			done := make(chan piece, 1)
			waiting = append(waiting, done)
			workers.Go(func() {
				p := piece{b: b[:0]}
				defer func() { // nobody else would catch it here
					if v := recover(); v != nil {
						p.err = fmt.Errorf("panic: this is a bug: %T", v)
					}
					done <- p
				}()
				for i := from; i < to && p.err == nil; i++ {
					if p.err = context.Cause(ctx); p.err == nil {
						p.b, p.err = one(ctx, i, p.b)
					}
				}
			})
		}
		atOnce := max(1, min(maxWorkers, runtime.NumCPU()))
		for next < n || len(waiting) > 0 {
			for next < n && len(waiting) < atOnce {
				begin()
			}
			p := <-waiting[0]
			waiting = waiting[1:]
			if next < n {
				begin() // while the caller writes
			}
			if !yield(p.b, p.err) || p.err != nil {
				return
			}
			free = append(free, p.b)
		}
	}
}
