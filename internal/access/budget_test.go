package access

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/policy"
)

func uids(list ...dicom.UID) []dicom.UID { return list }

func TestBudgetOfStudiesPausesOnce(t *testing.T) {
	f := open(t)
	erika := f.as("erika", policy.Radiologist).p
	token := erika
	token.Kind = policy.Token
	for _, u := range uids("1.1", "1.2", "1.1", "1.3", "1.2") {
		if why, _ := f.Fetch(erika, u); why != "" {
			t.Fatal(why)
		}
	}
	if why, alarm := f.Fetch(token, "1.4"); why == "" || !alarm {
		t.Errorf("the token does not share the budget of its user: %q %v", why, alarm)
	}
	if why, alarm := f.Fetch(erika, "1.1"); why == "" || alarm {
		t.Errorf("goes on, or a second alarm: %q %v", why, alarm)
	}
	second := f.again()
	if second.Paused(erika) == "" || f.Paused(token) == "" {
		t.Error("not paused everywhere")
	}
	if f.Paused(f.as("max", policy.Radiologist).p) != "" || f.Paused(policy.Principal{Kind: policy.System, Name: "archive"}) != "" {
		t.Error("others are paused too")
	}
	admin := f.as("adam", policy.Administrator)
	if err := second.Lift(t.Context(), f.as("erika", policy.Administrator), "user/erika"); !errors.Is(err, ErrSamePerson) {
		t.Error(err)
	}
	if err := second.Lift(t.Context(), f.as("max", policy.Radiologist), "user/erika"); !errors.Is(err, errRefused) {
		t.Error(err)
	}
	if err := second.Lift(t.Context(), admin, "user/max"); !errors.Is(err, ErrAbsent) {
		t.Error(err)
	}
	if err := second.Lift(t.Context(), admin, "user/erika"); err != nil {
		t.Fatal(err)
	}
	follows(t, "the lift", func() bool { return f.Paused(erika) == "" })
	if why, _ := f.Fetch(erika, "1.9"); why != "" {
		t.Error("lifted and still paused")
	}
}

// The window is an hour, and the bytes are those of 24.
func TestBudgetsComeBackWithTime(t *testing.T) {
	f := open(t)
	erika := f.as("erika", policy.Radiologist).p
	for i := range 24 {
		if why, _ := f.Fetch(erika, uids("1.1", "1.2", "1.3")...); why != "" {
			t.Fatal(i, why)
		}
		if why, _ := f.Send(erika, 40); why != "" {
			t.Fatal(i, why)
		}
		f.clock.move(time.Hour)
	}
	if why, _ := f.Exceeds(erika, uids("1.4", "1.5")); why != "" {
		t.Error("the studies of the last hour have not come back:", why)
	}
	if why, _ := f.Send(erika, 1000-23*40); why != "" {
		t.Error("bytes of the day before count:", why)
	}
	if why, alarm := f.Send(erika, 1); why == "" || !alarm {
		t.Error("the budget of bytes does not hold")
	}
}

func TestExceedsRefusesBeforeAnythingIsSent(t *testing.T) {
	f := open(t)
	erika := f.as("erika", policy.Radiologist).p
	f.Fetch(erika, "1.1")
	if why, _ := f.Exceeds(erika, uids("1.1", "1.2", "1.3")); why != "" {
		t.Error("what was read counts twice:", why)
	}
	if why, alarm := f.Exceeds(erika, uids("1.2", "1.3", "1.4")); why == "" || !alarm {
		t.Error("not refused")
	}
}

// What was spent is there after a restart, and so is a pause.
func TestBudgetsSurviveARestart(t *testing.T) {
	f := open(t)
	erika := f.as("erika", policy.Radiologist).p
	f.Fetch(erika, uids("1.1", "1.2")...)
	f.Send(erika, 900)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	r := f.again()
	if list := r.Standings(); len(list) != 1 || list[0].Studies != 2 || list[0].Bytes != 900 {
		t.Errorf("seen from outside: %+v", list)
	}
	r.RestoreSpent()
	if why, _ := r.Fetch(erika, "1.3"); why != "" {
		t.Error(why)
	}
	if why, _ := r.Send(erika, 101); why == "" {
		t.Error("a restart gives the bytes back")
	}
	if again := f.again(); again.Paused(erika) == "" {
		t.Error("a restart ends a pause")
	}
}

func TestOwnLimits(t *testing.T) {
	f := open(t)
	admin, ct := f.as("adam", policy.Administrator), policy.Principal{Kind: policy.Device, Name: "ct1"}
	for _, account := range []string{"", "erika", "user/", "token/x", "system/archive"} {
		if f.SetLimit(t.Context(), admin, account, &Budget{Studies: 1}) == nil {
			t.Errorf("%q is an account", account)
		}
	}
	for _, b := range []Budget{{}, {Studies: -1}, {Bytes: -1}, {Studies: maxStudies + 1}} {
		if f.SetLimit(t.Context(), admin, "device/ct1", &b) == nil {
			t.Errorf("%+v is a budget", b)
		}
	}
	if err := f.SetLimit(t.Context(), admin, "device/ct1", &Budget{Studies: 1}); err != nil {
		t.Fatal(err)
	}
	if why, _ := f.Fetch(ct, uids("1.1", "1.2")...); why == "" {
		t.Error("its own limit does not hold")
	}
	if err := f.SetLimit(t.Context(), admin, "device/ct1", nil); err != nil {
		t.Fatal(err)
	}
}

// Many at once pass the budget by nothing, and raise one alarm.
func TestManyAtOnce(t *testing.T) {
	f := open(t)
	erika := f.as("erika", policy.Radiologist).p
	var through, alarms atomic.Int32
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			why, alarm := f.Fetch(erika, dicom.UID(fmt.Sprint("1.", i)))
			if why == "" {
				through.Add(1)
			}
			if alarm {
				alarms.Add(1)
			}
		})
	}
	wg.Wait()
	if through.Load() > 3 || alarms.Load() != 1 {
		t.Errorf("%d got through, %d alarms", through.Load(), alarms.Load())
	}
}

func TestConfiguredBudgetsAreChecked(t *testing.T) {
	for name, c := range map[string]struct {
		budgets map[string]Budget
		good    bool
	}{
		"none":          {nil, true},
		"a role":        {map[string]Budget{"radiologist": {Studies: 5}, "device": {}, "share": {Bytes: 1}}, true},
		"no role":       {map[string]Budget{"king": {Studies: 5}}, false},
		"negative":      {map[string]Budget{"device": {Studies: -5}}, false},
		"administrator": {map[string]Budget{"administrator": {Studies: 5}}, false}, // sees no images
	} {
		if err := CheckBudgets(c.budgets); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
	f := open(t)
	for _, p := range []policy.Principal{{Kind: policy.User, Name: "x"}, {Kind: policy.User, Name: "x", Role: "new"}, {Kind: policy.Token, Name: "x"}} {
		if b := f.budgetOf(f.current.Load(), p); b != DefaultBudgets()["referrer"] {
			t.Errorf("%+v has the budget %+v", p, b)
		}
	}
}
