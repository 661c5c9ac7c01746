package audit

import (
	"testing"
	"time"
)

// A search for a time, or behind a number, finds the same in many files as in
// one, and passes over the files that cannot hold any of it.
func TestSearchPassesOverFiles(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now := begin
	dir := t.TempDir()
	trail := open(t, dir, Options{FileSize: 1500, Now: func() time.Time { now = now.Add(time.Hour); return now }})
	appendN(t, trail, 240) // ten days
	if err := trail.Close(); err != nil {
		t.Fatal(err)
	}
	all := collect(t, dir, Filter{})
	if len(all) != 240 || all[239].File == all[0].File {
		t.Fatalf("%d records in one file", len(all))
	}
	for name, f := range map[string]Filter{
		"a day": {Since: begin.AddDate(0, 0, 4), Until: begin.AddDate(0, 0, 5)}, "from": {Since: begin.AddDate(0, 0, 8)},
		"until": {Until: begin.AddDate(0, 0, 2)}, "never": {Since: begin.AddDate(1, 0, 0)}, "after": {After: 200}, "after all": {After: 240},
		"after and until": {After: 50, Until: begin.AddDate(0, 0, 3)}, "after the first": {After: 1},
	} {
		var want []uint64
		for _, r := range all {
			if r.Seq > f.After && (f.Since.IsZero() || !r.Time.Before(f.Since)) && (f.Until.IsZero() || r.Time.Before(f.Until)) {
				want = append(want, r.Seq)
			}
		}
		got := collect(t, dir, f)
		if len(got) != len(want) {
			t.Fatalf("%s: %d records, not %d", name, len(got), len(want))
		}
		for i := range got {
			if got[i].Seq != want[i] {
				t.Errorf("%s: record %d, not %d", name, got[i].Seq, want[i])
			}
		}
	}
	m := newMatcher(Filter{After: 200})
	m.dir, m.fsys = dir, trail.fsys
	if !m.passed(2) || m.passed(1<<40) {
		t.Error("the first file is read for what lies in the last")
	}
	m = newMatcher(Filter{Until: begin.AddDate(0, 0, 1)})
	m.dir, m.fsys = dir, trail.fsys
	if files, err := listFiles(trail.fsys, dir); err != nil || !m.beyond(files[len(files)-1]) || m.beyond(1) {
		t.Error("the last file is read for what lies in the first")
	}
}
