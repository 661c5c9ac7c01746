// Bench measures the archive and its peers side by side, in one run, on the
// loopback address: ours with TLS, sealing and fsync, the others as they come.
// It prints tables with ratios and writes them as markdown.
//
//	go run ./bench [-quick] [-out FILE] ...
//	go run ./bench -soak 1h
//
// It runs on Linux, needs bin/tresor (make build), and leaves out the peers
// that are not installed. Only ratios of one run mean anything: machines differ
// and are seldom idle.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// options are what the command line sets.
type options struct {
	binary       string
	out          string
	quick        bool
	only         string // subjects
	parts        string
	ct           int // slices
	small        int // objects of 10 KB
	big          int // objects of 100 MB
	associations []int
	sizes        []int // numbers of studies for C-FIND
	fill         time.Duration
	repeat       int
	soak         time.Duration
	serve        fileServer // instead: serve files
}

func main() {
	// The client shares the processors with what it measures: as in the archive
	// itself, some to spare save the runtime the work of handing them over.
	runtime.GOMAXPROCS(3 * runtime.GOMAXPROCS(0))
	o, err := parse(os.Args[1:])
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		switch {
		case o.serve.dir != "":
			err = o.serve.run(ctx)
		case o.soak > 0:
			err = soak(ctx, o)
		default:
			err = bench(ctx, o)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("bench", flag.ExitOnError)
	f.StringVar(&o.binary, "binary", "bin/tresor", "the archive's program")
	f.StringVar(&o.out, "out", "", "page for the tables; docs/benchmarks.md if all is measured")
	f.BoolVar(&o.quick, "quick", false, "a look, in less than three minutes")
	f.StringVar(&o.only, "only", "", "only these subjects: tresor, storescp, storescp-tls, orthanc, orthanc-tls")
	f.StringVar(&o.parts, "parts", "start,ingest,get,find,web", "what to measure")
	f.IntVar(&o.ct, "ct", 400, "CT slices of 0.5 MB in an ingest")
	f.IntVar(&o.small, "small", 3000, "objects of 10 KB in an ingest")
	f.IntVar(&o.big, "big", 8, "objects of 100 MB in an ingest")
	f.DurationVar(&o.fill, "fill", 4*time.Minute, "longest time to fill one archive for C-FIND")
	f.IntVar(&o.repeat, "repeat", 2, "repeats of each ingest; the best counts")
	f.DurationVar(&o.soak, "soak", 0, "instead: a mixed load for this long")
	f.StringVar(&o.serve.dir, "serve", "", "instead: serve the files of this folder over TLS, as the measure of the web part")
	f.StringVar(&o.serve.at, "serve-at", "", "where to listen for that")
	f.StringVar(&o.serve.cert, "serve-cert", "", "certificate for that")
	f.StringVar(&o.serve.key, "serve-key", "", "private key for that")
	associations := f.String("associations", "1,4,8", "numbers of associations in an ingest")
	sizes := f.String("sizes", "1000,10000,100000", "numbers of studies for C-FIND")
	f.Parse(args)
	set := map[string]bool{}
	f.Visit(func(f *flag.Flag) { set[f.Name] = true })
	if o.quick {
		quick(&o, set, associations, sizes)
	} else if !set["out"] && !set["parts"] && !set["only"] {
		o.out = "docs/benchmarks.md"
	}
	var err error
	if o.associations, err = numbers(*associations); err != nil {
		return o, err
	}
	o.sizes, err = numbers(*sizes)
	return o, err
}

// quick makes everything smaller that was not set by hand.
func quick(o *options, set map[string]bool, associations, sizes *string) {
	for name, change := range map[string]func(){
		"ct":           func() { o.ct = 120 },
		"small":        func() { o.small = 800 },
		"big":          func() { o.big = 2 },
		"fill":         func() { o.fill = 15 * time.Second },
		"repeat":       func() { o.repeat = 1 },
		"associations": func() { *associations = "1,4" },
		"sizes":        func() { *sizes = "1000,5000" },
	} {
		if !set[name] {
			change()
		}
	}
}

func numbers(list string) ([]int, error) {
	var out []int
	for _, s := range strings.Split(list, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n <= 0 {
			return nil, fmt.Errorf("%q is no list of numbers", list)
		}
		out = append(out, n)
	}
	return out, nil
}

// bench measures all parts for all subjects and reports.
func bench(ctx context.Context, o options) error {
	r, err := newRun(o)
	if err != nil {
		return err
	}
	defer r.close()
	steps := []struct {
		name    string
		measure func(context.Context) error
	}{{"start", r.starts}, {"ingest", r.ingests}, {"get", r.gets}, {"find", r.finds}, {"web", r.webs}}
	for _, s := range steps {
		if !strings.Contains(","+o.parts+",", ","+s.name+",") {
			continue
		}
		if err := s.measure(ctx); err != nil {
			fmt.Print("\n", r.tables()) // what there is
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return r.report()
}
