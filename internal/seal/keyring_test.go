package seal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func open(t *testing.T, dir string, o Options) *Keyring {
	t.Helper()
	k, err := OpenKeyring(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func mustKey(t *testing.T, k *Keyring, purpose string) []byte {
	t.Helper()
	b, err := k.Key(purpose)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestKeyringKeepsKeys(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	k := open(t, dir, Options{})
	identity, trail := mustKey(t, k, "identity"), mustKey(t, k, "trail")
	if bytes.Equal(identity, trail) || len(identity) != KeySize {
		t.Fatal("keys of two purposes are alike, or of a wrong length")
	}
	for _, o := range []Options{{}, {ReadOnly: true}} {
		again := open(t, dir, o)
		if !bytes.Equal(mustKey(t, again, "identity"), identity) || !bytes.Equal(mustKey(t, again, "trail"), trail) {
			t.Errorf("%+v: keys changed at reopening", o)
		}
	}
	if _, err := open(t, dir, Options{ReadOnly: true}).Key("new"); !errors.Is(err, ErrNoKey) {
		t.Errorf("a read-only keyring made a key: %v", err)
	}
	if _, err := k.Key("../x"); err == nil {
		t.Error("a purpose with a slash was taken")
	}
	for _, name := range []string{masterFile, dataFile} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
}

func TestKeyringSharedByProcesses(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, dir, Options{}), open(t, dir, Options{})
	want := mustKey(t, a, "identity")
	if !bytes.Equal(mustKey(t, b, "identity"), want) {
		t.Error("two keyrings made two keys for one purpose")
	}
	boxA, boxB := mustBox(t, a, "x"), mustBox(t, b, "x")
	if _, err := a.Rotate("x"); err != nil {
		t.Fatal(err)
	}
	if p, err := boxB.Open(boxA.Seal([]byte("v2"), nil), nil); err != nil || string(p) != "v2" {
		t.Errorf("a version that another process made: %q, %v", p, err)
	}
	if err := a.RotateMaster(Options{}); err != nil {
		t.Fatal(err)
	}
	mustKey(t, b, "after") // b finds the new master key by itself
}

func mustBox(t *testing.T, k *Keyring, purpose string) *RingBox {
	t.Helper()
	b, err := k.RingBox(purpose)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBox(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	box := mustBox(t, k, "identity")
	sealed := box.Seal([]byte("secret"), []byte("ad"))
	if p, err := box.Open(sealed, []byte("ad")); err != nil || string(p) != "secret" {
		t.Fatalf("%q, %v", p, err)
	}
	if _, err := box.Open(sealed, []byte("other")); !errors.Is(err, ErrDamaged) {
		t.Errorf("opened with other associated data: %v", err)
	}
	if _, err := mustBox(t, k, "trail").Open(sealed, []byte("ad")); !errors.Is(err, ErrDamaged) {
		t.Errorf("opened under another purpose: %v", err)
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if _, err := box.Open(bad, []byte("ad")); err == nil {
			t.Errorf("byte %d changed and not noticed", i)
		}
		if _, err := box.Open(sealed[:i], []byte("ad")); err == nil {
			t.Errorf("cut at %d and not noticed", i)
		}
	}
	v, err := k.Rotate("identity")
	if err != nil || v != 2 || box.Version() != 2 {
		t.Fatalf("version %d, %v", v, err)
	}
	if _, err := box.Open(sealed, []byte("ad")); err != nil {
		t.Errorf("the older version does not open: %v", err)
	}
	if err := k.Retire("identity", 2); err != nil {
		t.Fatal(err)
	}
	if _, err := box.Open(sealed, []byte("ad")); !errors.Is(err, ErrNoKey) {
		t.Errorf("a retired version opens: %v", err)
	}
	if err := k.Retire("identity", 3); err == nil {
		t.Error("the newest version was retired")
	}
}

func TestPassphrase(t *testing.T) {
	dir := t.TempDir()
	right := Options{Passphrase: []byte("correct horse")}
	key := mustKey(t, open(t, dir, right), "trail")
	if !bytes.Equal(mustKey(t, open(t, dir, right), "trail"), key) {
		t.Error("key changed")
	}
	for _, o := range []Options{{}, {Passphrase: []byte("wrong")}} {
		if _, err := OpenKeyring(dir, o); !errors.Is(err, ErrPassphrase) {
			t.Errorf("passphrase %q: %v", o.Passphrase, err)
		}
	}
	if err := open(t, dir, right).RotateMaster(Options{}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(mustKey(t, open(t, dir, Options{}), "trail"), key) {
		t.Error("key changed from passphrase to file")
	}
}

func TestRefusals(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes on Windows")
	}
	dir := t.TempDir()
	open(t, dir, Options{})
	for _, name := range []string{masterFile, dataFile} {
		path := filepath.Join(dir, name)
		for _, mode := range []os.FileMode{0o640, 0o604, 0o660} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			if _, err := OpenKeyring(dir, Options{}); !errors.Is(err, ErrMode) {
				t.Errorf("%s with mode %v: %v", name, mode, err)
			}
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(dir, masterFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKeyring(dir, Options{}); !errors.Is(err, ErrNoMaster) {
		t.Errorf("data keys without their master key: %v", err)
	}
}

// fakeKMS stands for a key that never leaves another system.
type fakeKMS struct{ localMaster }

func newFakeKMS(id string) *fakeKMS {
	a, _ := NewAEAD(random(KeySize))
	return &fakeKMS{localMaster{id, a}}
}

func TestKMS(t *testing.T) {
	dir, kms := t.TempDir(), newFakeKMS("kms/1")
	k := open(t, dir, Options{Master: kms})
	key := mustKey(t, k, "trail")
	if _, err := OpenKeyring(dir, Options{}); !errors.Is(err, ErrNoMaster) {
		t.Errorf("opened without the KMS: %v", err)
	}
	if _, err := OpenKeyring(dir, Options{Master: newFakeKMS("kms/2")}); !errors.Is(err, ErrNoMaster) {
		t.Errorf("opened with another key of the KMS: %v", err)
	}
	second := newFakeKMS("kms/2")
	if err := k.RotateMaster(Options{Master: second}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(mustKey(t, open(t, dir, Options{Master: second}), "trail"), key) {
		t.Error("key changed")
	}
}

// TestWrappedKeySwap moves wrapped keys between purposes and versions in the file.
func TestWrappedKeySwap(t *testing.T) {
	dir := t.TempDir()
	k := open(t, dir, Options{})
	mustKey(t, k, "aaaa")
	mustKey(t, k, "bbbb")
	path := filepath.Join(dir, dataFile)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, swap := range []string{`"aaaa"`, `"cccc"`} {
		bad := bytes.Replace(b, []byte(`"bbbb"`), []byte(swap), 1)
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenKeyring(dir, Options{}); !errors.Is(err, ErrDamaged) {
			t.Errorf("a key renamed to %s opens: %v", swap, err)
		}
	}
}
