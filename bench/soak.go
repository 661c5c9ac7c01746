package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/peers"
	"github.com/tresor-pacs/tresor/internal/synth"
)

// soak puts a mixed load on the archive alone and fails if its memory or its
// open descriptors grow with time.
func soak(ctx context.Context, o options) error {
	r, err := newRun(o)
	if err != nil {
		return err
	}
	defer r.close()
	return r.with(ctx, subject{name: "tresor", start: r.startTresor}, func(srv *server) error {
		ctx, cancel := context.WithTimeout(ctx, o.soak)
		defer cancel()
		var studies atomic.Int64
		workers := []func(context.Context, *server, *atomic.Int64) error{storing, storing, finding, fetching}
		errs := make([]error, len(workers))
		var wait sync.WaitGroup
		for i, work := range workers {
			wait.Go(func() {
				errs[i] = work(ctx, srv, &studies)
				if errs[i] != nil {
					cancel()
				}
			})
		}
		samples := sample(ctx, srv, o.soak/60, &studies)
		wait.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
		return level(samples)
	})
}

// sample reads the counters until ctx ends.
func sample(ctx context.Context, srv *server, every time.Duration, studies *atomic.Int64) []peers.Usage {
	var samples []peers.Usage
	for {
		select {
		case <-ctx.Done():
			return samples
		case <-time.After(max(every, time.Second)):
		}
		u, err := peers.UsageOf(srv.pid)
		if err != nil {
			return samples
		}
		samples = append(samples, u)
		fmt.Printf("%s  %d studies  %d MB  %d descriptors  %s CPU\n", time.Now().Format(time.TimeOnly), studies.Load(),
			u.Now>>20, u.Open, u.CPU.Round(time.Second))
	}
}

// level compares the second quarter of the time with the last one. The first
// quarter fills caches.
func level(samples []peers.Usage) error {
	if len(samples) < 8 {
		return errors.New("too short to tell: give -soak more time")
	}
	quarter := len(samples) / 4
	median := func(part []peers.Usage, value func(peers.Usage) int64) int64 {
		values := make([]int64, len(part))
		for i, u := range part {
			values[i] = value(u)
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	early, late := samples[quarter:2*quarter], samples[len(samples)-quarter:]
	memory := func(u peers.Usage) int64 { return u.Now >> 20 }
	open := func(u peers.Usage) int64 { return int64(u.Open) }
	m1, m2 := median(early, memory), median(late, memory)
	d1, d2 := median(early, open), median(late, open)
	fmt.Printf("memory %d MB, later %d MB; descriptors %d, later %d\n", m1, m2, d1, d2)
	if m2 > m1+m1/4+16 {
		return fmt.Errorf("memory grows: %d MB, later %d MB", m1, m2)
	}
	if d2 > d1+16 {
		return fmt.Errorf("open descriptors grow: %d, later %d", d1, d2)
	}
	return nil
}

// ended turns the error that the end of the time causes into none.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// storing stores a small study on an association of its own, again and again.
func storing(ctx context.Context, srv *server, studies *atomic.Int64) error {
	for ctx.Err() == nil {
		c, err := connect(ctx, srv, populationClasses)
		if err != nil {
			return ended(ctx, err)
		}
		o := synth.Options{Number: int(studies.Add(1)), Modalities: []string{"CT", "MR"}, Count: 10, Rows: 128, Columns: 128}
		if err := storeSynthetic(ctx, c, population, o); err != nil {
			c.Association().Abort()
			return ended(ctx, err)
		}
		if err := c.Close(ctx); err != nil {
			return ended(ctx, err)
		}
	}
	return nil
}

// finding asks each kind of question, again and again.
func finding(ctx context.Context, srv *server, studies *atomic.Int64) error {
	for ctx.Err() == nil {
		c, err := connect(ctx, srv, []dicom.UID{dict.UIDStudyRootQueryRetrieveInformationModelFind})
		if err != nil {
			return ended(ctx, err)
		}
		for _, q := range questions {
			if _, err := ask(ctx, c, q, int(studies.Load())+1); err != nil {
				c.Association().Abort()
				return ended(ctx, err)
			}
		}
		if err := c.Close(ctx); err != nil {
			return ended(ctx, err)
		}
	}
	return nil
}

// fetching fetches studies that are there, again and again.
func fetching(ctx context.Context, srv *server, studies *atomic.Int64) error {
	for n := 1; ctx.Err() == nil; n++ {
		if n >= int(studies.Load())-4 {
			n = 0
			time.Sleep(50 * time.Millisecond)
			continue
		}
		c, err := connect(ctx, srv, []dicom.UID{dict.UIDStudyRootQueryRetrieveInformationModelGet}, dict.UIDCTImageStorage, dict.UIDMRImageStorage)
		if err != nil {
			return ended(ctx, err)
		}
		if _, _, err := getStudy(ctx, c, population.StudyUID(n)); err != nil {
			c.Association().Abort()
			return ended(ctx, err)
		}
		if err := c.Close(ctx); err != nil {
			return ended(ctx, err)
		}
	}
	return nil
}
