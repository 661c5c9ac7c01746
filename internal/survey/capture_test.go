package survey_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/peers"
	"github.com/tresor-pacs/tresor/internal/survey"
	"github.com/tresor-pacs/tresor/internal/survey/scope"
)

// capture is a capture by tshark of what goes over loopback to and from ports.
type capture struct {
	cmd   *exec.Cmd
	file  string
	ports []int
}

// startCapture starts tshark; where it is missing or may not capture, the test
// skips and says so.
func startCapture(t *testing.T, ports ...int) *capture {
	t.Helper()
	peers.Need(t, "tshark")
	var filter []string
	for _, p := range ports {
		filter = append(filter, fmt.Sprintf("tcp port %d", p))
	}
	c := &capture{file: filepath.Join(t.TempDir(), "capture"), ports: ports}
	c.cmd = exec.Command("tshark", "-i", "lo", "-w", c.file, "-f", strings.Join(filter, " or "))
	log, err := c.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.cmd.Process.Kill() })
	started := make(chan string, 1)
	go func() {
		said := ""
		for lines := bufio.NewScanner(log); lines.Scan(); {
			if said += lines.Text() + "\n"; strings.Contains(lines.Text(), "Capture started") {
				started <- ""
			}
		}
		started <- said
	}()
	select {
	case said := <-started:
		if said != "" {
			t.Skipf("skipped: tshark may not capture here: %s", said)
		}
	case <-time.After(30 * time.Second):
		t.Skip("skipped: tshark does not begin to capture")
	}
	return c
}

// stop ends the capture and returns a line for each DICOM PDU: its fields, with
// tabs between them.
func (c *capture) stop(t *testing.T, fields ...string) [][]string {
	t.Helper()
	time.Sleep(500 * time.Millisecond) // for the kernel to hand over the last packets
	c.cmd.Process.Signal(syscall.SIGINT)
	c.cmd.Wait()
	args := []string{"-r", c.file, "-Y", "dicom", "-T", "fields"}
	for _, p := range c.ports {
		args = append(args, "-d", fmt.Sprintf("tcp.port==%d,dicom", p))
	}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	var log bytes.Buffer
	cmd := exec.Command("tshark", args...)
	cmd.Stderr = &log
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v: %s", err, &log)
	}
	var rows [][]string
	for line := range strings.SplitSeq(strings.TrimRight(string(out), "\n"), "\n") {
		rows = append(rows, strings.Split(line, "\t"))
	}
	return rows
}

// TestCapture looks at an archive with each rung and lets tshark say what was
// sent: nothing but what the rung permits, and every PDU well formed.
func TestCapture(t *testing.T) {
	peers.Need(t, "tshark")
	rungs := []scope.Level{scope.L1, scope.L2, scope.L3, scope.L4, scope.L5}
	var ports []int
	for range rungs {
		ports = append(ports, startArchive(t, &archive{perDay: between}).port)
	}
	c := startCapture(t, ports...)
	for i, level := range rungs {
		lookAt(t, survey.Prober{Guard: loopback(t, "sample"), Level: level}, ports[i])
	}
	sent := map[string][]string{}
	for _, row := range c.stop(t, "tcp.dstport", "_ws.malformed", "_ws.expert.severity", "dicom.pctx.abss.syntax", "_ws.col.Info") {
		if !slices.ContainsFunc(ports, func(p int) bool { return fmt.Sprint(p) == row[0] }) {
			continue // what the archive answers
		}
		if len(row) != 5 || row[1] != "" || row[2] != "" {
			t.Errorf("tshark finds fault with %q", row)
			continue
		}
		if row[3] != "" && strings.Count(row[3], ",")+1 != 6 {
			t.Errorf("contexts %s", row[3])
		}
		sent[row[0]] = append(sent[row[0]], row[4])
	}
	may := [][]string{nil, {"A-ASSOCIATE request", "A-RELEASE request"}, {"C-ECHO-RQ"}, {"C-FIND-RQ"}, nil}
	allowed := []string{}
	for i, level := range rungs {
		allowed = append(allowed, may[i]...)
		list := sent[fmt.Sprint(ports[i])]
		for _, info := range list {
			if !slices.ContainsFunc(allowed, func(a string) bool { return strings.Contains(info, a) }) {
				t.Errorf("%s sends %q", level, info)
			}
		}
		for _, want := range may[i] {
			if !slices.ContainsFunc(list, func(info string) bool { return strings.Contains(info, want) }) {
				t.Errorf("%s does not send %s: %q", level, want, list)
			}
		}
		if finds := strings.Count(strings.Join(list, " "), "C-FIND-RQ ID"); level == scope.L4 && finds != 1 {
			t.Errorf("L4 sends %d queries: %q", finds, list)
		}
	}
	if len(sent[fmt.Sprint(ports[0])]) != 0 {
		t.Errorf("L1 sends %q", sent[fmt.Sprint(ports[0])])
	}
}

// DCMTK's judgement: storescp with debug output takes every PDU without a word of
// complaint, and prints the request as it was meant.
func TestDCMTKFindsNoFault(t *testing.T) {
	for name, run := range map[string]func() *peers.Peer{
		"storescp": func() *peers.Peer { return peers.Run(t, peers.Storescp{Args: []string{"-d"}}) },
		"dcmqrscp": func() *peers.Peer { return peers.Run(t, peers.Dcmqrscp{AET: "ANY-SCP", Args: []string{"-d"}}) },
	} {
		t.Run(name, func(t *testing.T) {
			peer := run()
			lookAt(t, survey.Prober{Guard: loopback(t, "sample")}, peer.Port)
			var log string
			for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline) && !strings.Contains(log, "Association Release"); time.Sleep(50 * time.Millisecond) {
				b, err := os.ReadFile(filepath.Join(filepath.Dir(peer.Dir), "log"))
				if err != nil {
					t.Fatal(err)
				}
				log = string(b)
			}
			for _, want := range []string{"TRESORSURVEY", "TRESOR_SURVEY_1", "Their Implementation Class UID:    " + string(survey.ImplementationClassUID),
				"Echo", "Association Release"} {
				if !strings.Contains(log, want) {
					t.Errorf("the log lacks %q", want)
				}
			}
			// Before that it speaks of its configuration and of the test's waiting for its port.
			_, of, _ := strings.Cut(log, "TRESORSURVEY")
			for line := range strings.SplitSeq(of, "\n") {
				if strings.Contains(line, "too large") || strings.Contains(line, "setting to") {
					continue // of its configuration too
				}
				if strings.HasPrefix(line, "E: ") || strings.HasPrefix(line, "W: ") || strings.HasPrefix(line, "F: ") {
					t.Errorf("%s complains: %s", name, line)
				}
			}
			if t.Failed() {
				t.Log(log)
			}
		})
	}
}
