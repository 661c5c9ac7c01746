package ul

import (
	"errors"
	"io"
	"time"
)

// stimulus is what comes with an event.
type stimulus struct {
	pdu    []byte       // what AE-2, AE-7, AE-8, DT-1 and AR-7 send
	reject *RejectError // AE-6: why the request is not acceptable to the service provider
	source AbortSource  // AA-1
	reason AbortReason  // AA-1, AA-7, AA-8
	err    error        // what users of the association are told, where it ends

	// What an action leaves to be done when mu is free again.
	out   []byte // send it
	last  bool   // it is the last PDU
	close bool   // close the transport connection
}

// effect is what an action does. It returns the next state and is called with
// mu held, and with wmu held if it sends: what it puts into the stimulus is sent
// before any other PDU.
type effect struct {
	sends bool
	do    func(*Association, *stimulus) State
}

// effects has the actions of PS3.8 tables 9-6 to 9-9. Issuing an indication or
// confirmation primitive means here: the call that the user is in returns.
var effects = [...]effect{
	AE1: {false, func(*Association, *stimulus) State { return Sta4 }},
	AE2: {true, func(_ *Association, x *stimulus) State { x.out = x.pdu; return Sta5 }},
	AE3: {false, func(*Association, *stimulus) State { return Sta6 }},
	AE4: {false, closed},
	AE5: {false, func(a *Association, _ *stimulus) State { a.startARTIM(); return Sta2 }},
	AE6: {true, ae6},
	AE7: {true, func(_ *Association, x *stimulus) State { x.out = x.pdu; return Sta6 }},
	AE8: {true, func(a *Association, x *stimulus) State { return a.finish(x, x.pdu) }},

	DT1: {true, func(_ *Association, x *stimulus) State { x.out = x.pdu; return Sta6 }},
	DT2: {false, func(*Association, *stimulus) State { return Sta6 }},

	AR1:  {true, func(_ *Association, x *stimulus) State { x.out = appendReleaseRQ(nil); return Sta7 }},
	AR2:  {false, func(*Association, *stimulus) State { return Sta8 }},
	AR3:  {false, closed},
	AR4:  {true, func(a *Association, x *stimulus) State { return a.finish(x, appendReleaseRP(nil)) }},
	AR5:  {false, closed},
	AR6:  {false, func(*Association, *stimulus) State { return Sta7 }},
	AR7:  {true, func(_ *Association, x *stimulus) State { x.out = x.pdu; return Sta8 }},
	AR8:  {false, ar8},
	AR9:  {true, func(_ *Association, x *stimulus) State { x.out = appendReleaseRP(nil); return Sta11 }},
	AR10: {false, func(*Association, *stimulus) State { return Sta12 }},

	AA1: {true, func(a *Association, x *stimulus) State { return a.finish(x, abortPDU(x.source, x.reason)) }},
	AA2: {false, closed},
	AA3: {false, closed},
	AA4: {false, closed},
	AA5: {false, closed},
	AA6: {false, func(*Association, *stimulus) State { return Sta13 }},
	AA7: {true, func(_ *Association, x *stimulus) State {
		x.out = abortPDU(AbortByProvider, x.reason)
		return Sta13
	}},
	AA8: {true, func(a *Association, x *stimulus) State {
		return a.finish(x, abortPDU(AbortByProvider, x.reason))
	}},
}

// ae6 hands an acceptable request to the user and rejects any other.
func ae6(a *Association, x *stimulus) State {
	a.stopARTIM()
	if x.reject == nil {
		return Sta3
	}
	x.err = x.reject
	return a.finish(x, x.reject.Append(nil))
}

// ar8 is the release collision: both sides asked at once.
func ar8(a *Association, _ *stimulus) State {
	if a.requestor {
		return Sta9
	}
	return Sta10
}

// closed ends the association and closes the transport connection.
func closed(a *Association, x *stimulus) State {
	a.stopARTIM()
	a.end(x.err)
	x.close = true
	return Sta1
}

// finish sends the association's last PDU and starts ARTIM: the peer has that
// long to close the transport connection.
func (a *Association) finish(x *stimulus, pdu []byte) State {
	x.out, x.last = pdu, true
	a.end(x.err)
	a.startARTIM()
	return Sta13
}

func abortPDU(source AbortSource, reason AbortReason) []byte {
	return (&AbortError{Source: source, Reason: reason}).Append(nil)
}

func (a *Association) startARTIM() { a.artim = time.Now().Add(a.o.ARTIM) }
func (a *Association) stopARTIM()  { a.artim = time.Time{} }

// end records why the association ended, and wakes the goroutine that reads.
func (a *Association) end(err error) {
	if a.err != nil {
		return
	}
	if err == nil {
		err = &AbortError{Err: io.ErrClosedPipe}
	}
	a.err = err
	a.ended.Store(true)
	close(a.done)
	a.conn.SetReadDeadline(longAgo)
}

// longAgo as a deadline lets a call that is waiting return at once.
var longAgo = time.Unix(1, 0)

// event does what PS3.8 table 9-10 says about e in the present state. The error
// is ErrState where the table is empty, or what prevented sending.
func (a *Association) event(e Event, x stimulus) (Action, error) {
	a.mu.Lock()
	action, ok := Transition(a.state, e)
	if ok && effects[action].sends {
		// The order of locks is wmu, mu: let go, and look again.
		a.mu.Unlock()
		a.wmu.Lock()
		defer a.wmu.Unlock()
		a.mu.Lock()
		action, ok = Transition(a.state, e)
	}
	if ok {
		a.x = x // not &x: that would cost an allocation for each PDU
		a.state = effects[action].do(a, &a.x)
		x, a.x = a.x, stimulus{}
	}
	a.mu.Unlock()
	if !ok {
		return 0, errors.Join(ErrState, a.Err())
	}
	var err error
	if x.out != nil {
		err = a.write(x.out, x.last)
	}
	if x.close {
		a.conn.Close()
	}
	return action, err
}

// write sends bytes; wmu is held. After the last PDU the sending side of the
// connection is closed, so that the peer need not wait for ARTIM.
func (a *Association) write(b []byte, last bool) error {
	if a.writeErr != nil {
		return a.writeErr
	}
	timeout := a.o.WriteTimeout
	if last {
		timeout = min(timeout, abortTimeout)
	}
	a.conn.SetWriteDeadline(time.Now().Add(timeout))
	if !last && a.aborting.Load() {
		a.conn.SetWriteDeadline(time.Now().Add(abortTimeout))
	}
	a.writeErr = a.transmit(b)
	if a.writeErr == nil && last {
		if c, ok := a.conn.(interface{ CloseWrite() error }); ok {
			c.CloseWrite()
		}
	}
	return a.writeErr
}

// transmit writes to the transport connection.
func (a *Association) transmit(b []byte) error {
	send := func() error {
		_, err := a.conn.Write(b)
		return err
	}
	if a.batch != nil && len(b) > maxRecord {
		return a.batch.collect(send)
	}
	return send()
}

// maxRecord is the longest content of a TLS record.
const maxRecord = 16 << 10
