package checkpoint

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/tresor-pacs/tresor/internal/audit"
)

// gcm is AES-256-GCM with a random nonce.
type gcm struct{ cipher.AEAD }

var box = func() audit.Box {
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return gcm{aead}
}()

func (g gcm) Seal(plain, ad []byte) []byte           { return g.AEAD.Seal(nil, nil, plain, ad) }
func (g gcm) Open(sealed, ad []byte) ([]byte, error) { return g.AEAD.Open(nil, nil, sealed, ad) }

var seed = bytes.Repeat([]byte{7}, 32)

func appendN(t testing.TB, dir string, n int, name string) {
	t.Helper()
	appendTo(t, dir, n, name, 4000)
}

func appendTo(t testing.TB, dir string, n int, name string, fileSize int64) {
	t.Helper()
	tr, err := audit.Open(dir, box, audit.Options{FileSize: fileSize})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	for i := range n {
		if _, err := tr.Append(t.Context(), audit.Event{Code: audit.Query, Principal: fmt.Sprint(name, i)}); err != nil {
			t.Fatal(err)
		}
	}
}

func newLog(t testing.TB, dir string) *Log {
	t.Helper()
	l, err := New(dir, box, seed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func update(t testing.TB, l *Log) ([]byte, Checkpoint) {
	t.Helper()
	signed, err := l.Update(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c, err := Open(signed, l.Public())
	if err != nil {
		t.Fatal(err)
	}
	return signed, c
}

// naive computes the root of the trail's records in the plainest way.
func naive(t testing.TB, dir string, n uint64) tlog.Hash {
	t.Helper()
	var leaves []tlog.Hash
	for r, err := range audit.Leaves(t.Context(), dir) {
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, tlog.Hash(r.Leaf))
	}
	var root func([]tlog.Hash) tlog.Hash
	root = func(l []tlog.Hash) tlog.Hash {
		if len(l) == 1 {
			return l[0]
		}
		k := 1
		for k*2 < len(l) {
			k *= 2
		}
		return tlog.NodeHash(root(l[:k]), root(l[k:]))
	}
	return root(leaves[:n])
}

func TestTreeGrowsWithTheTrail(t *testing.T) {
	dir := t.TempDir()
	appendN(t, dir, 1, "a")
	l := newLog(t, dir)
	var last []byte
	total := uint64(1)
	for _, n := range []int{0, 1, 2, 0, 30, 1, 64} {
		appendN(t, dir, n, "b")
		total += uint64(n)
		signed, c := update(t, l)
		if c.Size != total || c.Root != naive(t, dir, total) {
			t.Fatalf("%+v of %d records", c, total)
		}
		if n == 0 && last != nil && !bytes.Equal(signed, last) {
			t.Error("another checkpoint without a new record")
		}
		last = signed
	}
	// Another process, and then the first one again.
	appendN(t, dir, 3, "c")
	if _, c := update(t, newLog(t, dir)); c.Size != total+3 {
		t.Errorf("the second process: %+v", c)
	}
	appendN(t, dir, 2, "d")
	if _, c := update(t, l); c.Size != total+5 || c.Root != naive(t, dir, total+5) {
		t.Errorf("the first process again: %+v", c)
	}
	if b, err := Latest(dir); err != nil || !strings.HasPrefix(string(b), l.key.name+"\n") {
		t.Errorf("%q, %v", b, err)
	}
}

func TestRooterAgreesWithTheTree(t *testing.T) {
	var r rooter
	h := &hashes{}
	for n := range uint64(130) {
		want, err := tlog.TreeHash(int64(n), h)
		if err != nil || r.root() != want {
			t.Fatalf("%d leaves: %v, %v", n, r.root(), err)
		}
		leaf := missingLeaf(n + 1)
		r.add(leaf)
		if err := h.add(n, leaf); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTreeIsMadeAnew(t *testing.T) {
	dir := t.TempDir()
	appendN(t, dir, 40, "a")
	_, before := update(t, newLog(t, dir))
	name := filepath.Join(dir, treeDir, hashesName)
	for _, spoil := range []func() error{
		func() error { return os.Remove(name) },
		func() error { return os.Truncate(name, 100) },
		func() error { return os.WriteFile(name, make([]byte, 5000), 0o600) },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if _, c := update(t, newLog(t, dir)); c != before {
			t.Errorf("%+v, not %+v", c, before)
		}
		appendN(t, dir, 3, "b")
		_, before = update(t, newLog(t, dir))
	}
	if before.Size != 49 || before.Root != naive(t, dir, 49) {
		t.Errorf("%+v", before)
	}
}

// A crash between the hashes and the checkpoint leaves more hashes than the
// checkpoint covers.
func TestUpdateAfterACrash(t *testing.T) {
	dir := t.TempDir()
	appendN(t, dir, 11, "a")
	l := newLog(t, dir)
	first, _ := update(t, l)
	appendN(t, dir, 11, "b")
	_, want := update(t, l)
	if err := os.WriteFile(filepath.Join(dir, treeDir, checkpointName), first, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, c := update(t, newLog(t, dir)); c != want {
		t.Errorf("%+v, not %+v", c, want)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	appendN(t, dir, 3, "a")
	l := newLog(t, dir)
	signed, c := update(t, l)
	other, err := NewKey("0102", seed)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := other.sign(c) // of our origin, signed by another's key
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		signed []byte
		key    string
	}{
		"another size":   {bytes.Replace(signed, []byte("\n3\n"), []byte("\n4\n"), 1), l.Public()},
		"another key":    {signed, other.Public()},
		"another origin": {foreign, other.Public()},
		"no signature":   {body(signed), l.Public()},
		"nothing":        {nil, l.Public()},
		"no key":         {signed, ""},
		"too long":       {append(bytes.Clone(signed), make([]byte, MaxNote)...), l.Public()},
	} {
		if c, err := Open(x.signed, x.key); err == nil {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if _, err := NewKey("0102", seed[:31]); err == nil {
		t.Error("a short seed")
	}
}

// After damage nothing is signed until a person has the tree begin anew.
func TestDamageStopsTheSigning(t *testing.T) {
	for _, keepTree := range []bool{true, false} {
		dir := t.TempDir()
		appendN(t, dir, 5, "a")
		early := copyOf(t, dir)
		appendN(t, dir, 5, "b")
		signed, _ := update(t, newLog(t, dir))
		tree := filepath.Join(dir, treeDir)
		kept := copyOf(t, tree)
		restore(t, early, dir)
		appendN(t, dir, 9, "fork")
		restore(t, kept, tree)
		if !keepTree {
			os.Remove(filepath.Join(tree, hashesName))
		}
		_, err := newLog(t, dir).Update(t.Context())
		var damage *audit.DamageError
		if !errors.As(err, &damage) {
			t.Fatalf("the tree was signed on: %v", err)
		}
		l := newLog(t, dir)
		if err := l.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, c := update(t, l); c.Size != 14 {
			t.Errorf("%+v", c)
		}
		if _, found, err := Verify(t.Context(), dir, signed, l.Public()); err != nil || len(found) == 0 {
			t.Errorf("after the restart the old checkpoint holds: %v, %v", found, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "tree-1", checkpointName)); err != nil {
			t.Errorf("the old tree was not put aside: %v", err)
		}
	}
}

func TestRolledBackTrailIsNotSigned(t *testing.T) {
	dir := t.TempDir()
	appendN(t, dir, 5, "a")
	early := copyOf(t, dir)
	appendN(t, dir, 5, "b")
	l := newLog(t, dir)
	update(t, l)
	kept := copyOf(t, filepath.Join(dir, treeDir))
	restore(t, early, dir)
	restore(t, kept, filepath.Join(dir, treeDir))
	for _, l := range []*Log{l, newLog(t, dir)} {
		_, err := l.Update(t.Context())
		var damage *audit.DamageError
		if !errors.As(err, &damage) || !strings.Contains(err.Error(), "rolled back") {
			t.Errorf("%v", err)
		}
	}
}

func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// restore makes dir what from was.
func restore(t *testing.T, from, dir string) {
	t.Helper()
	if err := errors.Join(os.RemoveAll(dir), os.CopyFS(dir, os.DirFS(from))); err != nil {
		t.Fatal(err)
	}
}

func TestNoTrail(t *testing.T) {
	if _, err := New(t.TempDir(), box, seed); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if _, err := Latest(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
