package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// makeTrail writes n records into files of four each.
func makeTrail(t testing.TB, n int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "trail")
	trail := open(t, dir, Options{FileSize: 1800})
	appendN(t, trail, n)
	if err := trail.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func verify(t testing.TB, dir string, box Box) *Report {
	t.Helper()
	r, err := Verify(context.Background(), dir, box)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// fileLines is the content of one file without line feeds.
type fileLines [][]byte

func readLines(t testing.TB, name string) fileLines {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSuffix(b, []byte{'\n'}), []byte{'\n'})
}

func writeLines(t testing.TB, name string, l fileLines) {
	t.Helper()
	if err := os.WriteFile(name, append(bytes.Join(l, []byte{'\n'}), '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
}

// forge makes a line with any payload that fits the chain after prev: what an
// attacker without the key can do.
func forge(t testing.TB, prev []byte, seq uint64, sealed []byte) []byte {
	t.Helper()
	p, err := parseLine(prev)
	if err != nil {
		t.Fatal(err)
	}
	b := appendLeaf(nil, seq, p.time, sealed)
	chain := p.chain.chain(leafHash(b))
	return fmt.Appendf(b, " %s", chain)
}

// rechain makes the chain of l[from:] right again, as an attacker could.
func rechain(t testing.TB, l fileLines, from int) {
	t.Helper()
	for i := from; i < len(l); i++ {
		p, err := parseLine(l[i-1])
		if err != nil {
			t.Fatal(err)
		}
		leaf := l[i][:bytes.LastIndexByte(l[i], ' ')]
		l[i] = fmt.Appendf(bytes.Clone(leaf), " %s", p.chain.chain(leafHash(leaf)))
	}
}

func TestVerifyWholeTrail(t *testing.T) {
	dir := makeTrail(t, 12)
	for _, box := range []Box{newTestBox(1), nil} {
		r := verify(t, dir, box)
		if !r.OK() || r.Records != 12 || r.Last != 12 || r.Head != 12 || r.Files < 3 || r.ChainOnly != (box == nil) {
			t.Errorf("report %+v", r)
		}
	}
	if r := verify(t, dir, newTestBox(2)); r.OK() {
		t.Error("another key verifies the trail")
	}
	if _, err := Verify(context.Background(), filepath.Join(dir, "none"), nil); err == nil {
		t.Error("a trail that is not there verifies")
	}
}

// TestTampering changes the second file, which holds records 5 to 8 on its
// lines 2 to 5, and expects the finding.
func TestTampering(t *testing.T) {
	const file = "00000002.log"
	tests := []struct {
		name   string
		change func(t *testing.T, dir string, l fileLines) fileLines
		want   []string // beginnings of findings, with the key
		chain  bool     // found without the key as well
	}{
		{"payload changed", func(t *testing.T, _ string, l fileLines) fileLines {
			l[2] = bytes.Clone(l[2])
			l[2][60] ^= 1
			return l
		}, []string{file + " line 3 record 6"}, true},
		{"payload changed and chain made anew", func(t *testing.T, _ string, l fileLines) fileLines {
			p, _ := parseLine(l[2])
			l[2] = forge(t, l[1], 6, p.sealed[1:])
			rechain(t, l, 3)
			return l
		}, []string{file + " line 3 record 6: the record was changed", "00000003.log line 1: the header does not continue"}, true},
		{"time changed", func(t *testing.T, _ string, l fileLines) fileLines {
			l[2] = bytes.Clone(l[2])
			l[2][5] = '3'
			rechain(t, l, 2)
			return l
		}, []string{file + " line 3 record 6: the record was changed", "00000003.log line 1: the header does not continue"}, true},
		{"record removed", func(_ *testing.T, _ string, l fileLines) fileLines {
			return slices.Delete(l, 2, 3)
		}, []string{file + " line 3 record 6: record 6 is missing"}, true},
		{"record removed, rest renumbered", func(t *testing.T, _ string, l fileLines) fileLines {
			p, _ := parseLine(l[3])
			l[2] = forge(t, l[1], 6, p.sealed)
			return slices.Delete(l, 3, 4)
		}, []string{file + " line 3 record 6: the record was changed", file + " line 4 record 7: record 7 is missing"}, true},
		{"two records swapped", func(_ *testing.T, _ string, l fileLines) fileLines {
			l[2], l[3] = l[3], l[2]
			return l
		}, []string{file + " line 4 record 6: it is out of order"}, true},
		{"record doubled", func(_ *testing.T, _ string, l fileLines) fileLines {
			return slices.Insert(l, 3, l[2])
		}, []string{file + " line 4 record 6: it is a record that came before"}, true},
		{"old record in place of a new one", func(_ *testing.T, _ string, l fileLines) fileLines {
			l[3] = l[1]
			return l
		}, []string{file + " line 4 record 5: it is a record that came before", file + " line 5 record 7: record 7 is missing"}, true},
		{"record inserted", func(t *testing.T, _ string, l fileLines) fileLines {
			return slices.Insert(l, 2, forge(t, l[1], 6, []byte("made up by somebody else")))
		}, []string{file + " line 3 record 6: the record was changed or did not come"}, true},
		{"line destroyed", func(_ *testing.T, _ string, l fileLines) fileLines {
			l[2] = []byte("nothing of interest")
			return l
		}, []string{file + " line 3: the line is damaged", file + " line 4 record 6: record 6 is missing"}, true},
		{"chain of a record changed", func(_ *testing.T, _ string, l fileLines) fileLines {
			l[2] = bytes.Clone(l[2])
			copy(l[2][len(l[2])-20:], "AAAA")
			return l
		}, []string{file + " line 3 record 6: its chain"}, true},
		{"header changed", func(_ *testing.T, _ string, l fileLines) fileLines {
			l[0] = []byte("tresor-trail/2")
			return l
		}, []string{file + " line 1: the header is missing"}, true},
		{"file cut", func(_ *testing.T, _ string, l fileLines) fileLines {
			return l[:2]
		}, []string{"00000003.log line 1 record 6: records 6 to 8 are missing"}, true},
		{"file emptied", func(t *testing.T, dir string, l fileLines) fileLines {
			return nil
		}, []string{file + " line 1: the header is missing", "00000003.log line 1 record 5: records 5 to 8 are missing"}, true},
		{"file removed", func(t *testing.T, dir string, l fileLines) fileLines {
			os.Remove(filepath.Join(dir, file))
			return nil
		}, []string{file + ": the file is missing", "00000003.log line 1 record 5: records 5 to 8 are missing"}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := makeTrail(t, 12)
			name := filepath.Join(dir, file)
			l := test.change(t, dir, readLines(t, name))
			if _, err := os.Stat(name); err == nil {
				writeLines(t, name, l)
			}
			r := verify(t, dir, newTestBox(1))
			if len(r.Findings) != len(test.want) {
				t.Errorf("findings %v", r.Findings)
			}
			for _, want := range test.want {
				if !slices.ContainsFunc(r.Findings, func(f Finding) bool { return strings.HasPrefix(f.String(), want) }) {
					t.Errorf("no finding %q in %v", want, r.Findings)
				}
			}
			if r := verify(t, dir, nil); r.OK() == test.chain {
				t.Errorf("without the key: %v", r.Findings)
			}
		})
	}
}

// TestRewrittenTail cannot be seen in the chain, but in the payloads.
func TestRewrittenTail(t *testing.T) {
	dir := makeTrail(t, 2)
	name := filepath.Join(dir, fileName(1))
	l := readLines(t, name)
	l[2] = forge(t, l[1], 2, []byte("made up by somebody else, and long enough"))
	writeLines(t, name, l)
	if r := verify(t, dir, newTestBox(1)); r.OK() {
		t.Error("a forged last record was not found")
	}
}

func TestCutBelowHead(t *testing.T) {
	for _, cut := range []string{"record", "half a record", "file", "head"} {
		t.Run(cut, func(t *testing.T) {
			dir := makeTrail(t, 11)
			last := filepath.Join(dir, fileName(3))
			b, err := os.ReadFile(last)
			if err != nil {
				t.Fatal(err)
			}
			lines := bytes.SplitAfter(b, []byte{'\n'})
			switch cut {
			case "record":
				err = os.Truncate(last, int64(len(b)-len(lines[len(lines)-2])))
			case "half a record":
				err = os.Truncate(last, int64(len(b)-100))
			case "file":
				err = os.Remove(last)
			case "head":
				err = os.Remove(filepath.Join(dir, headName))
			}
			if err != nil {
				t.Fatal(err)
			}
			r := verify(t, dir, newTestBox(1))
			if r.OK() {
				t.Error("not found")
			}
			t.Log(r.Findings)
			if _, err := Open(dir, newTestBox(1), Options{}); err == nil {
				t.Error("opened without a word")
			} else {
				t.Log(err)
			}
			goOnAfter(t, dir, r)
		})
	}
}

// goOnAfter continues a damaged trail and expects the damage to stay visible
// and the new records to be good.
func goOnAfter(t *testing.T, dir string, before *Report) {
	t.Helper()
	trail := open(t, dir, Options{Continue: true})
	seq, err := trail.Append(context.Background(), event(99))
	if err != nil {
		t.Fatal(err)
	}
	if seq != 13 {
		t.Errorf("the next record has number %d, want 13: after the note", seq)
	}
	if err := trail.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir, Options{})
	if _, err := again.Append(context.Background(), event(100)); err != nil {
		t.Fatal(err)
	}
	r := verify(t, dir, newTestBox(1))
	if r.OK() != (before.Findings[0].File == headName) {
		t.Errorf("after going on: %v", r.Findings)
	}
	if n := len(collectCode(t, dir, TrailDamaged)); n != 1 {
		t.Errorf("%d records say that the trail went on", n)
	}
}

func collectCode(t testing.TB, dir string, code Code) (records []Record) {
	t.Helper()
	for r, err := range Search(context.Background(), dir, newTestBox(1), Filter{Codes: []Code{code}}) {
		if err == nil {
			records = append(records, r)
		}
	}
	return records
}

// TestEveryByte flips a bit in bytes all over a trail: each must be found. With
// TRESOR_TEST_LONG it is every byte.
func TestEveryByte(t *testing.T) {
	dir := makeTrail(t, 5)
	names, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	box := newTestBox(1)
	step := 7
	if os.Getenv("TRESOR_TEST_LONG") != "" {
		step = 1
	}
	for _, entry := range names {
		name := filepath.Join(dir, entry.Name())
		good, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(good); i += step {
			b := bytes.Clone(good)
			b[i] ^= 1 << (i % 7)
			if err := os.WriteFile(name, b, 0o600); err != nil {
				t.Fatal(err)
			}
			if r := verify(t, dir, box); r.OK() {
				t.Errorf("%s: a change of byte %d was not found", entry.Name(), i)
			}
		}
		if err := os.WriteFile(name, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if r := verify(t, dir, box); !r.OK() {
		t.Errorf("the good trail: %v", r.Findings)
	}
}

// TestLeafHash holds the leaf to RFC 6962 section 2.1.
func TestLeafHash(t *testing.T) {
	if leafHash([]byte("x")) != sha256.Sum256([]byte("\x00x")) {
		t.Error("not SHA-256 of 0 and the leaf")
	}
}
