package forward

import (
	"context"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/audit"
)

// background runs f until the result is called, which returns f's error.
func background(t *testing.T, f func(context.Context) error) func() error {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f(ctx) }()
	stopped := false
	var err error
	stop := func() error {
		if !stopped {
			stopped = true
			cancel()
			err = <-ended
		}
		return err
	}
	t.Cleanup(func() { stop() })
	return stop
}

var syslogLine = regexp.MustCompile(`^<8[45]>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z pacs\.example tresor \d+ DICOM\+RFC3881 \[meta sequenceId="\d+"\] \x{FEFF}<\?xml version="1\.0" encoding="UTF-8"\?><AuditMessage>.*</AuditMessage>$`)

func TestMessagesAreSyslogAndInOrder(t *testing.T) {
	dir := t.TempDir()
	tr := openTrail(t, dir)
	appendN(t, tr, 30)
	if _, err := tr.Append(t.Context(), audit.Event{Code: audit.Login, Outcome: audit.SeriousFailure}); err != nil {
		t.Fatal(err)
	}
	r := newRepository(t)
	_, stop := start(t, r.config(dir, os.Stderr))
	eventually(t, "the first 31", func() bool { return len(r.messages()) >= 31 })
	appendN(t, tr, 300)
	eventually(t, "all", func() bool { return len(r.messages()) >= 331 })
	if err := stop(); err != nil {
		t.Error(err)
	}
	got := r.messages()
	if err := complete(got, 331); err != nil {
		t.Error(err)
	}
	for i, m := range got {
		if !syslogLine.MatchString(m) {
			t.Fatalf("message %d: %q", i, m)
		}
		_, x, _ := strings.Cut(m, bom)
		if err := xml.Unmarshal([]byte(x), new(struct{})); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.HasPrefix(got[0], priNotice) || !strings.HasPrefix(got[30], priWarning) {
		t.Errorf("%.10q, %.10q", got[0], got[30])
	}
}

// A repository that goes away in the middle again and again loses what it had
// not read; everything arrives all the same.
func TestNothingIsLostWhenTheRepositoryDies(t *testing.T) {
	dir := t.TempDir()
	tr := openTrail(t, dir)
	appendN(t, tr, 200)
	r := newRepository(t)
	r.dieAt = 90
	c := r.config(dir, new(safeBuffer))
	_, stop := start(t, c)
	eventually(t, "the first", func() bool { return len(r.messages()) >= 150 })
	r.stop()
	appendN(t, tr, 200)
	r.dieAt = 0
	r.start()
	eventually(t, "all", func() bool { return complete(r.messages(), 400) == nil })
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// What has settled is not sent again after a restart; the cursor is durable.
func TestCursorGoesOnAfterARestart(t *testing.T) {
	dir := t.TempDir()
	tr := openTrail(t, dir)
	appendN(t, tr, 50)
	r := newRepository(t)
	c := r.config(dir, os.Stderr)
	c.Settle = 300 * time.Millisecond
	f, stop := start(t, c)
	eventually(t, "settled", func() bool { return f.Arrived() == 50 })
	if err := stop(); err != nil {
		t.Error(err)
	}
	before := len(r.messages())
	appendN(t, tr, 10)
	again, stop := start(t, c)
	if again.Arrived() != 50 {
		t.Errorf("begins behind %d", again.Arrived())
	}
	eventually(t, "the rest", func() bool { return len(r.messages()) >= before+10 })
	if err := stop(); err != nil {
		t.Error(err)
	}
	got := r.messages()
	if err := complete(got, 60); err != nil || sequenceOf(got[before]) != 51 {
		t.Errorf("%v; after the restart it began with %d", err, sequenceOf(got[before]))
	}
}

// What was sent but has not settled is sent again.
func TestUnsettledIsSentAgain(t *testing.T) {
	dir := t.TempDir()
	appendN(t, openTrail(t, dir), 20)
	r := newRepository(t)
	c := r.config(dir, new(safeBuffer))
	c.Settle = time.Hour
	for range 2 {
		before := len(r.messages())
		_, stop := start(t, c)
		eventually(t, "all", func() bool { return len(r.messages()) >= before+20 })
		if err := stop(); err != nil {
			t.Error(err)
		}
		if got := r.messages(); sequenceOf(got[before]) != 1 {
			t.Errorf("it began with %d", sequenceOf(got[before]))
		}
	}
}

func TestLagAlarm(t *testing.T) {
	dir := t.TempDir()
	appendN(t, openTrail(t, dir), 5)
	r := newRepository(t)
	r.stop()
	log := new(safeBuffer)
	c := r.config(dir, log)
	c.Lag, c.Retry = 30*time.Millisecond, 5*time.Millisecond
	_, stop := start(t, c)
	eventually(t, "the alarm", func() bool { return strings.Contains(log.String(), "audit forwarding lags") })
	if !strings.Contains(log.String(), "records=5") || strings.Count(log.String(), "cannot be reached") != 1 {
		t.Errorf("%s", log)
	}
	r.start()
	eventually(t, "the end of the alarm", func() bool { return strings.Contains(log.String(), "has caught up") })
	if err := stop(); err != nil {
		t.Error(err)
	}
	if strings.Contains(log.String(), "4711") {
		t.Error("the log names a patient")
	}
}

// Whoever is not the repository gets nothing, not even one record.
func TestStrangerGetsNothing(t *testing.T) {
	dir := t.TempDir()
	appendN(t, openTrail(t, dir), 5)
	r := newRepository(t)
	log := new(safeBuffer)
	c := r.config(dir, log)
	c.TLS = newPair(t).client() // trusts another
	_, stop := start(t, c)
	eventually(t, "refused", func() bool { return strings.Contains(log.String(), "certificate signed by unknown authority") })
	if err := stop(); err != nil {
		t.Error(err)
	}
	if len(r.messages()) > 0 {
		t.Error("records were sent to a stranger")
	}
}

func TestDamagedRecordIsTold(t *testing.T) {
	dir := t.TempDir()
	tr := openTrail(t, dir)
	appendN(t, tr, 9)
	name := filepath.Join(dir, "00000001.log")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	r := newRepository(t)
	_, stop := start(t, r.config(dir, new(safeBuffer)))
	eventually(t, "all", func() bool { return len(r.messages()) >= 9 })
	if err := stop(); err != nil {
		t.Error(err)
	}
	if all := strings.Join(r.messages(), "\n"); strings.Count(all, "integrity-failure") == 0 {
		t.Errorf("%s", all)
	}
}

func TestCursorFile(t *testing.T) {
	name := cursorFile(t.TempDir())
	c, err := openCursor(name, "aa")
	if err != nil || c.at != 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	if err := c.set(17); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]uint64{"aa": 17, "bb": 0} {
		if c, err := openCursor(name, id); err != nil || c.at != want {
			t.Errorf("%s: %+v, %v", id, c, err)
		}
	}
	if err := os.WriteFile(name, []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openCursor(name, "aa"); err == nil {
		t.Error("a damaged cursor")
	}
	if _, err := New(Config{Trail: t.TempDir(), Dir: t.TempDir()}); err == nil {
		t.Error("no trail")
	}
}

func TestSequenceBeginsAgain(t *testing.T) {
	for seq, want := range map[uint64]uint64{0: 1, 1: 1, maxSequence: maxSequence, maxSequence + 1: 1} {
		if got := sequence(seq); got != want {
			t.Errorf("record %d: %d", seq, got)
		}
	}
	for _, c := range [][2]string{{"", "-"}, {"a b\nc", "a_b_c"}, {"\u00fc", "_"}} {
		if got := header(c[0], 9); got != c[1] {
			t.Errorf("%q: %q", c[0], got)
		}
	}
	if got := header(fmt.Sprintf("%0300d", 0), 255); len(got) != 255 {
		t.Errorf("%d bytes", len(got))
	}
}
