package checkpoint

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/internal/audit"
)

// attack is something done to a trail of 20 records whose checkpoint somebody
// keeps elsewhere.
type attack struct {
	name string
	do   func(t *testing.T, dir string)
	seq  uint64 // that must be named; 0: any
	// whole says that audit.Verify cannot see it: the attacker has the key, or
	// put everything back.
	whole bool
}

func logFile(dir string, n string) string { return filepath.Join(dir, n+".log") }

// lines changes the lines of the first file.
func lines(change func([][]byte) [][]byte) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		b, err := os.ReadFile(logFile(dir, "00000001"))
		if err != nil {
			t.Fatal(err)
		}
		all := bytes.SplitAfter(b, []byte("\n"))
		all = change(all[:len(all)-1])
		if err := os.WriteFile(logFile(dir, "00000001"), bytes.Join(all, nil), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// rewrite makes a trail of the same name anew, with the key: what somebody who
// has everything would do.
func rewrite(name string, more int) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		restore(t, filepath.Join(dir, "..", "early"), dir)
		appendN(t, dir, more, name)
	}
}

var attacks = []attack{
	{"change a record", lines(func(l [][]byte) [][]byte { l[3][40] ^= 1; return l }), 3, false},
	{"remove a record", lines(func(l [][]byte) [][]byte { return append(l[:3:3], l[4:]...) }), 3, false},
	{"swap two records", lines(func(l [][]byte) [][]byte { l[3], l[4] = l[4], l[3]; return l }), 3, false},
	{"put an older record in place of a newer", lines(func(l [][]byte) [][]byte { l[4] = l[3]; return l }), 4, false},
	{"truncate in a line", func(t *testing.T, dir string) {
		if err := os.Truncate(logFile(dir, "00000001"), 600); err != nil {
			t.Fatal(err)
		}
	}, 0, false},
	{"remove a file", func(t *testing.T, dir string) {
		if err := os.Remove(logFile(dir, "00000001")); err != nil {
			t.Fatal(err)
		}
	}, 1, false},
	{"remove the last file and forge the head of before", rewrite("a", 0), 11, true},
	{"write other records with the key", rewrite("forged", 10), 11, true},
	{"write more and other records with the key", rewrite("forged", 30), 11, true},
	{"remove everything", func(t *testing.T, dir string) {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		appendN(t, dir, 30, "new")
	}, 0, true},
}

// Every attack is named against a checkpoint kept elsewhere, whether the tree
// beside the trail was left alone, removed, or made anew by the attacker.
func TestAttacksAreNamed(t *testing.T) {
	for _, a := range attacks {
		for _, tree := range []string{"left", "removed", "made anew"} {
			t.Run(a.name+", tree "+tree, func(t *testing.T) {
				top := t.TempDir()
				dir := filepath.Join(top, "trail")
				appendN(t, dir, 10, "a")
				if err := os.CopyFS(filepath.Join(top, "early"), os.DirFS(dir)); err != nil {
					t.Fatal(err)
				}
				appendN(t, dir, 10, "b")
				l := newLog(t, dir)
				kept, _ := update(t, l)
				if _, found, err := Verify(t.Context(), dir, kept, l.Public()); err != nil || len(found) != 0 {
					t.Fatalf("before the attack: %v, %v", found, err)
				}
				hashes := copyOf(t, filepath.Join(dir, treeDir))
				a.do(t, dir)
				os.RemoveAll(filepath.Join(dir, treeDir))
				switch tree {
				case "left":
					restore(t, hashes, filepath.Join(dir, treeDir))
				case "made anew":
					if forger, err := New(dir, box, seed); err == nil {
						if _, err := forger.Update(t.Context()); err != nil {
							t.Fatal(err)
						}
						forger.Close()
					}
				}
				judge(t, a, tree, dir, kept, l.Public())
			})
		}
	}
}

func judge(t *testing.T, a attack, tree, dir string, kept []byte, public string) {
	t.Helper()
	report, err := audit.Verify(t.Context(), dir, box)
	if err != nil {
		t.Fatal(err)
	}
	if report.OK() != a.whole {
		t.Errorf("audit.Verify: %v", report.Findings)
	}
	_, found, err := Verify(t.Context(), dir, kept, public)
	if err != nil {
		t.Fatal(err)
	}
	found = append(found, report.Findings...)
	if len(found) == 0 {
		t.Fatal("not found")
	}
	if a.seq == 0 || tree != "left" && a.whole && !strings.Contains(a.name, "last file") {
		return // found, but which record it was nobody can tell any more
	}
	for _, f := range found {
		if f.Seq == a.seq || f.Line == int(a.seq)+1 && f.File == "00000001.log" {
			return
		}
	}
	t.Errorf("record %d is not named: %v", a.seq, found)
}

// Any byte of a record that is changed is found against the checkpoint alone,
// without the key of the trail.
func TestAnyByte(t *testing.T) {
	dir := t.TempDir()
	appendN(t, dir, 4, "a")
	l := newLog(t, dir)
	kept, _ := update(t, l)
	name := logFile(dir, "00000001")
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	header := bytes.IndexByte(whole, '\n') + 1
	for i := header; i < len(whole); i++ {
		b := bytes.Clone(whole)
		b[i] ^= 1
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		_, found, err := Verify(t.Context(), dir, kept, l.Public())
		if err != nil {
			t.Fatal(err)
		}
		// The chain of the last 43 letters is not part of the leaf: audit.Verify
		// checks it without a key.
		if len(found) == 0 {
			if r, err := audit.Verify(t.Context(), dir, nil); err != nil || r.OK() {
				t.Fatalf("byte %d: not found", i)
			}
		}
	}
}
