package peers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Storescp is DCMTK's storage server: it writes files as they come, keeps no
// index and syncs nothing.
type Storescp struct {
	AET    string // STORESCP if empty
	TLS    *TLS   // plain if nil
	Ignore bool   // receive and throw away
	Listen int    // port to listen on; 0 is any
	// Accepts are the only transfer syntaxes that it takes, for CT Image Storage
	// and Secondary Capture; all if empty.
	Accepts []string
	Args    []string
}

func (Storescp) tools() []string { return []string{"storescp"} }

func (s Storescp) start(dir string) (*Peer, error) {
	db, err := storage(dir, "db")
	if err != nil {
		return nil, err
	}
	port, err := orFree(s.Listen)
	if err != nil {
		return nil, err
	}
	aet := orText(s.AET, "STORESCP")
	args := []string{"--fork", "-aet", aet}
	if len(s.Accepts) == 0 {
		args = append(args, "+xa")
	} else {
		file := filepath.Join(dir, "storescp.cfg")
		if err := os.WriteFile(file, []byte(s.profile()), 0o600); err != nil {
			return nil, err
		}
		args = append(args, "-xf", file, "only")
	}
	if s.Ignore {
		args = append(args, "--ignore")
	} else {
		args = append(args, "-od", db, "+B")
	}
	if s.TLS != nil {
		args = append(args, s.TLS.DCMTK()...)
	}
	args = append(append(args, s.Args...), strconv.Itoa(port))
	return serve(&Peer{Name: "storescp", AET: aet, Port: port, Dir: db}, filepath.Join(dir, "log"), "storescp", args...)
}

// profile is an association negotiation profile (asconfig.txt of DCMTK).
func (s Storescp) profile() string {
	var b strings.Builder
	b.WriteString("[[TransferSyntaxes]]\n[Only]\n")
	for i, ts := range s.Accepts {
		fmt.Fprintf(&b, "TransferSyntax%d = %s\n", i+1, ts)
	}
	b.WriteString(`[[PresentationContexts]]
[Storage]
PresentationContext1 = 1.2.840.10008.5.1.4.1.1.2\Only
PresentationContext2 = 1.2.840.10008.5.1.4.1.1.7\Only
PresentationContext3 = 1.2.840.10008.1.1\Only
[[Profiles]]
[Only]
PresentationContexts = Storage
`)
	return b.String()
}

func orText(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// serve starts a server and waits until it accepts connections.
func serve(p *Peer, log, tool string, args ...string) (*Peer, error) {
	var err error
	if p.Process, err = startProcess(log, tool, args...); err != nil {
		return nil, err
	}
	for _, port := range []int{p.Port, p.HTTP} {
		if port == 0 {
			continue
		}
		if err := p.waitFor(port); err != nil {
			p.Stop()
			return nil, err
		}
	}
	return p, nil
}

// Modality is somebody whom a peer knows.
type Modality struct {
	AET  string
	Port int
	TLS  bool // Orthanc alone can
}

// Dcmqrscp is DCMTK's small archive.
type Dcmqrscp struct {
	AET    string // QRSCP if empty
	Listen int    // port to listen on; 0 is any
	Knows  []Modality
	Closed bool // answers those that it knows alone, else anybody
	Args   []string
}

func (Dcmqrscp) tools() []string { return []string{"dcmqrscp"} }

func (s Dcmqrscp) start(dir string) (*Peer, error) {
	aet := orText(s.AET, "QRSCP")
	db, err := storage(dir, "db")
	if err != nil {
		return nil, err
	}
	port, err := orFree(s.Listen)
	if err != nil {
		return nil, err
	}
	var hosts strings.Builder
	for i, m := range s.Knows {
		fmt.Fprintf(&hosts, "host%d = (%s, 127.0.0.1, %d)\n", i, m.AET, m.Port)
	}
	who := "ANY"
	if s.Closed {
		who = "host0"
		for i := range s.Knows[min(1, len(s.Knows)):] {
			who += fmt.Sprintf(", host%d", i+1)
		}
	}
	config := fmt.Sprintf(`NetworkTCPPort = %d
MaxPDUSize = 131072
MaxAssociations = 16
HostTable BEGIN
%sHostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
%s %s RW (1000, 4096mb) %s
AETable END
`, port, hosts.String(), aet, db, who)
	file := filepath.Join(dir, "dcmqrscp.cfg")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	return serve(&Peer{Name: "dcmqrscp", AET: aet, Port: port, Dir: db}, filepath.Join(dir, "log"), "dcmqrscp", append([]string{"-c", file}, s.Args...)...)
}

// Result is how a program ended.
type Result struct {
	Output string // both streams
	Code   int    // exit status; -1 if it was killed
	Took   time.Duration
}

// limit is how long a client program may take.
const limit = 2 * time.Minute

// Tool runs a program to its end and skips the test if it is not installed.
func Tool(tb testing.TB, tool string, args ...string) Result {
	tb.Helper()
	Need(tb, tool)
	r, err := Exec(tb.Context(), tool, args...)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// Exec runs a program to its end. A program that fails is no error.
func Exec(ctx context.Context, tool string, args ...string) (Result, error) {
	path, err := Find(tool)
	if err != nil {
		return Result{}, fmt.Errorf("%s: needs the Debian package %s", tool, packageOf(tool))
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env, cmd.WaitDelay = environment(), time.Second
	start := time.Now()
	out, err := cmd.CombinedOutput()
	r := Result{Output: string(out), Took: time.Since(start)}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return r, fmt.Errorf("%s: %w\n%s", tool, ctx.Err(), tail(r.Output, 2000))
	case errors.As(err, &exit):
		r.Code = exit.ExitCode()
	case err != nil:
		return r, fmt.Errorf("%s: %w", tool, err)
	}
	return r, nil
}

var statusLine = regexp.MustCompile(`DIMSE Status\s*:\s*0x([0-9a-fA-F]{4})`)

// Statuses returns the DIMSE statuses that a DCMTK program printed, in order:
// it does with option -d.
func (r Result) Statuses() []uint16 {
	var list []uint16
	for _, m := range statusLine.FindAllStringSubmatch(r.Output, -1) {
		v, _ := strconv.ParseUint(m[1], 16, 16)
		list = append(list, uint16(v))
	}
	return list
}

// Rejected reports whether the program said that its association was rejected.
func (r Result) Rejected() bool { return strings.Contains(r.Output, "Association Rejected") }
