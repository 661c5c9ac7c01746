package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/audit/checkpoint"
	"github.com/tresor-pacs/tresor/internal/audit/forward"
	"github.com/tresor-pacs/tresor/internal/audit/message"
	"github.com/tresor-pacs/tresor/internal/fhir"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/seal"
)

// checkpointKey is the purpose of the data key that is the seed of the key of
// checkpoints; forwardDir is where the cursor of forwarding lies, in the trail's
// folder.
const (
	checkpointKey = "checkpoint"
	forwardDir    = "forward"
)

// trailKeeper looks after the trail while the archive runs: it signs its head, has
// witnesses sign it, and forwards it.
type trailKeeper struct {
	every     time.Duration
	log       *slog.Logger
	tree      *checkpoint.Log
	witnesses []*checkpoint.Witness
	forwarder *forward.Forwarder // nil: nowhere
	fhir      *fhir.Service      // for whoever may read the trail
	alert     func(context.Context, audit.Event) error
	alerted   bool
}

// trailTree opens the tree over the trail of a data folder.
func trailTree(dir string, ring *seal.Keyring) (*checkpoint.Log, error) {
	box, err := ring.Box(trailKey)
	if err != nil {
		return nil, fmt.Errorf("open the trail's key: %w", err)
	}
	seed, err := ring.Key(checkpointKey)
	if err != nil {
		return nil, fmt.Errorf("open the key of checkpoints: %w", err)
	}
	return checkpoint.New(filepath.Join(dir, trailDir), box, seed)
}

// trailSource is the archive as audit messages name it.
func trailSource(dir string, c Config) message.Source {
	s := message.Source{ID: c.Trail.Source, Site: c.Trail.Site, AET: dicom.AETitle(c.AET)}
	if s.ID == "" {
		s.ID, _ = os.Hostname()
	}
	if s.ID == "" {
		s.ID = "tresor"
	}
	if id, err := audit.ID(filepath.Join(dir, trailDir)); err == nil && len(id) == 32 {
		s.Trail = fmt.Sprintf("urn:uuid:%s-%s-%s-%s-%s", id[:8], id[8:12], id[12:16], id[16:20], id[20:])
	}
	return s
}

// openKeeper opens the keeper and signs a first checkpoint. A trail that is not
// the one that the latest checkpoint covers does not open.
func (s *Server) openKeeper(ctx context.Context, dir string) (err error) {
	k := &trailKeeper{every: time.Duration(s.config.Trail.Checkpoint), log: s.log,
		fhir:  fhir.NewService(fhir.Config{Prefix: fhirPath, Source: trailSource(dir, s.config), Log: s.log}),
		alert: s.archive.As(policy.Principal{Kind: policy.System, Name: "archive"}).Note}
	if k.tree, err = trailTree(dir, s.data.keyring); err != nil {
		return err
	}
	s.data.closers = append(s.data.closers, k.tree.Close)
	if _, err := k.tree.Update(ctx); err != nil {
		return fmt.Errorf("%w\n`tresor audit verify` names what is wrong; `tresor audit accept` goes on all the same", err)
	}
	for i := range s.config.Trail.Witnesses {
		w, err := s.config.Trail.Witnesses[i].open()
		if err != nil {
			return err
		}
		k.witnesses = append(k.witnesses, w)
	}
	if s.config.Trail.Syslog.Address != "" {
		if k.forwarder, err = s.newForwarder(dir); err != nil {
			return err
		}
	}
	s.keeper = k
	return nil
}

func (s *Server) newForwarder(dir string) (*forward.Forwarder, error) {
	c := &s.config.Trail.Syslog
	tlsConfig, err := c.tls()
	if err != nil {
		return nil, err
	}
	trail := filepath.Join(dir, trailDir)
	return forward.New(forward.Config{Address: c.Address, TLS: tlsConfig, Trail: trail, Box: s.data.records.Box,
		Dir: filepath.Join(trail, forwardDir), Source: trailSource(dir, s.config), Limit: c.MaxMessage, Log: s.log,
		Lag: time.Duration(c.Lag)})
}

// keep looks after the trail until the result is called, which signs the head of
// all that there is then.
func (s *Server) keep(ctx context.Context) (stop func(context.Context) error) {
	k := s.keeper
	ctx, cancel := context.WithCancel(ctx)
	var both sync.WaitGroup
	both.Go(func() { k.checkpoints(ctx) })
	if k.forwarder != nil {
		both.Go(func() {
			if err := k.forwarder.Run(ctx); err != nil {
				k.log.ErrorContext(ctx, "audit forwarding has ended; start the archive anew", "error", err)
			}
		})
	}
	return func(ctx context.Context) error {
		cancel()
		both.Wait()
		if _, err := k.tree.Update(ctx); err != nil {
			return fmt.Errorf("sign the last checkpoint: %w", err)
		}
		return nil
	}
}

// checkpoints signs the head at intervals until ctx ends.
func (k *trailKeeper) checkpoints(ctx context.Context) {
	tick := time.NewTicker(k.every)
	defer tick.Stop()
	for {
		k.checkpoint(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// checkpoint signs the head and shows it to the witnesses. What fails is logged
// and tried again at the next turn; damage of the trail is an alert as well.
func (k *trailKeeper) checkpoint(ctx context.Context) {
	_, err := k.tree.Update(ctx)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		k.log.ErrorContext(ctx, "the trail's checkpoint cannot be signed", "error", err)
		var damage *audit.DamageError
		if errors.As(err, &damage) && !k.alerted {
			k.alerted = true
			err = k.alert(ctx, audit.Event{Code: audit.IntegrityFailure, Outcome: audit.MajorFailure, Reason: damage.Error(),
				Details: []audit.Detail{{Name: "file", Value: damage.File}}})
			if err != nil {
				k.log.ErrorContext(ctx, "the trail's damage could not be written to it", "error", err)
			}
		}
		return
	}
	for _, w := range k.witnesses {
		err := k.tree.Submit(ctx, w)
		switch {
		case err == nil || ctx.Err() != nil:
		case errors.Is(err, checkpoint.ErrInconsistent):
			k.log.ErrorContext(ctx, "a witness says that the trail was rolled back or rewritten: tresor audit verify", "error", err)
		default:
			k.log.WarnContext(ctx, "a witness has not signed the checkpoint", "error", err)
		}
	}
}
