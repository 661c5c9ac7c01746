package survey_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/peers"
	"github.com/tresor-pacs/tresor/internal/survey"
	"github.com/tresor-pacs/tresor/internal/survey/report"
	"github.com/tresor-pacs/tresor/internal/survey/scope"
	"github.com/tresor-pacs/tresor/internal/survey/target"
)

// Limits of one run over 2,300 systems.
const (
	most2019   = time.Minute
	memory2019 = 150 << 20
)

// childVariable has the folder of a run that a process of its own does, so that
// its memory can be measured.
const childVariable = "TRESOR_SURVEY_CHILD"

// levelVariable has the highest rung of that run; 5 without it.
const levelVariable = "TRESOR_SURVEY_LEVEL"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// child surveys the targets in dir/targets at all rungs into dir/state, as
// `tresor survey run` does, and prints what it took.
func child(dir string) error {
	f, err := os.Open(filepath.Join(dir, "targets"))
	if err != nil {
		return err
	}
	defer f.Close()
	list, err := target.Read(f, target.JSON)
	if err != nil {
		return err
	}
	guard, err := loopbackGuard("exact", portsOf(list.Targets))
	if err != nil {
		return err
	}
	plan, err := (&survey.Planner{Guard: guard}).Plan(context.Background(), list.Targets)
	if err != nil {
		return err
	}
	state, err := survey.OpenState(filepath.Join(dir, "state"))
	if err != nil {
		return err
	}
	defer state.Close()
	level := scope.L5
	if n, err := strconv.Atoi(os.Getenv(levelVariable)); err == nil {
		level = scope.Level(n)
	}
	run := survey.Run{Plan: plan, State: state, Rates: survey.DefaultRates, Prober: survey.Prober{Guard: guard, Level: level},
		Found: func(*survey.Envelope) error { return nil }}
	began := time.Now()
	if err := run.Do(context.Background()); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(taken{time.Since(began), highWater()})
}

// portsOf are the ports of targets, commas between them.
func portsOf(list []target.Target) string {
	ports := map[int]bool{}
	for _, t := range list {
		ports[t.Port] = true
	}
	var out []string
	for p := range ports {
		out = append(out, strconv.Itoa(p))
	}
	return strings.Join(out, ",")
}

type taken struct {
	Time   time.Duration
	Memory int64 // 0 if the system does not tell
}

// highWater returns the most memory that this process had, from Linux.
func highWater() int64 {
	b, err := os.ReadFile("/proc/self/status")
	m := regexp.MustCompile(`VmHWM:\s*(\d+) kB`).FindSubmatch(b)
	if err != nil || m == nil {
		return 0
	}
	n, _ := strconv.ParseInt(string(m[1]), 10, 64)
	return n << 10
}

// writeTargets writes the hosts as a list that run reads.
func (s *simulator) writeTargets(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	for i, h := range s.hosts {
		a := netip.MustParseAddrPort(s.listeners[i].Addr().String())
		fmt.Fprintf(w, `{"ip":%q,"port":%d,"location":{"country_code":%q},"org":"Clinics of %s"}`+"\n", a.Addr(), a.Port(), h.country, h.country)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestSurvey2019 plays the survey of 2019 and looks at all of it in one run: it
// must find exactly those that stand open, and the sums of each country. With
// TRESOR_SURVEY_STATE set the state file is left there, for a report, and the
// port is that of archives.
func TestSurvey2019(t *testing.T) {
	if testing.Short() {
		t.Skip("2,300 archives")
	}
	table := figures2019(t)
	var s simulator
	if os.Getenv("TRESOR_SURVEY_STATE") != "" {
		s.port = 11112
	}
	s.fill(table)
	s.start(t)
	dir := t.TempDir()
	s.writeTargets(t, filepath.Join(dir, "targets"))
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+dir)
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, &log)
	}
	var took taken
	if err := json.Unmarshal(out.Bytes(), &took); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d systems in %v, %d MB at most", len(s.hosts), took.Time.Round(time.Millisecond), took.Memory>>20)
	if took.Time > most2019 || took.Memory > memory2019 {
		t.Errorf("more than %v or %d MB", most2019, memory2019>>20)
	}
	state := filepath.Join(dir, "state")
	s.check(t, table, state)
	if path := os.Getenv("TRESOR_SURVEY_STATE"); path != "" {
		b, err := os.ReadFile(state)
		if err == nil {
			err = os.WriteFile(path, b, 0o600)
		}
		if err != nil {
			t.Error(err)
		}
	}
}

func (s *simulator) check(t *testing.T, table table, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	found, err := report.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	results := map[netip.Addr]*survey.Result{}
	for _, e := range found.Systems {
		results[e.IP] = e.Data.DICOM.Result
	}
	for i, h := range s.hosts {
		a := netip.MustParseAddrPort(s.listeners[i].Addr().String())
		if r := results[a.Addr()]; r == nil || r.State != h.want {
			t.Errorf("%s, %s: %+v, want %s", a, h.kind, r, h.want)
		}
	}
	rows := map[string]*report.Country{}
	for _, c := range report.Countries(found, nil) {
		rows[c.Code] = c
	}
	all := figures{code: "all"}
	for _, c := range table.countries {
		same(t, rows[c.code], c)
		all.open, all.http = all.open+c.open, all.http+c.http
		all.studies, all.images, all.retrievable = all.studies+c.studies, all.images+c.images, all.retrievable+c.retrievable
	}
	same(t, rows["all"], all)
	if w := rows["all"]; w.Seen != table.hosts || w.Open != table.open || w.ByHTTP != table.http || len(rows) != len(table.countries)+1 {
		t.Errorf("world: %+v in %d countries", w, len(rows)-1)
	}
}

func same(t *testing.T, c *report.Country, want figures) {
	t.Helper()
	if c == nil {
		t.Errorf("%s is not in the table", want.code)
		return
	}
	got := figures{c.Code, c.Open, c.ByHTTP, c.Studies, c.Images, c.Retrievable}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// mutualTLS is the configuration of a server that wants a client certificate.
func mutualTLS(t *testing.T) *tls.Config {
	t.Helper()
	ca, err := peers.NewAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	files, err := ca.Issue("server")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAnyClientCert}
}
