// Package jobs does background work that must not be forgotten: it is on disk
// before Add returns, tried again with growing pauses until it succeeds, and
// survives a restart. One file is one job; the files are sealed.
package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/durable"
	"github.com/tresor-pacs/tresor/internal/seal"
)

// Job is one piece of work.
type Job struct {
	Kind    string          `json:"kind"`
	Payload json.RawMessage `json:"payload"`
	Created time.Time       `json:"created"`
}

// Options change how often work is tried.
type Options struct {
	FirstPause time.Duration // before the second attempt; 0: 2 s
	LongPause  time.Duration // pauses double up to this; 0: 10 min
	GiveUp     time.Duration // after this the job is set aside as failed; 0: 7 days
	Log        *slog.Logger
}

func (o *Options) fill() {
	if o.FirstPause == 0 {
		o.FirstPause = 2 * time.Second
	}
	if o.LongPause == 0 {
		o.LongPause = 10 * time.Minute
	}
	if o.GiveUp == 0 {
		o.GiveUp = 7 * 24 * time.Hour
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
}

// Queue holds the jobs of a folder.
type Queue struct {
	dir   string
	box   seal.Box
	o     Options
	added chan string

	running sync.WaitGroup
}

// Open opens the queue in dir, which it makes if there is none.
func Open(dir string, box seal.Box, o Options) (*Queue, error) {
	o.fill()
	if err := durable.MkdirAll(durable.OS, dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of jobs: %w", err)
	}
	return &Queue{dir: dir, box: box, o: o, added: make(chan string, 1024)}, nil
}

// Add enters a job; it is durable when Add returns.
func (q *Queue) Add(kind string, payload any) error {
	b, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("encode a job: %w", err)
	}
	b, err = json.Marshal(Job{Kind: kind, Payload: b, Created: time.Now().UTC()})
	if err != nil {
		return fmt.Errorf("encode a job: %w", err)
	}
	name := strings.ReplaceAll(string(dicom.NewUID()), ".", "") + suffix
	if err := durable.WriteFile(durable.OS, filepath.Join(q.dir, name), q.box.Seal(b, []byte(name)), 0o600); err != nil {
		return fmt.Errorf("write a job: %w", err)
	}
	q.added <- name
	return nil
}

const (
	suffix = ".job"
	failed = ".failed"
)

// Do does one attempt at a job. An error means "again later".
type Do func(ctx context.Context, payload json.RawMessage) error

// Run does the jobs, each kind with its Do, until ctx ends and all attempts
// under way have returned. Jobs of a kind without a Do stay where they are.
func (q *Queue) Run(ctx context.Context, kinds map[string]Do) error {
	names, err := q.waiting()
	if err != nil {
		return fmt.Errorf("list the jobs: %w", err)
	}
	started := map[string]bool{}
	start := func(name string) {
		if !started[name] {
			started[name] = true
			q.running.Add(1)
			go func() {
				defer q.running.Done()
				q.work(ctx, name, kinds)
			}()
		}
	}
	for _, name := range names {
		start(name)
	}
	for {
		select {
		case name := <-q.added:
			start(name)
		case <-ctx.Done():
			q.running.Wait()
			return nil
		}
	}
}

// Len returns how many jobs wait or are under way.
func (q *Queue) Len() int {
	names, err := q.waiting()
	if err != nil {
		return 0
	}
	return len(names)
}

func (q *Queue) waiting() ([]string, error) {
	entries, err := os.ReadDir(q.dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// work tries one job until it is done, given up, or ctx ends.
func (q *Queue) work(ctx context.Context, name string, kinds map[string]Do) {
	path := filepath.Join(q.dir, name)
	job, err := q.read(name)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			q.o.Log.ErrorContext(ctx, "a job cannot be read", "job", name, "error", err)
		}
		return
	}
	do := kinds[job.Kind]
	if do == nil {
		q.o.Log.WarnContext(ctx, "nobody does this kind of job", "kind", job.Kind)
		return
	}
	for pause := q.o.FirstPause; ; pause = min(2*pause, q.o.LongPause) {
		err := do(ctx, job.Payload)
		if err == nil {
			if err := os.Remove(path); err != nil {
				q.o.Log.ErrorContext(ctx, "a job that is done cannot be removed", "job", name, "error", err)
			}
			return
		}
		if ctx.Err() != nil {
			return
		}
		if time.Since(job.Created) > q.o.GiveUp {
			q.o.Log.ErrorContext(ctx, "job given up", "kind", job.Kind, "error", err)
			if err := os.Rename(path, path+failed); err != nil {
				q.o.Log.ErrorContext(ctx, "a job cannot be set aside", "job", name, "error", err)
			}
			return
		}
		q.o.Log.WarnContext(ctx, "job failed, will be tried again", "kind", job.Kind, "pause", pause, "error", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

func (q *Queue) read(name string) (Job, error) {
	b, err := os.ReadFile(filepath.Join(q.dir, name))
	if err != nil {
		return Job{}, err
	}
	if b, err = q.box.Open(b, []byte(name)); err != nil {
		return Job{}, err
	}
	var job Job
	return job, json.Unmarshal(b, &job)
}
