package survey

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/survey/scope"
)

// Endpoint is an address and port to be looked at, and what lists say of it.
type Endpoint struct {
	Addr    netip.Addr
	Port    int
	Name    string // of the DNS, if it came with one
	Country string
	ASN     uint32
	Network string // who runs it
	HTTPS   bool   // HTTPS is expected there, whatever the port
}

// Prober looks at endpoints. It may be used by several goroutines.
type Prober struct {
	Guard   *scope.Guard
	Level   scope.Level   // highest rung; the guard's is never passed
	Timeout time.Duration // for each exchange
	Limit   time.Duration // for an endpoint as a whole
	Calling dicom.AETitle // CallingAE if empty
	Called  dicom.AETitle // CalledAE if empty
	Agent   string        // User-Agent
	// Gate waits until politeness permits a connection; nil means at once.
	Gate func(context.Context, Endpoint) error
	// SizeLimit is how many answers are counted for the size; 0 means 2,000.
	SizeLimit int64
}

// Defaults of a Prober.
const (
	DefaultTimeout   = 8 * time.Second
	DefaultLimit     = 90 * time.Second
	DefaultSizeLimit = 2000
)

func (p *Prober) calling() dicom.AETitle {
	if p.Calling == "" {
		return CallingAE
	}
	return p.Calling
}

func (p *Prober) called() dicom.AETitle {
	if p.Called == "" {
		return CalledAE
	}
	return p.Called
}

// look is one endpoint being looked at.
type look struct {
	p         *Prober
	e         Endpoint
	r         *Result
	level     scope.Level
	budget    int
	outer     context.Context // not bounded by the endpoint's time
	patience  *patience
	meter     meter
	connected bool
	first     State // what the first connect said, if it failed
	failure   error
}

// Look climbs the ladder at an endpoint and judges what it found. It returns an
// error only if it may not look there, or ctx has ended.
func (p *Prober) Look(ctx context.Context, e Endpoint) (*Envelope, error) {
	if err := p.Guard.Allow(e.Addr, e.Port); err != nil {
		return nil, err
	}
	q := *p
	if q.Timeout <= 0 {
		q.Timeout = DefaultTimeout
	}
	if q.Limit <= 0 {
		q.Limit = DefaultLimit
	}
	if q.SizeLimit <= 0 {
		q.SizeLimit = DefaultSizeLimit
	}
	began := time.Now().UTC()
	l := &look{p: &q, e: e, level: min(p.Level, p.Guard.MaxLevel()), budget: MaxConnections,
		r: &Result{Scope: p.Guard.ID(), Began: began, Country: e.Country, ASN: e.ASN, Network: e.Network}}
	bounded, cancel := context.WithCancel(ctx)
	defer cancel()
	l.meter.left = maxReceived
	l.outer, l.patience = ctx, newPatience(q.Limit, cancel)
	defer l.patience.timer.Stop()
	if l.level >= scope.L1 {
		l.ladder(bounded)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	l.r.Received = l.meter.total()
	l.judge()
	m := Module{Status: l.status(), Protocol: "dicom", Port: e.Port, Result: l.r, Timestamp: time.Now().UTC()}
	if l.failure != nil && m.Status != "success" {
		m.Error = m.Status
	}
	return &Envelope{IP: e.Addr, Port: e.Port, Domain: e.Name, Data: Data{DICOM: m}}, nil
}

// Ports on which something else than plain DICOM is expected first.
var (
	tlsPorts   = []int{2762}
	httpPorts  = []int{80, 3000, 5000, 8000, 8042, 8080}
	httpsPorts = []int{443, 8043, 8443}
)

// ladder tries plain DICOM, DICOM over TLS, HTTP and HTTPS, in the order that
// the port suggests, each once, until one of them is what is spoken there.
func (l *look) ladder(ctx context.Context) {
	switch p := l.e.Port; {
	case l.level < scope.L2:
		l.connectOnly(ctx)
	case slices.Contains(httpsPorts, p) || l.e.HTTPS:
		if h := l.tryTLS(ctx, true); h == heardNothing {
			l.plainFirst(ctx)
		}
	case slices.Contains(tlsPorts, p):
		if h := l.tryTLS(ctx, false); h == heardNothing || h == heardGarbage {
			if l.tryPlain(ctx) == heardHTTP {
				l.tryHTTP(ctx)
			}
		}
	case slices.Contains(httpPorts, p):
		if !l.tryHTTP(ctx) && l.connected {
			l.plainFirst(ctx)
		}
	default:
		l.plainFirst(ctx)
	}
}

// plainFirst is the order for a port that says nothing about itself.
func (l *look) plainFirst(ctx context.Context) {
	switch l.tryPlain(ctx) {
	case heardHTTP, heardSilence:
		l.tryHTTP(ctx)
	case heardTLS:
		l.tryTLS(ctx, false)
	case heardNothing: // TLS servers reset what is no TLS, web servers close it
		if l.connected && l.tryTLS(ctx, false) == heardNothing {
			l.tryHTTP(ctx)
		}
	}
}

// connect opens a connection and notes what a first failure says.
func (l *look) connect(ctx context.Context) (net.Conn, bool) {
	conn, err := l.dial(ctx)
	if errors.Is(err, syscall.ECONNRESET) { // it was open for long enough to be reset
		l.connected = true
		l.reached(scope.L1)
	}
	if err != nil {
		if !l.connected {
			l.first, l.failure = dialState(err), err
		}
		return nil, false
	}
	l.reached(scope.L1)
	return conn, true
}

// connectOnly is L1 alone: TCP, and a TLS hello where TLS is expected.
func (l *look) connectOnly(ctx context.Context) {
	conn, ok := l.connect(ctx)
	if !ok {
		return
	}
	defer conn.Close()
	if slices.Contains(tlsPorts, l.e.Port) || slices.Contains(httpsPorts, l.e.Port) {
		bounded, cancel := context.WithTimeout(ctx, l.p.Timeout)
		defer cancel()
		_, l.r.TLS, _ = l.handshake(bounded, conn)
	}
}

func (l *look) tryPlain(ctx context.Context) heard {
	conn, ok := l.connect(ctx)
	if !ok {
		return heardNothing
	}
	h, err := l.associate(ctx, conn)
	l.note(h, err)
	return h
}

func (l *look) note(h heard, err error) {
	if h != heardDICOM && err != nil && l.failure == nil {
		l.failure = err
	}
}

// tryTLS makes TLS and speaks DICOM in it, or HTTP if web says so. It answers
// heardNothing if the host does not speak TLS.
func (l *look) tryTLS(ctx context.Context, web bool) heard {
	conn, ok := l.connect(ctx)
	if !ok {
		return heardNothing
	}
	bounded, cancel := context.WithTimeout(ctx, l.p.Timeout)
	secure, facts, err := l.handshake(bounded, conn)
	cancel()
	if facts == nil {
		conn.Close()
		var other tls.RecordHeaderError
		if errors.As(err, &other) && string(other.RecordHeader[:]) == "HTTP/" {
			l.tryHTTP(ctx)
			return heardHTTP
		}
		return heardNothing
	}
	l.r.TLS = facts
	if err != nil {
		conn.Close()
		return heardTLS
	}
	if web {
		secure.Close()
		if l.web(ctx, true) {
			return heardHTTP
		}
		return heardTLS
	}
	h, err := l.associate(ctx, secure)
	switch {
	case h == heardDICOM:
	case h == heardHTTP:
		l.web(ctx, true)
	case facts.ClientCertAsked && (h == heardNothing || h == heardTLS):
		facts.ClientCertEnforced = true
	default:
		l.note(h, err)
		l.web(ctx, true)
	}
	return heardTLS
}

func (l *look) tryHTTP(ctx context.Context) bool { return l.web(ctx, false) }

// status returns zgrab2's word for how it went.
func (l *look) status() string {
	switch l.r.State {
	case Closed:
		return "connection-refused"
	case Filtered:
		return "connection-timeout"
	case NotDICOM:
		if l.failure != nil && isTimeout(l.failure) {
			return "io-timeout"
		}
		return "protocol-error"
	}
	return "success"
}
