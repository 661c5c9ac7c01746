package batch

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

type item struct {
	n    int
	done bool
}

func TestOneAfterTheOther(t *testing.T) {
	var order []int
	q := New(func(items []*item) {
		for _, i := range items {
			order, i.done = append(order, i.n), true
		}
	}, func(batch []*item, _ *item) bool { return true })
	for n := range 3 {
		i := &item{n: n}
		if !q.Do(i) || !i.done {
			t.Fatal("not done")
		}
	}
	q.Close()
	if q.Do(&item{}) || len(order) != 3 || order[0] != 0 || order[2] != 2 {
		t.Error(order)
	}
}

// TestGathers: what comes while a batch is under way is one batch, as far as it
// fits, and in order of arrival.
func TestGathers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var batches [][]int
		q := New(func(items []*item) {
			var numbers []int
			for _, i := range items {
				numbers = append(numbers, i.n)
			}
			batches = append(batches, numbers)
			time.Sleep(time.Second)
		}, func(batch []*item, _ *item) bool { return len(batch) < 4 })
		start := time.Now()
		var done sync.WaitGroup
		for n := range 7 {
			done.Go(func() { q.Do(&item{n: n}) })
			synctest.Wait()
		}
		q.Close() // waits
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("three batches took %v", d)
		}
		done.Wait()
		want := [][]int{{0}, {1, 2, 3, 4}, {5, 6}}
		if len(batches) != len(want) {
			t.Fatal(batches)
		}
		for i := range want {
			for k := range want[i] {
				if batches[i][k] != want[i][k] {
					t.Fatal(batches)
				}
			}
		}
	})
}

// TestMany: every item is done once, never two batches at a time.
func TestMany(t *testing.T) {
	var under, most, total atomic.Int32
	q := New(func(items []*item) {
		most.Store(max(most.Load(), under.Add(1)))
		for _, i := range items {
			if i.done {
				t.Error("done twice")
			}
			i.done = true
			total.Add(1)
		}
		under.Add(-1)
	}, func(batch []*item, _ *item) bool { return len(batch) < 8 })
	var workers sync.WaitGroup
	for range 20 {
		workers.Go(func() {
			for n := range 200 {
				i := &item{n: n}
				if !q.Do(i) || !i.done {
					t.Error("not done")
				}
			}
		})
	}
	workers.Wait()
	q.Close()
	if most.Load() != 1 || total.Load() != 20*200 {
		t.Errorf("%d at once, %d done", most.Load(), total.Load())
	}
}

// TestPanic: nobody hangs, nothing passes for done, and nothing is taken any more.
func TestPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New(func(items []*item) {
			time.Sleep(time.Second)
			if items[0].n == 1 {
				panic("a bug")
			}
		}, func(batch []*item, _ *item) bool { return len(batch) < 2 })
		var passed, panicked atomic.Int32
		var all sync.WaitGroup
		for n := range 5 {
			all.Go(func() {
				defer func() {
					if recover() != nil {
						panicked.Add(1)
					}
				}()
				if q.Do(&item{n: n}) {
					passed.Add(1)
				}
			})
			synctest.Wait()
		}
		all.Wait()
		if passed.Load() != 1 || panicked.Load() != 1 {
			t.Errorf("%d passed for done, %d panicked", passed.Load(), panicked.Load())
		}
		q.Close()
		if q.Do(&item{}) {
			t.Error("done after a panic")
		}
	})
}
