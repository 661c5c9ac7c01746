package jpeg2000

import (
	"runtime"
	"sync"
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

// share calls f for parts of 0..n, in as many goroutines, and waits for them.
func share(n, workers int, f func(from, to int)) {
	if workers < 2 || n < 2 {
		f(0, n)
		return
	}
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() { f(n*i/workers, n*(i+1)/workers) })
	}
	wg.Wait()
}
