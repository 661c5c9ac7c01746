package main

import (
	"fmt"
	"time"
)

// results is all that a run has measured.
type results struct {
	start    []startResult
	ingested []ingestResult
	got      []getResult
	found    []findResult
	webbed   []webResult
}

type startResult struct {
	subject string
	took    time.Duration
}

type ingestResult struct {
	subject, load, client string
	associations          int
	objects               int
	bytes                 int64
	usage
}

func (i ingestResult) rate() float64 { return float64(i.objects) / i.took.Seconds() }

func (i ingestResult) String() string {
	return fmt.Sprintf("%7.1f objects/s %6.1f MB/s %6.2f CPU s/GB %5d MB peak", i.rate(),
		float64(i.bytes)/1e6/i.took.Seconds(), perGB(i.cpu, i.bytes), i.peak>>20)
}

type getResult struct {
	subject string
	objects int
	bytes   int64
	median  float64 // bytes a second
	usage
}

func (g getResult) String() string {
	return fmt.Sprintf("%6.1f MB/s %6.2f CPU s/GB %5d MB peak", g.median/1e6, perGB(g.cpu, g.bytes), g.peak>>20)
}

type findResult struct {
	subject, question string
	studies           int
	queries, matches  int
	p50, p95          time.Duration
}

func (f findResult) String() string {
	return fmt.Sprintf("p50 %8.2f ms  p95 %8.2f ms  %.1f matches", milliseconds(f.p50), milliseconds(f.p95),
		float64(f.matches)/float64(max(f.queries, 1)))
}

// perGB returns seconds for each 10^9 bytes.
func perGB(d time.Duration, bytes int64) float64 { return d.Seconds() / (float64(bytes) / 1e9) }

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (r *results) ingestOf(subject, load, client string, k int) (ingestResult, bool) {
	for _, i := range r.ingested {
		if i.subject == subject && i.load == load && i.client == client && i.associations == k {
			return i, true
		}
	}
	return ingestResult{}, false
}

func (r *results) findOf(subject, question string, studies int) (findResult, bool) {
	for _, f := range r.found {
		if f.subject == subject && f.question == question && f.studies == studies {
			return f, true
		}
	}
	return findResult{}, false
}

func (r *results) getOf(subject string) (getResult, bool) {
	for _, g := range r.got {
		if g.subject == subject {
			return g, true
		}
	}
	return getResult{}, false
}
