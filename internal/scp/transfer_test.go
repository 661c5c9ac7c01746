package scp

import "testing"

// TestGuarded: a panic is an error, and does not tell what it was about.
func TestGuarded(t *testing.T) {
	err := guarded(func() error { panic("Doe^John") })
	if err == nil || err.Error() != "panic: this is a bug: string" {
		t.Error(err)
	}
	if err := guarded(func() error { return nil }); err != nil {
		t.Error(err)
	}
}
