package ul

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
)

// RequestOptions are for Request.
type RequestOptions struct {
	Options
	Called, Calling dicom.AETitle
	// Contexts are what to propose. IDs that are 0 are given in order: 1, 3, 5, ...
	Contexts       []ProposedContext
	Roles          []RoleSelection
	Extended       []ExtendedNegotiation
	CommonExtended []CommonExtendedNegotiation
	Identity       *UserIdentity
}

// Request requests an association over conn, which from then on belongs to the
// association and is closed if there is none. The error is a *RejectError if the
// peer said no.
func Request(ctx context.Context, conn net.Conn, o RequestOptions) (*Association, error) {
	a := newAssociation(conn, true, o.Options)
	pdu, err := a.makeRequest(&o)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("request association: %w", err)
	}
	stop := context.AfterFunc(ctx, a.Abort)
	defer stop()
	if err := a.request(ctx, pdu); err != nil {
		a.Close()
		if ctx.Err() != nil {
			err = errors.Join(context.Cause(ctx), err)
		}
		return nil, fmt.Errorf("request association: %w", err)
	}
	if !stop() {
		a.Close()
		return nil, fmt.Errorf("request association: %w", context.Cause(ctx))
	}
	return a, nil
}

// request goes from Sta1 to Sta6.
func (a *Association) request(ctx context.Context, pdu []byte) error {
	a.event(Evt1, stimulus{}) // AE-1: the caller has connected already
	if t, ok := a.conn.(interface{ HandshakeContext(context.Context) error }); ok {
		limited, cancel := context.WithTimeout(ctx, a.o.ARTIM)
		defer cancel()
		if err := t.HandshakeContext(limited); err != nil {
			a.event(Evt17, stimulus{err: &AbortError{Source: AbortByProvider, Err: err}})
			return a.Err()
		}
	}
	if _, err := a.event(Evt2, stimulus{pdu: pdu}); err != nil {
		return a.sendFailed(err)
	}
	if ctx.Err() != nil {
		a.Abort() // AfterFunc may have called it too early
	}
	a.in.reply(time.Now().Add(a.o.ARTIM))
	for a.State() == Sta5 {
		if err := a.receive(); err != nil {
			return err
		}
	}
	a.in.grow()
	return a.Err()
}

// makeRequest builds the A-ASSOCIATE-RQ.
func (a *Association) makeRequest(o *RequestOptions) ([]byte, error) {
	if !o.Called.Valid() || !o.Calling.Valid() {
		return nil, errors.New("called and calling AE title must be AE titles")
	}
	if len(o.Contexts) == 0 {
		return nil, errNoContexts
	}
	if len(o.Contexts) > MaxContexts {
		return nil, errContexts
	}
	contexts := make([]ProposedContext, len(o.Contexts))
	copy(contexts, o.Contexts)
	for i := range contexts {
		if contexts[i].ID == 0 {
			contexts[i].ID = uint8(2*i + 1)
		}
	}
	a.rq = &AssociateRQ{
		ProtocolVersion: protocolVersion, ApplicationContext: ApplicationContext,
		Called: string(o.Called), Calling: string(o.Calling), Contexts: contexts,
		User: a.userInformation(),
	}
	a.rq.User.Roles, a.rq.User.Extended = o.Roles, o.Extended
	a.rq.User.CommonExtended, a.rq.User.Identity = o.CommonExtended, o.Identity
	pdu, err := a.rq.Append(nil)
	if err != nil {
		return nil, err
	}
	// What we could not read we do not send: even IDs, duplicates, limits.
	_, err = ParseAssociateRQ(pdu[headerSize:])
	return pdu, err
}

// userInformation returns what both PDUs say about us.
func (a *Association) userInformation() UserInformation {
	return UserInformation{
		MaxLength:              a.o.MaxPDU,
		ImplementationClassUID: a.o.ImplementationClassUID,
		ImplementationVersion:  a.o.ImplementationVersion,
	}
}

// adopt takes the A-ASSOCIATE-AC over. Contexts that were not proposed, or
// accepted with a transfer syntax that was not, break the protocol.
func (a *Association) adopt(ac *AssociateAC) *ProtocolError {
	a.ac = ac
	for _, answer := range ac.Contexts {
		if answer.Result != ContextAccepted {
			continue
		}
		proposed := a.rq.context(answer.ID)
		if proposed == nil || !proposed.offers(answer.TransferSyntax) {
			return invalid("a presentation context was accepted that was not proposed")
		}
		scu, scp := agreedRoles(a.rq.User.role(proposed.AbstractSyntax), ac.User.role(proposed.AbstractSyntax))
		a.contexts = append(a.contexts, PresentationContext{
			ID: answer.ID, AbstractSyntax: proposed.AbstractSyntax, TransferSyntax: answer.TransferSyntax,
			// We are the requestor: where we are SCU the peer is SCP.
			PeerSCU: scp, PeerSCP: scu,
		})
	}
	return a.setMaxSend(ac.User.MaxLength)
}

// setMaxSend takes over what the peer says about the longest P-DATA-TF.
func (a *Association) setMaxSend(theirs uint32) *ProtocolError {
	a.maxSend = int(min(a.o.MaxPDU, DefaultMaxPDU))
	if theirs != 0 {
		a.maxSend = int(min(uint32(a.maxSend), theirs))
	}
	a.maxSend &^= 1
	if a.maxSend < minSend {
		return invalid("a maximum length of %d bytes, into which no data fits", theirs)
	}
	return nil
}

// agreedRoles returns the requestor's roles (PS3.7 section D.3.3.4): SCU alone
// unless both sides agreed on something else.
func agreedRoles(proposed, answered *RoleSelection) (scu, scp bool) {
	if proposed == nil || answered == nil {
		return true, false
	}
	return proposed.SCU && answered.SCU, proposed.SCP && answered.SCP
}

func (rq *AssociateRQ) context(id uint8) *ProposedContext {
	for i := range rq.Contexts {
		if rq.Contexts[i].ID == id {
			return &rq.Contexts[i]
		}
	}
	return nil
}

func (pc *ProposedContext) offers(ts dicom.UID) bool {
	for _, t := range pc.TransferSyntaxes {
		if t == ts {
			return true
		}
	}
	return false
}
