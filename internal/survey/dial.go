package survey

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// MaxConnections is how often a port is connected to in one run, counting of
// studies by offsets apart.
const MaxConnections = 4

// maxFirstPDU is as much of the first answer as is kept: an A-ASSOCIATE-AC with
// six contexts has a few hundred bytes.
const maxFirstPDU = 16 << 10

var errBudget = errors.New("connections of this run are used up")

// dial connects, if the scope allows it and politeness permits.
func (l *look) dial(ctx context.Context) (net.Conn, error) {
	if err := l.p.Guard.Allow(l.e.Addr, l.e.Port); err != nil {
		return nil, err
	}
	if l.r.Connections >= l.budget {
		return nil, errBudget
	}
	if l.p.Gate != nil {
		if err := l.patience.pause(func() error { return l.p.Gate(l.outer, l.e) }); err != nil {
			return nil, err
		}
	}
	l.r.Connections++
	d := net.Dialer{Timeout: l.p.Timeout, KeepAlive: -1}
	conn, err := d.DialContext(ctx, "tcp", netip.AddrPortFrom(l.e.Addr, uint16(l.e.Port)).String())
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	l.connected = true
	return metered{conn, &l.meter}, nil
}

// dialState tells what a failed connect says about the port.
func dialState(err error) State {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return Closed
	}
	return Filtered
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) ||
		errors.As(err, &t) && t.Timeout()
}

// tap keeps what went over a connection first: our request, and the first PDU of
// the answer if it is one that holds no patient data. Of anything else it keeps
// the first eight bytes until the host is classified.
type tap struct {
	net.Conn
	mu       sync.Mutex
	sent     []byte
	first    []byte
	complete bool
	silent   bool // the time ran out and nothing had been heard
}

// Write notes the first write.
func (t *tap) Write(b []byte) (int, error) {
	t.mu.Lock()
	if t.sent == nil {
		t.sent = bytes.Clone(b)
	}
	t.mu.Unlock()
	return t.Conn.Write(b)
}

// Read notes the first PDU. A host that was silent once is not waited for again:
// what follows is that it closes the connection after our A-ABORT.
func (t *tap) Read(b []byte) (int, error) {
	t.mu.Lock()
	silent := t.silent
	t.mu.Unlock()
	if silent {
		return 0, os.ErrDeadlineExceeded
	}
	n, err := t.Conn.Read(b)
	t.mu.Lock()
	t.keep(b[:n])
	t.silent = len(t.first) == 0 && isTimeout(err)
	t.mu.Unlock()
	return n, err
}

func (t *tap) keep(b []byte) {
	for _, c := range b {
		if t.complete {
			return
		}
		t.first = append(t.first, c)
		t.complete = len(t.first) >= t.want()
	}
}

// want is how many bytes of the answer are kept.
func (t *tap) want() int {
	if len(t.first) < 6 {
		return 6
	}
	switch t.first[0] {
	case 2, 3, 7: // A-ASSOCIATE-AC, A-ASSOCIATE-RJ, A-ABORT
		length := uint64(t.first[2])<<24 | uint64(t.first[3])<<16 | uint64(t.first[4])<<8 | uint64(t.first[5])
		return int(min(6+length, maxFirstPDU))
	}
	return 8
}

// heard is what kind of service the first bytes of an answer belong to.
type heard int

const (
	heardNothing heard = iota // the connection ended
	heardSilence              // the time ran out
	heardDICOM
	heardHTTP
	heardTLS
	heardGarbage
)

// heard classifies the answer; err is what ended the attempt.
func (t *tap) heard(err error) heard {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch f := t.first; {
	case len(f) == 0 && isTimeout(err):
		return heardSilence
	case len(f) == 0:
		return heardNothing
	case bytes.HasPrefix(f, []byte("HTTP/")):
		return heardHTTP
	case len(f) >= 2 && (f[0] == 0x15 || f[0] == 0x16) && f[1] == 3: // TLS alert or handshake
		return heardTLS
	case t.complete && (f[0] == 2 || f[0] == 3 || f[0] == 7) && f[1] == 0:
		return heardDICOM
	}
	return heardGarbage
}

// pdu returns the first PDU of the answer, nil if it was none.
func (t *tap) pdu() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.complete || t.first[0] != 2 && t.first[0] != 3 && t.first[0] != 7 {
		return nil
	}
	return bytes.Clone(t.first)
}

func (e Endpoint) hostPort() string {
	host := e.Name
	if host == "" {
		host = e.Addr.String()
	}
	return net.JoinHostPort(host, strconv.Itoa(e.Port))
}

// patience ends a context when a host has used up its time. Waiting for
// politeness's sake does not count.
type patience struct {
	timer *time.Timer
	left  time.Duration
	began time.Time
}

func newPatience(limit time.Duration, cancel func()) *patience {
	return &patience{timer: time.AfterFunc(limit, cancel), left: limit, began: time.Now()}
}

func (p *patience) pause(wait func() error) error {
	if p.timer.Stop() {
		p.left -= time.Since(p.began)
		defer func() { p.began = time.Now(); p.timer.Reset(max(p.left, 0)) }()
	}
	return wait()
}

// idleConn is a connection whose host may not be silent for longer than a time.
type idleConn struct {
	net.Conn
	timeout time.Duration
}

// Read waits for at most the time.
func (c idleConn) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.timeout)); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}
