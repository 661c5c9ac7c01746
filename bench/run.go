package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/tresor-pacs/tresor/internal/peers"
)

// run is one run of the benchmark with its results.
type run struct {
	options
	dir                  string
	began                time.Time
	serverTLS, clientTLS peers.TLS
	loads                map[string]*load
	results
}

func newRun(o options) (*run, error) {
	binary, err := filepath.Abs(o.binary)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(binary); err != nil {
		return nil, fmt.Errorf("%s is absent: make build", o.binary)
	}
	o.binary = binary
	// Not below /tmp, which may lie in memory, where a sync costs nothing.
	if err := os.MkdirAll(".cache", 0o755); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(".cache", "bench")
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	r := &run{options: o, dir: dir, began: time.Now(), loads: map[string]*load{}}
	a, err := peers.NewAuthority(filepath.Join(dir, "tls"))
	if err == nil {
		r.serverTLS, err = a.Issue("server")
	}
	if err == nil {
		r.clientTLS, err = a.Issue("client")
	}
	if err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *run) close() { os.RemoveAll(r.dir) }

// with starts a subject with empty storage, calls f and ends it.
func (r *run) with(ctx context.Context, s subject, f func(*server) error) error {
	// What an earlier subject left unwritten must not be paid by this one.
	if err := exec.CommandContext(ctx, "sync").Run(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(r.dir, strings.ReplaceAll(s.name, "/", "-"))
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := touchMemory(filepath.Join(dir, "touch")); err != nil {
		return err
	}
	srv, err := s.start(ctx, dir)
	if err != nil {
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	defer srv.stop()
	if err := f(srv); err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	return nil
}

// touchMemory fills a gigabyte of page cache and frees it again. In a virtual
// machine memory that nobody has used yet costs several times as much to write
// to, which the first subject alone would pay.
func touchMemory(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer os.Remove(path)
	defer f.Close()
	chunk := make([]byte, 1<<20)
	for range 1 << 10 {
		if _, err := f.Write(chunk); err != nil {
			return err
		}
	}
	return nil
}

// usage is what a server used during something.
type usage struct {
	took time.Duration
	cpu  time.Duration
	peak int64 // bytes
}

// watch measures what the server uses while f runs.
func watch(s *server, f func() error) (usage, error) {
	before, err := peers.UsageOf(s.pid)
	if err != nil {
		return usage{}, err
	}
	var most int64
	var sampler sync.WaitGroup
	done := make(chan struct{})
	sampler.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(100 * time.Millisecond):
				if u, err := peers.UsageOf(s.pid); err == nil {
					most = max(most, u.Now)
				}
			}
		}
	})
	began := time.Now()
	err = f()
	took := time.Since(began)
	close(done)
	sampler.Wait()
	if err != nil {
		return usage{}, err
	}
	after, err := peers.UsageOf(s.pid)
	if err != nil {
		return usage{}, fmt.Errorf("the server has ended: %w", err)
	}
	return usage{took: took, cpu: after.CPU - before.CPU, peak: max(after.Peak, most, after.Now)}, nil
}

// starts measures how long each subject takes from start to ready.
func (r *run) starts(ctx context.Context) error {
	for _, s := range r.subjects() {
		var best time.Duration
		for range 3 {
			err := r.with(ctx, s, func(srv *server) error {
				if best == 0 || srv.ready < best {
					best = srv.ready
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		r.start = append(r.start, startResult{s.name, best})
		fmt.Printf("start to ready: %-13s %s\n", s.name, best.Round(time.Millisecond))
	}
	return nil
}
