package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// report prints the tables and writes them as markdown.
func (r *run) report() error {
	tables := r.tables()
	fmt.Print("\n", tables)
	if r.out == "" {
		return nil
	}
	return write(r.out, tables)
}

// What stands between these lines of the page is the benchmark's, the rest is
// written by hand.
const (
	beginTables = "<!-- The rest up to the end mark is written by make bench. -->\n"
	endTables   = "<!-- End of what make bench writes. -->\n"
)

// write replaces the tables of the page; a new page has nothing else.
func write(page, tables string) error {
	tables = beginTables + tables + endTables
	old, err := os.ReadFile(page)
	if err == nil {
		before, rest, found := strings.Cut(string(old), beginTables)
		_, after, ended := strings.Cut(rest, endTables)
		if !found || !ended {
			return fmt.Errorf("%s has no place for the tables: it needs the lines\n%s%s", page, beginTables, endTables)
		}
		tables = before + tables + after
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(page, []byte(tables), 0o644)
}

func (r *run) tables() string {
	var b strings.Builder
	r.head(&b)
	r.startTable(&b)
	for _, load := range []string{"ct", "small", "big"} {
		for _, client := range []string{ours, dcmtk} {
			r.ingestTable(&b, load, client)
		}
	}
	r.getTable(&b)
	r.findTable(&b)
	r.webTable(&b)
	r.targetTable(&b)
	return b.String()
}

func (r *run) head(w io.Writer) {
	fmt.Fprintf(w, "Made by `make bench` on %s in %s. Client and server share the machine: %s, %d processors, %s, Linux %s, %s.\n",
		r.began.Format("2006-01-02"), time.Since(r.began).Round(time.Second),
		field("/proc/cpuinfo", "model name"), runtime.NumCPU(), memory(), line("uname", "-r"), runtime.Version())
	fmt.Fprintf(w, "Peers: %s; %s. They run with TCP_NODELAY=1.\n\n", orText(line("storescu", "--version"), "no DCMTK"), orText(line("Orthanc", "--version"), "no Orthanc"))
	fmt.Fprint(w, "`tresor` has TLS 1.3 with client certificates, seals every object and syncs it, the trail included, before it answers. "+
		"`storescp` writes files, keeps no index and syncs nothing. `orthanc` is Debian's default configuration. "+
		"In brackets: tresor's figure divided by that of the row, for time and CPU the other way round, so that more than 1 is good for tresor. Only ratios of one run mean anything.\n\n")
}

func orText(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// field returns the value of the first "name : value" line of a file.
func field(file, name string) string {
	b, _ := os.ReadFile(file)
	for l := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return "unknown"
}

func memory() string {
	var kilobytes int64
	fmt.Sscanf(field("/proc/meminfo", "MemTotal"), "%d", &kilobytes)
	return fmt.Sprintf("%d GB", (kilobytes+1<<19)>>20)
}

// line returns the first line that a program prints.
func line(name string, args ...string) string {
	out, _ := exec.Command(name, args...).Output()
	first, _, _ := strings.Cut(string(out), "\n")
	return strings.Trim(first, "$ \r")
}

func (r *run) startTable(w io.Writer) {
	if len(r.start) == 0 {
		return
	}
	fmt.Fprint(w, "## Start to ready\n\n| | ms |\n|---|---|\n")
	for _, s := range r.start {
		fmt.Fprintf(w, "| %s | %.0f |\n", s.subject, milliseconds(s.took))
	}
	fmt.Fprintln(w)
}

var loadTitles = map[string]string{"ct": "CT slices of 0.5 MB", "small": "objects of 10 KB", "big": "objects of 100 MB"}

func (r *run) ingestTable(w io.Writer, load, client string) {
	var rows strings.Builder
	var count int
	measured := false
	for _, s := range names(r.ingested, func(i ingestResult) string { return i.subject }) {
		fmt.Fprintf(&rows, "| %s |", s)
		var peak int64
		for _, k := range r.associations {
			i, ok := r.ingestOf(s, load, client, k)
			if !ok {
				rows.WriteString(" |")
				continue
			}
			measured = true
			we, have := r.ingestOf("tresor", load, client, k)
			count, peak = i.objects, max(peak, i.peak)
			fmt.Fprintf(&rows, " %.1f%s; %.1f%s |", i.rate(), ratio(have && s != "tresor", we.rate(), i.rate()),
				perGB(i.cpu, i.bytes), ratio(have && s != "tresor", i.cpu.Seconds(), we.cpu.Seconds()))
		}
		fmt.Fprintf(&rows, " %d |\n", peak>>20)
	}
	if !measured {
		return
	}
	fmt.Fprintf(w, "## Ingest of %d %s, sent by %s\n\nObjects a second; server CPU seconds per GB.\n\n|", count, loadTitles[load], client)
	for _, k := range r.associations {
		fmt.Fprintf(w, " | %d associations", k)
	}
	fmt.Fprintf(w, " | peak MB |\n|---|%s---|\n%s\n", strings.Repeat("---|", len(r.associations)), rows.String())
}

// ratio prints a/b in brackets.
func ratio(show bool, a, b float64) string {
	if !show || b == 0 {
		return ""
	}
	return fmt.Sprintf(" (%.1f)", a/b)
}

// names returns the values of key in the order of their first appearance.
func names[T any](list []T, key func(T) string) []string {
	var out []string
	seen := map[string]bool{}
	for _, v := range list {
		if k := key(v); !seen[k] {
			seen[k] = true
			out = append(out, k)
		}
	}
	return out
}

func (r *run) getTable(w io.Writer) {
	if len(r.got) == 0 {
		return
	}
	fmt.Fprint(w, "## C-GET of studies of 100 CT slices\n\n| | MB/s, median study | CPU s/GB | peak MB |\n|---|---|---|---|\n")
	for _, g := range r.got {
		we, have := r.getOf("tresor")
		have = have && g.subject != "tresor"
		fmt.Fprintf(w, "| %s | %.0f%s | %.1f%s | %d |\n", g.subject, g.median/1e6, ratio(have, we.median, g.median),
			perGB(g.cpu, g.bytes), ratio(have, perGB(g.cpu, g.bytes), perGB(we.cpu, we.bytes)), g.peak>>20)
	}
	fmt.Fprintln(w)
}

func (r *run) findTable(w io.Writer) {
	if len(r.found) == 0 {
		return
	}
	fmt.Fprint(w, "## C-FIND, study level, ten return keys\n\np50 / p95 in ms until the last match is here.\n\n| | studies |")
	asked := names(r.found, func(f findResult) string { return f.question })
	for _, q := range asked {
		fmt.Fprintf(w, " %s |", q)
	}
	fmt.Fprintf(w, "\n|---|---|%s\n", strings.Repeat("---|", len(asked)))
	for _, s := range names(r.found, func(f findResult) string { return f.subject }) {
		last := 0
		for _, f := range r.found {
			if f.subject != s || f.studies == last {
				continue
			}
			last = f.studies
			fmt.Fprintf(w, "| %s | %d |", s, f.studies)
			for _, q := range asked {
				a, _ := r.findOf(s, q, f.studies)
				fmt.Fprintf(w, " %.1f / %.1f |", milliseconds(a.p50), milliseconds(a.p95))
			}
			fmt.Fprintln(w)
		}
	}
	fmt.Fprintln(w)
}
