package ul

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/tresor-pacs/tresor/dicom"
)

// AcceptOptions are for Accept.
type AcceptOptions struct {
	Options
	// Negotiate decides. It looks at n.Request and n.Conn, accepts presentation
	// contexts and roles, and returns nil, or a *RejectError to reject the
	// association; any other error rejects it without a reason. What it does not
	// accept is refused. It is required.
	Negotiate func(ctx context.Context, n *Negotiation) error
}

// Negotiation is an association that is asked for.
type Negotiation struct {
	// Request is what the peer sent. AE titles and application context have been
	// checked for their form. It is not to be changed.
	Request *AssociateRQ
	Conn    net.Conn
	// Called and Calling are the AE titles of Request.
	Called, Calling dicom.AETitle

	ac *AssociateAC
}

// Accept accepts an association on conn, which from then on belongs to the
// association and is closed if there is none. It returns an error if o.Negotiate
// rejected it, or the peer did not behave: then it has waited up to ARTIM for the
// peer to close the connection.
func Accept(ctx context.Context, conn net.Conn, o AcceptOptions) (*Association, error) {
	a := newAssociation(conn, false, o.Options)
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if err := a.accept(ctx, &o); err != nil {
		a.Close()
		if ctx.Err() != nil {
			err = errors.Join(context.Cause(ctx), err)
		}
		return nil, fmt.Errorf("accept association: %w", err)
	}
	if !stop() {
		a.Close()
		return nil, fmt.Errorf("accept association: %w", context.Cause(ctx))
	}
	return a, nil
}

// accept goes from Sta1 to Sta6.
func (a *Association) accept(ctx context.Context, o *AcceptOptions) error {
	a.event(Evt5, stimulus{})
	a.mu.Lock()
	a.conn.SetWriteDeadline(a.artim) // for a TLS handshake
	a.mu.Unlock()
	for a.State() == Sta2 {
		if err := a.receive(); err != nil {
			return err
		}
	}
	if err := a.Err(); err != nil {
		return err
	}
	n := a.negotiation()
	err := o.Negotiate(ctx, n)
	if err == nil && a.setMaxSend(a.rq.User.MaxLength) != nil {
		err = RejectNoReason // nothing can be sent to such a peer
	}
	if err != nil {
		return a.reject(err)
	}
	return a.answer(n)
}

// acceptable says whether a request can be put before the user (AE-6).
func acceptable(rq *AssociateRQ) *RejectError {
	if rq.ProtocolVersion&protocolVersion == 0 {
		return rejectVersion
	}
	if rq.ApplicationContext != ApplicationContext {
		return rejectApplication
	}
	if _, err := dicom.ParseAETitle(rq.Calling); err != nil {
		return RejectCalling
	}
	if _, err := dicom.ParseAETitle(rq.Called); err != nil {
		return RejectCalled
	}
	return nil
}

// negotiation prepares the answer that refuses everything.
func (a *Association) negotiation() *Negotiation {
	ac := &AssociateAC{
		ProtocolVersion: protocolVersion, ApplicationContext: ApplicationContext,
		User: a.userInformation(), names: a.rq.names,
	}
	for _, pc := range a.rq.Contexts {
		// The transfer syntax of a refusal is not significant, but some peers
		// want to read one.
		ac.Contexts = append(ac.Contexts, AnsweredContext{pc.ID, ContextAbstractUnsupported, pc.TransferSyntaxes[0]})
	}
	if a.rq.User.AsyncOperations != nil {
		ac.User.AsyncOperations = &AsyncOperations{1, 1} // we are synchronous
	}
	return &Negotiation{Request: a.rq, Conn: a.conn, Called: a.Called(), Calling: a.Calling(), ac: ac}
}

// reject sends the A-ASSOCIATE-RJ that err is, or one without reason.
func (a *Association) reject(err error) error {
	var rj *RejectError
	if !errors.As(err, &rj) {
		rj = RejectNoReason
	}
	if _, sendErr := a.event(Evt8, stimulus{pdu: rj.Append(nil), err: err}); sendErr != nil {
		a.sendFailed(sendErr)
	}
	return err
}

// answer sends the A-ASSOCIATE-AC.
func (a *Association) answer(n *Negotiation) error {
	pdu, err := n.ac.Append(nil)
	if err != nil {
		return a.reject(err)
	}
	a.ac = n.ac
	for i, answer := range n.ac.Contexts {
		if answer.Result != ContextAccepted {
			continue
		}
		class := a.rq.Contexts[i].AbstractSyntax
		scu, scp := agreedRoles(a.rq.User.role(class), n.ac.User.role(class))
		a.contexts = append(a.contexts, PresentationContext{
			ID: answer.ID, AbstractSyntax: class, TransferSyntax: answer.TransferSyntax,
			PeerSCU: scu, PeerSCP: scp,
		})
	}
	if _, err := a.event(Evt7, stimulus{pdu: pdu}); err != nil {
		return a.sendFailed(err)
	}
	a.in.grow()
	return nil
}

// Accept accepts the presentation context with an ID in one of the transfer
// syntaxes proposed for it; it does nothing if that was not proposed.
func (n *Negotiation) Accept(id uint8, ts dicom.UID) {
	if pc := n.Request.context(id); pc != nil && pc.offers(ts) {
		n.set(id, ContextAccepted, ts)
	}
}

// Refuse refuses the presentation context with an ID for a reason of its own.
func (n *Negotiation) Refuse(id uint8, why ContextResult) {
	if pc := n.Request.context(id); pc != nil && why != ContextAccepted {
		n.set(id, why, pc.TransferSyntaxes[0])
	}
}

func (n *Negotiation) set(id uint8, r ContextResult, ts dicom.UID) {
	for i := range n.ac.Contexts {
		if n.ac.Contexts[i].ID == id {
			n.ac.Contexts[i] = AnsweredContext{id, r, ts}
		}
	}
}

// AcceptRoles answers the role selection for a SOP class: which of the roles
// that the requestor proposed it may take. It does nothing if none were
// proposed: then the requestor is SCU.
func (n *Negotiation) AcceptRoles(class dicom.UID, scu, scp bool) {
	proposed := n.Request.User.role(class)
	if proposed == nil {
		return
	}
	r := RoleSelection{class, scu && proposed.SCU, scp && proposed.SCP}
	if old := n.ac.User.role(class); old != nil {
		*old = r
		return
	}
	n.ac.User.Roles = append(n.ac.User.Roles, r)
}

// Extended returns the service class application information that the requestor
// sent for a SOP class, nil if there is none.
func (n *Negotiation) Extended(class dicom.UID) []byte {
	if e := n.Request.User.extended(class); e != nil {
		return e.Information
	}
	return nil
}

// AnswerExtended answers the extended negotiation for a SOP class; it does
// nothing if the requestor sent none.
func (n *Negotiation) AnswerExtended(class dicom.UID, information []byte) {
	if n.Request.User.extended(class) == nil {
		return
	}
	e := ExtendedNegotiation{class, information}
	if old := n.ac.User.extended(class); old != nil {
		*old = e
		return
	}
	n.ac.User.Extended = append(n.ac.User.Extended, e)
}

// AnswerIdentity answers a user identity that has been verified (PS3.7 section
// D.3.3.7.2); it does nothing if the requestor wants no answer.
func (n *Negotiation) AnswerIdentity(response []byte) {
	if id := n.Request.User.Identity; id != nil && id.ResponseWanted {
		n.ac.User.IdentityResponse = &UserIdentityResponse{response}
	}
}
