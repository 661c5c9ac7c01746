package scp

import (
	"context"
	"errors"
	"fmt"

	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// rejectIdentity rejects an association because of its user identity (PS3.7
// section D.3.3.7.3, PS3.8 section 9.3.4): permanently, by the service provider
// for the association, without a reason that would help guessing.
var rejectIdentity = &ul.RejectError{Result: ul.RejectedPermanent, Source: ul.RejectedByACSE, Reason: ul.ReasonNoneGiven}

var errNoIdentity = errors.New("the device has to bring a user identity that can be verified: user name and passcode, or a JWT")

// identify verifies the user identity of the request (PS3.7 section D.3.3.7, the
// profiles of PS3.15 sections B.5 and B.7 in place of that of B.4): from then on
// the association may do what both the device and the person may. Kinds that
// cannot be verified here count as none, and are not answered.
func (a *Association) identify(ctx context.Context, n *ul.Negotiation) error {
	rule, id := a.device.UserIdentity, n.Request.User.Identity
	if rule == identity.IdentityIgnored {
		return nil
	}
	who, err := a.person(ctx, id)
	if err != nil {
		return fmt.Errorf("user identity%s: %w: %w", a.claimed(id), err, rejectIdentity)
	}
	if who == nil {
		if rule == identity.IdentityRequired {
			return fmt.Errorf("user identity: %w: %w", errNoIdentity, rejectIdentity)
		}
		return nil
	}
	a.Person = who
	a.may = policy.AtDevice(a.may, who.Principal)
	a.origin.User = who.Principal.Name
	a.session = a.provider.Archive.As(a.may).From(a.origin)
	a.log = a.log.With("user", who.Principal.Name)
	n.AnswerIdentity(nil) // empty for these kinds (PS3.7 section D.3.3.7.2)
	return nil
}

// person returns whom a user identity names, nil if it is of no kind that can be
// verified.
func (a *Association) person(ctx context.Context, id *ul.UserIdentity) (*identity.Person, error) {
	if id == nil || a.provider.People == nil {
		return nil, nil
	}
	switch id.Type {
	case ul.IdentityPasscode:
		return a.provider.People.Passcode(ctx, a.device.Name, string(id.Primary), string(id.Secondary))
	case ul.IdentityJWT:
		return a.provider.People.JWT(ctx, a.device.Name, string(id.Primary))
	}
	return nil, nil
}

// claimed names the account that a user name is that of. Any other is left out:
// what was typed as a name may be a secret.
func (a *Association) claimed(id *ul.UserIdentity) string {
	if id.Type == ul.IdentityPasscode && a.provider.People.Known(string(id.Primary)) {
		return " " + string(id.Primary)
	}
	return ""
}
