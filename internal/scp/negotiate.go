package scp

import (
	"context"
	"slices"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// Negotiate accepts what the device holds the right to and we understand, and
// refuses everything else (PS3.8 section 7.1.1.13). It returns a
// *ul.RejectError if the AE titles are not ours and the device's (T-3), or the
// user identity is wrong (PS3.7 section D.3.3.7).
func (a *Association) Negotiate(ctx context.Context, n *ul.Negotiation) error {
	if n.Called != a.provider.AET {
		return ul.RejectCalled
	}
	if !a.device.MayCallItself(n.Calling) {
		return ul.RejectCalling
	}
	if err := a.identify(ctx, n); err != nil {
		return err
	}
	for _, pc := range n.Request.Contexts {
		if ts, why := a.answer(n, &pc); why == ul.ContextAccepted {
			n.Accept(pc.ID, ts)
			a.extend(n, pc.AbstractSyntax)
		} else {
			n.Refuse(pc.ID, why)
		}
	}
	return nil
}

// answer decides on one presentation context.
func (a *Association) answer(n *ul.Negotiation, pc *ul.ProposedContext) (dicom.UID, ul.ContextResult) {
	s := a.service(pc.AbstractSyntax)
	if s == nil {
		return "", ul.ContextAbstractUnsupported
	}
	if !a.mayUse(n, s, pc.AbstractSyntax) {
		return "", ul.ContextUserRejection
	}
	for _, ts := range pc.TransferSyntaxes {
		if understood(s, ts) {
			return ts, ul.ContextAccepted
		}
	}
	return "", ul.ContextTransfersUnsupported
}

// mayUse reports whether the device holds the right to the service in the roles
// that it proposes, and answers the role selection. To take instances in a
// C-GET it proposes to be the SCP of a storage class: that needs the right to
// get, not the one to store.
func (a *Association) mayUse(n *ul.Negotiation, s *Service, abstract dicom.UID) bool {
	p := a.may
	if s != storage {
		n.AcceptRoles(abstract, true, false)
		return p.Has(s.Right)
	}
	scu, scp := proposedRoles(n, abstract)
	scu, scp = scu && p.Has(policy.Store), scp && p.Has(policy.Get)
	n.AcceptRoles(abstract, scu, scp)
	return scu || scp
}

// proposedRoles returns the roles that the requestor wants for an abstract
// syntax; without role selection it is SCU (PS3.7 section D.3.3.4).
func proposedRoles(n *ul.Negotiation, abstract dicom.UID) (scu, scp bool) {
	i := slices.IndexFunc(n.Request.User.Roles, func(r ul.RoleSelection) bool { return r.SOPClass == abstract })
	if i < 0 {
		return true, false
	}
	return n.Request.User.Roles[i].SCU, n.Request.User.Roles[i].SCP
}

// understood reports whether the service takes the transfer syntax.
func understood(s *Service, ts dicom.UID) bool {
	if s.TransferSyntaxes != nil {
		return slices.Contains(s.TransferSyntaxes, ts)
	}
	e, ok := dict.LookupUID(ts)
	return ok && e.Type == dict.TransferSyntax
}

// extend answers the extended negotiation for an abstract syntax.
func (a *Association) extend(n *ul.Negotiation, abstract dicom.UID) {
	s := a.service(abstract)
	proposed := n.Extended(abstract)
	if s.Extended == nil || proposed == nil {
		return
	}
	answer := s.Extended(proposed)
	n.AnswerExtended(abstract, answer)
	a.extended[abstract] = answer
}
