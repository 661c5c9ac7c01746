package seal

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/tresor-pacs/tresor/internal/durable"
	"github.com/tresor-pacs/tresor/internal/durable/durabletest"
)

// TestInterrupted cuts the power, or lets a call fail, at every call of every
// change of a keyring: what was durable opens ever after, whole.
func TestInterrupted(t *testing.T) {
	for name, change := range map[string]func(*Keyring) error{
		"master key": func(k *Keyring) error { return k.RotateMaster(Options{}) },
		"data key":   func(k *Keyring) error { _, err := k.Rotate("trail"); return err },
		"new key":    func(k *Keyring) error { _, err := k.Key("another"); return err },
	} {
		t.Run(name, func(t *testing.T) { interrupt(t, change) })
	}
}

func interrupt(t *testing.T, change func(*Keyring) error) {
	for n, done := 1, false; !done; n++ {
		for seed := range uint64(20) {
			fsys := durabletest.New()
			k := open(t, "/keys", Options{FS: fsys})
			box := mustBox(t, k, "trail")
			blob, master := box.Seal([]byte("x"), nil), k.MasterID()
			dies := seed > 0
			fsys.FailAt(n, dies)
			err := change(k)
			done = err == nil
			if err != nil && !errors.Is(err, durabletest.ErrInjected) {
				t.Fatal(err)
			}
			fsys.FailAt(0, false)
			if dies {
				fsys = fsys.Crash(rand.New(rand.NewPCG(uint64(n), seed)))
			}
			again := open(t, "/keys", Options{FS: fsys})
			if p, err := mustBox(t, again, "trail").Open(blob, nil); err != nil || string(p) != "x" {
				t.Fatalf("call %d: %q, %v", n, p, err)
			}
			leftOver(t, fsys, again)
			if err := again.RotateMaster(Options{}); err != nil {
				t.Fatalf("call %d: %v", n, err)
			}
			if again.MasterID() == master {
				t.Error("the master key did not change")
			}
			fsys = fsys.Crash(rand.New(rand.NewPCG(uint64(n), seed)))
			again = open(t, "/keys", Options{FS: fsys})
			if p, err := mustBox(t, again, "trail").Open(blob, nil); err != nil || string(p) != "x" {
				t.Fatalf("call %d, then power loss: %q, %v", n, p, err)
			}
		}
	}
}

// leftOver checks that no other master key than that in use is left in the file.
func leftOver(t *testing.T, fsys durable.FS, k *Keyring) {
	t.Helper()
	b, err := durable.ReadFile(fsys, "/keys/"+masterFile, maxKeyFile)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(b, []byte(`"id"`)); n != 1 || !bytes.Contains(b, []byte(k.MasterID())) {
		t.Errorf("%d master keys are left", n)
	}
}

// TestInterruptedStart cuts the power at every call of the first start.
func TestInterruptedStart(t *testing.T) {
	for n, done := 1, false; !done; n++ {
		for seed := range uint64(20) {
			fsys := durabletest.New()
			fsys.FailAt(n, true)
			k, err := OpenKeyring("/dir/keys", Options{FS: fsys})
			var key []byte
			if err == nil {
				key, err = k.Key("trail")
			}
			done = err == nil
			again := open(t, "/dir/keys", Options{FS: fsys.Crash(rand.New(rand.NewPCG(uint64(n), seed)))})
			if got := mustKey(t, again, "trail"); key != nil && !bytes.Equal(got, key) {
				t.Fatalf("call %d: the key was lost", n)
			}
		}
	}
}
