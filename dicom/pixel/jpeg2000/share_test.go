package jpeg2000

import "testing"

// TestSharePanics: a panic in a goroutine comes to the caller.
func TestSharePanics(t *testing.T) {
	defer func() {
		if v := recover(); v != "a bug" {
			t.Errorf("recovered %v", v)
		}
	}()
	share(10, 2, func(from, _ int) {
		if from > 0 {
			panic("a bug")
		}
	})
	t.Error("share returned")
}
