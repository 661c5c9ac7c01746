package survey

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/survey/scope"
	"github.com/tresor-pacs/tresor/internal/survey/target"
)

func TestBisect(t *testing.T) {
	for _, n := range []int64{0, 1, 2, 3, 300, 4096, 1_000_003} {
		requests := 0
		got, ok := bisect(func(i int64) (bool, bool) { requests++; return i < n, true })
		if !ok || got != n || requests > 45 {
			t.Errorf("%d: %d, %v after %d requests", n, got, ok, requests)
		}
		if n == 300 && requests != 19 {
			t.Errorf("300 took %d requests, in the laboratory 19", requests)
		}
	}
	if _, ok := bisect(func(int64) (bool, bool) { return true, true }); ok {
		t.Error("an endless archive has a size")
	}
	if _, ok := bisect(func(i int64) (bool, bool) { return true, i < 8 }); ok {
		t.Error("a count that fails has a result")
	}
}

func TestExtrapolate(t *testing.T) {
	if n, low, high := extrapolate([]int64{3, 4, 5}, 3, 0); n != 12 || low != 12 || high != 12 {
		t.Errorf("all windows: %d [%d %d]", n, low, high)
	}
	n, low, high := extrapolate([]int64{10, 12, 8, 10}, 40, 0)
	if n != 400 || low >= n || high <= n || low < 40 {
		t.Errorf("a sample: %d [%d %d]", n, low, high)
	}
	if n, low, _ := extrapolate([]int64{0, 0}, 40, 99); n != 99 || low != 99 {
		t.Errorf("what was seen is the least: %d, %d", n, low)
	}
	if windowDays(0) != 533 || windowDays(200) != 1 || windowDays(1<<40) != 1 {
		t.Error("width of windows")
	}
}

func TestCountImages(t *testing.T) {
	ds := &dicom.DataSet{}
	ds.PutString(dict.PatientName, dicom.VRPN, strings.Repeat("x", 700))
	inner := &dicom.DataSet{}
	inner.PutString(dict.NumberOfStudyRelatedInstances, dicom.VRIS, "99")
	ds.PutItems(dict.ProcedureCodeSequence, inner)
	for _, ts := range []encoding.TransferSyntax{encoding.ImplicitLE, encoding.ExplicitLE} {
		b, err := encoding.Append(nil, ts, ds)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := countImages(bytes.NewReader(b), ts.ExplicitVR); err != nil || n != -1 {
			t.Errorf("without: %d, %v", n, err)
		}
		with := ds.Clone()
		with.PutString(dict.NumberOfStudyRelatedInstances, dicom.VRIS, "12")
		if b, err = encoding.Append(nil, ts, with); err != nil {
			t.Fatal(err)
		}
		if n, err := countImages(bytes.NewReader(b), ts.ExplicitVR); err != nil || n != 12 {
			t.Errorf("with: %d, %v", n, err)
		}
		if _, err := countImages(bytes.NewReader(b[:len(b)-1]), ts.ExplicitVR); err == nil {
			t.Error("a cut match is taken")
		}
	}
}

func FuzzCountImages(f *testing.F) {
	f.Add([]byte("\x20\x00\x08\x12IS\x02\x0012"), true)
	f.Add([]byte("\x08\x00\x32\x10\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"), false)
	f.Fuzz(func(t *testing.T, b []byte, explicit bool) {
		if n, _ := countImages(bytes.NewReader(b), explicit); n < -1 {
			t.Error(n)
		}
	})
}

func TestJudgeQuery(t *testing.T) {
	for _, c := range []struct {
		status dimse.Status
		err    error
		want   string
	}{
		{dimse.StatusSuccess, nil, QueryPermitted}, {dimse.StatusNotAuthorized, nil, QueryRefused},
		{dimse.StatusOutOfResources, nil, QueryUndecided}, {dimse.StatusDataSetMismatch, nil, QueryUndecided},
		{dimse.StatusCannotUnderstand, nil, QueryUndecided}, {0, errPending, QueryPermitted},
		{0, &ul.AbortError{}, QueryRefused}, {0, &ul.AbortError{Err: net.ErrClosed}, QueryUndecided},
		{0, &ul.AbortError{Local: true}, QueryUndecided}, {0, errOdd, QueryUndecided},
	} {
		if got := judgeQuery(c.status, c.err).Outcome; got != c.want {
			t.Errorf("%v %v: %s, want %s", c.status, c.err, got, c.want)
		}
	}
}

// Polite: a second between connections to a host and within a /24, 50 a second
// in all; loopback is free.
func TestLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(DefaultRates)
		began := time.Now()
		wait := func(addr string, asn uint32) time.Duration {
			if err := l.wait(t.Context(), Endpoint{Addr: netip.MustParseAddr(addr), ASN: asn}); err != nil {
				t.Fatal(err)
			}
			return time.Since(began)
		}
		for range 100 {
			if d := wait("127.0.0.1", 0); d != 0 {
				t.Fatal(d)
			}
		}
		wait("10.0.0.1", 0)
		if d := wait("10.0.0.1", 0); d != time.Second {
			t.Errorf("a host again after %v", d)
		}
		if d := wait("10.0.0.2", 0); d != 2*time.Second {
			t.Errorf("its neighbour after %v", d)
		}
		if d := wait("10.0.9.2", 0); d > 2100*time.Millisecond {
			t.Errorf("another block after %v", d)
		}
		for i := range 100 {
			wait(fmt.Sprintf("10.%d.0.1", i+1), 64500)
		}
		if d := time.Since(began); d < 11*time.Second || d > 13*time.Second {
			t.Errorf("100 hosts of one network took %v", d)
		}
	})
}

func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h health
		for i := range tooManySilent {
			if paused := h.note(true); paused != (i == tooManySilent-1) {
				t.Errorf("pause after %d", i+1)
			}
		}
		if h.left() != backOff {
			t.Errorf("pause of %v", h.left())
		}
	})
}

func TestHours(t *testing.T) {
	at := func(clock string) time.Time { x, _ := time.Parse("15:04", clock); return x }
	day, err := ParseHours("07:00-18:30")
	night, err2 := ParseHours("22:00-06:00")
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	for _, c := range []struct {
		h    Hours
		at   string
		want time.Duration
	}{{day, "06:59", 0}, {day, "07:00", 11*time.Hour + 30*time.Minute}, {day, "18:30", 0},
		{night, "23:00", 7 * time.Hour}, {night, "05:00", time.Hour}, {night, "12:00", 0}, {Hours{}, "12:00", 0}} {
		if got := c.h.Left(at(c.at)); got != c.want {
			t.Errorf("%v at %s: %v, want %v", c.h, c.at, got, c.want)
		}
	}
	for _, bad := range []string{"", "7-8", "07:00", "07:00-07:00", "25:00-26:00"} {
		if _, err := ParseHours(bad); err == nil {
			t.Errorf("%q are hours", bad)
		}
	}
}

func parse(t *testing.T, list ...string) []target.Target {
	t.Helper()
	var out []target.Target
	for _, s := range list {
		x, err := target.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, x)
	}
	return out
}

func TestPlan(t *testing.T) {
	guard := scope.NewGuard(nil, []netip.Prefix{netip.MustParsePrefix("10.0.0.7/32")})
	all := &Planner{Guard: guard, Ports: []int{104}, Resolve: func(_ context.Context, name string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("10.0.0.9"), netip.MustParseAddr("8.8.8.8")}, nil
	}}
	plan, err := all.Plan(t.Context(), parse(t, "10.0.0.0/24", "10.0.0.1:11112", "8.8.8.8", "pacs.example.org:105"))
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Hosts) != 255 || plan.Endpoints() != 257 || plan.Refused[scope.ErrOptOut.Error()] != 1 || plan.Refused[scope.ErrNoScope.Error()] != 2 {
		t.Errorf("%d hosts, %d ports, refused %v", len(plan.Hosts), plan.Endpoints(), plan.Refused)
	}
	neighbours := 0
	for i := 1; i < len(plan.Hosts); i++ {
		if plan.Hosts[i-1].Addr.Next() == plan.Hosts[i].Addr {
			neighbours++
		}
	}
	if neighbours > 10 {
		t.Errorf("%d neighbours one after the other: the order is not random", neighbours)
	}
	seen := map[netip.Addr]bool{}
	for i := 1; i <= 3; i++ {
		part := *all
		part.Shard = Shard{i, 3}
		p, err := part.Plan(t.Context(), parse(t, "10.0.0.0/24"))
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range p.Hosts {
			if seen[h.Addr] {
				t.Errorf("%s is in two shards", h.Addr)
			}
			seen[h.Addr] = true
		}
	}
	if len(seen) != 255 {
		t.Errorf("%d hosts in three shards", len(seen))
	}
	if _, err := all.Plan(t.Context(), parse(t, "10.0.0.0/11")); err == nil {
		t.Error("wider than /12")
	}
	if _, err := all.Plan(t.Context(), parse(t, "10.0.0.0/12", "10.16.0.0/30")); err == nil {
		t.Error("wider than /12 in two parts")
	}
	for _, bad := range []string{"", "0/1", "2/1", "1", "1/2/3", "a/b"} {
		if _, err := ParseShard(bad); err == nil {
			t.Errorf("%q is a shard", bad)
		}
	}
}

// A run that was killed goes on where it was: what was begun is not begun again,
// and a line that was cut spoils no other.
func TestResume(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	begun := netip.MustParseAddrPort("127.0.0.1:1")
	line, _ := json.Marshal(Line{Begin: &begun})
	if err := os.WriteFile(path, append(append(line, '\n'), []byte(`{"done":{"ip":"127.0`)...), 0o600); err != nil {
		t.Fatal(err)
	}
	guard := scope.NewGuard(nil, nil)
	plan, err := (&Planner{Guard: guard}).Plan(t.Context(), parse(t, "127.0.0.1:1", "127.0.0.1:2", "127.0.0.2:1"))
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	run := func(stop string) (found []string, err error) {
		state, err := OpenState(path)
		if err != nil {
			t.Fatal(err)
		}
		defer state.Close()
		if _, err := OpenState(path); err == nil {
			t.Error("two surveys write one state file")
		}
		r := Run{Plan: plan, State: state, StopFile: stop, Prober: Prober{Guard: guard, Level: scope.L1, Timeout: time.Second},
			Found: func(e *Envelope) error {
				mu.Lock()
				defer mu.Unlock()
				found = append(found, netip.AddrPortFrom(e.IP, uint16(e.Port)).String())
				return nil
			}}
		return found, r.Do(t.Context())
	}
	stop := filepath.Join(t.TempDir(), "stop")
	os.WriteFile(stop, nil, 0o600)
	if _, err := run(stop); !errors.Is(err, ErrStopped) {
		t.Errorf("stop file: %v", err)
	}
	if found, err := run(""); err != nil || len(found) != 2 {
		t.Errorf("the rest: %v, %v", found, err)
	}
	if found, err := run(""); err != nil || len(found) != 0 {
		t.Errorf("asked again: %v, %v", found, err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	done := map[int]int{}
	if err := ReadState(f, func(l Line) error {
		if l.Done != nil {
			done[l.Done.Port]++
		}
		return nil
	}); err != nil || done[1] != 1 || done[2] != 1 {
		t.Errorf("done %v, %v", done, err)
	}
}

// A run ends with its scope, though it began in time.
func TestRunEndsWithItsScope(t *testing.T) {
	yesterday := time.Now().AddDate(0, 0, -1).Format(time.DateOnly)
	s, err := scope.Parse([]byte("id = \"x\"\nowner = \"x\"\nlegal_basis = \"x\"\ncontact = \"x\"\nvalid_until = " + yesterday +
		"\nnetworks = [\"127.0.0.0/24\"]\nports = [1]\nmax_level = 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	guard := scope.NewGuard(s, nil)
	plan, err := (&Planner{Guard: guard}).Plan(t.Context(), parse(t, "127.0.0.1:1"))
	if err != nil || len(plan.Hosts) != 1 {
		t.Fatal(err)
	}
	looked := 0
	r := Run{Plan: plan, Prober: Prober{Guard: guard, Level: scope.L1}, Found: func(*Envelope) error { looked++; return nil }}
	if err := r.Do(t.Context()); !errors.Is(err, scope.ErrEnded) || looked != 0 {
		t.Errorf("%v, %d looked at", err, looked)
	}
}

func TestTap(t *testing.T) {
	for in, want := range map[string]heard{
		"": heardNothing, "HTTP/1.1 400 Bad": heardHTTP, "\x15\x03\x03\x00\x02\x02\x28": heardTLS,
		"\x03\x00\x00\x00\x00\x04\x00\x01\x01\x07": heardDICOM, "\x07\x00\x00\x00\x00\x04\x00\x00\x02\x00": heardDICOM,
		"\x03\x00\x00\x00\x00\x04\x00\x01": heardGarbage, "SSH-2.0-x": heardGarbage,
	} {
		x := &tap{}
		x.keep([]byte(in))
		if got := x.heard(net.ErrClosed); got != want {
			t.Errorf("%q: %d, want %d", in, got, want)
		}
	}
	x := &tap{}
	x.keep([]byte("\x03\x00\x00\x00\x00\x04\x00\x01\x01\x07and then some"))
	if len(x.pdu()) != 10 {
		t.Errorf("kept %d bytes", len(x.pdu()))
	}
	if got := printable("a\x00\x1b[31mé\"", 64); got != "a??[31m?\"" {
		t.Errorf("%q", got)
	}
}

func TestFindingsAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rules {
		if seen[r.ID] || r.Title == "" || r.Remedy == "" {
			t.Errorf("rule %+v", r)
		}
		seen[r.ID] = true
	}
	for k := range steps {
		if !seen[k[1]] {
			t.Errorf("steps for %s, which is no finding", k[1])
		}
	}
}
