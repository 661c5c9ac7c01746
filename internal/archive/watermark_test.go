package archive

import "testing"

func TestWatermarkWaitsForEarlierCommits(t *testing.T) {
	var w watermark
	a, b := w.begin(), w.begin()
	w.end(b, "2")
	if got := w.mark(); got != "" {
		t.Errorf("mark %q while the first commit is under way", got)
	}
	c := w.begin()
	w.end(a, "1")
	if got := w.mark(); got != "2" && got != "1" {
		t.Errorf("mark %q after both ended", got)
	}
	if got := w.mark(); got == "" {
		t.Error("no mark though all commits before it ended")
	}
	w.end(c, "3")
	if got := w.mark(); got != "3" {
		t.Errorf("mark %q, want 3", got)
	}
}

func TestWatermarkNeverPassesAnUnendedCommit(t *testing.T) {
	var w watermark
	stuck := w.begin()
	for range 100 {
		w.end(w.begin(), "9")
	}
	if got := w.mark(); got != "" {
		t.Errorf("mark %q", got)
	}
	w.end(stuck, "")
	if got := w.mark(); got != "9" {
		t.Errorf("mark %q, want 9", got)
	}
}
