package audit

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestVector reads the trail of docs/formats/trail.md: what was once written
// stays readable.
func TestVector(t *testing.T) {
	dir := filepath.Join("testdata", "v1")
	if os.Getenv("TRESOR_TEST_UPDATE") != "" {
		at := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
		trail := open(t, dir, Options{Now: func() time.Time { return at }})
		appendN(t, trail, 3)
		trail.Close()
		os.Remove(filepath.Join(dir, "lock"))
	}
	r := verify(t, dir, newTestBox(1))
	if !r.OK() || r.Records != 3 || r.Head != 3 {
		t.Errorf("report %+v", r)
	}
	records := collect(t, dir, Filter{})
	if len(records) != 3 {
		t.Fatalf("%d records", len(records))
	}
	for i, got := range records {
		want := event(i)
		if got.Event.Patients[0] != want.Patients[0] || got.Event.Code != want.Code || got.Event.Studies[0] != want.Studies[0] ||
			!got.Event.Time.Equal(time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)) {
			t.Errorf("record %d: %+v", i, got.Event)
		}
	}
}
