package ul

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
)

// Association is an association over a transport connection (PS3.8 section 7).
// One goroutine reads (NextPart and the Part), one sends (Send), which may be
// the same; Abort and the accessors may be called from any.
type Association struct {
	conn      net.Conn
	batch     *Batch // below the TLS of conn; nil if there is none
	requestor bool
	o         Options
	rq        *AssociateRQ
	ac        *AssociateAC
	contexts  []PresentationContext
	maxSend   int // longest P-DATA-TF body to send

	mu    sync.Mutex // guards what follows; taken after wmu
	state State
	err   error     // why the association ended
	x     stimulus  // of the action being done
	artim time.Time // when ARTIM ends, zero if it is not running

	wmu      sync.Mutex // held while sending
	writeErr error

	held held

	ended    atomic.Bool // err is set
	aborting atomic.Bool // Abort wants to send
	done     chan struct{}
	in       input
	part     Part
}

func newAssociation(conn net.Conn, requestor bool, o Options) *Association {
	a := &Association{conn: conn, requestor: requestor, o: o.withDefaults(), state: Sta1, done: make(chan struct{})}
	a.in.idle = a.o.Idle
	a.part.a = a
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
		a.batch, _ = t.NetConn().(*Batch)
	}
	return a
}

// Requestor reports whether we requested the association.
func (a *Association) Requestor() bool { return a.requestor }

// Called returns the called AE title, in the form that ParseAETitle gives it.
func (a *Association) Called() dicom.AETitle { return title(a.rq.Called) }

// Calling returns the calling AE title, in the form that ParseAETitle gives it.
func (a *Association) Calling() dicom.AETitle { return title(a.rq.Calling) }

// Peer returns the AE title by which the other side goes.
func (a *Association) Peer() dicom.AETitle {
	if a.requestor {
		return a.Called()
	}
	return a.Calling()
}

func title(s string) dicom.AETitle {
	t, _ := dicom.ParseAETitle(s) // both were checked when the association was made
	return t
}

// Conn returns the transport connection, for what it tells about the peer
// (TLS state, addresses). Reading, writing or closing it breaks the association.
func (a *Association) Conn() net.Conn { return a.conn }

// RemoteAddr returns the peer's address.
func (a *Association) RemoteAddr() net.Addr { return a.conn.RemoteAddr() }

// Request returns the A-ASSOCIATE-RQ PDU of the association. It is not to be changed.
func (a *Association) Request() *AssociateRQ { return a.rq }

// Answer returns the A-ASSOCIATE-AC PDU of the association. It is not to be changed.
func (a *Association) Answer() *AssociateAC { return a.ac }

// PeerImplementation returns what the peer says about itself (PS3.7 section
// D.3.3.2); the version is as the peer sent it.
func (a *Association) PeerImplementation() (class dicom.UID, version string) {
	u := &a.rq.User
	if a.requestor {
		u = &a.ac.User
	}
	return u.ImplementationClassUID, u.ImplementationVersion
}

// Contexts returns the accepted presentation contexts in the order in which
// they were proposed. The slice is not to be changed.
func (a *Association) Contexts() []PresentationContext { return a.contexts }

// Context returns the accepted presentation context with an ID; ok is false if
// there is none.
func (a *Association) Context(id uint8) (pc PresentationContext, ok bool) {
	for i := range a.contexts {
		if a.contexts[i].ID == id {
			return a.contexts[i], true
		}
	}
	return PresentationContext{}, false
}

// Extended returns the service class application information that the acceptor
// answered for a SOP class (PS3.7 section D.3.3.5); nil if there is none.
func (a *Association) Extended(class dicom.UID) []byte {
	if e := a.ac.User.extended(class); e != nil {
		return e.Information
	}
	return nil
}

// Done returns a channel that is closed when the association has ended; Err
// tells why.
func (a *Association) Done() <-chan struct{} { return a.done }

// Err returns why the association ended, nil as long as it has not.
func (a *Association) Err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

// State returns the state in which the association is.
func (a *Association) State() State {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state
}

// SetIdle changes Options.Idle, also for a read that is waiting: 0 or less means
// to wait for ever, as is right while an operation is being performed.
func (a *Association) SetIdle(d time.Duration) {
	a.in.idleMu.Lock()
	defer a.in.idleMu.Unlock()
	a.in.idle = d
	if !a.in.waiting {
		return
	}
	a.conn.SetReadDeadline(deadlineAfter(d))
	if a.ended.Load() {
		a.conn.SetReadDeadline(longAgo) // end set it, and we have just replaced it
	}
}

// Idle returns Options.Idle as it was at the beginning.
func (a *Association) Idle() time.Duration { return max(a.o.Idle, 0) }

// Abort ends the association by an A-ABORT of the service user (PS3.8 section
// 7.3) and wakes whoever reads or sends. It takes at most about a second. The
// one who owns the association still has to Close it.
func (a *Association) Abort() { a.AbortFor(&AbortError{Local: true}) }

// AbortFor is Abort for a reason that Err and whoever reads or sends will give.
// The peer does not learn it.
func (a *Association) AbortFor(reason error) {
	a.abort(stimulus{source: AbortByUser, err: reason})
}

// abort fires Evt15. If a send is under way that the peer does not take, it gets
// a second before the connection is closed under it.
func (a *Association) abort(x stimulus) {
	a.aborting.Store(true)
	a.conn.SetWriteDeadline(time.Now().Add(abortTimeout))
	a.event(Evt15, x)
}

// Release ends the association in good order (PS3.8 section 7.2) and closes it.
// What the peer still sends is ignored. If the peer does not answer within
// ARTIM, or before ctx ends, the association is aborted.
func (a *Association) Release(ctx context.Context) error {
	if _, err := a.event(Evt11, stimulus{}); err != nil {
		a.Close()
		return err
	}
	stop := context.AfterFunc(ctx, a.Abort)
	defer stop()
	defer a.Close()
	err := a.awaitRelease()
	if err == ErrReleased {
		return nil
	}
	return err
}

// awaitRelease reads until the release is complete, through a collision too
// (PS3.8 section 7.2.2).
func (a *Association) awaitRelease() error {
	a.in.reply(time.Now().Add(a.o.ARTIM))
	for {
		if err := a.receive(); err != nil {
			return err
		}
		switch a.State() {
		case Sta9, Sta12:
			if _, err := a.event(Evt14, stimulus{err: ErrReleased}); err != nil {
				return err
			}
		}
	}
}

// Close answers a release that the peer asked for, aborts the association if it
// has not ended, waits up to ARTIM for the peer to close the transport
// connection (Sta13), closes it and frees what the association holds. Nobody
// may be reading or sending. It returns why the association ended, nil for a
// release.
func (a *Association) Close() error {
	switch a.State() {
	case Sta8:
		a.event(Evt14, stimulus{err: ErrReleased})
	case Sta3, Sta4, Sta5, Sta6, Sta7, Sta9, Sta10, Sta11, Sta12:
		a.Abort()
	}
	if a.State() == Sta13 {
		a.linger()
	}
	a.conn.Close()
	a.in.free()
	err := a.Err()
	if err == ErrReleased {
		return nil
	}
	return err
}
