package ul

import (
	"encoding/binary"
	"errors"
	"fmt"
)

var (
	unexpectedPDU = &ProtocolError{AbortUnexpectedPDU, errors.New("a PDU that has no place here")}
	unknownPDU    = &ProtocolError{AbortUnrecognizedPDU, errors.New("an unknown type of PDU")}
)

// receive reads the header of the next PDU, fires its event, and reads its body
// but that of a P-DATA-TF whose fragments are for the user: of that in.pdu bytes
// are left then. The error tells why there is nothing more to read.
func (a *Association) receive() error {
	if err := a.need(headerSize); err != nil {
		return err
	}
	h := a.in.buffered()[:headerSize]
	t, length := PDUType(h[0]), binary.BigEndian.Uint32(h[2:])
	a.in.r += headerSize
	switch t {
	case PDUData:
		return a.receiveData(length)
	case PDUReleaseRQ:
		return a.receiveShort(t, length, Evt12)
	case PDUReleaseRP:
		return a.receiveShort(t, length, Evt13)
	case PDUAbort:
		return a.receiveShort(t, length, Evt16)
	case PDUAssociateRJ:
		return a.receiveShort(t, length, Evt4)
	case PDUAssociateAC:
		return a.receiveAC(length)
	case PDUAssociateRQ:
		return a.receiveRQ(length)
	}
	return a.violated(Evt19, unknownPDU)
}

// receiveData takes the header of a P-DATA-TF (PS3.8 section 9.3.5).
func (a *Association) receiveData(length uint32) error {
	if length > a.o.MaxPDU {
		return a.violated(Evt19, invalid("P-DATA-TF longer than the %d bytes that we take", a.o.MaxPDU))
	}
	if length < minPDV {
		return a.violated(Evt19, invalid("P-DATA-TF too short for a fragment"))
	}
	action, err := a.fire(Evt10, unexpectedPDU)
	if err != nil {
		return err
	}
	if action != DT2 {
		return a.skip(int(length)) // AR-6 and AA-6: nobody reads it any more
	}
	a.in.pdu = int(length)
	return nil
}

// receiveShort takes a PDU with a body of four bytes.
func (a *Association) receiveShort(t PDUType, length uint32, e Event) error {
	if length != shortBody {
		return a.violated(Evt19, invalid("%v with a body that is not 4 bytes long", t))
	}
	if err := a.need(shortBody); err != nil {
		return err
	}
	var told error
	body := a.in.buffered()[:shortBody]
	switch t {
	case PDUAbort:
		told, _ = ParseAbort(body)
	case PDUAssociateRJ:
		told, _ = ParseAssociateRJ(body)
	case PDUReleaseRP:
		told = ErrReleased
	}
	a.in.r += shortBody
	_, err := a.fireWith(e, told, unexpectedPDU)
	if err == nil && t == PDUReleaseRQ && a.State() == Sta8 {
		return ErrReleased
	}
	return err
}

// receiveAC takes an A-ASSOCIATE-AC, which only a requestor in Sta5 expects.
func (a *Association) receiveAC(length uint32) error {
	if a.State() != Sta5 {
		return a.unexpected(Evt3, length)
	}
	ac, err := readAssociate(a, PDUAssociateAC, length, ParseAssociateAC)
	if err != nil {
		return err
	}
	if err := a.adopt(ac); err != nil {
		return a.violated(Evt19, err)
	}
	_, err = a.fire(Evt3, nil)
	return err
}

// receiveRQ takes an A-ASSOCIATE-RQ, which only an acceptor in Sta2 expects.
func (a *Association) receiveRQ(length uint32) error {
	if a.State() != Sta2 {
		return a.unexpected(Evt6, length)
	}
	rq, err := readAssociate(a, PDUAssociateRQ, length, ParseAssociateRQ)
	if err != nil {
		return err
	}
	a.rq = rq
	if _, err := a.event(Evt6, stimulus{reject: acceptable(rq)}); err != nil {
		return a.sendFailed(err)
	}
	return a.Err()
}

// readAssociate reads and parses the body of an A-ASSOCIATE PDU.
func readAssociate[T any](a *Association, t PDUType, length uint32, parse func([]byte) (T, error)) (T, error) {
	var none T
	if length > maxAssociate {
		return none, a.violated(Evt19, invalid("%v of more than %d bytes", t, maxAssociate))
	}
	body, err := a.readBody(int(length))
	if err != nil {
		return none, err
	}
	pdu, err := parse(body)
	if err != nil {
		return none, a.violated(Evt19, &ProtocolError{AbortInvalidParameter, err})
	}
	return pdu, nil
}

// unexpected fires the event of an A-ASSOCIATE PDU that has no place here. Its
// body is skipped if the machine ignores it (Sta13).
func (a *Association) unexpected(e Event, length uint32) error {
	if _, err := a.fire(e, unexpectedPDU); err != nil {
		return err
	}
	if length > maxAssociate {
		return invalid("A-ASSOCIATE PDU of more than %d bytes", maxAssociate)
	}
	return a.skip(int(length))
}

// violated fires e, which ends the association, and returns p.
func (a *Association) violated(e Event, p *ProtocolError) error {
	if _, err := a.fire(e, p); err != nil {
		return err
	}
	return p
}

// fire fires the event of a PDU that came. If the table says that the PDU ends
// the association, p is why.
func (a *Association) fire(e Event, p *ProtocolError) (Action, error) {
	return a.fireWith(e, nil, p)
}

// fireWith is fire for a PDU that itself tells the end, which is told.
func (a *Association) fireWith(e Event, told error, p *ProtocolError) (Action, error) {
	x := stimulus{err: told, source: AbortByProvider}
	if p != nil {
		x.reason = p.Reason
	}
	if action, ok := Transition(a.State(), e); ok && p != nil && (action == AA1 || action == AA8) {
		x.err = p
	}
	action, err := a.event(e, x)
	if err != nil && !errors.Is(err, ErrState) {
		err = nil // the association has ended all the same, and Err tells why
	}
	if ended := a.Err(); ended != nil && !a.in.lingering {
		return action, ended
	}
	return action, err
}

// sendFailed ends an association on which nothing can be sent any more.
func (a *Association) sendFailed(err error) error {
	if !errors.Is(err, ErrState) {
		a.event(Evt17, stimulus{err: a.sendError(err)})
	}
	if ended := a.Err(); ended != nil {
		return ended
	}
	return err
}

func (a *Association) sendError(err error) error {
	var t interface{ Timeout() bool }
	if errors.As(err, &t) && t.Timeout() {
		return &TimeoutError{"write", a.o.WriteTimeout}
	}
	return &AbortError{Source: AbortByProvider, Err: fmt.Errorf("send: %w", err)}
}

// linger waits in Sta13 until the peer has closed the transport connection or
// ARTIM ends. PDUs are ignored or answered as the table says; after bytes that
// are no PDU nothing but the end is waited for.
func (a *Association) linger() {
	a.in.mode, a.in.lingering = waitARTIM, true
	err := a.skip(a.in.pdu)
	a.in.pdu = 0
	var broken *ProtocolError
	for err == nil && a.State() == Sta13 {
		if err = a.receive(); errors.As(err, &broken) {
			err = nil
			for err == nil {
				err = a.skip(smallBuffer)
			}
		}
	}
}
