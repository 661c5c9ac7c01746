package access

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/seal"
)

// clock is a time that stands still until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// notes is a trail in memory that can be made to fail.
type notes struct {
	events []audit.Event
	broken error
}

// actor is somebody with the rights of a role.
type actor struct {
	p     policy.Principal
	trail *notes
}

func (a *actor) Principal() policy.Principal { return a.p }

func (a *actor) Note(_ context.Context, e audit.Event) error {
	if a.trail.broken != nil {
		return a.trail.broken
	}
	a.trail.events = append(a.trail.events, e)
	return nil
}

var errRefused = errors.New("refused")

func (a *actor) Authorise(ctx context.Context, right policy.Right, e audit.Event) error {
	if !policy.May(a.p, right).Allowed {
		e.Outcome = audit.SeriousFailure
		return errors.Join(errRefused, a.Note(ctx, e))
	}
	return a.Note(ctx, e)
}

type fixture struct {
	*Register
	t     *testing.T
	dir   string
	box   seal.Box
	clock *clock
	trail *notes
}

func open(t *testing.T) *fixture {
	t.Helper()
	key, err := seal.NewAEAD(make([]byte, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, dir: t.TempDir(), box: key, clock: &clock{at: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}, trail: &notes{}}
	f.Register = f.again()
	return f
}

// again opens the state as another process does.
func (f *fixture) again() *Register {
	f.t.Helper()
	r, err := Open(f.dir, f.box, Options{Poll: 10 * time.Millisecond, Now: f.clock.now,
		Budgets: map[string]Budget{"radiologist": {Studies: 3, Bytes: 1000}}})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { r.Close() })
	return r
}

func (f *fixture) as(name string, role policy.Role) *actor {
	return &actor{policy.Principal{Kind: policy.User, Name: name, Role: role, Rights: policy.RightsOf(role, policy.Scope{})}, f.trail}
}

func (f *fixture) last() audit.Event {
	if len(f.trail.events) == 0 {
		return audit.Event{}
	}
	return f.trail.events[len(f.trail.events)-1]
}

// follows waits until another process has taken a change over.
func follows(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("did not follow: " + what)
		}
	}
}

const reason = "unconscious after an accident"

func TestBreakGlassOpensForAWhileAndIsReviewed(t *testing.T) {
	f := open(t)
	erika, other := f.as("erika", policy.Radiologist), f.as("max", policy.Radiologist)
	wanted := policy.Scope{Patients: []string{"4711"}}
	if _, err := f.BreakGlass(t.Context(), erika, wanted, "why not", 0); err == nil {
		t.Error("a reason that is none is taken")
	}
	if _, err := f.BreakGlass(t.Context(), erika, wanted, reason, 5*time.Hour); err == nil {
		t.Error("it lasts for hours")
	}
	if _, err := f.BreakGlass(t.Context(), f.as("praxis", policy.Referrer), wanted, reason, 0); !errors.Is(err, errRefused) {
		t.Error(err)
	}
	g, err := f.BreakGlass(t.Context(), erika, wanted, reason, 0)
	if err != nil {
		t.Fatal(err)
	}
	if e := f.last(); e.Code != audit.EmergencyOverrideStarted || e.Reason != reason {
		t.Errorf("%+v", e)
	}
	second := f.again()
	for _, r := range []*Register{f.Register, second} {
		if scopes, grants := r.Emergency(erika.p); len(scopes) != 1 || grants != g.ID || scopes[0].Patients[0] != "4711" {
			t.Errorf("%v %q", scopes, grants)
		}
		if scopes, _ := r.Emergency(other.p); len(scopes) != 0 {
			t.Error("another got it too")
		}
		if scopes, _ := r.Emergency(policy.Principal{}); len(scopes) != 0 {
			t.Error("nobody got it")
		}
	}
	f.clock.move(DefaultGrant)
	if scopes, _ := f.Emergency(erika.p); len(scopes) != 0 {
		t.Error("it does not end")
	}
	archive := &actor{policy.Principal{Kind: policy.System, Name: "archive"}, f.trail}
	for range 2 {
		n := len(f.trail.events)
		if err := f.NoteEnds(t.Context(), archive); err != nil {
			t.Fatal(err)
		}
		if n > 0 && f.last().Code != audit.EmergencyOverrideStopped {
			t.Errorf("%+v", f.last())
		}
	}
	stops := 0
	for _, e := range f.trail.events {
		if e.Code == audit.EmergencyOverrideStopped {
			stops++
		}
	}
	if stops != 1 {
		t.Errorf("its end is in the trail %d times", stops)
	}
	officer := f.as("petra", policy.PrivacyOfficer)
	both := f.as("erika", policy.PrivacyOfficer) // the same person with another role
	if err := f.CloseReview(t.Context(), both, g.ID, true, reason); !errors.Is(err, ErrSamePerson) {
		t.Error(err)
	}
	if err := f.CloseReview(t.Context(), other, g.ID, true, reason); !errors.Is(err, errRefused) {
		t.Error(err)
	}
	if err := f.CloseReview(t.Context(), officer, g.ID, true, reason); err != nil {
		t.Error(err)
	}
	if err := f.CloseReview(t.Context(), officer, g.ID, false, reason); !errors.Is(err, ErrState) {
		t.Error(err)
	}
	if list := f.Grants(); len(list) != 1 || list[0].Open() || list[0].Review.By != "user/petra" || !list[0].Review.Justified {
		t.Errorf("%+v", list)
	}
}

// Nothing is in force that is not in the trail.
func TestNothingWithoutTheTrail(t *testing.T) {
	f := open(t)
	f.trail.broken = errors.New("disk is gone")
	erika, officer := f.as("erika", policy.Radiologist), f.as("petra", policy.PrivacyOfficer)
	for what, do := range map[string]func() error{
		"break-glass": func() error { _, err := f.BreakGlass(t.Context(), erika, policy.Scope{}, reason, 0); return err },
		"share": func() error {
			_, _, _, err := f.Share(t.Context(), erika, NewShare{Studies: uids("1.2"), Factor: Code})
			return err
		},
		"erasure": func() error { _, err := f.RequestErasure(t.Context(), officer, uids("1.2"), reason); return err },
		"hold":    func() error { _, err := f.SetHold(t.Context(), officer, "1.2", "", reason); return err },
		"limit": func() error {
			return f.SetLimit(t.Context(), f.as("a", policy.Administrator), "user/x", &Budget{Studies: 1})
		},
		"decide": func() error {
			return f.Decide(t.Context(), f.as("a", policy.Administrator), Order{Location: "L", Choice: Drop, Reason: reason})
		},
	} {
		if do() == nil {
			t.Errorf("%s: done though the trail is broken", what)
		}
	}
	if s := f.current.Load(); s.Version != 0 {
		t.Errorf("the state has changed: %+v", s)
	}
}

// An older file, or one that is damaged, changes nothing that is in force.
func TestOldStateIsNotTakenOver(t *testing.T) {
	f := open(t)
	officer := f.as("petra", policy.PrivacyOfficer)
	h, err := f.SetHold(t.Context(), officer, "1.2.3", "", reason)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.write(stateFile, &state{}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.SetHold(t.Context(), officer, "1.2.4", "", reason); !errors.Is(err, errOlder) {
		t.Error(err)
	}
	if !f.Held("1.2.3", "") || f.LiftHold(t.Context(), officer, h.ID, reason) == nil {
		t.Error("an old file took a hold away")
	}
	if fmt.Sprint(f.Holds()) == "[]" {
		t.Error("no hold")
	}
}
