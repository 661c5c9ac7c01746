package survey_test

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/survey"
)

// TestKill ends a survey with kill -9 in its midst, again and again, and goes on
// with the same state file until it is done: no port is connected to by two runs,
// and every port is either in the result or named as begun and not finished.
func TestKill(t *testing.T) {
	const ports, kills = 240, 3
	dir := t.TempDir()
	var mu sync.Mutex
	run := 0
	askedIn := map[int]map[int]bool{} // port: runs that connected to it
	f, err := os.Create(filepath.Join(dir, "targets"))
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	for range ports {
		port := listen(t, func(c net.Conn) {
			mu.Lock()
			p := c.LocalAddr().(*net.TCPAddr).Port
			if askedIn[p] == nil {
				askedIn[p] = map[int]bool{}
			}
			askedIn[p][run] = true
			mu.Unlock()
			time.Sleep(20 * time.Millisecond)
			c.Write([]byte{3, 0, 0, 0, 0, 4, 0, 1, 1, 7}) // A-ASSOCIATE-RJ, called AE title
		})
		fmt.Fprintf(w, `{"ip":"127.0.0.1","port":%d}`+"\n", port)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(dir, "state")
	for n := range kills {
		killAfter(t, dir, state, (n+1)*ports/(kills+2))
		mu.Lock()
		run++
		mu.Unlock()
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the last run: %v: %s", err, out)
	}
	mu.Lock()
	defer mu.Unlock()
	for port, runs := range askedIn {
		if len(runs) != 1 {
			t.Errorf("port %d was asked by %d runs", port, len(runs))
		}
	}
	begun, done := readState(t, state)
	if len(begun) != ports || len(done) < ports-kills {
		t.Errorf("%d ports begun and %d done, of %d", len(begun), len(done), ports)
	}
	for a, n := range begun {
		if n != 1 {
			t.Errorf("%s was begun %d times", a, n)
		}
	}
}

// killAfter starts a survey and kills it when so many ports are done.
func killAfter(t *testing.T, dir, state string, ports int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if _, done := readState(t, state); len(done) >= ports {
			break
		}
	}
	if err := cmd.Process.Kill(); err != nil { // SIGKILL
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Errorf("the survey was done before it could be killed after %d ports", ports)
	}
}

func readState(t *testing.T, path string) (begun, done map[netip.AddrPort]int) {
	t.Helper()
	begun, done = map[netip.AddrPort]int{}, map[netip.AddrPort]int{}
	f, err := os.Open(path)
	if err != nil {
		return begun, done // not begun yet
	}
	defer f.Close()
	err = survey.ReadState(f, func(l survey.Line) error {
		if l.Begin != nil {
			begun[*l.Begin]++
		}
		if l.Done != nil {
			done[l.Done.Place()]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return begun, done
}
