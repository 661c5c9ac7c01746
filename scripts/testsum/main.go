// Testsum reads what `go test -json` writes and prints a line for each package,
// the output of what failed, the reasons for which tests were skipped, and one
// line that sums up. It ends with status 1 if anything failed.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// event is one line of `go test -json` (go doc test2json).
type event struct {
	Action      string
	Package     string
	ImportPath  string // instead of Package in build-output
	Test        string
	Output      string
	FailedBuild string
}

type summary struct {
	w                       io.Writer
	output                  map[string][]string // by package and test, until it has ended
	skips                   map[string]int      // by reason
	passed, failed, skipped int
	packages, broken        int
}

func main() {
	s := summary{w: os.Stdout, output: map[string][]string{}, skips: map[string]int{}}
	if err := s.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		os.Exit(1)
	}
	if !s.print() {
		os.Exit(1)
	}
}

func (s *summary) read(r io.Reader) error {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil {
				s.w.Write(line) // what go itself says, not a test
			} else {
				s.take(e)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *summary) take(e event) {
	key := e.Package + "\x00" + e.Test
	switch e.Action {
	case "output":
		s.output[key] = append(s.output[key], e.Output)
	case "build-output":
		s.output["build "+e.ImportPath] = append(s.output["build "+e.ImportPath], e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			s.endPackage(e, s.output[key])
		} else {
			s.endTest(e, s.output[key])
		}
		delete(s.output, key)
	}
}

func (s *summary) endTest(e event, output []string) {
	switch e.Action {
	case "pass":
		s.passed++
	case "fail":
		s.failed++
		fmt.Fprint(s.w, strings.Join(output, ""))
	case "skip":
		s.skipped++
		s.skips[reason(output)]++
	}
}

// reason returns what the test said when it skipped: the last line that begins
// with the name of a file.
func reason(output []string) string {
	for _, line := range slices.Backward(output) {
		_, said, ok := strings.Cut(line, ".go:")
		if _, text, more := strings.Cut(said, ": "); ok && more {
			return strings.TrimSpace(text)
		}
	}
	return "no reason given"
}

func (s *summary) endPackage(e event, output []string) {
	if e.Action == "skip" {
		return // no test files
	}
	s.packages++
	if e.Action == "fail" {
		s.broken++
		fmt.Fprint(s.w, strings.Join(s.output["build "+e.FailedBuild], ""))
	}
	for _, line := range output {
		// A package that fails shows all that it said; one that passes, its verdict.
		if e.Action == "fail" || strings.HasPrefix(line, "ok ") || strings.HasPrefix(line, "ok\t") {
			fmt.Fprint(s.w, line)
		}
	}
}

// print sums up and reports whether all is well.
func (s *summary) print() bool {
	if len(s.skips) > 0 {
		fmt.Fprintln(s.w, "\nskipped:")
		reasons := make([]string, 0, len(s.skips))
		for r := range s.skips {
			reasons = append(reasons, r)
		}
		slices.Sort(reasons)
		for _, r := range reasons {
			fmt.Fprintf(s.w, "  %4d  %s\n", s.skips[r], r)
		}
	}
	good := s.failed == 0 && s.broken == 0 && s.packages > 0
	verdict := "PASS"
	if !good {
		verdict = "FAIL"
	}
	fmt.Fprintf(s.w, "\n%s: %d packages, %d failed; %d tests and subtests passed, %d failed, %d skipped\n",
		verdict, s.packages, s.broken, s.passed, s.failed, s.skipped)
	return good
}
