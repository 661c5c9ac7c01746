package sqlite

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/policy"
)

func mustOpen(t testing.TB, path string) *Catalog {
	t.Helper()
	c, err := Open(path, key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func addSample(t testing.TB, c *Catalog, study, n int) {
	t.Helper()
	m, ds := sample(rand.New(rand.NewPCG(1, 1)), study, 1, n)
	if err := c.Add(context.Background(), archive.Location(fmt.Sprint("L", study, "-", n)), m, ds, archive.Mark(fmt.Sprint(n))); err != nil {
		t.Fatal(err)
	}
}

// Nothing of a name, an ID or a UID reaches the disk in clear; the files are for
// the owner alone where the system knows that.
func TestSealed(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "catalog.db")
	c := mustOpen(t, path)
	for n := range 200 {
		addSample(t, c, n, 1)
	}
	check := func(when string) {
		t.Helper()
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(filepath.Join(dir, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			for _, canary := range []string{"Hospital", "PID00", "1.2.826.0.1", "Thorax", "SQLite format", "CREATE TABLE"} {
				if bytes.Contains(b, []byte(canary)) {
					t.Errorf("%s: %s in clear in %s", when, canary, f.Name())
				}
			}
		}
	}
	check("open")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	check("closed")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestWrongKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	c := mustOpen(t, path)
	addSample(t, c, 1, 1)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	for _, open := range []func(string, []byte) (*Catalog, error){Open, OpenReadOnly} {
		if c, err := open(path, bytes.Repeat([]byte{8}, KeySize)); err == nil || !strings.Contains(err.Error(), "another key") {
			t.Errorf("another key: %v, %v", c, err)
		}
		if _, err := open(path, key[:16]); err == nil {
			t.Error("a short key opens")
		}
	}
	c = mustOpen(t, path)
	defer c.Close()
	if mark, err := c.Mark(t.Context()); mark != "1" || err != nil {
		t.Errorf("the catalog suffered: %q, %v", mark, err)
	}
}

// A catalog can be read beside the process that writes it.
func TestReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	if _, err := OpenReadOnly(path, key); err == nil {
		t.Fatal("opens what is not there")
	}
	c := mustOpen(t, path)
	defer c.Close()
	addSample(t, c, 1, 1)
	r, err := OpenReadOnly(path, key)
	if err != nil {
		t.Fatal(err)
	}
	addSample(t, c, 1, 2)
	if mark, err := r.Mark(t.Context()); mark != "2" || err != nil {
		t.Errorf("mark %q, %v", mark, err)
	}
	m, ds := sample(rand.New(rand.NewPCG(1, 1)), 1, 1, 3)
	if err := r.Add(t.Context(), "L", m, ds, "3"); !errors.Is(err, errReadOnly) {
		t.Errorf("add: %v", err)
	}
	if err := r.Reset(t.Context()); !errors.Is(err, errReadOnly) {
		t.Errorf("reset: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.Mark(t.Context()); !errors.Is(err, errClosed) {
		t.Errorf("after close: %v", err)
	}
}

func TestClosed(t *testing.T) {
	c := mustOpen(t, filepath.Join(t.TempDir(), "cat?a#l%og.db"))
	addSample(t, c, 1, 1)
	for range 2 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	m, ds := sample(rand.New(rand.NewPCG(1, 1)), 1, 1, 3)
	if err := c.Add(context.Background(), "L", m, ds, "3"); !errors.Is(err, errClosed) {
		t.Errorf("add: %v", err)
	}
}

// A newer program's catalog is not touched; an older one is brought up to date.
func TestMigrations(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	c := mustOpen(t, path)
	addSample(t, c, 1, 1)
	more := append([]string{}, migrations...)
	more = append(more, "ALTER TABLE study ADD COLUMN later TEXT")
	if err := migrate(c.writer.Conn, more); err != nil {
		t.Fatal(err)
	}
	if err := migrate(c.writer.Conn, more); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if c, err := Open(path, key); err == nil || !strings.Contains(err.Error(), fmt.Sprint("version ", len(more))) {
		t.Errorf("a newer catalog: %v, %v", c, err)
	}
}

// Different names under one Patient ID are flagged, not merged; the same name in
// other spellings, or a different issuer, is no collision.
func TestCollision(t *testing.T) {
	c := mustOpen(t, filepath.Join(t.TempDir(), "catalog.db"))
	defer c.Close()
	add := func(n int, id, name, birth string) {
		m, ds := sample(rand.New(rand.NewPCG(1, 1)), n, 1, 1)
		for tag, v := range map[dicom.Tag]string{dict.PatientID: id, dict.PatientName: name, dict.PatientBirthDate: birth} {
			if err := ds.PutString(tag, dict.VR(tag), v); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Add(t.Context(), "L", m, ds, "M"); err != nil {
			t.Fatal(err)
		}
	}
	add(1, "same", "Müller^Jörg", "19500101")
	add(2, "same", "MULLER^JORG^^", "19500101")
	add(3, "name", "Smith^A", "")
	add(4, "name", "Jones^A", "")
	add(5, "birth", "Smith^A", "19500101")
	add(6, "birth", "Smith^A", "19500102")
	for id, want := range map[string]int64{"same": 0, "name": 1, "birth": 1} {
		err := c.readers.do(t.Context(), func(r *conn) error {
			got, _, err := r.number("SELECT collision FROM patient WHERE pid = ?", id)
			if got != want {
				t.Errorf("%s: flag %d, want %d", id, got, want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// After the process is killed the catalog opens without repair, holds all up to
// its mark, in order, and nothing half.
func TestKill(t *testing.T) {
	if path := os.Getenv("TRESOR_TEST_CATALOG"); path != "" {
		addUntilKilled(t, path)
		return
	}
	path := filepath.Join(t.TempDir(), "catalog.db")
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	added := 0
	for range rounds {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKill$")
		cmd.Env = append(os.Environ(), "TRESOR_TEST_CATALOG="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		last, stop := added, added+20+rand.IntN(200)
		for lines.Scan() {
			if _, err := fmt.Sscanf(lines.Text(), "added %d", &last); err == nil && last >= stop {
				break
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		added = checkKilled(t, path, last)
	}
}

// addUntilKilled adds instances one after the other and says so.
func addUntilKilled(t *testing.T, path string) {
	c := mustOpen(t, path)
	mark, err := c.Mark(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	_, _ = fmt.Sscan(string(mark), &n)
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		n++
		addSample(t, c, n/5, n)
		fmt.Println("added", n)
	}
}

func checkKilled(t *testing.T, path string, last int) int {
	t.Helper()
	start := time.Now()
	c := mustOpen(t, path)
	defer c.Close()
	t.Logf("open after kill: %v", time.Since(start))
	mark, err := c.Mark(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	marked := 0
	_, _ = fmt.Sscan(string(mark), &marked)
	if marked < last {
		t.Errorf("mark %d, but Add had returned for %d", marked, last) // the system did not crash: its cache stays
	}
	count := 0
	keys := new(dicom.DataSet)
	keys.Put(dicom.Element{Tag: dict.NumberOfStudyRelatedInstances, VR: dicom.VRIS})
	for ds, err := range c.Find(t.Context(), policy.Scope{}, archive.Query{Level: archive.LevelStudy, Keys: keys}) {
		if err != nil {
			t.Fatal(err)
		}
		n, err := ds.Int(dict.NumberOfStudyRelatedInstances)
		if err != nil {
			t.Fatal(err)
		}
		count += int(n)
	}
	if count != marked {
		t.Errorf("%d instances counted, %d up to the mark", count, marked)
	}
	err = c.readers.do(t.Context(), func(r *conn) error {
		n, _, err := r.number("SELECT count(*) FROM instance")
		if int(n) != marked {
			t.Errorf("%d instances, %d up to the mark", n, marked)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return marked
}

// TestPanicInAChange: half a transaction is not committed, nobody waits for ever,
// and what was there can be read.
func TestPanicInAChange(t *testing.T) {
	c, err := Open(filepath.Join(t.TempDir(), "catalog.db"), make([]byte, KeySize))
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic did not come through")
			}
		}()
		c.write(t.Context(), func(w *writing) error {
			if _, err := w.word("half"); err != nil {
				return err
			}
			panic("a bug")
		})
	}()
	if err := c.write(t.Context(), func(*writing) error { return nil }); !errors.Is(err, errClosed) {
		t.Error("a change after a panic:", err)
	}
	err = c.readers.do(t.Context(), func(r *conn) error {
		if _, there, err := r.number("SELECT 1 FROM word WHERE text = 'half'"); there || err != nil {
			t.Error(there, err)
		}
		return nil
	})
	if err := errors.Join(err, c.Close()); err != nil {
		t.Error(err)
	}
}
