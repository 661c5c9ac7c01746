package server

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/scp"
)

// dicomService takes associations over TLS from the devices that it knows. A
// stranger gets as far as the TLS handshake and learns nothing: the reason why
// it was turned away stands in the log and in the trail only.
type dicomService struct {
	provider  *scp.Provider
	people    *identity.People
	identity  *identity.Store
	tls       *tls.Config
	limits    Limits
	admission *admission
	archive   *archive.Archive
	log       *slog.Logger

	mu   sync.Mutex
	open map[*running]struct{}
	wg   sync.WaitGroup
}

// running is one connection with a device.
type running struct {
	state  tls.ConnectionState
	device *identity.Device // as it was when the association began
	person *identity.Person // at the device; under the service's mu
	conn   net.Conn
	cancel context.CancelCauseFunc
}

var (
	errStopping = errors.New("the archive is stopping")
	errRevoked  = errors.New("the device or the person at it was revoked, or their rights were changed")
)

// serve accepts connections until ctx ends; then it lets associations end for
// a while before it ends them.
func (d *dicomService) serve(ctx context.Context, l net.Listener) error {
	work, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	context.AfterFunc(ctx, func() { l.Close() })
	go d.watchRevocations(ctx)
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			// Out of file descriptors, say: the others go on.
			d.log.ErrorContext(ctx, "accept", "error", err)
			time.Sleep(50 * time.Millisecond)
			continue
		}
		visit, why := d.admission.enter(conn.RemoteAddr())
		if why != "" {
			conn.Close()
			d.log.WarnContext(ctx, "connection refused", "peer", conn.RemoteAddr().String(), "reason", why)
			continue
		}
		d.wg.Add(1)
		go func() {
			defer d.wg.Done()
			defer visit.leave()
			d.connection(work, conn, visit)
		}()
	}
	d.drain(stop)
	return nil
}

// drain waits until all associations have ended, and ends them after the grace.
func (d *dicomService) drain(stop context.CancelCauseFunc) {
	ended := make(chan struct{})
	go func() { d.wg.Wait(); close(ended) }()
	select {
	case <-ended:
		return
	case <-time.After(time.Duration(d.limits.StopGrace)):
		stop(errStopping)
	}
	select {
	case <-ended:
	case <-time.After(abortGrace): // ARTIM would wait longer for a peer that does not close
		d.mu.Lock()
		for r := range d.open {
			r.conn.Close()
		}
		d.mu.Unlock()
		<-ended
	}
}

// abortGrace is how long a peer has to take its A-ABORT when the archive stops.
const abortGrace = time.Second

// connection serves one connection from its TLS handshake to its end.
func (d *dicomService) connection(ctx context.Context, raw net.Conn, visit *visit) {
	defer raw.Close()
	origin := archive.Origin{Peer: raw.RemoteAddr().String(), Association: associationName()}
	log := d.log.With("association", origin.Association, "peer", origin.Peer)
	defer func() {
		if v := recover(); v != nil {
			log.ErrorContext(ctx, "panic: this is a bug", "value", fmt.Sprintf("%T", v))
		}
	}()
	conn := tls.Server(ul.NewBatch(raw), d.tls) // fewer, larger reads
	handshake, cancel := context.WithTimeout(ctx, time.Duration(d.limits.Handshake))
	err := conn.HandshakeContext(handshake)
	cancel()
	if err != nil {
		d.refused(ctx, origin, audit.NodeAuthenticationFailure, "", err)
		return
	}
	device, err := d.identity.Authenticate(conn.ConnectionState())
	if err != nil {
		d.refused(ctx, origin, audit.NodeAuthenticationFailure, "", err)
		return
	}
	visit.known()
	leave, ok := d.admission.enterDevice(device.Name)
	if !ok {
		d.refused(ctx, origin, audit.AssociationRefused, device.Name, errors.New("too many associations of this device"))
		return
	}
	defer leave()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	r := &running{state: conn.ConnectionState(), device: device, conn: raw, cancel: end}
	d.enter(r)
	defer d.exit(r)
	if !d.stands(r) { // it was revoked before watchRevocations could see it
		d.refused(ctx, origin, audit.NodeAuthenticationFailure, device.Name, errRevoked)
		return
	}
	d.associate(ctx, conn, r, origin)
}

// associate negotiates and serves an association.
func (d *dicomService) associate(ctx context.Context, conn net.Conn, r *running, origin archive.Origin) {
	device := r.device
	var association *scp.Association
	negotiate := func(ctx context.Context, n *ul.Negotiation) error {
		origin.CallingAET, origin.CalledAET = string(n.Calling), string(n.Called)
		association = d.provider.Begin(device, origin)
		if err := association.Negotiate(ctx, n); err != nil {
			return err
		}
		return d.meet(r, association.Person)
	}
	l := &d.limits
	a, err := ul.Accept(ctx, conn, ul.AcceptOptions{
		Options: ul.Options{MaxPDU: l.MaxPDU, ARTIM: time.Duration(l.ARTIM), Idle: time.Duration(l.Idle),
			MinRate: int(float64(l.MinBytesPerTime) / time.Duration(l.MinTime).Seconds()), RateWindow: time.Duration(l.MinTime)},
		Negotiate: negotiate,
	})
	if err != nil {
		d.refused(ctx, origin, audit.AssociationRefused, device.Name, err)
		return
	}
	// What the association returns, it has logged itself.
	_ = association.Serve(ctx, a)
}

// refused writes down who was turned away, and why: one line for the operator.
func (d *dicomService) refused(ctx context.Context, o archive.Origin, code audit.Code, device string, err error) {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	var auth *identity.AuthError
	if errors.As(err, &auth) && device == "" {
		device = auth.Device
	}
	d.log.WarnContext(ctx, "refused", "association", o.Association, "peer", o.Peer, "device", device,
		"calling", o.CallingAET, "called", o.CalledAET, "reason", err.Error())
	p := policy.Principal{Kind: policy.Device, Name: device}
	e := audit.Event{Code: code, Action: audit.Execute, Outcome: audit.SeriousFailure, Reason: err.Error()}
	if err := d.archive.As(p).From(o).Note(context.WithoutCancel(ctx), e); err != nil {
		d.log.ErrorContext(ctx, "trail", "error", err)
	}
}

func (d *dicomService) enter(r *running) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open[r] = struct{}{}
}

func (d *dicomService) exit(r *running) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.open, r)
}

// meet remembers the person at the device of a connection, if there is one.
func (d *dicomService) meet(r *running, who *identity.Person) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r.person = who; !d.stands(r) { // they changed before watchRevocations could see it
		return errRevoked
	}
	return nil
}

// stands reports whether the device of a connection may still do what it could
// when the connection began, and the person at it as well.
func (d *dicomService) stands(r *running) bool {
	now, err := d.identity.Authenticate(r.state)
	return err == nil && now.SamePermissions(r.device) && (r.person == nil || d.people.Stands(r.person))
}

// watchRevocations ends the connections of devices that may no longer be here, or
// no longer the same.
func (d *dicomService) watchRevocations(ctx context.Context) {
	for {
		changed, peopleChanged := d.identity.Changed(), d.people.Changed()
		d.mu.Lock()
		for r := range d.open {
			if !d.stands(r) {
				r.cancel(errRevoked)
				r.conn.Close()
			}
		}
		d.mu.Unlock()
		select {
		case <-changed:
		case <-peopleChanged:
		case <-ctx.Done():
			return
		}
	}
}

// associationName returns a name by which log and trail speak of a connection.
func associationName() string {
	b := make([]byte, 6)
	rand.Read(b) // never fails: it ends the program instead
	return hex.EncodeToString(b)
}
