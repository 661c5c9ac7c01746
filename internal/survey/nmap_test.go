package survey_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/peers"
	"github.com/tresor-pacs/tresor/internal/survey"
	"github.com/tresor-pacs/tresor/internal/survey/report"
)

// verdicts are what a tool says of each host: whether a stranger gets at data.
// A host of which it says nothing is not in it.
type verdicts map[netip.Addr]bool

// measured is a row of the benchmark.
type measured struct {
	tool                           string
	took                           time.Duration
	right, wrongly, missed, silent int
}

// TestBesideNmap looks at the hosts of the survey of 2019 with this survey and
// with nmap's dicom-ping, one after the other, and compares speed and judgement.
// It takes minutes: `make bench-survey` runs it and sets where the table goes.
func TestBesideNmap(t *testing.T) {
	path := os.Getenv("TRESOR_SURVEY_BENCH")
	if path == "" {
		t.Skip("runs by make bench-survey only")
	}
	peers.Need(t, "nmap")
	var s simulator
	s.fill(figures2019(t))
	s.start(t)
	var rows []measured
	for _, level := range []string{"2", "4"} {
		dir := t.TempDir()
		s.writeTargets(t, filepath.Join(dir, "targets"))
		began := time.Now()
		v := s.ours(t, dir, level)
		rows = append(rows, s.judge("tresor survey, up to L"+level, time.Since(began), v))
	}
	began := time.Now()
	v := s.nmap(t)
	rows = append(rows, s.judge("nmap "+nmapVersion(t)+" dicom-ping", time.Since(began), v))
	var b strings.Builder
	fmt.Fprintf(&b, "| %d hosts, %d open | hosts a second | seconds | judged rightly | closed taken for open | open taken for closed | nothing said |\n|---|---|---|---|---|---|---|\n", len(s.hosts), s.open())
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %.0f | %.1f | %d (%.1f %%) | %d | %d | %d |\n", r.tool, float64(len(s.hosts))/r.took.Seconds(), r.took.Seconds(),
			r.right, 100*float64(r.right)/float64(len(s.hosts)), r.wrongly, r.missed, r.silent)
	}
	t.Log("\n" + b.String())
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Error(err)
	}
}

func (s *simulator) open() (n int) {
	for _, h := range s.hosts {
		if isOpen(h.want) {
			n++
		}
	}
	return n
}

func isOpen(state survey.State) bool { return state == survey.Queryable || state == survey.WebOpen }

// judge compares with what the hosts are. Silence about a closed one is right:
// a stranger gets nothing there.
func (s *simulator) judge(tool string, took time.Duration, v verdicts) measured {
	m := measured{tool: tool, took: took}
	for i, h := range s.hosts {
		a := netip.MustParseAddrPort(s.listeners[i].Addr().String()).Addr()
		said, known := v[a]
		switch {
		case !known:
			m.silent++
			if !isOpen(h.want) {
				m.right++
			}
		case said == isOpen(h.want):
			m.right++
		case said:
			m.wrongly++
		default:
			m.missed++
		}
	}
	return m
}

func (s *simulator) ours(t *testing.T, dir, level string) verdicts {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+dir, levelVariable+"="+level)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	f, err := os.Open(filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	found, err := report.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	v := verdicts{}
	for _, e := range found.Systems {
		v[e.IP] = isOpen(e.Data.DICOM.Result.State)
	}
	return v
}

// nmap says "Any AET is accepted (Insecure)" or "Called AET check enabled".
func (s *simulator) nmap(t *testing.T) verdicts {
	t.Helper()
	dir := t.TempDir()
	list, out := filepath.Join(dir, "list"), filepath.Join(dir, "out.xml")
	var b bytes.Buffer
	for _, l := range s.listeners {
		fmt.Fprintln(&b, netip.MustParseAddrPort(l.Addr().String()).Addr())
	}
	if err := os.WriteFile(list, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "nmap", "-n", "-Pn", "-sT", "-T4", "--host-timeout", "60s", "-p", fmt.Sprint(s.port),
		"--script", "+dicom-ping", "-iL", list, "-oX", out)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("nmap: %v: %s", err, said)
	}
	file, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var run struct {
		Hosts []struct {
			Address struct {
				Addr string `xml:"addr,attr"`
			} `xml:"address"`
			Scripts []struct {
				Output string `xml:"output,attr"`
			} `xml:"ports>port>script"`
		} `xml:"host"`
	}
	if err := xml.Unmarshal(file, &run); err != nil {
		t.Fatal(err)
	}
	v := verdicts{}
	for _, h := range run.Hosts {
		a, err := netip.ParseAddr(h.Address.Addr)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range h.Scripts {
			if strings.Contains(x.Output, "Discovered") || strings.Contains(x.Output, "AET") {
				v[a] = strings.Contains(x.Output, "Insecure")
			}
		}
	}
	t.Logf("nmap says something of %d hosts", len(v))
	return v
}

func nmapVersion(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("nmap", "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(string(out))
	if len(words) < 3 {
		return ""
	}
	return words[2]
}
