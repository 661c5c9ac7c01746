package durabletest

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/tresor-pacs/tresor/internal/durable"
)

func TestCrash(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(200) {
		f := New()
		if err := durable.WriteFile(f, "/a", []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		h, err := f.OpenFile("/a", os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.WriteAt([]byte("new"), 0); err != nil {
			t.Fatal(err)
		}
		if _, err := f.OpenFile("/b", os.O_CREATE|os.O_RDWR, 0o600); err != nil {
			t.Fatal(err)
		}
		after := f.Crash(rand.New(rand.NewPCG(seed, 1)))
		b, err := durable.ReadFile(after, "/a", 10)
		if err != nil {
			t.Fatal(err)
		}
		seen[string(b)]++
		if _, err := after.Stat("/b"); err == nil {
			seen["/b"]++
		} else if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if seen["old"] == 0 || seen["new"] == 0 || seen["/b"] == 0 || seen["/b"] == 200 {
		t.Errorf("crashes are not varied: %v", seen)
	}
}

// TestWriteFile cuts the power at every call of WriteFile: the file is the old
// or the new one.
func TestWriteFile(t *testing.T) {
	for n := 1; ; n++ {
		f := New()
		if err := durable.WriteFile(f, "/a", []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		f.FailAt(n, true)
		err := durable.WriteFile(f, "/a", []byte("new, and longer"), 0o600)
		for seed := range uint64(50) {
			b, readErr := durable.ReadFile(f.Crash(rand.New(rand.NewPCG(seed, 2))), "/a", 100)
			if readErr != nil || string(b) != "old" && string(b) != "new, and longer" || err == nil && string(b) == "old" {
				t.Fatalf("call %d: %q, %v", n, b, readErr)
			}
		}
		if err == nil {
			return
		}
	}
}
