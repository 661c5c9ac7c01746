package forward

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/audit"
)

// rsyslog is a real rsyslogd that takes syslog over TLS from who shows our
// certificate, and writes what comes to a file.
type rsyslog struct {
	t      *testing.T
	port   string
	config string
	out    string
	dir    string
	cmd    *exec.Cmd
}

const rsyslogConfig = `
global(
	workDirectory="%[1]s"
	maxMessageSize="128k"
	defaultNetstreamDriverCAFile="%[2]s/cert.pem"
	defaultNetstreamDriverCertFile="%[2]s/cert.pem"
	defaultNetstreamDriverKeyFile="%[2]s/key.pem"
)
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="x509/name" permittedPeer=["localhost"])
template(name="all" type="string" string="%%structured-data%% %%msg%%\n")
ruleset(name="in") { action(type="omfile" file="%[1]s/out.log" template="all") }
input(type="imtcp" address="127.0.0.1" port="%[3]s" ruleset="in")
`

func newRsyslog(t *testing.T, p *pair) *rsyslog {
	t.Helper()
	program := "rsyslogd"
	if _, err := exec.LookPath(program); err != nil {
		program = "/usr/sbin/rsyslogd"
	}
	drivers, _ := filepath.Glob("/usr/lib/*/rsyslog/lmnsd_gtls.so")
	if _, err := exec.LookPath(program); err != nil || len(drivers) == 0 {
		t.Skip("rsyslogd with TLS is not installed: apt-get install rsyslog rsyslog-gnutls")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	r := &rsyslog{t: t, port: port, dir: t.TempDir()}
	r.config, r.out = filepath.Join(r.dir, "rsyslog.conf"), filepath.Join(r.dir, "out.log")
	if err := os.WriteFile(r.config, fmt.Appendf(nil, rsyslogConfig, r.dir, p.dir, port), 0o600); err != nil {
		t.Fatal(err)
	}
	r.cmd = exec.Command(program, "-n", "-f", r.config, "-i", filepath.Join(r.dir, "pid"))
	t.Cleanup(r.kill)
	return r
}

func (r *rsyslog) start() {
	r.t.Helper()
	r.cmd = exec.Command(r.cmd.Path, r.cmd.Args[1:]...)
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
}

// kill is kill -9.
func (r *rsyslog) kill() {
	if r.cmd.Process != nil {
		r.cmd.Process.Kill()
		r.cmd.Wait()
		os.Remove(filepath.Join(r.dir, "pid"))
	}
}

// lines returns what was written, as far as the lines are whole.
func (r *rsyslog) lines() []string {
	f, err := os.Open(r.out)
	if err != nil {
		return nil
	}
	defer f.Close()
	var all []string
	for in := bufio.NewReader(f); ; {
		line, err := in.ReadString('\n')
		if err != nil {
			return all
		}
		if strings.HasSuffix(line, "</AuditMessage>\n") && strings.Count(line, "sequenceId") == 1 {
			all = append(all, line)
		}
	}
}

// A real rsyslog is killed twice while records are written and sent: nothing is
// lost, and by first arrival the order is kept.
func TestRsyslogKilledInBetween(t *testing.T) {
	p := newPair(t)
	r := newRsyslog(t, p)
	dir := t.TempDir()
	tr := openTrail(t, dir)
	appendN(t, tr, 100)
	c := (&repository{pair: p, address: "localhost:" + r.port}).config(dir, new(safeBuffer))
	c.Settle = time.Second
	f, stop := start(t, c)
	r.start()
	wrote := make(chan int)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		n := 100
		for ; ctx.Err() == nil; time.Sleep(2 * time.Millisecond) {
			if _, err := tr.Append(context.Background(), audit.Event{Code: audit.Query, Principal: "erika"}); err != nil {
				t.Error(err)
				break
			}
			n++
		}
		wrote <- n
	}()
	for range 2 {
		from := f.Arrived()
		eventually(t, "the cursor moves", func() bool { return f.Arrived() > from+50 })
		// A slow machine may take longer to write than records take to settle: it
		// is given that time, and then killed wherever it is.
		settled := f.Arrived()
		eventually(t, "rsyslog has written what settled", func() bool {
			l := r.lines()
			return len(l) > 0 && sequenceOf(l[len(l)-1]) >= settled
		})
		r.kill()
		time.Sleep(100 * time.Millisecond) // the outage
		r.start()
	}
	cancel()
	total := uint64(<-wrote)
	eventually(t, "all has arrived", func() bool { return f.Arrived() == total })
	eventually(t, "all is written", func() bool { return complete(r.lines(), total) == nil })
	if err := stop(); err != nil {
		t.Error(err)
	}
	if n := uint64(len(r.lines())); n == total {
		t.Logf("no record came twice")
	} else {
		t.Logf("%d records, %d came twice", total, n-total)
	}
}
