package survey

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"time"
)

// Run looks at all of a plan.
type Run struct {
	Prober   Prober
	Plan     *Plan
	Rates    Rates
	Workers  int        // hosts at once; 0 means 64
	State    *StateFile // nil for none
	StopFile string     // the run ends soon after a file of this name is there
	Quiet    Hours
	// Found gets every result, one at a time; an error ends the run.
	Found func(*Envelope) error
	// Notice tells the operator of something; it may be nil.
	Notice func(string)

	limiter *limiter
	health  health
}

// ErrStopped says that a stop file ended the run.
var ErrStopped = errors.New("stopped by the stop file")

const defaultWorkers = 64

// Do looks at every endpoint of the plan that the state file has not seen, one
// connection at a time for each host. It returns when all is done, when ctx
// ends, or when the stop file is there; then a later run with the same state
// file goes on.
func (r *Run) Do(ctx context.Context) error {
	r.limiter = newLimiter(r.Rates)
	r.Prober.Gate = r.limiter.wait
	if r.State != nil {
		if err := r.State.Append(Line{Run: r.info()}); err != nil {
			return err
		}
	}
	workers := r.Workers
	if workers <= 0 {
		workers = defaultWorkers
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	hosts := make(chan *Host)
	var wg sync.WaitGroup
	var mu sync.Mutex // around Found
	for range min(workers, max(1, len(r.Plan.Hosts))) {
		wg.Go(func() {
			for h := range hosts {
				if err := r.host(ctx, h, &mu); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, h := range r.Plan.Hosts {
		select {
		case hosts <- h:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(hosts)
	wg.Wait()
	return context.Cause(ctx)
}

func (r *Run) info() *RunInfo {
	g := r.Prober.Guard
	info := &RunInfo{Started: time.Now().UTC(), Scope: g.ID(), Level: min(r.Prober.Level, g.MaxLevel()).String()}
	if s := g.Scope(); s != nil {
		info.Owner, info.Contact = s.Owner, s.Contact
	}
	return info
}

func (r *Run) host(ctx context.Context, h *Host, mu *sync.Mutex) error {
	for _, port := range h.Ports {
		at := netip.AddrPortFrom(h.Addr, uint16(port))
		if r.State != nil && r.State.Begun(at) {
			continue
		}
		if err := r.mayGoOn(ctx); err != nil {
			return err
		}
		if r.State != nil {
			if err := r.State.Append(Line{Begin: &at}); err != nil {
				return err
			}
		}
		e := h.About
		e.Addr, e.Port = h.Addr, port
		envelope, err := r.Prober.Look(ctx, e)
		if err != nil {
			return fmt.Errorf("look at %s: %w", at, err)
		}
		r.learn(e, envelope.Data.DICOM.Result)
		if r.State != nil {
			if err := r.State.Append(Line{Done: envelope}); err != nil {
				return err
			}
		}
		mu.Lock()
		err = r.Found(envelope)
		mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// mayGoOn waits for quiet hours and a pause to pass, and looks for the stop file
// and the end of the scope.
func (r *Run) mayGoOn(ctx context.Context) error {
	for {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if r.StopFile != "" {
			if _, err := os.Stat(r.StopFile); err == nil {
				return ErrStopped
			}
		}
		if err := r.Prober.Guard.Ended(time.Now()); err != nil {
			return err
		}
		left := max(r.Quiet.Left(time.Now()), r.health.left())
		if left <= 0 {
			return nil
		}
		if err := sleep(ctx, min(left, 5*time.Second)); err != nil {
			return err
		}
	}
}

// learn takes care of hosts that are busy or fall silent.
func (r *Run) learn(e Endpoint, result *Result) {
	if a := result.Association; a != nil && a.transient {
		r.limiter.busy(e)
	}
	if result.Rung < 1 || e.Addr.IsLoopback() {
		return
	}
	if r.health.note(result.State == NotDICOM && result.Connections > 1 && result.Web == nil && result.TLS == nil) && r.Notice != nil {
		r.Notice("many hosts that were there stopped answering: pausing for a minute, in case they are fragile")
	}
}

// health watches for hosts that answered a connect and then stopped answering:
// some modalities hang when they are connected to too often.
type health struct {
	mu     sync.Mutex
	recent [20]bool
	seen   int
	until  time.Time
}

const tooManySilent = 15 // of the last 20

// note takes one outcome and reports whether a pause begins.
func (h *health) note(silent bool) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.recent[h.seen%len(h.recent)] = silent
	h.seen++
	n := 0
	for _, s := range h.recent {
		if s {
			n++
		}
	}
	if n < tooManySilent {
		return false
	}
	h.recent = [20]bool{}
	h.until = time.Now().Add(backOff)
	return true
}

func (h *health) left() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Until(h.until)
}
