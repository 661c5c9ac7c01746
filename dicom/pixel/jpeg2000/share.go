package jpeg2000

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// maxWorkers is how many goroutines one decode uses at most: a server decodes
// several images at once.
const maxWorkers = 2

func workersFor(samples int) int {
	if samples < 1<<14 {
		return 1
	}
	return min(maxWorkers, runtime.GOMAXPROCS(0))
}

// share calls f for parts of 0..n, in as many goroutines, and waits for them. A
// panic in one comes to the caller, who may be prepared for it.
func share(n, workers int, f func(from, to int)) {
	if workers < 2 || n < 2 {
		f(0, n)
		return
	}
	var wg sync.WaitGroup
	var failed atomic.Pointer[any]
	for i := range workers {
		wg.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					failed.CompareAndSwap(nil, &v)
				}
			}()
			f(n*i/workers, n*(i+1)/workers)
		})
	}
	wg.Wait()
	if v := failed.Load(); v != nil {
		panic(*v)
	}
}
