package audit

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A process that only appends: the test binary itself, told so by its environment.
const (
	envDir   = "TRESOR_TEST_TRAIL"
	envCount = "TRESOR_TEST_COUNT"
	envName  = "TRESOR_TEST_NAME"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(envDir); dir != "" {
		if err := appender(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// appender appends as many records as the environment says, from four
// goroutines, and prints the number of each one that was acknowledged.
func appender(dir string) error {
	n, err := strconv.Atoi(os.Getenv(envCount))
	if err != nil {
		return err
	}
	trail, err := Open(dir, newTestBox(1), Options{FileSize: 20_000})
	if err != nil {
		return err
	}
	errs := make(chan error)
	for range 4 {
		go func() {
			for i := range n {
				e := event(i)
				e.Principal = os.Getenv(envName)
				seq, err := trail.Append(context.Background(), e)
				if err != nil {
					errs <- err
					return
				}
				os.Stdout.WriteString(strconv.FormatUint(seq, 10) + "\n")
			}
			errs <- nil
		}()
	}
	for range 4 {
		if err := <-errs; err != nil {
			return err
		}
	}
	return trail.Close()
}

func startAppender(t *testing.T, dir, name string, n int) (*exec.Cmd, io.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), envDir+"="+dir, envCount+"="+strconv.Itoa(n), envName+"="+name)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, out
}

// TestTwoProcesses: the server and the command line append to one trail.
func TestTwoProcesses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "trail") // they race to begin it, too
	a, outA := startAppender(t, dir, "a", 50)
	b, outB := startAppender(t, dir, "b", 50)
	seen := map[uint64]string{}
	for name, out := range map[string]io.Reader{"a": outA, "b": outB} {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			seq, err := strconv.ParseUint(lines.Text(), 10, 64)
			if err != nil || seen[seq] != "" {
				t.Fatalf("%s: %q, which %q has", name, lines.Text(), seen[seq])
			}
			seen[seq] = name
		}
	}
	for _, cmd := range []*exec.Cmd{a, b} {
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	if r := verify(t, dir, newTestBox(1)); !r.OK() || r.Records != 400 || r.Files < 5 {
		t.Errorf("report %+v", r)
	}
	for _, r := range collect(t, dir, Filter{}) {
		if seen[r.Seq] != r.Event.Principal {
			t.Errorf("record %d is %q's, acknowledged to %q", r.Seq, r.Event.Principal, seen[r.Seq])
		}
	}
}

// TestKill ends an appending process at random moments. What it was told is
// there must be there, and the trail must need no repair.
func TestKill(t *testing.T) {
	rounds := 15
	if testing.Short() {
		rounds = 3
	}
	dir := filepath.Join(t.TempDir(), "trail")
	acknowledged := map[uint64]bool{}
	for range rounds {
		cmd, out := startAppender(t, dir, "victim", 1_000_000)
		go func() {
			time.Sleep(20*time.Millisecond + rand.N(50*time.Millisecond))
			cmd.Process.Kill()
		}()
		b, err := io.ReadAll(out)
		if err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		for _, line := range strings.SplitAfter(string(b), "\n") {
			if seq, err := strconv.ParseUint(strings.TrimSuffix(line, "\n"), 10, 64); err == nil && strings.HasSuffix(line, "\n") {
				acknowledged[seq] = true
			}
		}
	}
	if len(acknowledged) == 0 {
		t.Skip("the processes were killed before they wrote")
	}
	open(t, dir, Options{}).Close()
	if r := verify(t, dir, newTestBox(1)); !r.OK() {
		t.Errorf("findings %v", r.Findings)
	}
	for _, r := range collect(t, dir, Filter{}) {
		delete(acknowledged, r.Seq)
	}
	if len(acknowledged) > 0 {
		t.Errorf("%d acknowledged records are gone", len(acknowledged))
	}
}
