package server

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/tresor-pacs/tresor/internal/access"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/seal"
)

const (
	accessDir      = "access"
	accessKey      = "access"      // purpose of the data key that seals the state
	certificateKey = "certificate" // of the seed that signs certificates of erasure
)

func openAccess(dir string, ring *seal.Keyring, c Config) (*access.Register, error) {
	box, err := ring.Box(accessKey)
	if err != nil {
		return nil, fmt.Errorf("open the key of access: %w", err)
	}
	return access.Open(filepath.Join(dir, accessDir), box, access.Options{Budgets: c.Budgets, Poll: identityPoll})
}

// openAccess opens the state of access for serving.
func (d *data) openAccess(dir string, c Config) (err error) {
	if d.access, err = openAccess(dir, d.keyring, c); err != nil {
		return err
	}
	d.access.RestoreSpent()
	d.closers = append(d.closers, d.access.Close)
	return nil
}

// Actor decides in the name of a principal at the command line: it asks the
// policy and writes the trail as a session does.
type Actor struct {
	admin     *Admin
	principal policy.Principal
}

// As returns p as an actor at the command line.
func (a *Admin) As(p policy.Principal) *Actor { return &Actor{a, p} }

// Operator returns the account that runs the command. It holds the keys of
// everything, and so every right; what needs two people needs two others.
func (a *Admin) Operator() *Actor { return a.As(operator()) }

func operator() policy.Principal {
	return policy.Principal{Kind: policy.System, Name: commandLine(), Rights: policy.UserRights}
}

// Principal implements access.Actor.
func (a *Actor) Principal() policy.Principal { return a.principal }

// Note implements access.Actor.
func (a *Actor) Note(ctx context.Context, e audit.Event) error {
	e.PrincipalKind, e.Principal, e.Role = string(a.principal.Kind), a.principal.Name, string(a.principal.Role)
	if a.principal.Kind != policy.System {
		e.Association = commandLine()
	}
	if _, err := a.admin.trail.Append(ctx, e); err != nil {
		return fmt.Errorf("write the trail: %w", err)
	}
	return nil
}

// Authorise implements access.Actor.
func (a *Actor) Authorise(ctx context.Context, right policy.Right, e audit.Event) error {
	d := policy.May(a.principal, right)
	if d.Allowed {
		return a.Note(ctx, e)
	}
	e.Outcome, e.Reason = audit.SeriousFailure, d.Reason
	return errors.Join(fmt.Errorf("%w: %s", archive.ErrDenied, d.Reason), a.Note(ctx, e))
}

// The pauses of what the archive looks after by itself.
const (
	tendEvery  = time.Second      // ends of emergency access
	spentEvery = 10 * time.Second // what is lost of budgets in a crash
	dueFirst   = 10 * time.Minute // what waits for retention, and what is due
	dueEvery   = 24 * time.Hour
)

// keeper is on whose behalf the archive looks after itself.
func keeper() policy.Principal {
	return policy.Principal{Kind: policy.System, Name: "archive", Rights: []policy.Right{policy.Erase, policy.Hold, policy.Settle}}
}

// tend carries out what was decided, until ctx ends: at once when something has
// changed, and else as time passes.
func (s *Server) tend(ctx context.Context) error {
	key, err := certificateSigner(s.data.keyring)
	if err != nil {
		return err
	}
	second, spent, daily := time.NewTicker(tendEvery), time.NewTicker(spentEvery), time.NewTimer(dueFirst)
	defer second.Stop()
	defer spent.Stop()
	defer daily.Stop()
	p := &privacy{access: s.data.access, session: s.archive.As(keeper()), key: key, log: s.log, now: time.Now}
	p.perform(ctx)
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-s.data.access.Changed():
			p.perform(ctx)
		case <-second.C:
			err = s.data.access.NoteEnds(ctx, p.session)
		case <-spent.C:
			err = s.data.access.KeepSpent()
		case <-daily.C:
			daily.Reset(dueEvery)
			p.perform(ctx)
			p.listDue(ctx)
		}
		if err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "access", "error", err)
		}
	}
}

// certificateSigner returns the key that signs certificates of erasure.
func certificateSigner(ring *seal.Keyring) (ed25519.PrivateKey, error) {
	seed, err := ring.Key(certificateKey)
	if err != nil {
		return nil, fmt.Errorf("open the key of certificates: %w", err)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}
