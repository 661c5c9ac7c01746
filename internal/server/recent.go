package server

import (
	"context"
	"sync"
	"time"

	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/web"
)

// recent is the trail with a short memory of what passed: when each device was
// heard of last, and who was turned away. It spares those who manage the archive,
// and may not read the trail, a look into it.
type recent struct {
	archive.Trail
	mu       sync.Mutex
	contact  map[string]time.Time // by device
	refusals [maxRefusals]web.Refusal
	n        int // refusals so far
}

// maxRefusals is how many are remembered.
const maxRefusals = 50

func newRecent(t archive.Trail) *recent { return &recent{Trail: t, contact: map[string]time.Time{}} }

// Append implements archive.Trail.
func (r *recent) Append(ctx context.Context, e audit.Event) (uint64, error) {
	seq, err := r.Trail.Append(ctx, e)
	if err == nil {
		r.remember(&e)
	}
	return seq, err
}

// kinds are the refusals that are shown, by the key of their text.
var kinds = map[audit.Code]string{
	audit.NodeAuthenticationFailure: "refusal.node",
	audit.AssociationRefused:        "refusal.association",
	audit.Login:                     "refusal.login",
	audit.RestrictedFunction:        "refusal.function",
	audit.SecurityAlert:             "refusal.other",
}

func (r *recent) remember(e *audit.Event) {
	at := e.Time
	if at.IsZero() {
		at = time.Now()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.PrincipalKind == string(policy.Device) && e.Outcome == audit.Success {
		r.contact[e.Principal] = at // devices are bounded by their registry
	}
	what, shown := kinds[e.Code]
	if !shown || e.Outcome == audit.Success && e.Code == audit.Login {
		return
	}
	who := e.Principal
	if who == "" {
		who = e.CallingAET
	}
	r.refusals[r.n%maxRefusals] = web.Refusal{Time: at, What: what, Who: who, Peer: e.Peer, Reason: e.Reason}
	r.n++
}

// last returns the refusals, the latest first.
func (r *recent) last() []web.Refusal {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []web.Refusal
	for i := r.n - 1; i >= 0 && i >= r.n-maxRefusals; i-- {
		list = append(list, r.refusals[i%maxRefusals])
	}
	return list
}

// heard returns when a device was heard of last, the zero time if it was not.
func (r *recent) heard(device string) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.contact[device]
}
