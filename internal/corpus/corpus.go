// Package corpus finds the test corpus, which is not part of the project. Only
// tests import it. Where the corpus is absent they skip.
package corpus

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Shared returns the folder that lies beside the project's and holds what tests
// compare with; it skips the test if there is none.
func Shared(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	for ; err == nil; dir = filepath.Dir(dir) {
		if _, statErr := os.Stat(filepath.Join(dir, "go.mod")); statErr == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	shared := filepath.Join(filepath.Dir(dir), "shared")
	if _, err := os.Stat(filepath.Join(shared, "corpus", "MANIFEST.csv")); err != nil {
		tb.Skip("skipped: ../shared/corpus is absent")
	}
	return shared
}

// Dir returns the corpus folder; it skips the test if there is none.
func Dir(tb testing.TB) string {
	tb.Helper()
	return filepath.Join(Shared(tb), "corpus")
}

// Row is one file of the corpus with the columns of its manifest by name.
type Row map[string]string

// Path returns the file's path below the corpus folder.
func (r Row) Path() string { return r["path"] }

// Expected returns what a server must do with the file.
func (r Row) Expected() string { return r["expected"] }

// Rows returns the manifest's rows whose path begins with one of the prefixes,
// all of them without prefixes.
func Rows(tb testing.TB, prefixes ...string) []Row {
	tb.Helper()
	f, err := os.Open(filepath.Join(Dir(tb), "MANIFEST.csv"))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	var rows []Row
	for _, line := range all[1:] {
		row := make(Row, len(line))
		for i, name := range all[0] {
			row[name] = line[i]
		}
		wanted := len(prefixes) == 0
		for _, p := range prefixes {
			wanted = wanted || strings.HasPrefix(row.Path(), p)
		}
		if wanted {
			rows = append(rows, row)
		}
	}
	return rows
}
