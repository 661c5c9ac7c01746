package audit

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// readAll reads what there is; it returns the numbers and the lines that could
// not be read.
func readAll(t *testing.T, r *Reader) (numbers []uint64, bad int) {
	t.Helper()
	for {
		rec, err := r.Next()
		var line *LineError
		switch {
		case err == io.EOF:
			return numbers, bad
		case errors.As(err, &line):
			bad++
		case err != nil:
			t.Fatal(err)
		default:
			numbers = append(numbers, rec.Seq)
		}
	}
}

func ascending(t *testing.T, numbers []uint64, first, last uint64) {
	t.Helper()
	if len(numbers) != int(last-first+1) {
		t.Fatalf("%d records, not %d to %d", len(numbers), first, last)
	}
	for i, n := range numbers {
		if n != first+uint64(i) {
			t.Fatalf("record %d at place %d", n, i)
		}
	}
}

func TestReaderFollowsTheTrailThroughItsFiles(t *testing.T) {
	dir := t.TempDir()
	box := newTestBox(1)
	r := NewReader(dir, box, 0)
	defer r.Close()
	if _, err := r.Next(); err != io.EOF {
		t.Fatalf("a trail that does not exist: %v", err)
	}
	tr, err := Open(dir, box, Options{FileSize: 2000})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if _, err := r.Next(); err != io.EOF {
		t.Fatalf("an empty trail: %v", err)
	}
	read := uint64(0)
	for round := range 5 {
		for range 7 {
			if _, err := tr.Append(t.Context(), Event{Code: Query, Principal: "erika"}); err != nil {
				t.Fatal(err)
			}
		}
		numbers, bad := readAll(t, r)
		ascending(t, numbers, read+1, read+7)
		read += 7
		if bad != 0 {
			t.Errorf("round %d: %d bad lines", round, bad)
		}
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*.log")); len(files) < 3 {
		t.Fatalf("only %d files", len(files))
	}
	for after := range read {
		fresh := NewReader(dir, box, after)
		numbers, _ := readAll(t, fresh)
		ascending(t, numbers, after+1, read)
		fresh.Close()
	}
	rec, err := NewReader(dir, box, 3).Next()
	if err != nil || rec.Event.Principal != "erika" || rec.Event.Code != Query || rec.Time.IsZero() {
		t.Errorf("%+v, %v", rec, err)
	}
	closed, err := NewReader(dir, nil, 3).Next()
	if err != nil || closed.Event.Code != "" || closed.Leaf != rec.Leaf {
		t.Errorf("without the key: %+v, %v", closed, err)
	}
	id, err := ID(dir)
	if got, last := r.Head(); err != nil || got != id || last != read {
		t.Errorf("trail %s to %d, %s, %v", got, last, id, err)
	}
}

// What the head does not vouch for is not durable yet, and is not read.
func TestReaderStopsAtTheHead(t *testing.T) {
	dir := t.TempDir()
	tr := fill(t, dir, 3)
	head, err := os.ReadFile(filepath.Join(dir, headName))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Append(t.Context(), Event{Code: Query}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, headName), head, 0o600); err != nil {
		t.Fatal(err)
	}
	numbers, _ := readAll(t, NewReader(dir, newTestBox(1), 0))
	ascending(t, numbers, 1, 3)
}

func TestReaderGoesOnBehindDamage(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, 9).Close()
	name := filepath.Join(dir, fileName(1))
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	numbers, bad := readAll(t, NewReader(dir, newTestBox(1), 0))
	if len(numbers) != 8 || bad != 1 {
		t.Errorf("%v, %d bad lines", numbers, bad)
	}
}

// fill makes a trail of n records.
func fill(t *testing.T, dir string, n int) *Trail {
	t.Helper()
	tr, err := Open(dir, newTestBox(1), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tr.Close() })
	for range n {
		if _, err := tr.Append(t.Context(), Event{Code: Query, Principal: "erika"}); err != nil {
			t.Fatal(err)
		}
	}
	return tr
}
