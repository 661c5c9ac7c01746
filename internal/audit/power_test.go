package audit

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/tresor-pacs/tresor/internal/durable/durabletest"
)

// TestPowerLoss takes the power away at each changing call of a trail's life,
// several times over, and each time lets the disk keep what it likes of what
// was not synced. What was acknowledged must be there, the trail must open, and
// nothing may look like tampering.
func TestPowerLoss(t *testing.T) {
	seeds := uint64(12)
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 2))
		for at := 1; powerLoss(t, r, at); at++ {
			if at > 500 {
				t.Fatal("no end")
			}
		}
	}
}

// powerLoss lives until the call number at, three times on the same disk, and
// reports whether it came to that call.
func powerLoss(t *testing.T, r *rand.Rand, at int) (reached bool) {
	t.Helper()
	const dir = "/archive/trail"
	fsys := durabletest.New()
	acknowledged := map[uint64]string{}
	for round := range 3 {
		fsys.FailAt(at, true)
		trail, err := Open(dir, newTestBox(1), Options{FS: fsys, FileSize: 1500})
		if err == nil {
			for i := range 8 {
				e := event(100*round + i)
				var seq uint64
				if seq, err = trail.Append(context.Background(), e); err != nil {
					break
				}
				acknowledged[seq] = e.Patients[0]
			}
			trail.Close() // it may fail, too
		}
		if err != nil && !errors.Is(err, durabletest.ErrInjected) {
			t.Fatalf("call %d, round %d: %v", at, round, err)
		}
		reached = reached || err != nil
		fsys = fsys.Crash(r)
	}
	trail, err := Open(dir, newTestBox(1), Options{FS: fsys, FileSize: 1500})
	if err != nil {
		t.Fatalf("call %d: %v", at, err)
	}
	trail.Close()
	report, err := verifyOn(context.Background(), fsys, dir, newTestBox(1))
	if err != nil || !report.OK() {
		t.Fatalf("call %d: %+v, %v", at, report, err)
	}
	for rec, err := range searchOn(context.Background(), fsys, dir, newTestBox(1), Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if want, ok := acknowledged[rec.Seq]; ok && rec.Event.Patients[0] == want {
			delete(acknowledged, rec.Seq)
		}
	}
	for seq, patient := range acknowledged {
		t.Errorf("call %d: acknowledged record %d (%s) is gone", at, seq, patient)
	}
	return reached
}
