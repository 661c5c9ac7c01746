package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/peers"
)

// The clients that send: ours, which costs the machine little, and DCMTK's
// processes.
const (
	ours  = "own client"
	dcmtk = "storescu"
)

// ingests sends every load to every subject over 1, 4, 8 associations.
func (r *run) ingests(ctx context.Context) error {
	clients := []string{ours}
	if len(peers.Missing("storescu")) == 0 {
		clients = append(clients, dcmtk)
	}
	for _, name := range []string{"ct", "small", "big"} {
		l, err := r.load(name)
		if err != nil {
			return err
		}
		for _, client := range clients {
			if r.quick && client == dcmtk && name != "ct" {
				continue
			}
			for _, k := range r.associations {
				for _, s := range r.subjects() {
					err := r.ingest(ctx, s, l, client, k)
					if err != nil && s.name != "tresor" && ctx.Err() == nil {
						fmt.Printf("ingest %-5s %-10s %d associations: %-13s left out: %v\n", name, client, k, s.name, err)
						continue
					}
					if err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// ingest measures one combination, each time with empty storage; the fastest
// repeat counts, for other work on the machine only ever slows it down.
func (r *run) ingest(ctx context.Context, s subject, l *load, client string, k int) error {
	best := ingestResult{subject: s.name, load: l.name, client: client, associations: k, objects: len(l.objects), bytes: l.bytes}
	for range r.repeat {
		err := r.with(ctx, s, func(srv *server) error {
			u, err := watch(srv, func() error { return sendAll(ctx, srv, l, client, k) })
			if err != nil {
				return err
			}
			if best.took == 0 || u.took < best.took {
				u.peak = max(u.peak, best.peak)
				best.usage = u
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	r.ingested = append(r.ingested, best)
	fmt.Printf("ingest %-5s %-10s %d associations: %-13s %s\n", l.name, client, k, s.name, best)
	return nil
}

// sendAll sends a load over k associations at once.
func sendAll(ctx context.Context, srv *server, l *load, client string, k int) error {
	one := sendShare
	if client == dcmtk {
		one = storescuShare
	}
	shares := l.shares(k)
	errs := make([]error, k)
	var senders sync.WaitGroup
	for i, share := range shares {
		senders.Go(func() { errs[i] = one(ctx, srv, share) })
	}
	senders.Wait()
	return errors.Join(errs...)
}

func sendShare(ctx context.Context, srv *server, share []object) error {
	if len(share) == 0 {
		return nil
	}
	var classes []dicom.UID
	for _, o := range share {
		if !slices.Contains(classes, o.class) {
			classes = append(classes, o.class)
		}
	}
	c, err := connect(ctx, srv, classes)
	if err != nil {
		return err
	}
	for _, o := range share {
		if err := send(ctx, c, o); err != nil {
			c.Association().Abort()
			return err
		}
	}
	return c.Close(ctx)
}

func storescuShare(ctx context.Context, srv *server, share []object) error {
	if len(share) == 0 {
		return nil
	}
	files := make([]string, len(share))
	for i, o := range share {
		files[i] = o.path
	}
	result, err := peers.Exec(ctx, "storescu", srv.storescu(files)...)
	if err != nil {
		return err
	}
	if result.Code != 0 {
		return fmt.Errorf("storescu ended with status %d\n%s", result.Code, result.Output)
	}
	return nil
}
