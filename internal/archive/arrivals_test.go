package archive_test

import (
	"errors"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/policy"
)

func came(signals <-chan struct{}) bool {
	select {
	case <-signals:
		return true
	default:
		return false
	}
}

func TestArrivalsWakeThoseWhoMayFindThem(t *testing.T) {
	a := open(t)
	wait := func(scope policy.Scope) <-chan struct{} {
		t.Helper()
		p := device(policy.Find)
		p.Scope = scope
		signals, err := a.As(p).Arrivals(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return signals
	}
	all, own, others := wait(policy.Scope{}), wait(policy.Scope{Modalities: []string{"OT"}}), wait(policy.Scope{Modalities: []string{"CT"}})
	store := func(uid dicom.UID) {
		t.Helper()
		if _, err := a.As(everything).Store(t.Context(), incoming(uid, instance(t, "1.2.3", uid, nil))); err != nil {
			t.Fatal(err)
		}
	}
	store("1.2.3.1")
	store("1.2.3.2")
	if !came(all) || came(all) || !came(own) || came(others) {
		t.Error("not one signal each for those whose scope it is")
	}
	store("1.2.3.1")
	if came(all) {
		t.Error("what was there already is announced")
	}
	if _, err := a.As(device(policy.Store)).Arrivals(t.Context()); !errors.Is(err, archive.ErrDenied) {
		t.Error("who may not find is told of arrivals:", err)
	}
}
