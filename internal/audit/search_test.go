package audit

import (
	"context"
	"path/filepath"
	"testing"
	"time"
)

func TestSearch(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "trail")
	base := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	hour := 0
	trail := open(t, dir, Options{FileSize: 2000, Now: func() time.Time { hour++; return base.Add(time.Duration(hour) * time.Hour) }})
	for i := range 10 {
		e := event(i % 3)
		if i%2 == 1 {
			e.Code, e.Outcome, e.Principal, e.CallingAET = Query, SeriousFailure, "ws1", "WS1"
		}
		if _, err := trail.Append(context.Background(), e); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name string
		f    Filter
		want int
	}{
		{"all", Filter{}, 10},
		{"code", Filter{Codes: []Code{Query}}, 5},
		{"codes", Filter{Codes: []Code{Query, InstancesTransferred}}, 10},
		{"principal", Filter{PrincipalKind: "device", Principal: "ws1"}, 5},
		{"patient", Filter{Patient: "P1"}, 3},
		{"study", Filter{Study: "1.2.3.2"}, 3},
		{"instance", Filter{Instance: "1.2.3.4.5.0"}, 4},
		{"outcome", Filter{MinOutcome: SeriousFailure}, 5},
		{"title", Filter{AETitle: "WS1"}, 5},
		{"called", Filter{AETitle: "TRESOR"}, 10},
		{"peer", Filter{Peer: "10.0.0.7:40001", Association: "a-17"}, 10},
		{"since", Filter{Since: base.Add(9 * time.Hour)}, 2},
		{"until", Filter{Until: base.Add(3 * time.Hour)}, 2},
		{"limit", Filter{Limit: 4}, 4},
		{"both", Filter{Patient: "P1", Codes: []Code{Query}}, 2},
		{"none", Filter{Patient: "P"}, 0},
	}
	for _, test := range tests {
		if got := collect(t, dir, test.f); len(got) != test.want {
			t.Errorf("%s: %d records, want %d", test.name, len(got), test.want)
		}
	}
	r := collect(t, dir, Filter{})[9]
	if r.Seq != 10 || r.File == fileName(1) || r.Line < 2 || !r.Event.Time.Equal(base.Add(10*time.Hour)) {
		t.Errorf("record %+v", r)
	}
}

// TestSearchGoesOn over what is damaged, and names it.
func TestSearchGoesOn(t *testing.T) {
	dir := makeTrail(t, 6)
	name := filepath.Join(dir, fileName(1))
	l := readLines(t, name)
	l[2][60] ^= 1
	l[3] = []byte("garbage")
	writeLines(t, name, l)
	good, bad := 0, 0
	for r, err := range Search(context.Background(), dir, newTestBox(1), Filter{}) {
		if err == nil {
			good++
			continue
		}
		bad++
		if r.File != fileName(1) || r.Line != bad+2 {
			t.Errorf("%v at %+v", err, r)
		}
	}
	if good != 4 || bad != 2 {
		t.Errorf("%d good, %d bad", good, bad)
	}
}

func TestSearchEnds(t *testing.T) {
	dir := makeTrail(t, 6)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	n := 0
	for r, err := range Search(ctx, dir, newTestBox(1), Filter{}) {
		if n++; err == nil || r.File != "" {
			t.Errorf("%+v, %v", r, err)
		}
	}
	if n != 1 {
		t.Errorf("%d answers after the end", n)
	}
	for range Search(context.Background(), filepath.Join(dir, "none"), newTestBox(1), Filter{}) {
		t.Error("a trail that is not there has records")
	}
}

// benchTrail has 1000 records in one file.
func benchTrail(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	trail := open(b, dir, Options{})
	appendN(b, trail, 1000)
	return dir
}

func BenchmarkSearch(b *testing.B) {
	dir := benchTrail(b)
	for b.Loop() {
		collect(b, dir, Filter{Patient: "P5"})
	}
	b.ReportMetric(1000*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkVerify(b *testing.B) {
	dir := benchTrail(b)
	for b.Loop() {
		verify(b, dir, newTestBox(1))
	}
	b.ReportMetric(1000*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
